/* tree - see tree.h.
 *
 * A folder is watched before it is read, so that a change in between forgets what was read. An
 * answer about a file rests on the watch of the folder it lies in.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/tree.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/limits.h"
#include "tenant/folder.h"

#define TREE_EVENTS                                                                                \
    (IN_ATTRIB | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MODIFY | IN_MOVE | IN_MOVE_SELF |     \
     IN_ONLYDIR)
#define XFS_MAGIC 0x58465342 /* not in linux/magic.h */
#define ZFS_MAGIC 0x2fc12fc1

enum kind { NAMES = 'n', STAT = 's', REAL = 'r', WATCHED = 'w' };

struct answer {
    union {
        struct {
            enum err e;
            const char **names;
            int count;
        };
        struct {
            int error; /* errno; 0: it is there */
            struct stat st;
        };
        const char *real;
        bool is_watched;
    };
};

/* One process is one thread. */
static struct {
    struct arena *arena; /* owned: all that is remembered; NULL: nothing may be */
    struct map answers;  /* kind and path → struct answer */
    const char *given;   /* the root */
    const char *root;    /* the same without links */
    struct stat root_st;
    int fd;
    pid_t pid; /* whose queue it is: a child's reading would take the parent's events */
} tree;

void tree_forget(void)
{
    if (!tree.arena)
        return;
    arena_free(tree.arena);
    tree.arena = NULL;
    if (tree.pid == getpid()) /* a child may have closed it, and opened another file in its place */
        (void)close(tree.fd);
}

int tree_count(void)
{
    return tree.arena ? (int)tree.answers.count : 0;
}

/* --- what can be watched --- */

/* Where every write goes through this kernel. */
static bool is_local(const char *path)
{
    struct statfs fs;

    if (statfs(path, &fs) != 0)
        return false;
    switch ((unsigned long)fs.f_type) {
    case EXT4_SUPER_MAGIC: /* ext2 and ext3, too */
    case BTRFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case OVERLAYFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
    case XFS_MAGIC:
    case ZFS_MAGIC:
        return true;
    default:
        return false;
    }
}

static struct answer *answer_of(enum kind kind, const char *path)
{
    char key[PATH_MAX + 1];
    size_t len = strlen(path);

    if (!tree.arena || len >= PATH_MAX)
        return NULL;
    key[0] = (char)kind;
    memcpy(key + 1, path, len);
    return map_get(&tree.answers, slice_of(key, len + 1));
}

static struct answer *answer_put(enum kind kind, const char *path)
{
    struct answer *answer = arena_make(tree.arena, struct answer);
    const char *key = arena_printf(tree.arena, "%c%s", kind, path);

    map_put(&tree.answers, slice_str(key), answer);
    return answer;
}

static bool is_in_root(const char *path)
{
    size_t len = strlen(tree.root);

    return strncmp(path, tree.root, len) == 0 && (path[len] == '/' || path[len] == 0);
}

/* On the root's file system, and no link on the way. */
static bool is_plain_folder(const char *path)
{
    char real[PATH_MAX];
    struct stat st;

    return realpath(path, real) && strcmp(path, real) == 0 && stat(path, &st) == 0 &&
           st.st_dev == tree.root_st.st_dev;
}

/* Scripts may ask for any number of files that are not there. */
static bool is_full(void)
{
    return tree.answers.count >= TREE_ANSWERS_MAX;
}

static bool watch_parent(const char *path);

/* Watches a folder once, and all above it, since nobody is told when one of those is moved; false:
 * what is read in it is not to be remembered. Of folders elsewhere nothing is kept: each deployed
 * bundle and each trial brings new ones. */
static bool watch(const char *folder)
{
    if (!tree.arena || is_full() || !is_in_root(folder))
        return false;
    struct answer *known = answer_of(WATCHED, folder);
    if (known)
        return known->is_watched;
    bool is_watched = (strcmp(folder, tree.root) == 0 || watch_parent(folder)) &&
                      is_plain_folder(folder) &&
                      inotify_add_watch(tree.fd, folder, TREE_EVENTS) >= 0;
    answer_put(WATCHED, folder)->is_watched = is_watched;
    return is_watched;
}

