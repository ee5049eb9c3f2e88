/* guard - what a connection may do: authorizer, limits, SQL functions, CPU budget.
 *
 * The authorizer is asked while a statement is prepared. Statements made from a caller's query may
 * read and write the tables of the registry and their token tables, and call the few functions that
 * emit.c writes; statements of our own (db->trusted) may also touch the system tables and do DDL.
 * Nobody attaches files, makes triggers or views, or runs a pragma outside the list.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/clock.h"
#include "base/text.h"
#include "store/sqlite/bucket.h"
#include "store/sqlite/db.h"
#include "store/sqlite/semijoin.h"
#include "store/sqlite/tally.h"

#define PROGRESS_OPCODES 1000

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (sqlite3_stricmp(name, *list) == 0)
            return true;
    return false;
}

bool guard_name_is_plain(const char *name)
{
    size_t n = 0;
    for (; name[n]; n++) {
        char c = name[n];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_') || n == NAME_BYTES_MAX)
            return false;
    }
    return n > 0 && !(name[0] >= '0' && name[0] <= '9');
}

/* --- authorizer --- */

static bool pragma_is_allowed(const struct db *db, const char *name)
{
    static const char *const always[] = {"data_version", NULL}; /* FTS5 asks it by itself */
    static const char *const ours[] = {"journal_mode",
                                       "synchronous",
                                       "query_only",
                                       "cache_size",
                                       "cell_size_check",
                                       "mmap_size",
                                       "temp_store",
                                       "trusted_schema",
                                       "secure_delete",
                                       "journal_size_limit",
                                       "table_info",
                                       "integrity_check",
                                       "page_count",
                                       "page_size",
                                       "wal_autocheckpoint",
                                       "busy_timeout",
                                       "compile_options",
                                       "schema_version",
                                       NULL};
    return is_one_of(name, always) || (db->trusted && is_one_of(name, ours));
}

/* "lead_tokens_data" belongs to "lead_tokens". */
static bool is_token_table(const struct db *db, const char *name)
{
    static const char *const shadows[] = {"", "_data", "_idx", "_docsize", "_config", NULL};
    struct slice s = slice_str(name);
    for (int i = 0; shadows[i]; i++) {
        struct slice tail = slice_str(shadows[i]);
        if (!slice_ends(s, tail))
            continue;
        struct slice base = slice_of(s.at, s.len - tail.len);
        if (!slice_ends(base, SLICE("_tokens")))
            continue;
        base.len -= strlen("_tokens");
        const struct table_entry *entry = db_table_peek(db, base);
        if (entry && entry->tokens)
            return true;
    }
    return false;
}

static bool table_is_allowed(const struct db *db, const char *name)
{
    if (db->trusted || !name || db_table_peek(db, slice_str(name)))
        return true;
    return strcmp(name, "json_each") == 0 || is_token_table(db, name);
}

static int authorize(void *arg, int action, const char *a, const char *b, const char *database,
                     const char *trigger)
{
    static const char *const functions[] = {
        "count",      "sum",   "min",   "max",      "ifnull",     "fold_find", "bucket",
        "bucket_day", "match", "tally", "semijoin", "likelihood", NULL};
    const struct db *db = arg;
    bool allowed;
    (void)database;
    (void)trigger;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
        allowed = true;
        break;
    case SQLITE_READ:
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        allowed = table_is_allowed(db, a);
        break;
    case SQLITE_FUNCTION:
        allowed = db->trusted || is_one_of(b, functions);
        break;
    case SQLITE_PRAGMA:
        /* ADD COLUMN to a STRICT table checks every row this way. The new column is empty or has
         * its own default everywhere, so there is nothing to find: without it, milliseconds. */
        if (db->trusted && sqlite3_stricmp(a, "quick_check") == 0)
            return SQLITE_IGNORE;
        allowed = pragma_is_allowed(db, a);
        break;
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_VIEW:
    case SQLITE_CREATE_TEMP_VIEW:
        allowed = false;
        break;
    default:
        allowed = db->trusted;
    }
    return allowed ? SQLITE_OK : SQLITE_DENY;
}

/* --- CPU budget --- */

/* The clock is a system call, so short statements never look at it: time is counted from the first
 * thousand opcodes on, a few dozen microseconds late. */
static int progress(void *arg)
{
    struct db *db = arg;
    if (db->is_asked && !db->tx_writes && db->is_asked(db->asked_arg)) {
        db->asked_back = true;
        return 1;
    }
    if (db->budget_us == 0)
        return 0;
    int64_t now = clock_cpu_us();
    if (db->started_us < 0) {
        db->started_us = now;
        return 0;
    }
    db->out_of_time = now - db->started_us > db->budget_us;
    return db->out_of_time;
}

