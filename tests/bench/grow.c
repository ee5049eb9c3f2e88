/* grow - makes a table of a store as large as a report is to be measured on.
 *
 * Importing a million records of every entity would take hours, and a report reads rows, whoever
 * wrote them. So rows that are there serve as samples: a new row takes each column from another of
 * them, what has to be unique gets a number, and what points at a record points at any of that
 * entity. Every index gets its entry, because SQLite writes them; those that no report reads are
 * made behind the rows, which is quicker. No tokens and no change log: a company grown like this is
 * for measuring alone.
 *
 *   grow STORE ENTITY ROWS        prints "rows N"; nobody else may have the store open
 *
 * SPDX-License-Identifier: MIT
 */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES     2000
#define COLUMNS_MAX 256
#define TARGETS     100000      /* records of another entity that are pointed at */
#define BATCH       20000       /* rows a commit */
#define FIRST_ID    (1LL << 50) /* ids are times; smaller numbers are none */

struct column {
    const char *name;
    sqlite3_value **values; /* of the samples */
    int64_t *targets;       /* records that it may point at; NULL: the samples' own values */
    int targets_count;
    bool is_unique, is_text;
};

static struct column columns[COLUMNS_MAX];
static int columns_count, samples;

static void die(const char *what)
{
    fprintf(stderr, "grow: %s\n", what);
    exit(1);
}

static void sql(sqlite3 *db, const char *text)
{
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        die(sqlite3_errmsg(db));
}

static sqlite3_stmt *prepare(sqlite3 *db, char *text)
{
    sqlite3_stmt *stmt;
    if (!text || sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK)
        die(sqlite3_errmsg(db));
    sqlite3_free(text);
    return stmt;
}

static int64_t number(sqlite3 *db, char *text)
{
    sqlite3_stmt *stmt = prepare(db, text);
    int64_t n = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return n;
}

/* The table of an entity, as the store numbers them. */
static char *table_of(sqlite3 *db, const char *entity)
{
    int64_t id = number(db, sqlite3_mprintf("SELECT id FROM entity_reg WHERE name = '%q'", entity));
    char *own = sqlite3_mprintf("e%lld", (long long)id);
    bool numbered = number(db, sqlite3_mprintf("SELECT count(*) FROM perigee_table WHERE name = "
                                               "'%q'",
                                               own)) != 0;
    return numbered ? own : sqlite3_mprintf("%s", entity);
}

/* --- samples --- */

static void samples_load(sqlite3 *db, const char *table)
{
    sqlite3_stmt *rows =
        prepare(db, sqlite3_mprintf("SELECT * FROM \"%w\" LIMIT %d", table, SAMPLES));
    columns_count = sqlite3_column_count(rows);
    if (columns_count > COLUMNS_MAX)
        die("too many columns");
    for (int i = 0; i < columns_count; i++) {
        columns[i].name = sqlite3_mprintf("%s", sqlite3_column_name(rows, i));
        columns[i].values = calloc(SAMPLES, sizeof(sqlite3_value *));
        const char *type = sqlite3_column_decltype(rows, i);
        columns[i].is_text = type && strcmp(type, "TEXT") == 0;
    }
    for (; sqlite3_step(rows) == SQLITE_ROW; samples++)
        for (int i = 0; i < columns_count; i++)
            columns[i].values[samples] = sqlite3_value_dup(sqlite3_column_value(rows, i));
    sqlite3_finalize(rows);
    if (samples == 0)
        die("the store has no such rows to take after");
}

/* The last column of each unique index tells its rows apart. */
static void unique_load(sqlite3 *db, const char *table)
{
    sqlite3_stmt *each = prepare(
        db, sqlite3_mprintf("SELECT columns FROM perigee_index WHERE is_unique AND table_name = %Q",
                            table));
    while (sqlite3_step(each) == SQLITE_ROW) {
        const char *names = (const char *)sqlite3_column_text(each, 0);
        const char *last = strrchr(names, ',') ? strrchr(names, ',') + 1 : names;
        for (int i = 0; i < columns_count; i++)
            columns[i].is_unique |= strcmp(columns[i].name, last) == 0;
    }
    sqlite3_finalize(each);
}

static int64_t id_in(const struct column *column)
{
    for (int i = 0; i < samples; i++) {
        int64_t n = sqlite3_value_int64(column->values[i]);
        if (sqlite3_value_type(column->values[i]) == SQLITE_INTEGER && n >= FIRST_ID)
            return n;
    }
    return 0;
}

static void targets_load(sqlite3 *db, struct column *column, const char *table)
{
    sqlite3_stmt *ids =
        prepare(db, sqlite3_mprintf("SELECT id FROM \"%w\" LIMIT %d", table, TARGETS));
    column->targets = calloc(TARGETS, sizeof(int64_t));
    while (sqlite3_step(ids) == SQLITE_ROW)
        column->targets[column->targets_count++] = sqlite3_column_int64(ids, 0);
    sqlite3_finalize(ids);
}

