/* grow - makes a table of a store as large as a report is to be measured on.
 *
 * Importing a million records of every entity would take hours, and a report reads rows, whoever
 * wrote them. So rows that are there serve as samples: a new row takes each column from another of
 * them, what has to be unique gets a number, and what points at a record points at any of that
 * entity. Every index gets its entry, because SQLite writes them; those that no report reads are
 * made behind the rows, which is quicker. No tokens and no change log: a company grown like this is
 * for measuring alone.
 *
 * A sample that has few of a field's values would make a report that asks for the others look
 * quick. So fields can be filled: `state=open|won` gives half the rows one of these words;
 * `due_on=20000..20700` a number of that range and `account=@account` any record of that entity,
 * where no sample has a value. `ticket=<` says that rows came as their tickets did. Where there is
 * no row at all, all rows are made of that alone.
 *
 *   grow STORE ENTITY ROWS [FIELD=FILLING …]   prints "rows N"; nobody else may have the store open
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
#define MILLION     1000000
#define YEAR_MS     (365LL * 86400 * 1000)
#define WORDS_MAX   64
#define RATE_ONE    1000000     /* as exchange rates are kept */
#define TARGETS     400000      /* records of another entity that are pointed at */
#define BATCH       20000       /* rows a commit */
#define FIRST_ID    (1LL << 50) /* ids are times; smaller numbers are none */

