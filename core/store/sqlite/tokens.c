/* tokens - the search index of a table: one FTS5 table of ready-made tokens.
 *
 * The tokens come from base/token: separated by spaces, each behind its field's prefix. FTS5 must
 * take them as they are, so the `ascii` tokenizer is told that every printable ASCII sign but space
 * belongs to a token (bytes above 127 always do). Contentless and detail=none: only row ids are
 * kept, rows come by id in either direction without sorting. contentless_delete lets a record go
 * without its old tokens; it costs the small _docsize table and excludes columnsize=0 (both were
 * measured: 13.5 against 13.8 µs a row to insert, 32 against 28 to replace). Eight segments of a
 * size are merged at a time instead of four: a sixth less to write, a few µs more to search.
 *
 * FTS5 writes a segment whenever a savepoint opens or ends, and merging them was a third of a
 * create: every request of a turn is a savepoint. So tokens wait in memory, by the marks of the
 * savepoints, and are written once, before the commit or before a search of the same transaction.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite/db.h"
#include "store/sqlite/emit.h"

#include <stdlib.h>

#define TOKENS_MERGE      8         /* segments of one level merged into one of the next */
#define TOKENS_KEPT_BYTES (1 << 20) /* memory for tokens that is kept between transactions */

enum err tokens_create(struct db *db, const char *table)
{
    ASSERT(guard_name_is_plain(table));
    struct buf sql = BUF_INIT;
    buf_printf(&sql,
               "CREATE VIRTUAL TABLE IF NOT EXISTS \"%s_tokens\" USING fts5(tokens, content='',"
               " contentless_delete=1, detail=none, tokenize=\"ascii tokenchars"
               " '!\"\"#$%%&()*+,-./:;<=>?@[\\]^_`{|}~'''''\")",
               table);
    enum err e = db_exec(db, buf_cstr(&sql));
    buf_clear(&sql);
    buf_printf(&sql, "INSERT INTO \"%s_tokens\" (\"%s_tokens\", rank) VALUES ('automerge', %d)",
               table, table, TOKENS_MERGE);
    if (!e)
        e = db_exec(db, buf_cstr(&sql));
    buf_release(&sql);
    return e;
}

/* --- writing --- */

static enum err write_now(struct db *db, const char *table, int64_t id, struct slice tokens)
{
    struct buf sql = BUF_INIT;
    struct value values[] = {value_int(id), value_text(tokens)};
    const struct table_entry *entry; /* the authorizer asks it of FTS5's own statements */
    struct stmt *stmt;
    enum err e = db_table(db, table, &entry);
    if (e)
        return e;
    buf_printf(&sql,
               tokens.len ? "INSERT OR REPLACE INTO \"%s_tokens\" (rowid,tokens) VALUES (?,?)"
                          : "DELETE FROM \"%s_tokens\" WHERE rowid=?",
               table);
    e = stmt_cached(db, buf_slice(&sql), &stmt);
    buf_release(&sql);
    if (e)
        return e;
    e = stmt_bind(db, stmt, 1, &values[0]);
    if (!e && tokens.len)
        e = stmt_bind(db, stmt, 2, &values[1]);
    if (!e)
        return stmt_run(db, stmt);
    stmt_release(db, stmt);
    return e;
}

enum err tokens_put(struct store *store, const char *table, int64_t id, struct slice old,
                    struct slice tokens)
{
    struct db *db = db_of(store);
    struct waiting_all *all = &db->waiting;
    const struct table_entry *entry;
    (void)old;
    if (db->lost)
        return db->lost;
    enum err e = db_table(db, table, &entry);
    if (!e && !entry->tokens) {
        db_why(db, "table \"%s\" has no search tokens", table);
        e = ERR_INTERNAL;
    }
    if (!e && entry->late) /* tokens before their record's row */
        e = db->in_tx ? late_make(db, entry->name, true) : ERR_INTERNAL;
    if (e || !db->in_tx)
        return e ? e : write_now(db, table, id, tokens);
    if (all->count == all->cap) {
        all->cap = all->cap ? all->cap * 2 : 64;
        all->at = realloc(all->at, all->cap * sizeof *all->at);
        if (!all->at)
            BUG("out of memory");
    }
    all->at[all->count++] = (struct waiting){entry->name, id, all->text.len, tokens.len};
    buf_put_slice(&all->text, tokens);
    return ERR_OK;
}

/* By table, record and turn: FTS5 keeps what it is given in memory only while ids ascend. */
static int by_record(const void *left, const void *right)
{
    const struct waiting *a = *(const struct waiting *const *)left;
    const struct waiting *b = *(const struct waiting *const *)right;
    int order = strcmp(a->table, b->table);
    if (order == 0)
        order = (a->id > b->id) - (a->id < b->id);
    return order ? order : (a > b) - (a < b);
}

static bool is_same(const struct waiting *a, const struct waiting *b)
{
    return a->id == b->id && strcmp(a->table, b->table) == 0;
}

enum err tokens_write(struct db *db)
{
    struct waiting_all *all = &db->waiting;
    size_t count = all->count - all->written;
    enum err e = ERR_OK;
    if (count == 0)
        return ERR_OK;
    const struct waiting **order = calloc(count, sizeof(*order));
    if (!order)
        BUG("out of memory");
    for (size_t i = 0; i < count; i++)
        order[i] = &all->at[all->written + i];
    qsort(order, count, sizeof(*order), by_record);
    for (size_t i = 0; i < count && !e; i++) {
        const struct waiting *w = order[i];
        if (i + 1 < count && is_same(w, order[i + 1]))
            continue; /* the last word about a record counts */
        e = write_now(db, w->table, w->id, slice_of(all->text.at + w->from, w->len));
    }
    free(order);
    all->written = all->count;
    return e;
}

