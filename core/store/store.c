/* store - wrappers over the driver.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/store.h"

#include "base/log.h"
#include "store/driver.h"
#include "store/query.h"

/* One driver so far; a dsn such as "postgres://" will choose here. */
static const struct store_driver *driver_for(const char *path)
{
    ASSERT(path && *path);
    return sqlite_driver();
}

/* --- opening --- */

enum err store_open_why(const char *path, enum store_mode mode, struct store **out, struct buf *why)
{
    ASSERT(out);
    ASSERT(why);
    return driver_for(path)->open(path, mode, out, why);
}

enum err store_open(const char *path, enum store_mode mode, struct store **out)
{
    struct buf why = BUF_INIT;
    enum err e = store_open_why(path, mode, out, &why);
    if (e && e != ERR_NOT_FOUND)
        log_error("store %s: %s", path, buf_cstr(&why));
    buf_release(&why);
    return e;
}

void store_close(struct store *store)
{
    if (store)
        store->driver->close(store);
}

enum err store_create(const char *path)
{
    struct buf why = BUF_INIT;
    enum err e = driver_for(path)->create(path, &why);
    if (e)
        log_error("store %s: %s", path, buf_cstr(&why));
    buf_release(&why);
    return e;
}

enum err store_check_library(const char **why)
{
    ASSERT(why);
    return sqlite_driver()->check_library(why);
}

const char *store_why(const struct store *store)
{
    ASSERT(store);
    return store->driver->why(store);
}

/* --- schema --- */

enum err store_schema_apply(struct store *store, const struct store_schema *wanted)
{
    ASSERT(store && wanted);
    ASSERT(!store->driver->in_tx(store));
    return store->driver->schema_apply(store, wanted);
}

enum err store_header_read(struct store *store, struct store_header *out)
{
    ASSERT(store && out);
    return store->driver->header_read(store, out);
}

enum err store_header_bump(struct store *store, bool model, bool auth)
{
    ASSERT(store && (model || auth));
    ASSERT(store->driver->in_tx(store));
    return store->driver->header_bump(store, model, auth);
}

/* --- transactions --- */

enum err store_begin(struct store *store, bool write)
{
    ASSERT(store);
    ASSERT(!store->driver->in_tx(store));
    return store->driver->begin(store, write);
}

enum err store_commit(struct store *store)
{
    ASSERT(store);
    return store->driver->commit(store);
}

void store_rollback(struct store *store)
{
    ASSERT(store);
    store->driver->rollback(store);
}

bool store_in_tx(const struct store *store)
{
    ASSERT(store);
    return store->driver->in_tx(store);
}

bool store_in_write(const struct store *store)
{
    ASSERT(store);
    return store->driver->in_write(store);
}

enum err store_savepoint(struct store *store)
{
    ASSERT(store);
    return store->driver->savepoint(store);
}

enum err store_savepoint_end(struct store *store, enum err e)
{
    ASSERT(store);
    return store->driver->savepoint_end(store, e);
}

void store_certain(struct store *store)
{
    store->driver->certain(store);
}

/* --- writing --- */

enum err store_insert(struct store *store, const char *table, const struct store_set *sets,
                      int count, const char **index)
{
    ASSERT(store && table && sets);
    ASSERT(count > 0);
    return store->driver->insert(store, table, sets, count, index);
}

enum err store_put(struct store *store, const char *table, const struct store_set *sets, int count)
{
    ASSERT(store && table && sets);
    ASSERT(count > 0);
    return store->driver->put(store, table, sets, count);
}

enum err store_update(struct store *store, const char *table, const struct expr *where,
                      const struct store_set *sets, int count, int64_t *changed, const char **index)
{
    ASSERT(store && table && sets && count > 0);
    ASSERT(where); /* every row at once is always a mistake */
    return store->driver->update(store, table, where, sets, count, changed, index);
}

enum err store_delete(struct store *store, const char *table, const struct expr *where,
                      int64_t *changed)
{
    ASSERT(store && table);
    ASSERT(where);
    return store->driver->remove(store, table, where, changed);
}

enum err store_trim(struct store *store, const char *table, const char *key, int64_t until,
                    int64_t *changed)
{
    ASSERT(store && table && key);
    return store->driver->trim(store, table, key, until, changed);
}

