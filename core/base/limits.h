/* limits - every bound of the core, with its reason.
 *
 * No bare number elsewhere could be called a limit. Relations between them are asserted below.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/limits_outbound.h"
#include "base/limits_script.h"

/* HTTP (security.md sections 3 and 6). */
#define REQUEST_LINE_BYTES_MAX   8192       /* method, target and version */
#define HEADERS_MAX              100        /* fields of one request */
#define HEADERS_BYTES_MAX        16384      /* all header names and values */
#define CHUNK_EXT_BYTES_MAX      1024       /* chunk extensions in all */
#define BODY_JSON_BYTES_MAX      (1 << 20)  /* a JSON body */
#define BODY_ANONYMOUS_BYTES_MAX 65536      /* bodies of nobody; never spooled */
#define BODY_INLINE_BYTES_MAX    65536      /* larger bodies of known users are spooled to a file */
#define BODY_FORM_BYTES_MAX      8192       /* what frames a file in a form, besides the file */
#define UPLOAD_BYTES_MAX         (25 << 20) /* an attachment */
#define IMPORT_BYTES_MAX         (200 << 20) /* an import file */
#define ANSWER_INLINE_BYTES_MAX  (4 << 20)   /* larger answers leave as files */
#define HEADER_TIMEOUT_MS        10000       /* first byte to end of headers */
#define BODY_TIMEOUT_MS          30000       /* without reaching BODY_RATE_BYTES_S */
#define IDLE_TIMEOUT_MS          75000       /* between requests */
#define WRITE_TIMEOUT_MS         30000       /* an answer nobody reads */
#define BODY_RATE_BYTES_S        500         /* slower senders are cut */
#define OPENAPI_PATHS_MAX        200         /* routes that the OpenAPI document names */
#define CONNS_PER_ADDRESS_MAX    200
#define CONNS_MAX                4096        /* per gateway */
#define READ_BYTES_MAX           65536       /* taken from a socket at once; one buffer per loop */
#define CONN_QUEUE_BYTES_MAX     (256 << 10) /* more waiting for a slow reader: reading pauses */
#define CONN_LINGER_MS           2000        /* after the last byte, for the peer to read it */
#define LISTEN_BACKLOG           1024        /* connections the kernel keeps for us */
#define ACCEPTS_PER_ROUND_MAX    64          /* so that a flood does not starve open connections */
#define HANDSHAKES_PER_S         20          /* TLS handshakes of one address, over time */
#define HANDSHAKES_BURST         400         /* and at once: a proxy or an office behind NAT */
#define HANDSHAKE_BUCKETS        2048        /* counters of them per TLS listener */
#define IDEMPOTENCY_KEY_MAX      200
#define STOP_GRACE_MS            10000 /* SIGTERM to the end of what is in flight */

/* Memory; time zone files, only to stop what is broken; JSON. */
#define ARENA_BLOCK_BYTES      8192        /* the first block; a plain request fits */
#define ARENA_BLOCK_BYTES_MAX  (256 << 10) /* blocks double up to here */
#define BUF_BYTES_MAX          (1 << 30)   /* beyond is a defect: callers bound their input */
#define ZONE_FILE_BYTES_MAX    65536
#define ZONE_TRANSITIONS_MAX   4096
#define WORKTIME_RANGES_MAX    8    /* of one day in a business calendar */
#define WORKTIME_SPECIALS_MAX  2000 /* days that differ from their weekday */
#define WORKTIME_REACH_DAYS    3660 /* how far a deadline is looked for */
#define WORKTIME_LISTED_MAX    1000 /* stretches a script is given at once */
#define JSON_DEPTH_MAX         32
#define JSON_FILE_BYTES_MAX    (16 << 20) /* a file of metadata or settings */
#define JSON_READ_BYTES        16384      /* asked for at a time */
#define JSONSCHEMA_FAULTS_MAX  20
#define JSONSCHEMA_SHOWN_CHARS 60   /* of a value quoted in a complaint */
#define JSONSCHEMA_NEAR        3    /* edit distance of "did you mean" */
#define ERR_FIELDS_MAX         64   /* complaints listed in one answer */
#define LOG_LINE_MAX           4096 /* atomic enough for pipes (PIPE_BUF) */

