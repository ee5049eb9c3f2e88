/* code - see code.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/code.h"

#include <lauxlib.h>
#include <lua.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/shelf.h"
#include "tenant/folder.h"
#include "tenant/plugin.h"
#include "tenant/tree.h"

struct entry {
    struct code code; /* first: a struct code * is this one */
    struct stat identity;
    bool is_read;
};

/* A file on the shelf, whose key is these words and the path. */
#define SHELF_CODE "code:"
struct shelved {
    struct stat identity;
    uint8_t hash[CRYPTO_SHA256_LEN];
    struct slice compiled;
};

/* The one mutable global here: compiled files are the same for every tenant. */
static struct {
    struct arena *arena; /* the entries and their paths */
    struct map entries;
    struct entry **list;
    int count, cap;
    size_t bytes;
} kept;

static void entry_clear(struct entry *entry)
{
    if (entry->code.arena) {
        kept.bytes -= entry->code.text.len + entry->code.compiled.len;
        arena_free(entry->code.arena);
    }
    entry->code = (struct code){0};
    entry->is_read = false;
}

static void drop_all(void)
{
    for (int i = 0; i < kept.count; i++)
        entry_clear(kept.list[i]);
    if (kept.arena)
        arena_free(kept.arena);
    kept.arena = arena_new();
    map_init(&kept.entries, kept.arena);
    kept.list = NULL;
    kept.count = kept.cap = 0;
    ASSERT(kept.bytes == 0);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static enum err read_text(struct arena *arena, int fd, size_t size, struct slice *out)
{
    char *text = arena_alloc(arena, size + 1);
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, text + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    *out = slice_of(text, len);
    return ERR_OK;
}

static struct entry *entry_at(const char *path)
{
    if (!kept.arena || kept.bytes > SCRIPT_CODE_BYTES_MAX)
        drop_all();
    struct entry *entry = map_get(&kept.entries, slice_str(path));
    if (entry)
        return entry;
    entry = arena_make(kept.arena, struct entry);
    map_put(&kept.entries, slice_str(arena_strdup(kept.arena, path)), entry);
    if (kept.count == kept.cap) {
        int cap = kept.cap ? kept.cap * 2 : 64;
        kept.list = arena_grow(kept.arena, kept.list, (size_t)kept.count * sizeof(void *),
                               (size_t)cap * sizeof(void *));
        kept.cap = cap;
    }
    kept.list[kept.count++] = entry;
    return entry;
}

/* The file's identity is taken from what was opened: it may be replaced meanwhile. */
static enum err entry_read(struct entry *entry, const char *path)
{
    struct stat st;
    struct slice text;
    entry_clear(entry);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    struct arena *arena = arena_new();
    enum err e = fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ? ERR_IO : ERR_OK;
    if (!e && st.st_size > CODE_FILE_BYTES_MAX)
        e = ERR_TOO_LARGE;
    if (!e)
        e = read_text(arena, fd, (size_t)st.st_size, &text);
    close(fd);
    if (e) {
        arena_free(arena);
        return e;
    }
    entry->identity = st;
    entry->is_read = true;
    entry->code = (struct code){.text = text, .arena = arena};
    crypto_sha256(text, entry->code.hash);
    kept.bytes += text.len;
    return ERR_OK;
}

/* What the supervisor has compiled, if it is this very file. */
static bool entry_take(struct entry *entry, const char *path, const struct stat *st)
{
    char key[PATH_MAX];
    if (snprintf(key, sizeof key, SHELF_CODE "%s", path) >= (int)sizeof key)
        return false;
    const struct shelved *shelved = shelf_get(key);
    if (!shelved || !is_same(&shelved->identity, st))
        return false;
    entry_clear(entry);
    entry->identity = *st;
    entry->is_read = true;
    entry->code = (struct code){.compiled = shelved->compiled};
    memcpy(entry->code.hash, shelved->hash, sizeof shelved->hash);
    return true;
}

enum err code_get(const char *path, struct code **out)
{
    struct stat st;
    tree_look(NULL);
    if (tree_stat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_IO;
    struct entry *entry = entry_at(path);
    bool is_known = entry->is_read && is_same(&entry->identity, &st);
    if (!is_known && !entry_take(entry, path, &st)) {
        enum err e = entry_read(entry, path);
        if (e)
            return e;
    }
    *out = &entry->code;
    return ERR_OK;
}

void code_keep(struct code *code, struct slice compiled)
{
    ASSERT(code->arena && !code->compiled.at);
    struct arena *arena = arena_new();
    kept.bytes += compiled.len - code->text.len;
    code->compiled = arena_slice(arena, compiled);
    code->text = (struct slice){0};
    arena_free(code->arena);
    code->arena = arena;
}

enum err code_hash(const char *folder, char out[2 * CRYPTO_SHA256_LEN + 1])
{
    struct arena *arena = arena_new();
    struct buf all = BUF_INIT;
    const char **names = NULL;
    int count = 0;
    tree_look(NULL);
    enum err e = tree_names(arena, folder, &names, &count);
    for (int i = 0; i < count && !e; i++) {
        struct code *code;
        if (!slice_ends(slice_str(names[i]), SLICE(".lua")))
            continue;
        e = code_get(arena_printf(arena, "%s/%s", folder, names[i]), &code);
        if (e)
            break;
        buf_put(&all, names[i], strlen(names[i]) + 1);
        buf_put(&all, code->hash, sizeof code->hash);
    }
    if (!e) {
        uint8_t hash[CRYPTO_SHA256_LEN];
        struct buf hex = BUF_INIT;
        crypto_sha256(buf_slice(&all), hash);
        crypto_put_hex(&hex, slice_of((const char *)hash, sizeof hash));
        memcpy(out, buf_cstr(&hex), 2 * CRYPTO_SHA256_LEN + 1);
        buf_release(&hex);
    }
    buf_release(&all);
    arena_free(arena);
    return e;
}

size_t code_bytes(void)
{
    return kept.bytes;
}

/* --- the shelf --- */

static int put_bytes(lua_State *L, const void *bytes, size_t size, void *arg)
{
    (void)L;
    buf_put(arg, bytes, size);
    return 0;
}

/* One file, in a state of its own: nothing runs. */
static void shelve(struct arena *scratch, const struct plugin *plugin, const char *name)
{
    struct buf compiled = BUF_INIT;
    struct code *code;
    const char *path = arena_printf(scratch, "%s/%s", plugin->folder, name);
    const char *chunk = arena_printf(scratch, "@%s/%s", plugin->id, name);
    lua_State *L = luaL_newstate();
    ASSERT_MEMORY(L);
    bool is_compiled = code_get(path, &code) == ERR_OK &&
                       luaL_loadbufferx(L, code->text.at, code->text.len, chunk, "t") == LUA_OK &&
                       lua_dump(L, put_bytes, &compiled, 0) == 0;
    if (is_compiled) {
        struct shelved *shelved = arena_make(shelf_arena(), struct shelved);
        shelved->compiled = arena_slice(shelf_arena(), buf_slice(&compiled));
        memcpy(shelved->hash, code->hash, sizeof shelved->hash);
        shelved->identity = ((struct entry *)code)->identity;
        shelf_put(arena_printf(shelf_arena(), SHELF_CODE "%s", path), shelved);
    }
    lua_close(L);
    buf_release(&compiled);
}

void code_shelve(const char *home)
{
    ASSERT(shelf_arena());
    struct arena *scratch = arena_new();
    struct plugin **plugins;
    int count = 0;
    const char *why;
    if (plugin_list(scratch, home, &plugins, &count, &why))
        count = 0;
    for (int i = 0; i < count; i++) {
        const char **names = NULL;
        int names_count = 0;
        if (plugins[i]->broken || folder_names(scratch, plugins[i]->folder, &names, &names_count))
            continue;
        for (int k = 0; k < names_count; k++)
            if (slice_ends(slice_str(names[k]), SLICE(".lua")))
                shelve(scratch, plugins[i], names[k]);
    }
    drop_all();
    arena_free(scratch);
}
