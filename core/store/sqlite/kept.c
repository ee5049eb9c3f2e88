/* kept - see kept.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite/kept.h"

#include "store/sqlite/emit.h"

struct keeping { /* one read on its way to the caller and into the answer */
    struct kept *kept;
    store_row_cb cb;
    void *arg;
    int64_t limit; /* rows that it may have; 0 = any number */
    bool whole;
};

bool kept_state(struct db *db, uint32_t *out)
{
    return db->in_tx && !db->tx_writes &&
           sqlite3_txn_state(db->handle, "main") == SQLITE_TXN_READ &&
           sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_DATA_VERSION, out) == SQLITE_OK;
}

/* Statement and parameters, as they were emitted last. */
static void put_key(const struct emit *emit, struct buf *out)
{
    const struct db *db = emit->db;
    buf_put_slice(out, buf_slice(emit->sql));
    for (int i = 0; i < emit->binds_count; i++) {
        const struct bind *bind = &db->binds[i];
        struct slice bytes = bind->value.bytes;
        if (bind->scratch)
            bytes.at = db->scratch.at + bind->scratch_at;
        if (bind->value.type == VALUE_INT)
            bytes = slice_of((const char *)&bind->value.integer, sizeof bind->value.integer);
        if (bind->value.type == VALUE_NULL)
            bytes = slice_of(NULL, 0);
        buf_printf(out, "|%d %zu ", (int)bind->value.type, bytes.len);
        buf_put_slice(out, bytes);
    }
}

static void kept_clear(struct kept *kept)
{
    arena_free(kept->arena);
    *kept = (struct kept){0};
}

void kept_forget(struct db *db)
{
    for (int i = 0; i < KEPT_MAX; i++)
        kept_clear(&db->kept[i]);
}

struct kept *kept_find(struct db *db, const struct query *query, uint32_t state, bool *found)
{
    struct emit emit;
    struct buf key = BUF_INIT;
    struct kept *oldest = &db->kept[0];
    *found = false;
    if (select_emit(&emit, db, query, PART_WHOLE, query->limit, true))
        return NULL; /* the read itself will say why */
    put_key(&emit, &key);
    for (int i = 0; i < KEPT_MAX && !*found; i++) {
        struct kept *kept = &db->kept[i];
        *found = kept->arena && kept->state == state && slice_eq(kept->key, buf_slice(&key));
        if (*found || kept->used_at < oldest->used_at)
            oldest = kept;
    }
    if (!*found) {
        kept_clear(oldest);
        oldest->arena = arena_new();
        oldest->key = arena_slice(oldest->arena, buf_slice(&key));
        oldest->state = state;
        oldest->columns = query->select_count;
    }
    oldest->used_at = ++db->tick;
    buf_release(&key);
    return oldest;
}

static void room_make(struct kept *kept)
{
    size_t row = (size_t)kept->columns * sizeof *kept->values;
    size_t used = (size_t)kept->rows * row;
    if (kept->rows % KEPT_ROWS_STEP == 0)
        kept->values = arena_grow(kept->arena, kept->values, used, used + KEPT_ROWS_STEP * row);
}

static bool keep_row(void *arg, const struct store_row *row)
{
    struct keeping *keeping = arg;
    struct kept *kept = keeping->kept;
    if (kept->rows == KEPT_ROWS_MAX)
        keeping->whole = false;
    if (keeping->whole)
        room_make(kept);
    for (int i = 0; i < kept->columns && keeping->whole; i++) {
        struct value *value = &kept->values[kept->rows * kept->columns + i];
        *value = read_row_value(row, i);
        value->bytes = arena_slice(kept->arena, value->bytes);
    }
    kept->rows += keeping->whole;
    bool more = keeping->cb(keeping->arg, row);
    keeping->whole = keeping->whole && (more || kept->rows == keeping->limit);
    return more;
}

enum err kept_fill(struct db *db, struct kept *kept, const struct query *query, store_row_cb cb,
                   void *arg)
{
    struct keeping keeping = {kept, cb, arg, query->limit, true};
    enum err e = read_whole(db, query, keep_row, &keeping);
    if (e || !keeping.whole)
        kept_clear(kept);
    return e;
}