/* Live events (house.md section 2). A stream is an open GET /api/v1/events. */
#define STREAMS_PER_GATEWAY      1024
#define STREAMS_PER_GATEWAY_MAX  4096 /* the most the configuration may ask for */
#define STREAMS_PER_TENANT       500
#define STREAMS_PER_USER         8
#define STREAM_TICK_MS           5000 /* looked at so often, whatever was told */
#define STREAM_HEARTBEAT_MS      15000
#define STREAM_QUEUE_BYTES_MAX   (64 << 10)  /* more waits for a slow reader: nothing is added */
#define STREAM_SLOW_MS           20000       /* and one that stays slow for so long is cut */
#define STREAM_SEND_BUFFER_BYTES (128 << 10) /* what the kernel may hold of it */
#define STREAMS_PER_ROUND        8     /* looked at between two rounds of the gateway's loop */
#define STREAM_REPLAY_MAX        10000 /* changes a returning client is told one by one */
#define STREAM_JOBS              20    /* newest jobs of a person that are followed */

/* Frames between processes. */
#define FRAME_BYTES_MAX        (8 << 20) /* an inline answer plus its head */
#define FRAME_WAIT_MS          30000     /* the rest of a frame that has begun, blocking ends */
#define TURN_REQUESTS_MAX      64        /* one commit answers at most so many */
#define TURN_RUN_US_MAX        20000     /* and runs so long */
#define TURN_LOAN_US_MAX       50000     /* a write turn lent to a runner */
#define READ_CPU_US_MAX        20000     /* a native read on a gateway */
#define READ_RUNNER_US_MAX     10000000  /* a statement in a runner */
#define SLOTS_PER_ROLE_MAX     64        /* gateways, workers, runners: each at most */
#define BOARD_SLOTS_MAX        192       /* slots of all roles on the shared page */
#define BOARD_MOVES_MAX        256       /* tenants living on another worker than their hash's */
#define RESTART_BACKOFF_MS_MAX 30000     /* between starts of a child that keeps dying */
#define OVERSTAY_GATEWAY_MS    5000      /* busy with one thing for so long: killed */
#define OVERSTAY_WORKER_MS     10000
#define OVERSTAY_QUICK_MS      60000
#define OVERSTAY_LONG_MS       600000
#define OVERSTAY_TURN_MS       30000  /* a borrowed write turn: the tenant cannot be written to */
#define LOAN_WAIT_MS           30000  /* a runner waits so long for a write turn */
#define LONG_WAIT_MS           600000 /* a gateway waits so long for a long lane */
#define SLOW_UNIT_US           25000  /* average over SLOW_WINDOW_MS: to the slow lane */
#define SLOW_WINDOW_MS         10000
#define MOVED_PER_S            10    /* `moved` frames of one tenant */
#define WORKER_QUEUE_MAX       2048  /* requests waiting in one worker */
#define RUNNER_QUEUE_MAX       256   /* requests waiting in one runner lane */
#define OUTCOME_WAIT_MS        30000 /* a gateway waits so long for a worker */

/* Model, and the query tree asked of it (data.md section 7). */
#define NAME_BYTES_MAX          63  /* entity, field, role, plugin, tenant names */
#define ENTITIES_MAX            200 /* per tenant */
#define FIELDS_PER_ENTITY_MAX   400 /* product, plugin and tenant fields together */
#define CUSTOM_FIELDS_MAX       200 /* tenant fields per entity */
#define ENUM_VALUES_MAX         500
#define DICTIONARY_VALUES_MAX   5000 /* of one dictionary of a company */
#define INDEXES_PER_ENTITY_MAX  20
#define REPORT_COLUMNS_MAX      24  /* of the index that an entity's reports are answered from */
#define REPORT_TEXT_CHARS_MAX   120 /* longer texts are not copied into it */
#define ROLES_PER_USER_MAX      16
#define LIST_DEFAULT            50
#define LIST_MAX                200
#define LIST_BYTES_MAX          (4 << 20) /* a page of long records ends here, early */
#define BULK_MAX                1000
#define QUERIES_MAX             20 /* in one POST /queries */
#define COUNT_CAP               10000
#define FILTER_DEPTH_MAX        8
#define FILTER_NODES_MAX        100
#define FILTER_IN_MAX           500
#define FILTER_DAYS_MAX         36500 /* last_days, next_days: a century */
#define FILTER_PLACE_BYTES_MAX  400   /* where in the tree a complaint arose */
#define PATH_REFS_MAX           2
#define SORT_KEYS_MAX           3
#define GROUPS_MAX              2
#define MEASURES_MAX            8
#define GROUP_ROWS_MAX          1000  /* groups in one answer */
#define CURSOR_BYTES_MAX        32768 /* text of a page mark: three long sort keys */
#define EXPANDS_MAX             10    /* references shown as objects in one answer */
#define UNINDEXED_SORT_ROWS_MAX 100000
#define BOARD_COLUMNS_MAX       50
#define BOARD_ITEMS             20  /* first items of a column, unless asked otherwise */
#define CHANGES_MAX             200 /* entries of the change feed in one answer */
#define EXPORT_PAGE_ROWS        500 /* rows read and written at a time */
#define SEARCH_PER_ENTITY       20
#define DECIMAL_SCALE_MAX       18 /* 10^18 is the largest power of ten in 64 bits */

