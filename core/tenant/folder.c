/* folder - small wrappers over the file system calls of set-up.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_FDS_MAX 16 /* folders nftw keeps open */

enum err folder_err(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
        return ERR_CONFLICT;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_FORBIDDEN;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_FULL;
    default:
        return ERR_IO;
    }
}

void folder_join(char out[FOLDER_PATH_MAX], const char *folder, const char *name)
{
    ASSERT(out && folder && name);
    int n = snprintf(out, FOLDER_PATH_MAX, "%s/%s", folder, name);
    ASSERT(n > 0 && n < FOLDER_PATH_MAX);
}

bool folder_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

enum err folder_make(const char *path)
{
    ASSERT(path && *path);
    char part[FOLDER_PATH_MAX];
    int n = snprintf(part, sizeof part, "%s", path);
    ASSERT(n > 0 && n < (int)sizeof part);

    for (char *at = part + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char end = *at;
        *at = '\0';
        struct stat st;
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return folder_err(errno);
        if (stat(part, &st) != 0 || !S_ISDIR(st.st_mode))
            return ERR_CONFLICT;
        if (!end)
            return ERR_OK;
        *at = end;
    }
}

enum err folder_write(const char *path, struct slice text, mode_t mode)
{
    ASSERT(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return folder_err(errno);

    enum err e = ERR_OK;
    while (text.len > 0 && !e) {
        ssize_t n = write(fd, text.at, text.len);
        if (n < 0 && errno != EINTR)
            e = folder_err(errno);
        if (n > 0)
            text = slice_of(text.at + n, text.len - (size_t)n);
    }
    if (!e && fsync(fd) != 0)
        e = folder_err(errno);
    if (close(fd) != 0 && !e)
        e = folder_err(errno);
    if (e)
        (void)unlink(path);
    return e;
}

enum err folder_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return folder_err(errno);
    enum err e = fsync(fd) == 0 ? ERR_OK : folder_err(errno);
    (void)close(fd);
    return e;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

enum err folder_remove(const char *path)
{
    ASSERT(path && *path);
    if (!folder_exists(path))
        return ERR_OK;
    return nftw(path, remove_one, FOLDER_FDS_MAX, FTW_DEPTH | FTW_PHYS) == 0 ? ERR_OK
                                                                             : folder_err(errno);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum err folder_names(struct arena *arena, const char *path, const char ***out, int *count)
{
    ASSERT(arena && path);
    ASSERT(out && count);
    DIR *dir = opendir(path);
    if (!dir)
        return folder_err(errno);

    size_t n = 0, cap = 16;
    const char **names = arena_array(arena, const char *, cap);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (n + 1 == cap) {
            names = arena_grow(arena, names, n * sizeof *names, cap * 2 * sizeof *names);
            cap *= 2;
        }
        names[n++] = arena_strdup(arena, entry->d_name);
    }
    (void)closedir(dir);
    qsort(names, n, sizeof *names, compare_names);
    names[n] = NULL;
    *out = names;
    *count = (int)n;
    return ERR_OK;
}

enum err folder_remove_prefixed(const char *path, const char *prefix)
{
    ASSERT(path && prefix);
    ASSERT(*prefix);
    struct arena *arena = arena_new();
    const char **names;
    int count = 0;
    enum err e = folder_names(arena, path, &names, &count);
    for (int i = 0; i < count && !e; i++) {
        char full[FOLDER_PATH_MAX];
        if (strncmp(names[i], prefix, strlen(prefix)) != 0)
            continue;
        folder_join(full, path, names[i]);
        e = folder_remove(full);
    }
    arena_free(arena);
    return e;
}

enum err folder_remove_older(const char *path, int64_t since_ms)
{
    ASSERT(path);
    struct arena *arena = arena_new();
    const char **names;
    int count = 0;
    enum err e = folder_names(arena, path, &names, &count);
    for (int i = 0; i < count && !e; i++) {
        char full[FOLDER_PATH_MAX];
        struct stat st;
        folder_join(full, path, names[i]);
        if (lstat(full, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        int64_t written_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
        if (written_ms < since_ms && unlink(full) != 0 && errno != ENOENT)
            e = folder_err(errno);
    }
    arena_free(arena);
    return e;
}
