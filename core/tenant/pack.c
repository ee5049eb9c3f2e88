/* pack - see pack.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "tenant/folder.h"

#define TAR_BLOCK 512

/* The fields of a header that we read or write: POSIX.1-1988 ustar. */
enum {
    TAR_NAME = 0,
    TAR_NAME_LEN = 100,
    TAR_MODE = 100,
    TAR_UID = 108,
    TAR_GID = 116,
    TAR_SIZE = 124,
    TAR_SIZE_LEN = 12,
    TAR_TIME = 136,
    TAR_SUM = 148,
    TAR_SUM_LEN = 8,
    TAR_TYPE = 156,
    TAR_MAGIC = 257,
    TAR_VERSION = 263,
    TAR_PREFIX = 345,
};

/* --- names --- */

static const struct {
    const char *folder, *ending;
} parts[] = {
    {"entities", ".json"},     {"views", ".json"},           {"roles", ".json"},
    {"reports", ".json"},      {"dictionaries", ".json"},    {"events", ".json"},
    {"i18n", ".json"},         {"migrations", ".lua"},       {"tests", ".lua"},
    {"tests", ".json"},        {"templates", ".en.txt"},     {"templates", ".zh-CN.txt"},
    {"templates", ".en.html"}, {"templates", ".zh-CN.html"},
};

_Static_assert(sizeof "migrations/" + NAME_BYTES_MAX + sizeof ".zh-CN.html" <= TAR_NAME_LEN,
               "a header holds the longest name without its prefix");

static bool word_is_plain(struct slice word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return word.len > 0 && word.len <= NAME_BYTES_MAX;
}

/* "lead.json" with ".json". */
static bool is_word_with(struct slice name, const char *ending)
{
    struct slice end = slice_str(ending);
    return slice_ends(name, end) && word_is_plain(slice_of(name.at, name.len - end.len));
}

/* "templates/tickets.received.en.txt": what a company writes instead of a plugin's own text. */
static bool is_override(struct slice name, const char *ending)
{
    struct slice end = slice_str(ending);
    if (!slice_ends(name, end) || name.len - end.len > NAME_BYTES_MAX)
        return false;
    struct slice word = slice_of(name.at, name.len - end.len), plugin = slice_split(&word, '.');
    return word_is_plain(plugin) && word_is_plain(word);
}

bool pack_name_is_valid(struct slice name)
{
    struct slice rest = name;
    static const char *const whole[] = {
        "plugin.json",   "README.md", "LICENSE", "help/en.md",
        "help/zh-CN.md", "ui/ui.js", /* in a company's bundle it lies unused (api/extras.c) */
    };
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (slice_is(name, whole[i]))
            return true;
    if (slice_find(name, SLICE("/")) < 0)
        return is_word_with(name, ".lua");
    struct slice folder = slice_split(&rest, '/');
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (slice_is(folder, parts[i].folder) &&
            (is_word_with(rest, parts[i].ending) ||
             (slice_is(folder, "templates") && is_override(rest, parts[i].ending))))
            return true;
    return false;
}

/* --- what all ways in have in common --- */

static enum err refuse(struct arena *arena, const char **why, enum err e, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
static enum err refuse(struct arena *arena, const char **why, enum err e, const char *fmt, ...)
{
    va_list list;
    va_start(list, fmt);
    const char *text = arena_vprintf(arena, fmt, list);
    va_end(list);
    if (why)
        *why = text;
    return e;
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct pack_file *)a)->name, ((const struct pack_file *)b)->name);
}

static void put_hash(struct buf *out, struct slice bytes)
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    crypto_sha256(bytes, digest);
    crypto_put_hex(out, slice_of((const char *)digest, sizeof digest));
}

/* Of the lines that `sha256sum` would print, so anybody can make it again. */
static void hash_files(struct pack *pack)
{
    struct buf lines = BUF_INIT, hex = BUF_INIT;
    for (int i = 0; i < pack->count; i++) {
        put_hash(&lines, pack->files[i].bytes);
        buf_printf(&lines, "  %s\n", pack->files[i].name);
    }
    put_hash(&hex, buf_slice(&lines));
    ASSERT(hex.len == PACK_HASH_LEN);
    memcpy(pack->hash, buf_cstr(&hex), PACK_HASH_LEN + 1);
    buf_release(&lines);
    buf_release(&hex);
}