/* Text. */
#define TEXT_BYTES_MAX          4096      /* text field, in bytes of UTF-8 */
#define LONGTEXT_BYTES_MAX      (1 << 18) /* longtext, richtext, json */
#define TEXT_DISTANCE_BYTES_MAX 64        /* names compared for "did you mean" */
#define TOKEN_QUERY_MAX         24
#define TOKEN_READINGS_MAX      8  /* pinyin combinations kept for one value */
#define TOKEN_WORD_MAX          12 /* letters of a word that count in search */
#define TOKEN_PREFIX_MIN        2
#define TOKEN_PREFIX_WORDS      64  /* words of one value found by their prefixes */
#define TOKEN_GRAM              4   /* digits of a number, letters of an e-mail */
#define TOKEN_SPELL_CHARS       12  /* characters spelled in one token: each has a letter */
#define TOKEN_PINYIN_REACH      8   /* front characters of a run spelled from each of them on */
#define TOKEN_PINYIN_CHARS      64  /* characters of one value found by pinyin */
#define TOKEN_NUMBER_DIGITS     24  /* of one phone number */
#define TOKEN_NUMBER_TYPED      7   /* fewer digits are no phone number when typed */
#define TOKEN_QUERY_CHARS       200 /* what is typed beyond is not read */
#define TOKENS_PER_FIELD_MAX    2000

/* Hooks and scripts (plugin-api.md section 4). */
#define HOOK_DEPTH_MAX         8   /* nested writes */
#define HOOK_WRITES_MAX        500 /* nested writes of one unit of work */
#define EMIT_DEPTH_MAX         16  /* events that set off each other */
#define BATCH_EVENTS_MAX       200 /* given at once to a handler with batch = true */
#define ONCE_KEY_BYTES_MAX     200
#define HOOKSTATS_MAX           4096 /* handlers of all tenants whose calls are counted */
#define HOOKSTAT_NAME_BYTES_MAX 200
#define ONCE_KEEP_MS           (90LL * 24 * 3600 * 1000) /* far behind the last try of a delivery */
#define HANDLERS_PER_EVENT_MAX 200
#define NUMBER_TRIES_MAX       100    /* running numbers passed over because they are taken */
#define REFERRERS_MAX          2000   /* records that deleting one may change or delete besides */
#define DELETE_BATCH_MAX       5000   /* records restored together */
#define JOB_LOOK_MAX           50     /* due jobs looked through for one that may be leased */
#define SCHEDULES_MAX           500    /* jobs that the plugins of one tenant register */
#define SCHEDULE_FIRE_MAX       100    /* due times turned into jobs in one transaction */
#define SCHEDULE_LATE_MS        60000  /* "none": a time missed by more is left out */
#define JOB_CONCURRENCY_MAX     8      /* runs of one plugin's job at the same time */
#define JOB_RETRIES_MAX         10     /* of one plugin's job */
#define ENDPOINTS_MAX           200   /* routes that the plugins of one tenant register */
#define ENDPOINT_SEGMENTS_MAX   8     /* of a route's path behind the plugin's name */
#define ENDPOINT_PARAMS_MAX     6     /* captures of such a path */
#define ENDPOINT_FIELDS_MAX     50    /* declared members of a body, or of a query */
#define ENDPOINT_ROLES_MAX      16    /* one of which a route asks for */
#define ENDPOINT_RATE_MAX       10000 /* calls in the period that a route names */
#define ENDPOINT_DECIMAL_SCALE  6     /* fraction digits of a "decimal" */
#define ENDPOINT_ANSWER_MAX     (1 << 20) /* bytes of an answer */
#define ENDPOINT_SIGNED_S       300       /* a signature is good for so long, and only once */
#define KV_KEYS_MAX             10000     /* values that one plugin keeps by key */
#define KV_KEY_BYTES_MAX        200
#define KV_VALUE_BYTES_MAX      16384     /* as JSON */
#define KV_LIST_MAX             200       /* of them in one list */
#define KV_TTL_S_MAX            315360000 /* ten years */
#define JOB_DELAY_S_MAX         31536000 /* a job is put off by a year at most */
#define JOB_WALKS_MAX           16     /* job:each calls in one function */
#define JOB_BATCH               200    /* records of job:each in one transaction, unless asked */
#define JOB_BATCH_MAX           500    /* otherwise; a lent turn ends sooner when it takes long */
#define JOB_STEP_US             500000 /* a job that walks lets others go on after so long */
#define JOB_EVERY_S_MIN         10     /* shortest interval of a plugin's job */
#define JOB_ARGS_BYTES_MAX      65536  /* what a job is pushed with, or keeps as its cursor */
#define CRON_BYTES_MAX          256    /* text of a schedule */
#define TRIP_KILLS_MAX         3      /* of one handler or job within the window: paused */
#define TRIP_ERRORS_MAX        20     /* errors in a row within the window: paused */
#define TRIP_WINDOW_MS         600000 /* ten minutes */
#define TRIP_NAME_BYTES_MAX    300    /* "hook:plugin:handler@entity" */
#define TRIP_WHY_BYTES_MAX     1000   /* of a reason that is kept */
#define TRIPS_LISTED_MAX       1000   /* paused handlers and jobs shown at once */

