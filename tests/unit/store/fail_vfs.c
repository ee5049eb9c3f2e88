/* fail_vfs - a file system under SQLite whose n-th write or sync fails, or loses power.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fail_vfs.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a file holds now, and what of it a disk is sure to hold. */
struct image {
    const char *tail; /* behind the name of the copy */
    char *now, *sure; /* owned */
    size_t now_len, sure_len;
};

struct fail_file {
    sqlite3_file base;   /* first */
    sqlite3_file *real;  /* behind this struct, in the same block */
    struct image *image; /* NULL: not watched */
};

static sqlite3_vfs *real_vfs;
static struct {
    enum fail_kind kind;
    int nth, seen, failed;
    bool forever;
} armed;

static struct {
    bool on, done;
    int nth, seen;
    unsigned seed;
    char to[512];
    struct image images[2]; /* the database, its WAL */
} cut;

/* --- losing power --- */

void fail_vfs_cut_arm(int nth, unsigned seed, const char *to)
{
    fail_vfs_cut_disarm();
    memset(&cut, 0, sizeof cut);
    cut.on = true;
    cut.nth = nth;
    cut.seed = seed;
    snprintf(cut.to, sizeof cut.to, "%s", to);
    cut.images[0].tail = "";
    cut.images[1].tail = "-wal";
}

bool fail_vfs_cut_done(void)
{
    return cut.done;
}

void fail_vfs_cut_disarm(void)
{
    cut.on = false;
    for (int i = 0; i < 2; i++) {
        free(cut.images[i].now);
        free(cut.images[i].sure);
        cut.images[i] = (struct image){0};
    }
}

static void image_resize(struct image *image, size_t len)
{
    if (len > image->now_len) {
        image->now = realloc(image->now, len);
        memset(image->now + image->now_len, 0, len - image->now_len);
    }
    image->now_len = len;
}

static void image_sync(struct image *image)
{
    free(image->sure);
    image->sure = malloc(image->now_len + 1);
    if (image->now_len)
        memcpy(image->sure, image->now, image->now_len);
    image->sure_len = image->now_len;
}

/* Mixes by sector: with a seed, some of what was written since the last sync made it. */
static void image_leave(const struct image *image)
{
    char name[600];
    size_t len = image->sure_len;
    unsigned random = cut.seed;
    snprintf(name, sizeof name, "%s%s", cut.to, image->tail);
    if (cut.seed && image->now_len > len)
        len = image->now_len;
    char *bytes = calloc(1, len + 1);
    if (image->sure_len)
        memcpy(bytes, image->sure, image->sure_len);
    for (size_t at = 0; cut.seed && at < image->now_len; at += 512) {
        size_t n = image->now_len - at < 512 ? image->now_len - at : 512;
        random = random * 1103515245u + 12345u;
        if (random >> 30)
            memcpy(bytes + at, image->now + at, n);
    }
    FILE *file = fopen(name, "wb");
    if (!file || fwrite(bytes, 1, len, file) != len)
        abort();
    fclose(file);
    free(bytes);
}

static void cut_count(sqlite3_file *file)
{
    if (!cut.on || cut.done || !((struct fail_file *)file)->image || ++cut.seen != cut.nth)
        return;
    image_leave(&cut.images[0]);
    image_leave(&cut.images[1]);
    cut.done = true;
}

static struct image *image_of(sqlite3_file *file)
{
    return cut.on && !cut.done ? ((struct fail_file *)file)->image : NULL;
}

/* --- failing --- */

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
    struct image *image = image_of(file);
    if (image) {
        size_t end = (size_t)at + (size_t)n;
        image_resize(image, end > image->now_len ? end : image->now_len);
        memcpy(image->now + at, bytes, (size_t)n);
        cut_count(file);
    }
    return real(file)->pMethods->xWrite(real(file), bytes, n, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct image *image = image_of(file);
    if (image) {
        image_resize(image, (size_t)size);
        cut_count(file);
    }
    return real(file)->pMethods->xTruncate(real(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    int rc = real(file)->pMethods->xSync(real(file), flags);
    struct image *image = image_of(file);
    if (image) {
        image_sync(image);
        cut_count(file);
    }
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

/* What is in the file already is taken as safe. */
static void watch(struct fail_file *mine, int flags)
{
    struct image *image = &cut.images[(flags & SQLITE_OPEN_WAL) != 0];
    sqlite3_int64 size = 0;
    if (!cut.on || !(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) || image->now)
        return;
    mine->real->pMethods->xFileSize(mine->real, &size);
    image_resize(image, (size_t)size);
    if (size > 0)
        mine->real->pMethods->xRead(mine->real, image->now, (int)size, 0);
    image_sync(image);
    mine->image = image;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct fail_file *mine = (struct fail_file *)file;
    (void)vfs;
    mine->base.pMethods = NULL;
    mine->real = (sqlite3_file *)(mine + 1);
    mine->image = NULL;
    int rc = real_vfs->xOpen(real_vfs, name, mine->real, flags, out);
    if (mine->real->pMethods) {
        mine->base.pMethods = &methods;
        watch(mine, flags);
    }
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
