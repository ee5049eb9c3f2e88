/* file - durable files.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum err file_err(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG ? ERR_FULL : ERR_IO;
}

enum err file_resolve(const char *path, char *out)
{
    char folder[PATH_MAX], real[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof folder)
        return ERR_TOO_LARGE;
    memcpy(folder, path, n);
    folder[n] = '\0';
    if (!slash)
        memcpy(folder, ".", sizeof ".");
    else if (n == 0)
        memcpy(folder, "/", sizeof "/");
    if (!realpath(folder, real))
        return ERR_NOT_FOUND;
    const char *between = strcmp(real, "/") == 0 ? "" : "/";
    if (strlen(real) + strlen(between) + strlen(name) + sizeof "-journal" > PATH_MAX)
        return ERR_TOO_LARGE;
    stpcpy(stpcpy(stpcpy(out, real), between), name);
    return ERR_OK;
}

static enum err sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return file_err(errno);
    enum err e = fsync(fd) == 0 ? ERR_OK : file_err(errno);
    close(fd);
    return e;
}

enum err file_publish(const char *from, const char *to)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(to, '/');
    ASSERT(slash);
    size_t n = slash == to ? 1 : (size_t)(slash - to);
    ASSERT(n < sizeof folder);
    memcpy(folder, to, n);
    folder[n] = '\0';
    enum err e = sync_path(from, O_NOFOLLOW);
    if (e)
        return e;
    if (rename(from, to) != 0)
        return file_err(errno);
    return sync_path(folder, O_DIRECTORY);
}

void file_remove_database(const char *path)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
    char name[PATH_MAX + 16];
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        snprintf(name, sizeof name, "%s%s", path, tails[i]);
        unlink(name);
    }
}