/* What one user and one company may have (api/quota.h); keys of perigee.json. */
#define JOBS_PER_USER       50 /* unfinished ones */
#define JOBS_PER_TENANT     1000
#define FILES_BYTES         (100LL << 30) /* attachments of one tenant */
#define KEYS_PER_USER       20            /* not revoked */
#define KEYS_PER_TENANT     200
#define SESSIONS_PER_USER   50              /* the oldest end */
#define BLOB_ORPHAN_KEEP_MS (3600LL * 1000) /* bytes that no row has named by then are removed */

/* Identity (security.md P10). */
#define SIGNIN_FAILS_ADDRESS    5  /* per account and address */
#define SIGNIN_FAILS_ACCOUNT    20 /* per account, all addresses */
#define SIGNIN_FAILS_ALL        20 /* per address, all accounts */
#define SIGNIN_LOCK_MS          (15 * 60 * 1000LL)
#define SESSION_IDLE_MS         (8 * 3600 * 1000LL)
#define SESSION_LIFE_MS         (24 * 3600 * 1000LL)
#define SESSION_SEEN_MS         60000              /* last_seen is stored at most so often */
#define SESSION_DENGBAO_IDLE_MS (30 * 60 * 1000LL) /* the stricter profile of a tenant */
#define SESSION_DENGBAO_LIFE_MS (12 * 3600 * 1000LL)
#define TOTP_STEP_MS            30000              /* RFC 6238: what every app takes */
#define TOTP_PENDING_MS         (10 * 60 * 1000LL) /* from the secret to its first code */
#define RESET_KEEP_MS           (10 * 60 * 1000LL) /* a link for a new password (ASVS 6.5.5) */
#define RESET_MAX               3                  /* links of one account in SIGNIN_LOCK_MS */
#define PASSWORD_AGE_MS         (90LL * 24 * 3600 * 1000) /* dengbao: then a new one */
#define PASSWORD_PAST_MAX       5                  /* dengbao: that many may not come again */
#define UNMASK_REASON_BYTES_MAX 500
#define AUDIT_KEEP_MS           (180LL * 24 * 3600 * 1000) /* the law asks for six months */
#define AUDIT_PURGE_ROWS        5000                       /* taken off the log in one sweep */
#define REKEY_BATCH_ROWS        200 /* records sealed anew in one lent write turn */
#define LOGIN_BYTES_MAX         128
#define ACTORS_KEEP_MS          300000    /* a request in flight keeps the actor it began with */
#define PASSWORD_LIST_BYTES_MAX (4 << 20) /* a list of common passwords that is read */
#define PASSWORD_BYTES_MAX      512
#define PASSPHRASE_CHARS_MIN    12    /* around the keys of a tenant that travels */
#define PASSPHRASE_KIB          65536 /* Argon2id costs of it (RFC 9106 section 4) */
#define PASSPHRASE_PASSES       3
#define PASSPHRASE_KIB_MAX      (1 << 20) /* of a wrapping that is read: more is hostile */
#define PASSPHRASE_PASSES_MAX   16
#define PASSWORD_CHARS_MIN      8
#define RATE_PER_S              60 /* API rate per key, and per address before that */
#define RATE_BURST              120
#define THROTTLE_SLOTS          8192 /* shared table of rates */
#define SUBTREE_IDS_MAX         500
#define DEPARTMENT_DEPTH_MAX    20 /* levels below one another */

