/* limits_query - bounds of models, of what is asked of them, and of text.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

/* Model, and the query tree asked of it (data.md section 7). */
#define NAME_BYTES_MAX          63  /* entity, field, role, plugin, tenant names */
#define ENTITIES_MAX            200 /* per tenant */
#define MODEL_IMAGES_IDLE_MAX   4   /* shared models that no open tenant has, per process */
#define MODEL_IMAGES_IDLE_MAX   4   /* shared models that no open tenant has, per process */
#define FIELDS_PER_ENTITY_MAX   400 /* product, plugin and tenant fields together */
#define CUSTOM_FIELDS_MAX       200 /* tenant fields per entity */
#define ENUM_VALUES_MAX         500
#define NUMBER_BYTES_MAX        100  /* of a running number, whatever it has come to */
#define DICTIONARY_VALUES_MAX   5000 /* of one dictionary of a company */
#define INDEXES_PER_ENTITY_MAX  20
#define ROLES_PER_USER_MAX      16
#define LIST_DEFAULT            50
#define LIST_MAX                200
#define LIST_BYTES_MAX          (4 << 20) /* a page of long records ends here, early */
#define BULK_MAX                1000
#define QUERIES_MAX             20 /* in one POST /queries */
#define DASHBOARD_WIDGETS_MAX   40 /* of one dashboard */
#define COUNT_CAP               10000
#define FILTER_DEPTH_MAX        8
#define FILTER_NODES_MAX        100
#define FILTER_IN_MAX           500
#define FILTER_DAYS_MAX         36500 /* last_days, next_days: a century */
#define RIGHTS_PARENTS_MAX      4     /* whose rights follow each other: try, delivery, webhook */
#define PATH_REFS_MAX           2
#define SORT_KEYS_MAX           3
#define GROUPS_MAX              2
#define MEASURES_MAX            8
#define MEASURE_NAME_MAX        63    /* bytes of the name that a part in percent is given */
#define GROUP_ROWS_MAX          1000  /* groups in one answer */
#define CURSOR_BYTES_MAX        65536 /* a page mark: three long sort keys with pinyin */
#define EXPANDS_MAX             10    /* references shown as objects in one answer */
#define UNINDEXED_SORT_ROWS_MAX 100000
#define BOARD_COLUMNS_MAX       50
#define BOARD_ITEMS             20        /* first items of a column, unless asked otherwise */
#define CHANGES_MAX             200       /* entries of the change feed in one answer */
#define CHANGES_WALK_MAX        10000     /* looked at for one answer about one entity */
#define CHANGES_BYTES_MAX       (4 << 20) /* of diffs read at once */
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