enum err store_redact(struct store *store, const char *table, const char *column,
                      const struct expr *where, int64_t *changed)
{
    ASSERT(store && table && column && where);
    return store->driver->redact(store, table, column, where, changed);
}

enum err store_counter(struct store *store, struct slice name, int64_t start, int64_t by,
                       int64_t *out)
{
    ASSERT(store && out);
    ASSERT(name.len > 0);
    return store->driver->counter(store, name, start, by, out);
}

enum err store_key_max(struct store *store, const char *table, int64_t *out)
{
    ASSERT(store && table && out);
    return store->driver->key_max(store, table, out);
}

enum err store_tokens_put(struct store *store, const char *table, int64_t id, struct slice old,
                          struct slice tokens)
{
    ASSERT(store && table);
    return store->driver->tokens_put(store, table, id, old, tokens);
}

enum err store_tokens_merge(struct store *store, const char *table, int pages, bool *more)
{
    ASSERT(store && table && more);
    ASSERT(pages > 0);
    return store->driver->tokens_merge(store, table, pages, more);
}

enum err store_tokens_any(struct store *store, const char *table, const struct expr *match,
                          bool *any)
{
    ASSERT(store && table && any);
    ASSERT(match && match->op == EXPR_MATCH);
    return store->driver->tokens_any(store, table, match, any);
}

/* --- reading --- */

int64_t store_row_int(const struct store_row *row, int column)
{
    return row->driver->row_int(row, column);
}

struct slice store_row_bytes(const struct store_row *row, int column)
{
    return row->driver->row_bytes(row, column);
}

bool store_row_is_null(const struct store_row *row, int column)
{
    return row->driver->row_is_null(row, column);
}

struct value store_row_value(const struct store_row *row, int column)
{
    return row->driver->row_value(row, column);
}

enum err store_read(struct store *store, const struct query *query, store_row_cb cb, void *arg)
{
    ASSERT(store && query);
    ASSERT(cb);
    return store->driver->read(store, query, cb, arg);
}

static bool count_row(void *arg, const struct store_row *row)
{
    *(int64_t *)arg = store_row_int(row, 0);
    return false;
}

enum err store_count(struct store *store, const char *table, const struct expr *where, int64_t cap,
                     int64_t *out)
{
    ASSERT(store && table && out);
    ASSERT(cap > 0);
    struct query query = {.table = table, .where = where, .count_cap = cap};
    return store->driver->read(store, &query, count_row, out);
}

int64_t store_budget(struct store *store, int64_t cpu_us)
{
    ASSERT(store);
    ASSERT(cpu_us >= 0);
    return store->driver->budget(store, cpu_us);
}

void store_watch(struct store *store, bool (*is_asked)(void *arg), void *arg)
{
    store->driver->watch(store, is_asked, arg);
}

enum err store_explain(struct store *store, const struct query *query, struct buf *out)
{
    ASSERT(store && query && out);
    return store->driver->explain(store, query, out);
}

/* --- keeping --- */

enum err store_checkpoint(struct store *store, enum store_checkpoint how, int *pages)
{
    ASSERT(store);
    ASSERT(!store->driver->in_tx(store));
    return store->driver->checkpoint(store, how, pages);
}

int store_wal_pages(const struct store *store)
{
    ASSERT(store);
    return store->driver->wal_pages(store);
}

enum err store_backup(struct store *store, const char *path)
{
    ASSERT(store && path);
    ASSERT(!store->driver->in_tx(store));
    return store->driver->backup(store, path);
}

enum err store_integrity(struct store *store, struct buf *out)
{
    ASSERT(store && out);
    return store->driver->integrity(store, out);
}

enum err store_scrub(struct store *store)
{
    ASSERT(store);
    ASSERT(!store->driver->in_tx(store));
    return store->driver->scrub(store);
}

size_t store_memory(const struct store *store)
{
    ASSERT(store);
    return store->driver->memory(store);
}

void store_relax(struct store *store)
{
    ASSERT(store);
    store->driver->relax(store);
}

void store_rest(struct store *store)
{
    ASSERT(store);
    store->driver->rest(store);
}

void store_stats(struct store *store, struct store_stats *out)
{
    ASSERT(store && out);
    store->driver->stats(store, out);
}
