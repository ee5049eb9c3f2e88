/* limit - how fast the parts are with nothing of ours between them.
 *
 * A server of bare libuv + llhttp + SQLite that checks nothing (no tenant, session, role, rule),
 * and SQLite alone writing. scripts/bench runs it beside Perigee in the same minutes and prints
 * ratios.
 *
 *   limit seed DB ROWS            a table of 25 columns and 4 indexes, as a lead has
 *   limit serve DB PROCESSES      prints "port N"; GET /get/<id>, GET /list, until SIGTERM
 *   limit write DB ROWS GROUP     inserts with GROUP rows a commit, synchronous=FULL; rows/s
 *   limit copy DB ROWS GROUP STORE ENTITY TABLE…
 *                                 the same with what a record is in STORE: its row, its search
 *                                 tokens and the rows of each TABLE (or entity), as many for each
 *                                 record as STORE has, in tables that have the same columns and
 *                                 indexes; the first rows there serve as samples
 *   limit snapshot STORE FILE     a copy of a store, as it stands
 *   limit replay STORE TRACE GROUP
 *                                 carries out the statements that an import wrote down (TRACE, see
 *                                 core/store/sqlite/trace.h) in a copy of the store as it was
 *                                 before, with GROUP rows a commit; rows/s, how many rows were
 *                                 inserted and updated for each of the file, and the processor's
 *                                 microseconds for each
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <llhttp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define COLUMNS                                                                                    \
    "id, version, created_at, updated_at, created_by, updated_by, owner, team, department, "       \
    "deleted_at, delete_batch, origin, f1, f1s, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12"
#define COLUMNS_COUNT 25
#define LIST_SQL                                                                                   \
    "SELECT " COLUMNS " FROM lead WHERE owner = 7 AND deleted_at IS NULL "                         \
    "ORDER BY updated_at DESC, id DESC LIMIT 50"

static void die(const char *what)
{
    fprintf(stderr, "limit: %s\n", what);
    exit(1);
}

static void sql(sqlite3 *db, const char *text)
{
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        die(sqlite3_errmsg(db));
}

static sqlite3 *db_open(const char *path)
{
    sqlite3 *db;
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die("cannot open the database");
    sql(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=10000");
    return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *text)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK)
        die(sqlite3_errmsg(db));
    return stmt;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void make_tables(sqlite3 *db)
{
    sql(db, "CREATE TABLE IF NOT EXISTS lead (id INTEGER PRIMARY KEY, version INTEGER, "
            "created_at INTEGER, updated_at INTEGER, created_by INTEGER, updated_by INTEGER, "
            "owner INTEGER, team INTEGER, department INTEGER, deleted_at INTEGER, "
            "delete_batch INTEGER, origin TEXT, f1 TEXT, f1s TEXT, f2 TEXT, f3 TEXT, f4 TEXT, "
            "f5 TEXT, f6 TEXT, f7 TEXT, f8 INTEGER, f9 INTEGER, f10 TEXT, f11 INTEGER, "
            "f12 TEXT) STRICT;"
            "CREATE INDEX IF NOT EXISTS i1 ON lead(owner, updated_at DESC, id DESC) "
            "WHERE deleted_at IS NULL;"
            "CREATE INDEX IF NOT EXISTS i2 ON lead(created_at DESC, id DESC) "
            "WHERE deleted_at IS NULL;"
            "CREATE INDEX IF NOT EXISTS i3 ON lead(f7, id DESC) WHERE deleted_at IS NULL;"
            "CREATE INDEX IF NOT EXISTS i4 ON lead(f1s, id) WHERE deleted_at IS NULL;");
}

static void bind_lead(sqlite3_stmt *stmt, int64_t n)
{
    char text[64];
    sqlite3_bind_int64(stmt, 1, n);
    for (int i = 2; i <= 9; i++)
        sqlite3_bind_int64(stmt, i, i == 7 ? n % 200 : 1700000000000 + n);
    sqlite3_bind_null(stmt, 10);
    sqlite3_bind_null(stmt, 11);
    for (int i = 12; i <= COLUMNS_COUNT; i++) {
        if (i == 21 || i == 22 || i == 24) {
            sqlite3_bind_int64(stmt, i, n * 31 % 100000);
            continue;
        }
        int len = snprintf(text, sizeof(text), "value %d of %lld", i, (long long)n);
        sqlite3_bind_text(stmt, i, text, len, SQLITE_TRANSIENT);
    }
}

static void step(sqlite3 *db, sqlite3_stmt *stmt)
{
    if (sqlite3_step(stmt) != SQLITE_DONE)
        die(sqlite3_errmsg(db));
    sqlite3_reset(stmt);
}

/* Rows from the highest id on. */
static double insert_rows(sqlite3 *db, int64_t rows, int64_t group)
{
    sqlite3_stmt *highest = prepare(db, "SELECT coalesce(max(id), 0) FROM lead");
    sqlite3_step(highest);
    int64_t first = sqlite3_column_int64(highest, 0) + 1;
    sqlite3_finalize(highest);
    sqlite3_stmt *lead = prepare(db, "INSERT INTO lead (" COLUMNS ") VALUES (?,?,?,?,?,?,?,?,?,?,?,"
                                     "?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    double start = now_s();
    for (int64_t i = 0; i < rows; i++) {
        if (i % group == 0)
            sql(db, "BEGIN IMMEDIATE");
        bind_lead(lead, first + i);
        step(db, lead);
        if (i % group == group - 1 || i == rows - 1)
            sql(db, "COMMIT");
    }
    double seconds = now_s() - start;
    sqlite3_finalize(lead);
    return (double)rows / seconds;
}

/* --- rows like those of a store ----------------------------------------------------------------
 */

#define SAMPLE      10000 /* rows taken from each table, used again and again */
#define SAMPLE_TEXT "10000"

struct table {
    sqlite3_stmt *insert;
    sqlite3_value **values; /* SAMPLE rows of `columns` values */
    int columns, rows;
    int64_t each;              /* rows of it for one record */
    unsigned char is_key[128]; /* columns that get a new number for each row */
};

static char *text_of(const char *format, const char *a, const char *b)
{
    char *text = sqlite3_mprintf(format, a, b);
    if (!text)
        die("no memory");
    return text;
}

/* The table and its indexes, as they stand in the store; samples come again, so none is unique. */
static void copy_schema(sqlite3 *db, sqlite3 *store, const char *name)
{
    char *query = text_of("SELECT sql FROM sqlite_schema WHERE tbl_name = '%q' AND sql NOT NULL "
                          "ORDER BY type = 'index'",
                          name, "");
    sqlite3_stmt *each = prepare(store, query);
    while (sqlite3_step(each) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(each, 0);
        static const char unique[] = "CREATE UNIQUE INDEX";
        int is_unique = strncmp(text, unique, sizeof(unique) - 1) == 0;
        char *plain = text_of("CREATE INDEX%s", is_unique ? text + sizeof(unique) - 1 : "", "");
        sql(db, is_unique ? plain : text);
        sqlite3_free(plain);
    }
    sqlite3_finalize(each);
    sqlite3_free(query);
}

static int64_t rows_of(sqlite3 *store, const char *name)
{
    char *query = text_of("SELECT count(*) FROM \"%w\"", name, "");
    sqlite3_stmt *count = prepare(store, query);
    sqlite3_free(query);
    if (sqlite3_step(count) != SQLITE_ROW)
        die("rows cannot be counted");
    int64_t rows = sqlite3_column_int64(count, 0);
    sqlite3_finalize(count);
    return rows;
}

static void table_load(sqlite3 *db, sqlite3 *store, const char *name, struct table *out)
{
    static const char *const keys[] = {"id", "seq", "line", "record"};
    copy_schema(db, store, name);
    char *query = text_of("SELECT * FROM \"%w\" LIMIT %s", name, SAMPLE_TEXT);
    sqlite3_stmt *rows = prepare(store, query);
    sqlite3_free(query);
    *out = (struct table){.columns = sqlite3_column_count(rows)};
    out->values = calloc((size_t)SAMPLE * (size_t)out->columns, sizeof(sqlite3_value *));
    if (!out->values || out->columns > 128)
        die("too many columns");
    char places[256 + 2] = "?";
    for (int i = 0; i < out->columns; i++) {
        if (i)
            strcat(places, ",?");
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
            out->is_key[i] |= strcmp(sqlite3_column_name(rows, i), keys[k]) == 0;
    }
    for (; out->rows < SAMPLE && sqlite3_step(rows) == SQLITE_ROW; out->rows++)
        for (int i = 0; i < out->columns; i++)
            out->values[out->rows * out->columns + i] =
                sqlite3_value_dup(sqlite3_column_value(rows, i));
    sqlite3_finalize(rows);
    query = text_of("INSERT INTO \"%w\" VALUES (%s)", name, places);
    out->insert = prepare(db, query);
    sqlite3_free(query);
}

static void table_put(sqlite3 *db, struct table *table, int64_t n)
{
    sqlite3_value **row = &table->values[n % table->rows * table->columns];
    for (int i = 0; i < table->columns; i++) {
        if (table->is_key[i])
            sqlite3_bind_int64(table->insert, i + 1, n + 1);
        else
            sqlite3_bind_value(table->insert, i + 1, row[i]);
    }
    step(db, table->insert);
}

/* The tokens of the first documents, read back out of the index. */
static void tokens_load(sqlite3 *db, sqlite3 *store, const char *name, char **tokens)
{
    char *query = text_of("SELECT sql FROM sqlite_schema WHERE name = '%q_tokens'", name, "");
    sqlite3_stmt *made = prepare(store, query);
    sqlite3_step(made);
    sql(db, (const char *)sqlite3_column_text(made, 0));
    sqlite3_finalize(made);
    sqlite3_free(query);
    query = text_of("INSERT INTO \"%w_tokens\" (\"%w_tokens\", rank) VALUES ('automerge', 8)", name,
                    name);
    sql(db, query);
    sqlite3_free(query);
    query = text_of("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, '%q_tokens', instance)",
                    name, "");
    sql(store, query);
    sqlite3_free(query);
    query = text_of("SELECT n, term FROM temp.words JOIN (SELECT id, row_number() OVER (ORDER BY "
                    "id) - 1 AS n FROM \"%w\" ORDER BY id LIMIT %s) AS first ON first.id = doc",
                    name, SAMPLE_TEXT);
    sqlite3_stmt *words = prepare(store, query);
    sqlite3_free(query);
    while (sqlite3_step(words) == SQLITE_ROW) {
        char **all = &tokens[sqlite3_column_int(words, 0)];
        char *more = text_of("%s%s", *all ? *all : "", *all ? " " : "");
        sqlite3_free(*all);
        *all = text_of("%s%s", more, (const char *)sqlite3_column_text(words, 1));
        sqlite3_free(more);
    }
    sqlite3_finalize(words);
}

/* The table of an entity, as the store numbers them; what is no entity is the table itself. */
static char *table_of(sqlite3 *store, const char *entity)
{
    char *query = text_of("SELECT coalesce((SELECT 'e' || id FROM entity_reg WHERE name = '%q'), "
                          "'%q')",
                          entity, entity);
    sqlite3_stmt *found = prepare(store, query);
    if (sqlite3_step(found) != SQLITE_ROW)
        die("the store has no such entity");
    char *name = text_of("%s", (const char *)sqlite3_column_text(found, 0), "");
    sqlite3_finalize(found);
    sqlite3_free(query);
    return name;
}

/* An entity has no table before its first record. */
static int is_there(sqlite3 *store, const char *name)
{
    char *query =
        text_of("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '%q'", name, "");
    sqlite3_stmt *found = prepare(store, query);
    int there = sqlite3_step(found) == SQLITE_ROW;
    sqlite3_finalize(found);
    sqlite3_free(query);
    return there;
}

/* names[0] is an entity: it has the tokens. What is not there is left out. */
static double copy_rows(sqlite3 *db, int64_t rows, int64_t group, const char *path, char **names,
                        int count)
{
    struct table tables[8];
    static char *tokens[SAMPLE];
    sqlite3 *store;
    if (count < 1 || count > 8 ||
        sqlite3_open_v2(path, &store, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        die("a store and up to eight of its tables, please");
    int wanted = count;
    count = 0;
    for (int i = 0; i < wanted; i++) {
        names[count] = table_of(store, names[i]);
        count += is_there(store, names[count]);
    }
    if (count < 1)
        die("the store has no such rows");
    for (int i = 0; i < count; i++) {
        table_load(db, store, names[i], &tables[i]);
        /* Two lines in the log for a lead and its first owner, and a few for the company itself. */
        int64_t records = rows_of(store, names[0]);
        if (!records)
            die("the store has no such records");
        tables[i].each = (rows_of(store, names[i]) + records / 2) / records;
    }
    tokens_load(db, store, names[0], tokens);
    sqlite3_close(store);
    char *query = text_of("INSERT INTO \"%w_tokens\" (rowid, tokens) VALUES (?,?)", names[0], "");
    sqlite3_stmt *put_tokens = prepare(db, query);
    double start = now_s();
    for (int64_t n = 0; n < rows; n++) {
        if (n % group == 0)
            sql(db, "BEGIN IMMEDIATE");
        for (int i = 0; i < count; i++)
            for (int64_t k = 0; k < tables[i].each; k++)
                table_put(db, &tables[i], n * tables[i].each + k);
        sqlite3_bind_int64(put_tokens, 1, n + 1);
        sqlite3_bind_text(put_tokens, 2, tokens[n % tables[0].rows], -1, SQLITE_STATIC);
        step(db, put_tokens);
        if (n % group == group - 1 || n == rows - 1)
            sql(db, "COMMIT");
    }
    return (double)rows / (now_s() - start);
}

/* --- the statements of an import, again ---------------------------------------------------------
 */

#define REPLAY_TEXTS 512

struct replay_text {
    char *text;
    sqlite3_stmt *stmt;
};

static struct replay {
    struct replay_text texts[REPLAY_TEXTS];
    int texts_count;
    char *buf[2]; /* the text, the same with values */
    uint32_t cap[2];
    int64_t inserts, updates, rows;
} replay;

static int read_text(FILE *file, int which)
{
    uint32_t n;
    if (fread(&n, sizeof(n), 1, file) != 1)
        return 0;
    if (n + 1 > replay.cap[which]) {
        replay.cap[which] = n + 1;
        replay.buf[which] = realloc(replay.buf[which], replay.cap[which]);
        if (!replay.buf[which])
            die("no memory");
    }
    if (fread(replay.buf[which], 1, n, file) != n)
        die("the trace ends in the middle");
    replay.buf[which][n] = '\0';
    return 1;
}

/* The one value that stands at `at` of the written out text is bound; gives what follows it.
 * Without a statement it is only read. */
static char *bind_literal(sqlite3_stmt *stmt, int n, char *at)
{
    if (strncmp(at, "NULL", 4) == 0) {
        if (stmt)
            sqlite3_bind_null(stmt, n);
        return at + 4;
    }
    if (*at != '\'') {
        char *end;
        int64_t number = strtoll(at, &end, 10);
        if (end == at || *end == '\'')
            die("a value that cannot be read back");
        if (stmt)
            sqlite3_bind_int64(stmt, n, number);
        return end;
    }
    char *from = at + 1, *to = from, *next = from;
    for (; *next != '\'' || next[1] == '\''; next++) {
        *to++ = *next;
        next += *next == '\'';
    }
    if (stmt)
        sqlite3_bind_text(stmt, n, from, (int)(to - from), SQLITE_STATIC);
    return next + 1;
}

/* Both texts are the same but for their places: ? or ?1, never inside quotes of ours. */
static void bind_literals(sqlite3_stmt *stmt, const char *text, char *values)
{
    for (int n = 0; *text; text++) {
        if (*text != '?') {
            values++;
            continue;
        }
        int place = text[1] >= '1' && text[1] <= '9' ? *++text - '0' : ++n;
        values = bind_literal(stmt, place, values);
    }
}

static sqlite3_stmt *replay_stmt(sqlite3 *db, const char *text)
{
    for (int i = 0; i < replay.texts_count; i++)
        if (strcmp(replay.texts[i].text, text) == 0)
            return replay.texts[i].stmt;
    if (replay.texts_count == REPLAY_TEXTS)
        die("too many different statements");
    struct replay_text *one = &replay.texts[replay.texts_count++];
    one->text = strdup(text);
    one->stmt = prepare(db, text);
    return one->stmt;
}

static void replay_one(sqlite3 *db)
{
    char *text = replay.buf[0];
    if (!*replay.buf[1]) {
        sql(db, text);
        return;
    }
    sqlite3_stmt *stmt = replay_stmt(db, text);
    bind_literals(stmt, text, replay.buf[1]);
    int got;
    while ((got = sqlite3_step(stmt)) == SQLITE_ROW)
        continue;
    if (got != SQLITE_DONE)
        die(sqlite3_errmsg(db));
    sqlite3_reset(stmt);
    replay.inserts += strncmp(text, "INSERT", 6) == 0;
    replay.updates += strncmp(text, "UPDATE", 6) == 0;
}

static double used_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What it takes to read the trace is no part of the work: it is read once without doing anything,
 * by the wall and by the processor. */
static void replay_read(FILE *file, double *wall, double *used)
{
    *wall = now_s();
    *used = used_s();
    while (read_text(file, 0) && read_text(file, 1))
        if (*replay.buf[1])
            bind_literals(NULL, replay.buf[0], replay.buf[1]);
    *wall = now_s() - *wall;
    *used = used_s() - *used;
    rewind(file);
}

/* A row of the file ends with what the import notes of it. */
static void replay_all(sqlite3 *db, const char *path, int64_t group)
{
    FILE *file = fopen(path, "r");
    double read_wall, read_used;
    if (!file)
        die("no trace");
    replay_read(file, &read_wall, &read_used);
    double start = now_s(), used = used_s();
    sql(db, "BEGIN IMMEDIATE");
    while (read_text(file, 0) && read_text(file, 1)) {
        replay_one(db);
        if (strncmp(replay.buf[0], "INSERT INTO \"import_item\"", 25) != 0)
            continue;
        if (++replay.rows % group == 0)
            sql(db, "COMMIT; BEGIN IMMEDIATE");
    }
    sql(db, "COMMIT");
    double wall = now_s() - start - read_wall;
    used = used_s() - used - read_used;
    double each = replay.rows ? (double)replay.rows : 1;
    printf("%.0f %.2f %.2f %.0f\n", each / wall, (double)replay.inserts / each,
           (double)replay.updates / each, used * 1e6 / each);
    fclose(file);
}

static void snapshot(const char *store, const char *path)
{
    sqlite3 *from, *to;
    if (sqlite3_open_v2(store, &from, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_open(path, &to) != SQLITE_OK)
        die("cannot open the stores");
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup || sqlite3_backup_step(backup, -1) != SQLITE_DONE ||
        sqlite3_backup_finish(backup) != SQLITE_OK)
        die("cannot copy the store");
    sqlite3_close(from);
    sqlite3_close(to);
}

/* --- the bare server ----------------------------------------------------------------------------
 */

static sqlite3_stmt *get_stmt, *list_stmt;
static uv_loop_t *loop;

struct peer {
    uv_tcp_t tcp;
    llhttp_t parser;
    char url[256];
    size_t url_len;
    char *out;
    size_t len, cap;
};

static void put(struct peer *peer, const char *bytes, size_t n)
{
    if (peer->len + n > peer->cap) {
        peer->cap = (peer->len + n) * 2;
        peer->out = realloc(peer->out, peer->cap);
        if (!peer->out)
            die("no memory");
    }
    memcpy(peer->out + peer->len, bytes, n);
    peer->len += n;
}

static void put_string(struct peer *peer, const char *s, size_t n)
{
    put(peer, "\"", 1);
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"' || s[i] == '\\')
            put(peer, "\\", 1);
        put(peer, s + i, 1);
    }
    put(peer, "\"", 1);
}

static void put_row(struct peer *peer, sqlite3_stmt *stmt)
{
    char number[32];
    put(peer, "{", 1);
    for (int i = 0; i < COLUMNS_COUNT; i++) {
        const char *name = sqlite3_column_name(stmt, i);
        if (i)
            put(peer, ",", 1);
        put(peer, "\"", 1);
        put(peer, name, strlen(name));
        put(peer, "\":", 2);
        int type = sqlite3_column_type(stmt, i);
        if (type == SQLITE_NULL) {
            put(peer, "null", 4);
        } else if (type == SQLITE_INTEGER) {
            int n =
                snprintf(number, sizeof(number), "%lld", (long long)sqlite3_column_int64(stmt, i));
            put(peer, number, (size_t)n);
        } else {
            put_string(peer, (const char *)sqlite3_column_text(stmt, i),
                       (size_t)sqlite3_column_bytes(stmt, i));
        }
    }
    put(peer, "}", 1);
}

static int on_url(llhttp_t *parser, const char *at, size_t n)
{
    struct peer *peer = parser->data;
    if (peer->url_len + n < sizeof(peer->url)) {
        memcpy(peer->url + peer->url_len, at, n);
        peer->url_len += n;
    }
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    struct peer *peer = parser->data;
    static const char head[] =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %08zu\r\n\r\n";
    char line[sizeof(head) + 16];
    peer->url[peer->url_len] = '\0';
    size_t head_at = peer->len;
    int head_len = snprintf(line, sizeof(line), head, (size_t)0);
    put(peer, line, (size_t)head_len);
    size_t body_at = peer->len;
    if (strncmp(peer->url, "/get/", 5) == 0) {
        sqlite3_bind_int64(get_stmt, 1, strtoll(peer->url + 5, NULL, 10));
        if (sqlite3_step(get_stmt) == SQLITE_ROW)
            put_row(peer, get_stmt);
        sqlite3_reset(get_stmt);
    } else {
        put(peer, "[", 1);
        for (int i = 0; sqlite3_step(list_stmt) == SQLITE_ROW; i++) {
            if (i)
                put(peer, ",", 1);
            put_row(peer, list_stmt);
        }
        put(peer, "]", 1);
        sqlite3_reset(list_stmt);
    }
    snprintf(line, sizeof(line), head, peer->len - body_at);
    memcpy(peer->out + head_at, line, (size_t)head_len);
    peer->url_len = 0;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct peer *peer = (struct peer *)handle;
    free(peer->out);
    free(peer);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    static char block[65536];
    (void)handle;
    (void)hint;
    *buf = uv_buf_init(block, sizeof(block));
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    free(write);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct peer *peer = (struct peer *)stream;
    if (n < 0 || llhttp_execute(&peer->parser, buf->base, (size_t)n) != HPE_OK) {
        uv_close((uv_handle_t *)stream, on_closed);
        return;
    }
    uv_buf_t out = uv_buf_init(peer->out, (unsigned)peer->len);
    int sent = peer->len ? uv_try_write(stream, &out, 1) : 0;
    if (peer->len && sent < (int)peer->len) {
        uv_write_t *write = malloc(sizeof(*write) + peer->len);
        if (!write)
            die("no memory");
        size_t from = sent > 0 ? (size_t)sent : 0;
        memcpy(write + 1, peer->out + from, peer->len - from);
        out = uv_buf_init((char *)(write + 1), (unsigned)(peer->len - from));
        uv_write(write, stream, &out, 1, on_written);
    }
    peer->len = 0;
}

static void on_connection(uv_stream_t *server, int status)
{
    static llhttp_settings_t settings;
    llhttp_settings_init(&settings);
    settings.on_url = on_url;
    settings.on_message_complete = on_complete;
    struct peer *peer = calloc(1, sizeof(*peer));
    if (status < 0 || !peer)
        die("accept");
    uv_tcp_init(loop, &peer->tcp);
    if (uv_accept(server, (uv_stream_t *)&peer->tcp) != 0)
        die("accept");
    uv_tcp_nodelay(&peer->tcp, 1);
    llhttp_init(&peer->parser, HTTP_REQUEST, &settings);
    peer->parser.data = peer;
    uv_read_start((uv_stream_t *)&peer->tcp, on_alloc, on_read);
}

static int socket_on(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        die("bind");
    return fd;
}

static void serve_one(const char *path, int fd)
{
    sqlite3 *db = db_open(path);
    get_stmt = prepare(db, "SELECT " COLUMNS " FROM lead WHERE id = ?");
    list_stmt = prepare(db, LIST_SQL);
    loop = uv_default_loop();
    uv_tcp_t server;
    uv_tcp_init(loop, &server);
    uv_tcp_open(&server, fd);
    if (uv_listen((uv_stream_t *)&server, 512, on_connection) != 0)
        die("listen");
    uv_run(loop, UV_RUN_DEFAULT);
}

static void serve(const char *path, int processes)
{
    int fd = socket_on(0);
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    getsockname(fd, (struct sockaddr *)&address, &len);
    int port = ntohs(address.sin_port);
    printf("port %d\n", port);
    fflush(stdout);
    for (int i = 1; i < processes; i++) {
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            serve_one(path, socket_on(port));
        }
    }
    serve_one(path, fd);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        die("usage: limit seed|serve|write|copy|replay DB … | snapshot STORE FILE");
    int64_t number = strtoll(argv[3], NULL, 10);
    int64_t group = argc > 4 ? strtoll(argv[4], NULL, 10) : 500;
    if (strcmp(argv[1], "serve") == 0) {
        serve(argv[2], (int)number);
        return 0;
    }
    if (strcmp(argv[1], "snapshot") == 0) {
        snapshot(argv[2], argv[3]);
        return 0;
    }
    sqlite3 *db = db_open(argv[2]);
    if (strcmp(argv[1], "replay") == 0) {
        replay_all(db, argv[3], group);
        return 0;
    }
    if (strcmp(argv[1], "copy") == 0) {
        if (argc < 7)
            die("copy needs a store, an entity and tables");
        printf("%.0f\n", copy_rows(db, number, group, argv[5], argv + 6, argc - 6));
        return 0; /* what is still prepared ends with the process */
    }
    make_tables(db);
    printf("%.0f\n", insert_rows(db, number, group));
    sqlite3_close(db);
    return 0;
}