/* --- asking --- */

static enum err probe(struct db *db, struct table_entry *entry, const struct expr *match, bool *any)
{
    struct buf sql = BUF_INIT;
    if (!entry->probe)
        entry->probe = calloc(1, sizeof *entry->probe);
    ASSERT_MEMORY(entry->probe);
    if (!entry->probe->handle)
        buf_printf(&sql, "SELECT 1 FROM \"%s_tokens\" WHERE \"%s_tokens\" MATCH ? LIMIT 1",
                   entry->name, entry->name);
    enum err e = stmt_kept(db, entry->probe, buf_slice(&sql));
    buf_release(&sql);
    if (e)
        return e;
    buf_clear(&db->scratch);
    tokens_match(&db->scratch, match);
    struct value text = value_text(buf_slice(&db->scratch));
    e = stmt_bind(db, entry->probe, 1, &text);
    if (!e)
        e = stmt_step(db, entry->probe, any);
    stmt_release(db, entry->probe);
    return e;
}

enum err tokens_any(struct store *store, const char *table, const struct expr *match, bool *any)
{
    struct db *db = db_of(store);
    const struct table_entry *entry;
    *any = false;
    if (db->lost)
        return db->lost;
    enum err e = db_table(db, table, &entry);
    if (e || !entry->tokens || match->tokens_count == 0 || match->prefixes_count == 0 ||
        late_is(db, entry))
        return e;
    e = tokens_write(db);
    return e ? e : probe(db, map_get(&db->registry, slice_str(table)), match, any);
}

void tokens_mark(struct db *db)
{
    ASSERT(db->depth < DB_DEPTH_MAX);
    db->waiting.marks[db->depth] = (struct waiting_mark){db->waiting.count, db->waiting.written};
}

void tokens_back(struct db *db)
{
    struct waiting_all *all = &db->waiting;
    const struct waiting_mark *mark = &all->marks[db->depth];
    ASSERT(mark->count <= all->count);
    if (mark->count < all->count)
        all->text.len = all->at[mark->count].from;
    all->count = mark->count;
    all->written = mark->written;
}

void tokens_forget(struct db *db)
{
    struct waiting_all *all = &db->waiting;
    all->count = all->written = 0;
    buf_clear(&all->text);
    if (all->text.cap <= TOKENS_KEPT_BYTES)
        return;
    buf_release(&all->text);
    free(all->at);
    all->at = NULL;
    all->cap = 0;
}

/* --- the rest --- */

static void token_table(struct emit *emit, const char *table)
{
    emit_str(emit, "\"");
    emit_str(emit, table);
    emit_str(emit, "_tokens\"");
}

static enum err run(struct emit *emit)
{
    struct stmt *stmt;
    enum err e = emit_finish(emit, &stmt);
    return e ? e : stmt_run(emit->db, stmt);
}

/* Rows whose hidden column holds a word are commands to FTS5. */
static enum err command(struct db *db, const char *table, struct slice word, int64_t number)
{
    struct emit emit;
    struct value value = value_text(word);
    enum err e = emit_start(&emit, db, table);
    if (e)
        return e;
    emit_str(&emit, "INSERT INTO ");
    token_table(&emit, table);
    emit_str(&emit, " (");
    token_table(&emit, table);
    emit_str(&emit, ",rank) VALUES (");
    emit_value(&emit, &value);
    emit_str(&emit, ",");
    emit_int(&emit, number);
    emit_str(&emit, ")");
    return run(&emit);
}

enum err tokens_optimize(struct db *db, const char *table)
{
    return command(db, table, SLICE("optimize"), 0);
}

/* Two segments of a level are enough to merge them: who asks has just written much. */
enum err tokens_merge(struct store *store, const char *table, int pages, bool *more)
{
    struct db *db = db_of(store);
    const struct table_entry *entry;
    *more = false;
    if (db->lost)
        return db->lost;
    ASSERT(db->tx_writes);
    enum err e = db_table(db, table, &entry);
    if (e || !entry->tokens || late_is(db, entry))
        return e;
    e = tokens_write(db);
    if (!e)
        e = command(db, table, SLICE("usermerge"), 2);
    int before = sqlite3_total_changes(db->handle);
    if (!e)
        e = command(db, table, SLICE("merge"), pages);
    *more = !e && sqlite3_total_changes(db->handle) - before >= 2; /* 1: the command itself */
    return e;
}

/* As an FTS5 string: quotes doubled, nothing else has a meaning inside. */
static void put_quoted(struct buf *out, struct slice prefix, struct slice token)
{
    buf_put_char(out, '"');
    buf_put_slice(out, prefix);
    for (size_t i = 0; i < token.len; i++) {
        if (token.at[i] == '"')
            buf_put_char(out, '"');
        if (token.at[i] != '\0')
            buf_put_char(out, token.at[i]);
    }
    buf_put_char(out, '"');
}

void tokens_match(struct buf *out, const struct expr *match)
{
    for (int i = 0; i < match->tokens_count; i++) {
        buf_put_str(out, i ? " AND (" : "(");
        for (int k = 0; k < match->prefixes_count; k++) {
            if (k)
                buf_put_str(out, " OR ");
            put_quoted(out, slice_str(match->prefixes[k]), match->tokens[i]);
        }
        buf_put_char(out, ')');
    }
}