static enum err check_file(struct arena *arena, const struct pack_file *file, const char **why)
{
    struct slice name = slice_str(file->name);
    if (!pack_name_is_valid(name))
        return refuse(arena, why, ERR_MALFORMED, "\"%s\" is no part of a plugin",
                      text_is_utf8(name) ? file->name : "?");
    if (file->bytes.len > PACK_FILE_BYTES_MAX)
        return refuse(arena, why, ERR_TOO_LARGE, "%s is larger than %d bytes", file->name,
                      PACK_FILE_BYTES_MAX);
    if (!text_is_utf8(file->bytes) ||
        (file->bytes.len && memchr(file->bytes.at, 0, file->bytes.len)))
        return refuse(arena, why, ERR_MALFORMED, "%s is no text in UTF-8", file->name);
    return ERR_OK;
}

enum err pack_make(struct arena *arena, struct pack *pack, const char **why)
{
    ASSERT(arena && pack);
    size_t bytes = 0;
    if (pack->count > PACK_FILES_MAX)
        return refuse(arena, why, ERR_TOO_LARGE, "there are more than %d files", PACK_FILES_MAX);
    for (int i = 0; i < pack->count; i++) {
        enum err e = check_file(arena, &pack->files[i], why);
        if (e)
            return e;
        bytes += pack->files[i].bytes.len;
    }
    if (bytes > PACK_BYTES_MAX)
        return refuse(arena, why, ERR_TOO_LARGE, "the files are larger than %d bytes together",
                      PACK_BYTES_MAX);
    if (pack->count)
        qsort(pack->files, (size_t)pack->count, sizeof *pack->files, compare_files);
    for (int i = 1; i < pack->count; i++)
        if (strcmp(pack->files[i - 1].name, pack->files[i].name) == 0)
            return refuse(arena, why, ERR_MALFORMED, "%s is there twice", pack->files[i].name);
    if (!pack_get(pack, "plugin.json").at)
        return refuse(arena, why, ERR_MALFORMED, "plugin.json is missing");
    hash_files(pack);
    return ERR_OK;
}

static void add_file(struct arena *arena, struct pack *pack, const char *name, struct slice bytes)
{
    int n = pack->count++;
    if (!pack->files)
        pack->files = arena_array(arena, struct pack_file, PACK_FILES_MAX);
    ASSERT(n < PACK_FILES_MAX);
    pack->files[n] = (struct pack_file){name, bytes};
}

struct slice pack_get(const struct pack *pack, const char *name)
{
    for (int i = 0; i < pack->count; i++)
        if (strcmp(pack->files[i].name, name) == 0)
            return pack->files[i].bytes;
    return (struct slice){0};
}

/* --- reading an archive --- */

/* Octal digits up to a space or NUL; -1 for anything else. */
static int64_t read_octal(const char *at, size_t len)
{
    int64_t n = 0;
    size_t i = 0;
    while (i < len && at[i] == ' ')
        i++;
    size_t first = i;
    for (; i < len && at[i] >= '0' && at[i] <= '7'; i++)
        n = n * 8 + (at[i] - '0');
    bool ended = i == len || at[i] == ' ' || at[i] == 0;
    return i > first && ended ? n : -1;
}

/* The sum of all bytes with the field of the sum itself read as spaces. */
static int64_t sum_of(const char *block)
{
    int64_t sum = 0;
    for (int i = 0; i < TAR_BLOCK; i++)
        sum += i >= TAR_SUM && i < TAR_SUM + TAR_SUM_LEN ? ' ' : (unsigned char)block[i];
    return sum;
}

static bool is_empty_block(const char *block)
{
    for (int i = 0; i < TAR_BLOCK; i++)
        if (block[i])
            return false;
    return true;
}

/* The name without a leading "./"; NULL when it is too long or goes on in the prefix. */
static const char *read_name(struct arena *arena, const char *block)
{
    size_t len = strnlen(block + TAR_NAME, TAR_NAME_LEN);
    struct slice name = slice_of(block + TAR_NAME, len);
    if (block[TAR_PREFIX] || len == TAR_NAME_LEN)
        return NULL;
    if (slice_starts(name, SLICE("./")))
        name = slice_of(name.at + 2, name.len - 2);
    return arena_str(arena, name);
}

