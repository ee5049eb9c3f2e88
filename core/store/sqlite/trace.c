/* trace - see trace.h.
 *
 * SPDX-License-Identifier: MIT
 */
#define _GNU_SOURCE /* fileno */
#include "store/sqlite/trace.h"

#ifdef PERIGEE_METER

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/sqlite/tokens.h"

static struct {
    FILE *file;
    long marks[DB_DEPTH_MAX + 1];
} trace;

static FILE *trace_file(void)
{
    char path[PATH_MAX];
    if (trace.file || !meter_folder())
        return trace.file;
    (void)snprintf(path, sizeof path, "%s/trace", meter_folder());
    trace.file = fopen(path, "w");
    return trace.file;
}

enum meter_part trace_part(sqlite3_stmt *handle)
{
    const char *sql = sqlite3_sql(handle);
    if (strncmp(sql, "COMMIT", 6) == 0)
        return METER_COMMIT;
    if (strncmp(sql, "SAVEPOINT", 9) == 0 || strncmp(sql, "RELEASE", 7) == 0 ||
        strncmp(sql, "ROLLBACK", 8) == 0)
        return METER_MARK;
    if (sqlite3_stmt_readonly(handle))
        return METER_READ;
    if (strstr(sql, "_tokens\""))
        return METER_TOKENS;
    bool is_log = strncmp(sql, "INSERT INTO \"change\"", 20) == 0 ||
                  strncmp(sql, "INSERT INTO \"import_item\"", 25) == 0;
    return is_log ? METER_LOG : METER_WRITE;
}

static void put(FILE *file, const char *text)
{
    uint32_t n = (uint32_t)strlen(text);
    (void)fwrite(&n, sizeof n, 1, file);
    (void)fwrite(text, 1, n, file);
}

void trace_done(sqlite3_stmt *handle)
{
    FILE *file = trace_file();
    if (!file || strncmp(sqlite3_sql(handle), "BEGIN", 5) == 0)
        return;
    meter_pause();
    char *values = sqlite3_bind_parameter_count(handle) ? sqlite3_expanded_sql(handle) : NULL;
    put(file, sqlite3_sql(handle));
    put(file, values ? values : "");
    sqlite3_free(values);
    meter_resume();
}

void trace_exec(const char *sql)
{
    FILE *file = strncmp(sql, "PRAGMA", 6) == 0 ? NULL : trace_file();
    if (!file)
        return;
    put(file, sql);
    put(file, "");
}

void trace_mark(int level)
{
    if (trace_file())
        trace.marks[level] = ftell(trace.file);
}

void trace_back(int level)
{
    if (trace_file() && fflush(trace.file) == 0 &&
        ftruncate(fileno(trace.file), trace.marks[level]) == 0)
        (void)fseek(trace.file, trace.marks[level], SEEK_SET);
}

#endif
