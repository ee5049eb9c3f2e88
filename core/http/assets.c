/* assets - static files below one folder: type, ETag, pre-compressed siblings.
 *
 * The path is walked folder by folder with O_NOFOLLOW, so neither a name nor a link that somebody
 * placed in the folder leads outside of it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/assets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/etag.h"

#define ASSET_NAME_BYTES_MAX 255 /* NAME_MAX of every file system we know */
#define HASH_CHARS_MIN       8

/* ---- types ---- */

const char *assets_type(struct slice path)
{
    static const struct {
        const char *ending;
        const char *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json; charset=utf-8"},
        {".webmanifest", "application/manifest+json; charset=utf-8"},
        {".svg", "image/svg+xml; charset=utf-8"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".gif", "image/gif"},
        {".webp", "image/webp"},
        {".avif", "image/avif"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".woff", "font/woff"},
        {".ttf", "font/ttf"},
        {".wasm", "application/wasm"},
        {".txt", "text/plain; charset=utf-8"},
        {".md", "text/plain; charset=utf-8"},
        {".csv", "text/csv; charset=utf-8"},
        {".xml", "application/xml; charset=utf-8"},
        {".pdf", "application/pdf"},
        {".map", "application/json; charset=utf-8"},
        {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
        {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
        {".zip", "application/zip"},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct slice ending = slice_str(types[i].ending);
        if (path.len >= ending.len &&
            slice_eq_nocase(slice_of(path.at + path.len - ending.len, ending.len), ending))
            return types[i].type;
    }
    return "application/octet-stream";
}

/* ---- opening ---- */

static bool segment_is_servable(struct slice segment)
{
    if (segment.len == 0 || segment.len > ASSET_NAME_BYTES_MAX || segment.at[0] == '.')
        return false;
    for (size_t i = 0; i < segment.len; i++) {
        unsigned char c = (unsigned char)segment.at[i];
        if (c < 0x20 || c == 0x7f || c == '\\')
            return false;
    }
    return true;
}

static enum err open_error(int number)
{
    return number == EMFILE || number == ENFILE || number == ENOMEM ? ERR_BUSY : ERR_NOT_FOUND;
}

/* The folder that holds the file, and the file's name. */
static enum err folder_open(const char *folder, struct slice path, int *out, struct slice *name)
{
    char segment[ASSET_NAME_BYTES_MAX + 1];
    int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return open_error(errno);
    for (;;) {
        struct slice part = slice_split(&path, '/');
        if (!segment_is_servable(part)) {
            (void)close(at);
            return ERR_NOT_FOUND;
        }
        if (path.at == part.at + part.len) { /* no slash behind it: the last one */
            *out = at;
            *name = part;
            return ERR_OK;
        }
        memcpy(segment, part.at, part.len);
        segment[part.len] = '\0';
        int next = openat(at, segment, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int number = errno;
        (void)close(at);
        if (next < 0)
            return open_error(number);
        at = next;
    }
}

/* A regular file called name + ending, or -1. */
static int file_open(int folder, struct slice name, const char *ending, struct stat *st)
{
    char full[ASSET_NAME_BYTES_MAX + 8];
    (void)snprintf(full, sizeof(full), SLICE_FMT "%s", SLICE_ARG(name), ending);
    int fd = openat(folder, full, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fstat(fd, st) != 0 || !S_ISREG(st->st_mode)) {
        (void)close(fd);
        errno = ENOENT;
        return -1;
    }
    return fd;
}

/* ---- negotiation ---- */

/* "q=0", "q=0.0", … refuses; any other weight accepts. */
static bool weight_is_zero(struct slice params)
{
    while (params.len > 0) {
        struct slice param = slice_trim(slice_split(&params, ';'));
        if (param.len < 3 || (param.at[0] | 0x20) != 'q' || param.at[1] != '=')
            continue;
        bool zero = param.at[2] == '0';
        for (size_t i = 3; i < param.len; i++)
            zero = zero && (param.at[i] == '0' || param.at[i] == '.');
        return zero;
    }
    return false;
}

/* RFC 9110 section 12.5.3, without "*": a client that means br says br. */
static bool accepts(struct slice list, const char *coding)
{
    while (list.len > 0) {
        struct slice params = slice_split(&list, ',');
        struct slice name = slice_trim(slice_split(&params, ';'));
        if (slice_eq_nocase(name, slice_str(coding)))
            return !weight_is_zero(params);
    }
    return false;
}

/* Build tools put eight or more characters of a hash before the last dot: "app-B3x9kQz2.js". A word
 * such as "dashboard" has neither digit nor capital, a date no letter. */
static bool name_has_hash(struct slice name)
{
    size_t end = name.len;
    while (end > 0 && name.at[end - 1] != '.')
        end--;
    if (end == 0)
        return false;
    size_t start = --end;
    bool letter = false, sign = false;
    while (start > 0) {
        char c = name.at[start - 1];
        bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z',
             digit = c >= '0' && c <= '9';
        if (!lower && !upper && !digit && c != '_')
            break;
        letter = letter || lower || upper;
        sign = sign || upper || digit;
        start--;
    }
    bool parted = start > 0 && (name.at[start - 1] == '-' || name.at[start - 1] == '.');
    return parted && end - start >= HASH_CHARS_MIN && letter && sign;
}

/* ---- serving ---- */

static enum err body_read(int fd, int64_t size, struct buf *out)
{
    buf_clear(out);
    buf_reserve(out, (size_t)size + 1);
    while (out->len < (size_t)size) {
        char piece[16384];
        size_t left = (size_t)size - out->len;
        ssize_t n = read(fd, piece, left < sizeof(piece) ? left : sizeof(piece));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO; /* also a file that shrank meanwhile: its length was promised */
        buf_put(out, piece, (size_t)n);
    }
    return ERR_OK;
}

static const struct {
    const char *coding;
    const char *ending;
} codings[] = {{"br", ".br"}, {"gzip", ".gz"}, {NULL, ""}};

static enum err opened_serve(const char *folder, struct slice path, int fd, const struct stat *st,
                             size_t coding, const struct req *req, struct resp *resp)
{
    struct arena *arena = resp->arena;
    const char *ending = codings[coding].ending;
    const char *etag = arena_printf(arena, "\"%llx-%llx%s\"", (unsigned long long)st->st_size,
                                    (unsigned long long)st->st_mtim.tv_sec * 1000000000ULL +
                                        (unsigned long long)st->st_mtim.tv_nsec,
                                    *ending ? ending + 1 : "");
    bool fresh = etag_in(req_header(req, "if-none-match"), slice_str(etag));
    bool inlined = st->st_size <= ASSET_INLINE_BYTES_MAX;
    if (!fresh && inlined) {
        enum err e = body_read(fd, st->st_size, &resp->body);
        if (e)
            return e;
    } else if (!fresh) {
        resp->file_path =
            arena_printf(arena, "%s/" SLICE_FMT "%s", folder, SLICE_ARG(path), ending);
        resp->file_is_temporary = false;
    }

    resp->status = fresh ? 304 : 200;
    resp->content_type = assets_type(path);
    resp_header(resp, "ETag", etag);
    resp_header(resp, "Vary", "Accept-Encoding");
    resp_header(resp, "Accept-Ranges", "none");
    if (codings[coding].coding && !fresh)
        resp_header(resp, "Content-Encoding", codings[coding].coding);
    resp->is_immutable = name_has_hash(path);
    if (!resp->is_immutable)
        resp_header(resp, "Cache-Control", "no-cache");
    return ERR_OK;
}

enum err assets_serve(const char *folder, struct slice path, const struct req *req,
                      struct resp *resp)
{
    ASSERT(folder && req && resp->arena);
    if (req->method != HTTP_GET && req->method != HTTP_HEAD)
        return ERR_METHOD;
    int at;
    struct slice name;
    enum err e = folder_open(folder, path, &at, &name);
    if (e)
        return e;

    /* The plain file decides whether there is one at all; a sibling alone is never served. */
    struct stat st, coded;
    int fd = file_open(at, name, "", &st);
    if (fd < 0) {
        e = open_error(errno);
        goto out;
    }
    size_t coding = 0;
    for (; codings[coding].coding; coding++) {
        if (!accepts(req_header(req, "accept-encoding"), codings[coding].coding))
            continue;
        int sibling = file_open(at, name, codings[coding].ending, &coded);
        if (sibling < 0)
            continue;
        (void)close(fd);
        fd = sibling;
        st = coded;
        break;
    }
    e = opened_serve(folder, path, fd, &st, coding, req, resp);
    (void)close(fd);
out:
    (void)close(at);
    return e;
}
