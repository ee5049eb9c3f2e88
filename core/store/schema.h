/* schema - the tables, columns and indexes that a store is wanted to have.
 *
 * Made by whoever knows what is to be kept (tenant/system.h, record/model.h); store_schema_apply()
 * brings a store to it by adding.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "store/value.h"

struct store_column {
    const char *name;     /* lower_snake; unique in its table */
    enum value_type type; /* VALUE_INT, VALUE_TEXT, VALUE_BLOB */
    bool not_null;        /* only together with a default, or on a new table */
    const char *fallback; /* default: digits of an integer, or the text unquoted; NULL none */
};

struct store_index {
    const char *name;    /* unique in the store */
    const char *columns; /* "owner,updated_at desc,id desc" */
    const char *where;   /* NULL = all rows; else words joined by ':' that must all hold: "live" =
                          * deleted_at is empty, any other is a column that is not empty */
    bool unique;
};

struct store_table {
    const char *name;
    const struct store_column *columns; /* the first is the key: "id" int, or as `key` says */
    int columns_count;
    const char *key; /* "id"; or "a,b" for a compound key */
    const struct store_index *indexes;
    int indexes_count;
    bool tokens;      /* has a search token table with the same ids */
    bool append_only; /* update and delete are refused by the driver */
    bool late;        /* a new table is made with its indexes and tokens when its first row comes */
};

struct store_schema {
    const struct store_table *tables;
    int tables_count;
    uint64_t hash; /* of the canonical form; equal hash = nothing to do */
};
