/* limits_store - bounds of stores, imports, and plugins of companies.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

/* Storage (data.md section 4). */
#define STATEMENTS_CACHED_MAX  64         /* prepared statements per connection */
#define STATEMENTS_REST_BYTES  (64 << 10) /* of memory; as many stay of a store nobody uses */
#define STORE_VALUE_BYTES_MAX  (16 << 20)
#define STORE_SQL_BYTES_MAX    65536    /* text of one statement */
#define STORE_BINDS_MAX        1000     /* parameters of one statement */
#define STORE_EXPR_DEPTH_MAX   400      /* lists of AND and OR nest once per item */
#define STORE_IN_PLACES_MAX    16       /* longer IN lists are bound as one JSON array */
#define STORE_MEASURES_MAX     32       /* measured columns of one grouped read */
#define TALLY_GROUPS_MAX       20000    /* groups made in memory; more are sorted by SQLite */
#define STORE_IN_MAX           BULK_MAX /* values of one IN list */
#define DELETED_KEEP_MS        (30LL * 24 * 3600 * 1000)
#define IDEMPOTENCY_KEEP_MS    (24LL * 3600 * 1000)
#define IDEMPOTENCY_ANSWER_MAX 65536
#define IDEMPOTENCY_BEGUN_MS   60000      /* what a living process has begun may take so long */
#define TENANTS_OPEN_MAX       200        /* open stores per process */
#define TREE_ANSWERS_MAX       8192       /* about product files that one process remembers */
#define TENANTS_BYTES_MAX      (32 << 20) /* they hold; those used longest ago are closed first */
#define TENANTS_REST_MS        5000 /* unused for so long, an open one gives cached pages back */
#define IMPORT_COLUMNS_MAX     400
#define IMPORT_DRY_KEYS_MAX    1000000 /* values a dry run remembers of rows that are not there */
#define CSV_CELL_BYTES_MAX     (1 << 20)

/* Forgetting a person. */
#define ERASE_RECORDS_MAX    5000 /* records that go or lose values with one */
#define PERSON_ROWS_MAX      2000 /* related records, and rows of each log, in one export */
#define PERSON_ADDRESSES_MAX 32   /* letters are looked for by so many addresses */
#define ERASE_FILES_PAGE     200  /* loose files searched between two write turns */

/* Plugins of companies: packs, deploys, what administrators make themselves. */
#define PACK_FILES_MAX         500       /* of one plugin */
#define PACK_FILE_BYTES_MAX    (1 << 20) /* one file of it */
#define PACK_BYTES_MAX         (4 << 20) /* all files together */
#define PACK_ARCHIVE_BYTES_MAX (6 << 20) /* a head and padding for each file besides */
#define DEPLOYS_KEPT           20        /* of one bundle; older ones that are not active go */