/* --- SQL functions --- */

/* fold_find(text, needle): where the folded text holds the needle (folded already), counted from 1;
 * 0 = not at all. One call, so that the folded text is never copied. */
static void function_fold_find(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct db *db = sqlite3_user_data(context);
    (void)argc;
    const char *text = (const char *)sqlite3_value_text(argv[0]);
    const char *needle = (const char *)sqlite3_value_text(argv[1]);
    if (!text || !needle)
        return; /* NULL */
    struct slice wanted = slice_of(needle, (size_t)sqlite3_value_bytes(argv[1]));
    buf_clear(&db->folded);
    text_fold(&db->folded, slice_of(text, (size_t)sqlite3_value_bytes(argv[0])));
    ptrdiff_t at = wanted.len ? slice_find(buf_slice(&db->folded), wanted) : 0;
    sqlite3_result_int64(context, at + 1);
}

/* bucket(ms, zone, kind): the first instant of its day, week, month, quarter or year there. */
static void function_bucket(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
        return;
    const struct zone *zone = zone_find((const char *)sqlite3_value_text(argv[1]));
    enum query_bucket kind = (enum query_bucket)sqlite3_value_int(argv[2]);
    int64_t low, high;
    bucket_span(zone ? zone : zone_find("UTC"), kind, sqlite3_value_int64(argv[0]), &low, &high);
    sqlite3_result_int64(context, low);
}

/* bucket_day(days, kind): the first day of the week (Monday), month, quarter or year. */
static void function_bucket_day(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    (void)argc;
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
        return;
    enum query_bucket kind = (enum query_bucket)sqlite3_value_int(argv[1]);
    sqlite3_result_int64(context, bucket_first_day(sqlite3_value_int64(argv[0]), kind));
}

static int functions_register(struct db *db)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    int rc = sqlite3_create_function_v2(db->handle, "fold_find", 2, flags, db, function_fold_find,
                                        NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(db->handle, "bucket", 3, flags, db, function_bucket, NULL,
                                        NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(db->handle, "bucket_day", 2, flags, db, function_bucket_day,
                                        NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(db->handle, "tally", -1, SQLITE_UTF8 | SQLITE_INNOCUOUS, db,
                                        NULL, tally_step, tally_end, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_create_function_v2(db->handle, "semijoin", 2, SQLITE_UTF8 | SQLITE_INNOCUOUS,
                                        db, semijoin_step, NULL, NULL, NULL);
    return rc;
}

/* --- all of it --- */

static void limits_set(sqlite3 *handle)
{
    sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, STORE_VALUE_BYTES_MAX);
    sqlite3_limit(handle, SQLITE_LIMIT_SQL_LENGTH, STORE_SQL_BYTES_MAX);
    sqlite3_limit(handle, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200);
    sqlite3_limit(handle, SQLITE_LIMIT_VARIABLE_NUMBER, STORE_BINDS_MAX);
    sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(handle, SQLITE_LIMIT_EXPR_DEPTH, STORE_EXPR_DEPTH_MAX);
    sqlite3_limit(handle, SQLITE_LIMIT_COMPOUND_SELECT, 20);
    sqlite3_limit(handle, SQLITE_LIMIT_WORKER_THREADS, 0);
}

enum err guard_install(struct db *db)
{
    static const struct {
        int option, value;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
        {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0},
        {SQLITE_DBCONFIG_DQS_DDL, 0},
        {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},
        {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
        {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
        /* A bound value must not make a cached statement prepare itself anew at every step. */
        {SQLITE_DBCONFIG_ENABLE_QPSG, 1},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        int now = -1;
        int rc = sqlite3_db_config(db->handle, options[i].option, options[i].value, &now);
        if (rc != SQLITE_OK || now != options[i].value)
            return db_err(db, rc != SQLITE_OK ? rc : SQLITE_MISUSE);
    }
    int no_checkpoint = db->mode != STORE_OWNER;
    int rc = sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, no_checkpoint, NULL);
    limits_set(db->handle);
    if (rc == SQLITE_OK)
        rc = functions_register(db);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(db->handle, 0);
    if (rc == SQLITE_OK)
        rc = sqlite3_set_authorizer(db->handle, authorize, db);
    sqlite3_progress_handler(db->handle, PROGRESS_OPCODES, progress, db);
    return db_err(db, rc);
}