/* Whose ids they are is seen from one of them. */
static void refs_load(sqlite3 *db, const char *own)
{
    for (int i = 0; i < columns_count; i++) {
        int64_t id = id_in(&columns[i]);
        if (!id || columns[i].is_unique || strcmp(columns[i].name, "id") == 0)
            continue;
        sqlite3_stmt *tables =
            prepare(db, sqlite3_mprintf("SELECT t.name FROM perigee_table AS t JOIN "
                                        "pragma_table_info(t.name) AS c WHERE c.name = 'id' AND "
                                        "t.name NOT IN (%Q, 'erasure', 'change', 'audit')",
                                        own));
        while (!columns[i].targets && sqlite3_step(tables) == SQLITE_ROW) {
            const char *table = (const char *)sqlite3_column_text(tables, 0);
            if (number(db, sqlite3_mprintf("SELECT count(*) FROM \"%w\" WHERE id = %lld", table,
                                           (long long)id)))
                targets_load(db, &columns[i], table);
        }
        sqlite3_finalize(tables);
    }
}

/* --- rows --- */

static uint64_t next_random(void)
{
    static uint64_t state = 88172645463325252u; /* the same rows at every run */
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void bind(sqlite3_stmt *stmt, int at, const struct column *column, int64_t n)
{
    sqlite3_value *sample = column->values[next_random() % (uint64_t)samples];
    if (column->is_unique && sqlite3_value_type(sample) != SQLITE_NULL) {
        if (!column->is_text) {
            sqlite3_bind_int64(stmt, at, n);
            return;
        }
        char *text = sqlite3_mprintf("%.40s~%lld", sqlite3_value_text(sample), (long long)n);
        sqlite3_bind_text(stmt, at, text, -1, sqlite3_free);
    } else if (column->targets_count > 0 && sqlite3_value_type(sample) != SQLITE_NULL) {
        sqlite3_bind_int64(stmt, at,
                           column->targets[next_random() % (uint64_t)column->targets_count]);
    } else {
        sqlite3_bind_value(stmt, at, sample);
    }
}

static void rows_add(sqlite3 *db, const char *table, int64_t rows)
{
    char places[COLUMNS_MAX * 2 + 1] = "?";
    for (int i = 1; i < columns_count; i++)
        memcpy(places + 2 * i - 1, ",?", 3);
    sqlite3_stmt *insert =
        prepare(db, sqlite3_mprintf("INSERT INTO \"%w\" VALUES (%s)", table, places));
    int64_t first = number(db, sqlite3_mprintf("SELECT max(id) FROM \"%w\"", table)) + 1;
    for (int64_t n = 0; n < rows; n++) {
        if (n % BATCH == 0)
            sql(db, "BEGIN IMMEDIATE");
        for (int i = 0; i < columns_count; i++) {
            if (strcmp(columns[i].name, "id") == 0)
                sqlite3_bind_int64(insert, i + 1, first + n);
            else
                bind(insert, i + 1, &columns[i], first + n);
        }
        if (sqlite3_step(insert) != SQLITE_DONE)
            die(sqlite3_errmsg(db));
        sqlite3_reset(insert);
        if (n % BATCH == BATCH - 1 || n == rows - 1)
            sql(db, "COMMIT");
    }
    sqlite3_finalize(insert);
}

/* Indexes that are in nobody's way: all but those that tell rows apart and the reports' own. */
static sqlite3_stmt *others(sqlite3 *db, const char *table)
{
    return prepare(db, sqlite3_mprintf("SELECT name, sql FROM perigee_index WHERE NOT is_unique "
                                       "AND table_name = %Q AND name <> %Q || '_report'",
                                       table, table));
}

static void others_drop(sqlite3 *db, const char *table)
{
    sqlite3_stmt *each = others(db, table);
    char *all = sqlite3_mprintf("");
    while (sqlite3_step(each) == SQLITE_ROW)
        all = sqlite3_mprintf("%z DROP INDEX IF EXISTS \"%w\";", all, sqlite3_column_text(each, 0));
    sqlite3_finalize(each);
    sql(db, all);
    sqlite3_free(all);
}

static void others_make(sqlite3 *db, const char *table)
{
    sqlite3_stmt *each = others(db, table);
    while (sqlite3_step(each) == SQLITE_ROW)
        sql(db, (const char *)sqlite3_column_text(each, 1));
    sqlite3_finalize(each);
}

int main(int argc, char **argv)
{
    sqlite3 *db;
    if (argc != 4 || sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        die("usage: grow STORE ENTITY ROWS");
    sql(db, "PRAGMA synchronous=OFF; PRAGMA cache_size=-400000");
    char *table = table_of(db, argv[2]);
    int64_t there = number(db, sqlite3_mprintf("SELECT count(*) FROM \"%w\"", table));
    samples_load(db, table);
    unique_load(db, table);
    refs_load(db, table);
    if (there < atoll(argv[3])) {
        others_drop(db, table);
        rows_add(db, table, atoll(argv[3]) - there);
        others_make(db, table);
    }
    sql(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    printf("rows %lld\n",
           (long long)number(db, sqlite3_mprintf("SELECT count(*) FROM \"%w\"", table)));
    sqlite3_close(db);
    return 0;
}