/* Storage (data.md section 4). */
#define STATEMENTS_CACHED_MAX  64 /* prepared statements per connection */
#define STORE_VALUE_BYTES_MAX  (16 << 20)
#define STORE_SQL_BYTES_MAX    65536    /* text of one statement */
#define STORE_BINDS_MAX        1000     /* parameters of one statement */
#define STORE_EXPR_DEPTH_MAX   400      /* lists of AND and OR nest once per item */
#define STORE_IN_PLACES_MAX    16       /* longer IN lists are bound as one JSON array */
#define STORE_MEASURES_MAX     32       /* measured columns of one grouped read */
#define TALLY_GROUPS_MAX       20000    /* groups made in memory; more are sorted by SQLite */
#define STORE_IN_MAX           BULK_MAX /* values of one IN list */
#define STORE_OPEN_WAIT_MS     3000 /* opening waits so long for another's recovery of the WAL */
#define STORE_RESTART_WAIT_MS  30   /* a checkpoint waits so long for readers */
#define WAL_LOAN_PAGES         2000   /* a runner copies so much before it gives the turn back */
#define WAL_RESTART_PAGES      10000
#define WAL_REOPEN_PAGES       100000 /* runners are told to end their snapshots */
#define DELETED_KEEP_MS        (30LL * 24 * 3600 * 1000)
#define TMP_KEEP_MS            (3600LL * 1000) /* a file in tmp/ nobody writes to any more */
#define IDEMPOTENCY_KEEP_MS    (24LL * 3600 * 1000)
#define IDEMPOTENCY_ANSWER_MAX 65536
#define TENANTS_OPEN_MAX       200  /* open stores per process */
#define TENANTS_CHECK_MS       1000 /* control.db is asked for news at most so often */
#define IMPORT_BATCH_ROWS      200  /* rows in one lent write turn, at most */
#define IMPORT_COLUMNS_MAX     400
#define IMPORT_DRY_KEYS_MAX    1000000 /* values a dry run remembers of rows that are not there */
#define CSV_CELL_BYTES_MAX     (1 << 20)

/* Plugins of companies: packs, deploys, what administrators make themselves. */
#define PACK_FILES_MAX      500       /* of one plugin */
#define PACK_FILE_BYTES_MAX (1 << 20) /* one file of it */
#define PACK_BYTES_MAX      (4 << 20) /* all files together */
#define PACK_NAME_BYTES_MAX 99        /* what a tar header holds without its prefix */
#define PACK_ARCHIVE_BYTES_MAX                                                                     \
    (6 << 20)           /* the archive: a head and padding for each file besides                   \
                         */
#define DEPLOYS_KEPT 20 /* of one bundle; older ones that are not active go */
#define MIGRATION_BATCH_ROWS   500       /* records of one transaction of a back-fill */

_Static_assert(ARENA_BLOCK_BYTES <= ARENA_BLOCK_BYTES_MAX, "blocks only grow");
_Static_assert(BODY_INLINE_BYTES_MAX <= BODY_JSON_BYTES_MAX, "spooling starts below the JSON cap");
_Static_assert(BODY_ANONYMOUS_BYTES_MAX <= BODY_INLINE_BYTES_MAX, "nobody's body is never spooled");
_Static_assert(CONNS_PER_ADDRESS_MAX <= HANDSHAKES_BURST, "an address may open all it may hold");
_Static_assert(ANSWER_INLINE_BYTES_MAX < FRAME_BYTES_MAX, "an inline answer fits a frame");
_Static_assert(TOKEN_SPELL_CHARS <= TOKEN_WORD_MAX, "initials fit a token");
_Static_assert(LIST_BYTES_MAX <= ANSWER_INLINE_BYTES_MAX, "a page is no file");
_Static_assert(LIST_DEFAULT <= LIST_MAX, "the default page is a legal page");
_Static_assert(TURN_RUN_US_MAX < TURN_LOAN_US_MAX, "a loan may last longer than a turn");
_Static_assert(PACK_BYTES_MAX + PACK_FILES_MAX * 1024 + 1024 <= PACK_ARCHIVE_BYTES_MAX,
               "an archive holds the largest pack");
_Static_assert(PACK_ARCHIVE_BYTES_MAX <= UPLOAD_BYTES_MAX, "a pack is an upload");
