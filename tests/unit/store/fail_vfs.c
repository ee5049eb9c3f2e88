/* fail_vfs - a file system under SQLite whose n-th write or sync fails.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fail_vfs.h"

#include <sqlite3.h>
#include <stddef.h>

struct fail_file {
    sqlite3_file base;  /* first */
    sqlite3_file *real; /* behind this struct, in the same block */
};

static sqlite3_vfs *real_vfs;
static struct {
    enum fail_kind kind;
    int nth, seen, failed;
    bool forever;
} armed;

void fail_vfs_arm(enum fail_kind kind, int nth, bool forever)
{
    armed.kind = kind;
    armed.nth = nth;
    armed.seen = 0;
    armed.failed = 0;
    armed.forever = forever;
}

void fail_vfs_disarm(void)
{
    armed.kind = FAIL_NOTHING;
}

int fail_vfs_failed(void)
{
    return armed.failed;
}

static bool fails_now(bool is_sync)
{
    if (armed.kind == FAIL_NOTHING || is_sync != (armed.kind == FAIL_SYNC))
        return false;
    armed.seen++;
    if (armed.seen != armed.nth && !(armed.forever && armed.seen > armed.nth))
        return false;
    armed.failed++;
    return true;
}

static sqlite3_file *real(sqlite3_file *file)
{
    return ((struct fail_file *)file)->real;
}

static int file_close(sqlite3_file *file)
{
    return real(file)->pMethods->xClose(real(file));
}

static int file_read(sqlite3_file *file, void *bytes, int n, sqlite3_int64 at)
{
    return real(file)->pMethods->xRead(real(file), bytes, n, at);
}

static int file_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    if (fails_now(false)) {
        if (armed.kind == FAIL_WRITE_FULL)
            return SQLITE_FULL;
        (void)real(file)->pMethods->xWrite(real(file), bytes, n / 2, at);
        return SQLITE_IOERR_WRITE;
    }
    return real(file)->pMethods->xWrite(real(file), bytes, n, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return real(file)->pMethods->xTruncate(real(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    int rc = real(file)->pMethods->xSync(real(file), flags);
    return fails_now(true) ? SQLITE_IOERR_FSYNC : rc;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real(file)->pMethods->xFileSize(real(file), size);
}

static int file_lock(sqlite3_file *file, int lock)
{
    return real(file)->pMethods->xLock(real(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock)
{
    return real(file)->pMethods->xUnlock(real(file), lock);
}

static int file_reserved(sqlite3_file *file, int *out)
{
    return real(file)->pMethods->xCheckReservedLock(real(file), out);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    return real(file)->pMethods->xFileControl(real(file), op, arg);
}

static int file_sector(sqlite3_file *file)
{
    return real(file)->pMethods->xSectorSize(real(file));
}

static int file_traits(sqlite3_file *file)
{
    return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return real(file)->pMethods->xShmMap(real(file), page, size, extend, out);
}

static int shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}

static void shm_barrier(sqlite3_file *file)
{
    real(file)->pMethods->xShmBarrier(real(file));
}

static int shm_unmap(sqlite3_file *file, int delete_file)
{
    return real(file)->pMethods->xShmUnmap(real(file), delete_file);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct fail_file *mine = (struct fail_file *)file;
    (void)vfs;
    mine->base.pMethods = NULL;
    mine->real = (sqlite3_file *)(mine + 1);
    int rc = real_vfs->xOpen(real_vfs, name, mine->real, flags, out);
    if (mine->real->pMethods)
        mine->base.pMethods = &methods;
    return rc;
}

void fail_vfs_install(void)
{
    static sqlite3_vfs vfs;
    if (real_vfs)
        return;
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs; /* all but opening is the real one's, which finds its own data in its copy */
    vfs.zName = "fail";
    vfs.szOsFile = (int)sizeof(struct fail_file) + real_vfs->szOsFile;
    vfs.xOpen = vfs_open;
    sqlite3_vfs_register(&vfs, 1);
}