static bool watch_parent(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');

    if (!tree.arena || !slash || slash == path || slash - path >= PATH_MAX)
        return false;
    memcpy(folder, path, (size_t)(slash - path));
    folder[slash - path] = 0;
    return watch(folder);
}

/* --- looking --- */

static bool has_changed(const char *root)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    struct stat st;

    if (tree.pid != getpid() || (root && strcmp(root, tree.given) != 0))
        return true;
    if (stat(tree.given, &st) != 0 || st.st_dev != tree.root_st.st_dev ||
        st.st_ino != tree.root_st.st_ino)
        return true;
    return read(tree.fd, events, sizeof events) >= 0 || errno != EAGAIN;
}

static void begin(const char *root)
{
    char real[PATH_MAX];
    struct stat st;

    if (!realpath(root, real) || stat(real, &st) != 0 || !is_local(real))
        return;
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0) /* the machine has no more of them: all is asked for each time */
        return;
    tree.fd = fd;
    tree.pid = getpid();
    tree.root_st = st;
    tree.arena = arena_new();
    tree.given = arena_strdup(tree.arena, root);
    tree.root = arena_strdup(tree.arena, real);
    map_init(&tree.answers, tree.arena);
}

void tree_look(const char *root)
{
    char before[PATH_MAX] = "";

    if (tree.arena && !root && strlen(tree.given) < sizeof before)
        root = strcpy(before, tree.given);
    if (tree.arena && (is_full() || has_changed(root)))
        tree_forget();
    if (!tree.arena && root)
        begin(root);
}

/* --- answers --- */

static void copy_names(struct arena *arena, const struct answer *known, const char ***out,
                       int *count)
{
    const char **names = arena_array(arena, const char *, (size_t)known->count + 1);

    for (int i = 0; i < known->count; i++)
        names[i] = arena_strdup(arena, known->names[i]);
    *out = names;
    *count = known->count;
}

enum err tree_names(struct arena *arena, const char *path, const char ***out, int *count)
{
    ASSERT(arena && path);
    ASSERT(out && count);
    struct answer *known = answer_of(NAMES, path);
    if (!known && (watch(path) || watch_parent(path))) {
        const char **names = NULL;
        int n = 0;
        enum err e = folder_names(tree.arena, path, &names, &n);
        if (!e && !watch(path))
            return folder_names(arena, path, out, count);
        if (e && e != ERR_NOT_FOUND)
            return e;
        known = answer_put(NAMES, path);
        known->e = e;
        known->names = names;
        known->count = n;
    }
    if (!known)
        return folder_names(arena, path, out, count);
    if (!known->e)
        copy_names(arena, known, out, count);
    return known->e;
}

/* Writes through another name would not be told. */
static bool is_told(const char *path)
{
    struct stat st;

    if (lstat(path, &st) != 0)
        return errno == ENOENT;
    return S_ISREG(st.st_mode) && st.st_nlink == 1;
}

int tree_stat(const char *path, struct stat *out)
{
    ASSERT(path && out);
    struct answer *known = answer_of(STAT, path);
    if (!known) {
        bool is_remembered = watch_parent(path) && is_told(path);
        int error = stat(path, out) == 0 ? 0 : errno;
        if (is_remembered && (!error || error == ENOENT)) {
            known = answer_put(STAT, path);
            known->st = *out;
            known->error = error;
        }
        errno = error;
        return error ? -1 : 0;
    }
    errno = known->error;
    if (known->error)
        return -1;
    *out = known->st;
    return 0;
}

const char *tree_real(struct arena *arena, const char *path)
{
    ASSERT(arena && path);
    char full[PATH_MAX];
    const struct answer *known = answer_of(REAL, path);
    if (known)
        return arena_strdup(arena, known->real);
    if (!realpath(path, full))
        return path;
    if (watch(full) && watch_parent(full))
        answer_put(REAL, path)->real = arena_strdup(tree.arena, full);
    return arena_strdup(arena, full);
}
