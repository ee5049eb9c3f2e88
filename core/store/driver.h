/* driver - what a database engine gives to the store; private to this folder.
 *
 * store.c checks the arguments and calls through this table, so that another engine is one more
 * table. A driver's own connection starts with `struct store`, its row with `struct store_row`.
 * Every entry means what the function of the same name in store.h says.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "store/query.h"
#include "store/store.h"

struct store {
    const struct store_driver *driver;
};

struct store_row {
    const struct store_driver *driver;
};

struct store_driver {
    const char *name;
    enum err (*open)(const char *path, enum store_mode mode, struct store **out, struct buf *why);
    enum err (*create)(const char *path, struct buf *why);
    void (*close)(struct store *store);
    enum err (*check_library)(const char **why);
    const char *(*why)(const struct store *store);
    enum err (*schema_apply)(struct store *store, const struct store_schema *wanted);
    enum err (*header_read)(struct store *store, struct store_header *out);
    enum err (*header_bump)(struct store *store, bool model, bool auth);
    enum err (*begin)(struct store *store, bool write);
    enum err (*commit)(struct store *store);
    void (*rollback)(struct store *store);
    bool (*in_tx)(const struct store *store);
    bool (*in_write)(const struct store *store);
    enum err (*savepoint)(struct store *store);
    enum err (*savepoint_end)(struct store *store, enum err e);
    void (*certain)(struct store *store);
    enum err (*insert)(struct store *store, const char *table, const struct store_set *sets,
                       int count, const char **index);
    enum err (*put)(struct store *store, const char *table, const struct store_set *sets,
                    int count);
    enum err (*update)(struct store *store, const char *table, const struct expr *where,
                       const struct store_set *sets, int count, int64_t *changed,
                       const char **index);
    enum err (*remove)(struct store *store, const char *table, const struct expr *where,
                       int64_t *changed);
    enum err (*trim)(struct store *store, const char *table, const char *key, int64_t until,
                     int64_t *changed);
    enum err (*redact)(struct store *store, const char *table, const char *column,
                       const struct expr *where, int64_t *changed);
    enum err (*counter)(struct store *store, struct slice name, int64_t start, int64_t by,
                        int64_t *out);
    enum err (*key_max)(struct store *store, const char *table, int64_t *out);
    enum err (*tokens_put)(struct store *store, const char *table, int64_t id, struct slice old,
                           struct slice tokens);
    enum err (*tokens_merge)(struct store *store, const char *table, int pages, bool *more);
    enum err (*tokens_any)(struct store *store, const char *table, const struct expr *match,
                           bool *any);
    enum err (*read)(struct store *store, const struct query *query, store_row_cb cb, void *arg);
    enum err (*explain)(struct store *store, const struct query *query, struct buf *out);
    int64_t (*budget)(struct store *store, int64_t cpu_us);
    void (*watch)(struct store *store, bool (*is_asked)(void *arg), void *arg);
    enum err (*checkpoint)(struct store *store, enum store_checkpoint how, int *pages);
    int (*wal_pages)(const struct store *store);
    enum err (*backup)(struct store *store, const char *path);
    enum err (*integrity)(struct store *store, struct buf *out);
    enum err (*scrub)(struct store *store);
    void (*stats)(struct store *store, struct store_stats *out);
    size_t (*memory)(const struct store *store);
    void (*relax)(struct store *store);
    void (*rest)(struct store *store);
    int64_t (*row_int)(const struct store_row *row, int column);
    struct slice (*row_bytes)(const struct store_row *row, int column);
    bool (*row_is_null)(const struct store_row *row, int column);
    struct value (*row_value)(const struct store_row *row, int column);
};

const struct store_driver *sqlite_driver(void); /* sqlite/db.c */
