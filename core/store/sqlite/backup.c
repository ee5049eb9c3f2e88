/* backup - a consistent copy of one snapshot, in one step.
 *
 * sqlite3_backup_step(-1) reads one WAL snapshot while writers go on; stepwise copies restart with
 * every commit and may never end. The copy is made under a temporary name, checked, synced and only
 * then given its name.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "store/sqlite/db.h"
#include "store/sqlite/file.h"

static enum err copy_err(struct db *db, sqlite3 *copy, int rc)
{
    if (rc == SQLITE_OK || rc == SQLITE_DONE)
        return ERR_OK;
    db_why(db, "backup: %s (%d)", copy ? sqlite3_errmsg(copy) : sqlite3_errstr(rc), rc);
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_CORRUPT;
    default:
        return ERR_IO;
    }
}

static enum err copy_check(struct db *db, sqlite3 *copy)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(copy, "PRAGMA integrity_check(1)", -1, &stmt, NULL);
    enum err e = ERR_OK;
    if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(stmt, 0);
        if (strcmp(line, "ok") != 0) {
            db_why(db, "backup: %s", line);
            e = ERR_CORRUPT;
        }
    } else {
        e = copy_err(db, copy, sqlite3_extended_errcode(copy));
    }
    sqlite3_finalize(stmt);
    return e;
}

/* Nothing is synced on the way: the finished file is, before it gets its name. */
static enum err copy_pages(struct db *db, sqlite3 *copy)
{
    int rc =
        sqlite3_exec(copy, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF", NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return copy_err(db, copy, rc);
    sqlite3_backup *backup = sqlite3_backup_init(copy, "main", db->handle, "main");
    if (!backup)
        return copy_err(db, copy, sqlite3_extended_errcode(copy));
    int step = sqlite3_backup_step(backup, -1);
    rc = sqlite3_backup_finish(backup);
    if (step != SQLITE_DONE)
        return copy_err(db, copy, rc != SQLITE_OK ? rc : step);
    return copy_check(db, copy);
}

static enum err copy_make(struct db *db, const char *path)
{
    sqlite3 *copy = NULL;
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        db_why(db, "backup: %s", strerror(errno));
        return file_err(errno);
    }
    close(fd);
    int rc = sqlite3_open_v2(
        path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, NULL);
    enum err e = copy_err(db, copy, rc);
    if (!e)
        e = copy_pages(db, copy);
    rc = sqlite3_close(copy);
    return e ? e : copy_err(db, NULL, rc);
}

enum err backup_make(struct store *store, const char *path)
{
    struct db *db = db_of(store);
    char real[PATH_MAX], making[PATH_MAX + 8];
    enum err e = file_resolve(path, real);
    if (e) {
        db_why(db, "backup: the folder of %s does not exist", path);
        return e;
    }
    snprintf(making, sizeof making, "%s.new", real);
    file_remove_database(making);
    e = copy_make(db, making);
    if (!e)
        e = file_publish(making, real);
    if (e)
        file_remove_database(making);
    return e;
}