struct column {
    const char *name;
    sqlite3_value **values; /* of the samples */
    int64_t *targets;       /* records that it may point at; NULL: the samples' own values */
    int targets_count;
    bool is_unique, is_text, has_values, is_filled, is_in_order;
    char *words[WORDS_MAX]; /* half the rows have one of them */
    int words_count;
    int64_t from, span; /* all rows have a number of from .. from + span - 1, unless span is 0 */
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

static bool table_is(sqlite3 *db, const char *table)
{
    return number(db,
                  sqlite3_mprintf("SELECT count(*) FROM sqlite_schema WHERE name = %Q", table)) > 0;
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
        for (int i = 0; i < columns_count; i++) {
            columns[i].values[samples] = sqlite3_value_dup(sqlite3_column_value(rows, i));
            columns[i].has_values |= sqlite3_column_type(rows, i) != SQLITE_NULL;
        }
    sqlite3_finalize(rows);
    if (samples > 0)
        return;
    /* A row like any other. */
    rows = prepare(db, sqlite3_mprintf("SELECT 1, unixepoch() * 1000, NULL"));
    sqlite3_step(rows);
    for (int i = 0; i < columns_count; i++) {
        const char *name = columns[i].name;
        bool is_time = strcmp(name, "created_at") == 0 || strcmp(name, "updated_at") == 0;
        int at = strcmp(name, "version") == 0 ? 0 : is_time ? 1 : 2;
        columns[i].values[0] = sqlite3_value_dup(sqlite3_column_value(rows, at));
    }
    samples = 1;
    sqlite3_finalize(rows);
}

/* A table whose first row has not come yet is only noted (store/sqlite/late.c). */
static void table_make(sqlite3 *db, const char *table)
{
    char *noted = sqlite3_mprintf("SELECT sql FROM perigee_index WHERE table_name = %Q AND EXISTS "
                                  "(SELECT 1 FROM perigee_index WHERE name = %Q) "
                                  "ORDER BY name <> %Q",
                                  table, table, table);
    sqlite3_stmt *each = prepare(db, noted);
    char *all = sqlite3_mprintf("");
    while (sqlite3_step(each) == SQLITE_ROW)
        all = sqlite3_mprintf("%z%s;", all, sqlite3_column_text(each, 0));
    sqlite3_finalize(each);
    if (*all)
        all = sqlite3_mprintf("%zUPDATE perigee_table SET tokens = 0 WHERE name = %Q;"
                              "DELETE FROM perigee_index WHERE name = %Q",
                              all, table, table);
    sql(db, all);
    sqlite3_free(all);
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

/* --- fillings --- */

static struct column *column_of(sqlite3 *db, const char *entity, const char *field)
{
    int64_t id = number(db, sqlite3_mprintf("SELECT id FROM field_reg WHERE entity = %Q AND name "
                                            "= %Q ORDER BY id DESC",
                                            entity, field));
    char *own = sqlite3_mprintf("f%lld", (long long)id);
    for (int i = 0; i < columns_count; i++)
        if (strcmp(columns[i].name, own) == 0 || strcmp(columns[i].name, field) == 0)
            return &columns[i];
    return NULL; /* a list, or worked out when it is read */
}

/* Money has its currency, its amount in the company's and the rate beside it. */
static void money_fill(const struct column *amount)
{
    for (int i = 0; i < columns_count; i++) {
        struct column *one = &columns[i];
        size_t len = strlen(amount->name);
        if (strncmp(one->name, amount->name, len) != 0)
            continue;
        if (strcmp(one->name + len, "b") == 0) {
            one->from = amount->from;
            one->span = amount->span;
        } else if (strcmp(one->name + len, "r") == 0) {
            one->from = RATE_ONE;
            one->span = 1;
        } else if (strcmp(one->name + len, "c") == 0) {
            one->words[one->words_count++] = "CNY";
        }
    }
}

static void fill(sqlite3 *db, const char *entity, char *filling)
{
    char *words = strchr(filling, '=');
    if (!words)
        die("a filling is FIELD=WORDS");
    *words++ = '\0';
    struct column *column = column_of(db, entity, filling);
    long long from, to;
    if (!column || column->is_unique)
        return;
    if (*words == '<') {
        column->is_in_order = true;
    } else if (*words == '@') {
        column->is_filled = !column->has_values && table_is(db, table_of(db, words + 1));
        if (column->is_filled)
            targets_load(db, column, table_of(db, words + 1));
    } else if (sscanf(words, "%lld..%lld", &from, &to) == 2) {
        column->from = from;
        column->span = column->has_values || to < from ? 0 : to - from + 1;
        if (column->span > 0)
            money_fill(column);
    } else {
        for (char *word = strtok(words, "|"); word && column->words_count < WORDS_MAX;
             word = strtok(NULL, "|"))
            column->words[column->words_count++] = word;
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

/* `part`: how many of a million rows there are before this one. */
static void bind(sqlite3_stmt *stmt, int at, const struct column *column, int64_t n, int part)
{
    sqlite3_value *sample = column->values[next_random() % (uint64_t)samples];
    if (strcmp(column->name, "created_at") == 0) { /* ids are times, too */
        int64_t last = sqlite3_value_int64(column->values[samples - 1]);
        sqlite3_bind_int64(stmt, at, last - YEAR_MS + YEAR_MS / MILLION * part);
    } else if (column->is_in_order && column->targets_count > 0) {
        int64_t place = (int64_t)part * column->targets_count / MILLION;
        sqlite3_bind_int64(stmt, at, column->targets[place]);
    } else if (column->words_count > 0 && (samples < 2 || next_random() % 2)) {
        const char *word = column->words[next_random() % (uint64_t)column->words_count];
        sqlite3_bind_text(stmt, at, word, -1, SQLITE_STATIC);
    } else if (column->span > 0) {
        sqlite3_bind_int64(stmt, at,
                           column->from + (int64_t)(next_random() % (uint64_t)column->span));
    } else if (column->is_unique && sqlite3_value_type(sample) != SQLITE_NULL) {
        if (!column->is_text) {
            sqlite3_bind_int64(stmt, at, n);
            return;
        }
        char *text = sqlite3_mprintf("%.40s~%lld", sqlite3_value_text(sample), (long long)n);
        sqlite3_bind_text(stmt, at, text, -1, sqlite3_free);
    } else if (column->targets_count > 0 &&
               (column->is_filled || sqlite3_value_type(sample) != SQLITE_NULL)) {
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
                bind(insert, i + 1, &columns[i], first + n, (int)(n * MILLION / rows));
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
    if (argc < 4 || sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
        die("usage: grow STORE ENTITY ROWS [FIELD=FILLING …]");
    sql(db, "PRAGMA synchronous=OFF; PRAGMA cache_size=-400000");
    char *table = table_of(db, argv[2]);
    table_make(db, table);
    int64_t there = number(db, sqlite3_mprintf("SELECT count(*) FROM \"%w\"", table));
    samples_load(db, table);
    unique_load(db, table);
    refs_load(db, table);
    for (int i = 4; i < argc; i++)
        fill(db, argv[2], argv[i]);
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