static enum err read_entry(struct arena *arena, struct slice *rest, struct pack *pack,
                           const char **why)
{
    const char *block = rest->at;
    if (memcmp(block + TAR_MAGIC, "ustar", 5) != 0 ||
        read_octal(block + TAR_SUM, TAR_SUM_LEN) != sum_of(block))
        return refuse(arena, why, ERR_MALFORMED,
                      "this is no pack: `perigee plugin pack` makes one");
    const char *name = read_name(arena, block);
    int64_t size = read_octal(block + TAR_SIZE, TAR_SIZE_LEN);
    char type = block[TAR_TYPE];
    *rest = slice_of(rest->at + TAR_BLOCK, rest->len - TAR_BLOCK);
    if (type == '5' && size <= 0)
        return ERR_OK; /* folders follow from the names */
    if (!name || (type != '0' && type != 0))
        return refuse(arena, why, ERR_MALFORMED,
                      "the pack holds something that is no plain file with a short name");
    if (size < 0 || (uint64_t)size > rest->len)
        return refuse(arena, why, ERR_MALFORMED, "the pack ends within a file");
    if (pack->count == PACK_FILES_MAX)
        return refuse(arena, why, ERR_TOO_LARGE, "there are more than %d files", PACK_FILES_MAX);
    add_file(arena, pack, name, slice_of(rest->at, (size_t)size));
    size_t padded = ((size_t)size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    if (padded > rest->len)
        return refuse(arena, why, ERR_MALFORMED, "the pack ends within a file");
    *rest = slice_of(rest->at + padded, rest->len - padded);
    return ERR_OK;
}

enum err pack_read(struct arena *arena, struct slice source, struct pack *out, const char **why)
{
    ASSERT(arena && out);
    struct slice rest = source;
    *out = (struct pack){0};
    if (source.len > PACK_ARCHIVE_BYTES_MAX)
        return refuse(arena, why, ERR_TOO_LARGE, "the pack is larger than %d bytes",
                      PACK_ARCHIVE_BYTES_MAX);
    while (rest.len >= TAR_BLOCK && !is_empty_block(rest.at)) {
        enum err e = read_entry(arena, &rest, out, why);
        if (e)
            return e;
    }
    if (rest.len < TAR_BLOCK)
        return refuse(arena, why, ERR_MALFORMED, "this is no whole pack");
    return pack_make(arena, out, why);
}

/* --- reading a folder --- */

static enum err read_file(struct arena *arena, const char *path, struct slice *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return folder_err(errno);
    struct stat st;
    enum err e = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? ERR_OK : ERR_IO;
    if (!e && st.st_size > PACK_FILE_BYTES_MAX)
        e = ERR_TOO_LARGE;
    char *at = e ? NULL : arena_alloc(arena, (size_t)st.st_size + 1);
    size_t got = 0;
    for (ssize_t n = 1; !e && n > 0 && got < (size_t)st.st_size;) {
        n = read(fd, at + got, (size_t)st.st_size - got);
        if (n > 0)
            got += (size_t)n;
        else if (n < 0)
            e = folder_err(errno);
    }
    (void)close(fd);
    if (!e)
        *out = slice_of(at, got);
    return e;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static enum err take_folder(struct arena *arena, const char *top, const char *sub,
                            struct pack *pack, const char **why)
{
    const char **names;
    int count;
    const char *folder = *sub ? arena_printf(arena, "%s/%s", top, sub) : top;
    enum err e = folder_names(arena, folder, &names, &count);
    if (e)
        return refuse(arena, why, e, "%s: %s", folder, err_text(e, LANG_EN));
    for (int i = 0; i < count && !e; i++) {
        const char *name = *sub ? arena_printf(arena, "%s/%s", sub, names[i]) : names[i];
        const char *path = arena_printf(arena, "%s/%s", top, name);
        struct slice bytes = {0};
        if (names[i][0] == '.' || strcmp(name, "types") == 0)
            continue;
        if (!*sub && is_folder(path)) {
            e = take_folder(arena, top, name, pack, why);
            continue;
        }
        if (!pack_name_is_valid(slice_str(name)))
            return refuse(arena, why, ERR_MALFORMED, "%s is no part of a plugin", name);
        if (pack->count == PACK_FILES_MAX)
            return refuse(arena, why, ERR_TOO_LARGE, "there are more than %d files",
                          PACK_FILES_MAX);
        e = read_file(arena, path, &bytes);
        if (e)
            return refuse(arena, why, e, "%s: %s", name, err_text(e, LANG_EN));
        add_file(arena, pack, name, bytes);
    }
    return e;
}

enum err pack_folder(struct arena *arena, const char *folder, struct pack *out, const char **why)
{
    ASSERT(arena && folder && out);
    *out = (struct pack){0};
    enum err e = take_folder(arena, folder, "", out, why);
    return e ? e : pack_make(arena, out, why);
}

/* --- writing --- */

static void put_header(const struct pack_file *file, struct buf *out)
{
    char block[TAR_BLOCK] = {0};
    ASSERT(strlen(file->name) < TAR_NAME_LEN);
    memcpy(block + TAR_NAME, file->name, strlen(file->name));
    memcpy(block + TAR_MODE, "0000644", 7);
    memcpy(block + TAR_UID, "0000000", 7);
    memcpy(block + TAR_GID, "0000000", 7);
    (void)snprintf(block + TAR_SIZE, TAR_SIZE_LEN, "%011zo", file->bytes.len);
    memcpy(block + TAR_TIME, "00000000000", 11);
    block[TAR_TYPE] = '0';
    memcpy(block + TAR_MAGIC, "ustar", 6);
    memcpy(block + TAR_VERSION, "00", 2);
    (void)snprintf(block + TAR_SUM, TAR_SUM_LEN, "%06llo",
                   (unsigned long long)(sum_of(block) & 0777777));
    block[TAR_SUM + 7] = ' ';
    buf_put(out, block, sizeof block);
}

void pack_write(const struct pack *pack, struct buf *out)
{
    static const char zeros[2 * TAR_BLOCK];
    ASSERT(pack && out);
    for (int i = 0; i < pack->count; i++) {
        size_t over = pack->files[i].bytes.len % TAR_BLOCK;
        put_header(&pack->files[i], out);
        buf_put_slice(out, pack->files[i].bytes);
        buf_put(out, zeros, over ? TAR_BLOCK - over : 0);
    }
    buf_put(out, zeros, sizeof zeros);
}

static enum err unpack_into(const struct pack *pack, const char *folder)
{
    char path[FOLDER_PATH_MAX];
    enum err e = folder_make(folder);
    for (int i = 0; i < pack->count && !e; i++) {
        struct slice rest = slice_str(pack->files[i].name), first = slice_split(&rest, '/');
        if (rest.len) {
            char name[NAME_BYTES_MAX + 1];
            (void)snprintf(name, sizeof name, SLICE_FMT, SLICE_ARG(first));
            folder_join(path, folder, name);
            e = folder_make(path);
        }
        folder_join(path, folder, pack->files[i].name);
        if (!e)
            e = folder_write(path, pack->files[i].bytes, 0600);
    }
    return e ? e : folder_sync(folder);
}

enum err pack_unpack(const struct pack *pack, const char *folder)
{
    ASSERT(pack && folder);
    struct arena *arena = arena_new();
    uint8_t random[8];
    struct buf hex = BUF_INIT;
    crypto_random(random, sizeof random);
    crypto_put_hex(&hex, slice_of((const char *)random, sizeof random));
    char *parent = arena_strdup(arena, folder);
    char *slash = strrchr(parent, '/');
    ASSERT(slash);
    *slash = 0;
    const char *fresh = arena_printf(arena, "%s/.new-%s", parent, buf_cstr(&hex));
    enum err e = unpack_into(pack, fresh);
    if (!e && rename(fresh, folder) != 0)
        e = errno == ENOTEMPTY ? ERR_CONFLICT : folder_err(errno);
    if (!e)
        e = folder_sync(parent);
    else if (folder_remove(fresh))
        e = ERR_IO;
    buf_release(&hex);
    arena_free(arena);
    return e;
}
