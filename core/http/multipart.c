/* multipart - RFC 7578 form data from a body in memory or a spooled file.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/multipart.h"

#include "base/limits.h"
#include "base/text.h"

#define BOUNDARY_BYTES_MAX 70 /* RFC 2046 section 5.1.1 */

/* ---- parameters: ; name=token or ; name="quoted" ---- */

static bool is_token_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static void spaces_skip(struct slice *rest)
{
    while (rest->len > 0 && (rest->at[0] == ' ' || rest->at[0] == '\t'))
        *rest = slice_of(rest->at + 1, rest->len - 1);
}

static struct slice token_take(struct slice *rest)
{
    size_t n = 0;
    while (n < rest->len && is_token_byte(rest->at[n]))
        n++;
    struct slice token = slice_of(rest->at, n);
    *rest = slice_of(rest->at + n, rest->len - n);
    return token;
}

/* Behind the opening quote. Only \" and \\ are escapes: old browsers send whole Windows paths. */
static bool quoted_take(struct arena *arena, struct slice *rest, struct slice *value)
{
    char *to = arena_alloc(arena, rest->len);
    size_t n = 0;
    for (size_t i = 0; i < rest->len; i++) {
        char c = rest->at[i];
        if (c == '"') {
            *value = slice_of(to, n);
            *rest = slice_of(rest->at + i + 1, rest->len - i - 1);
            return true;
        }
        if (c == '\\' && i + 1 < rest->len && (rest->at[i + 1] == '"' || rest->at[i + 1] == '\\'))
            c = rest->at[++i];
        to[n++] = c;
    }
    return false;
}

/* Takes "; name=value". False at a fault; name is empty at the end. */
static bool param_take(struct arena *arena, struct slice *rest, struct slice *name,
                       struct slice *value)
{
    *name = *value = (struct slice){NULL, 0};
    spaces_skip(rest);
    if (rest->len == 0)
        return true;
    if (rest->at[0] != ';')
        return false;
    *rest = slice_of(rest->at + 1, rest->len - 1);
    spaces_skip(rest);
    *name = token_take(rest);
    if (name->len == 0 || rest->len == 0 || rest->at[0] != '=')
        return false;
    *rest = slice_of(rest->at + 1, rest->len - 1);
    if (rest->len > 0 && rest->at[0] == '"') {
        *rest = slice_of(rest->at + 1, rest->len - 1);
        return quoted_take(arena, rest, value);
    }
    *value = token_take(rest);
    return value->len > 0;
}

/* Makes "\r\n--boundary". */
static enum err boundary_find(struct arena *arena, struct slice content_type,
                              struct slice *delimiter)
{
    struct slice rest = content_type, boundary = {NULL, 0}, name, value;
    struct slice type = SLICE("multipart/form-data");
    if (rest.len < type.len || !slice_eq_nocase(slice_of(rest.at, type.len), type))
        return ERR_MEDIA_TYPE;
    rest = slice_of(rest.at + type.len, rest.len - type.len);
    if (rest.len > 0 && !strchr("; \t", rest.at[0]))
        return ERR_MEDIA_TYPE;
    for (;;) {
        if (!param_take(arena, &rest, &name, &value))
            return ERR_MALFORMED;
        if (name.len == 0)
            break;
        if (!slice_eq_nocase(name, SLICE("boundary")))
            continue;
        if (boundary.len > 0)
            return ERR_MALFORMED;
        boundary = value;
    }
    if (boundary.len == 0 || boundary.len > BOUNDARY_BYTES_MAX)
        return ERR_MALFORMED;
    for (size_t i = 0; i < boundary.len; i++) {
        char c = boundary.at[i];
        if (!is_token_byte(c) && (c == '\0' || !strchr("(),/:=? ", c)))
            return ERR_MALFORMED;
    }
    if (boundary.at[boundary.len - 1] == ' ')
        return ERR_MALFORMED;
    char *text = arena_printf(arena, "\r\n--" SLICE_FMT, SLICE_ARG(boundary));
    *delimiter = slice_str(text);
    return ERR_OK;
}

/* ---- headers of a part ---- */

/* Browsers write these three bytes of a name as %22, %0D and %0A, and nothing else (HTML standard,
 * multipart/form-data encoding). A line break has no place in a name of ours: it is refused. */
static bool name_decode(struct arena *arena, struct slice *name)
{
    char *to = arena_alloc(arena, name->len);
    size_t n = 0;
    for (size_t i = 0; i < name->len; i++) {
        unsigned char c = (unsigned char)name->at[i];
        if (c == '%' && name->len - i >= 3 && name->at[i + 1] == '2' && name->at[i + 2] == '2') {
            c = '"';
            i += 2;
        } else if (c == '%' && name->len - i >= 3 && name->at[i + 1] == '0' &&
                   strchr("aAdD", name->at[i + 2])) {
            return false;
        }
        if (c < 0x20 || c == 0x7f)
            return false;
        to[n++] = (char)c;
    }
    *name = slice_of(to, n);
    return text_is_utf8(*name);
}

static struct slice base_name(struct slice path)
{
    for (size_t i = path.len; i > 0; i--) {
        if (path.at[i - 1] == '/' || path.at[i - 1] == '\\')
            return slice_of(path.at + i, path.len - i);
    }
    return path;
}

static bool disposition_parse(struct arena *arena, struct slice value, struct multipart_part *part)
{
    struct slice rest = value, name, text;
    if (!slice_eq_nocase(token_take(&rest), SLICE("form-data")))
        return false;
    bool has_name = false, has_file = false;
    for (;;) {
        if (!param_take(arena, &rest, &name, &text))
            return false;
        if (name.len == 0)
            return has_name && part->name.len > 0;
        if (slice_eq_nocase(name, SLICE("name")) && !has_name) {
            has_name = true;
            part->name = text;
            if (!name_decode(arena, &part->name))
                return false;
        } else if (slice_eq_nocase(name, SLICE("filename")) && !has_file) {
            has_file = true;
            part->filename = text;
            if (!name_decode(arena, &part->filename))
                return false;
            part->filename = base_name(part->filename);
        } else if (!slice_eq_nocase(name, SLICE("filename*"))) {
            return false; /* that one is not of RFC 7578, but harmless: the plain one counts */
        }
    }
}

static bool value_is_clean(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* The lines of one part, without the empty line. */
static enum err part_head(struct arena *arena, struct slice lines, struct multipart_part *part)
{
    bool disposed = false;
    while (lines.len > 0) {
        ptrdiff_t end = slice_find(lines, SLICE("\r\n"));
        size_t n = end < 0 ? lines.len : (size_t)end;
        struct slice value = slice_of(lines.at, n);
        lines = end < 0 ? slice_of(lines.at + n, 0) : slice_of(lines.at + n + 2, lines.len - n - 2);
        struct slice name = token_take(&value);
        if (name.len == 0 || value.len == 0 || value.at[0] != ':')
            return ERR_MALFORMED;
        value = slice_trim(slice_of(value.at + 1, value.len - 1));
        if (!value_is_clean(value))
            return ERR_MALFORMED;
        if (slice_eq_nocase(name, SLICE("content-disposition"))) {
            if (disposed || !disposition_parse(arena, value, part))
                return ERR_MALFORMED;
            disposed = true;
        } else if (slice_eq_nocase(name, SLICE("content-type"))) {
            part->content_type = value;
        } else if (slice_eq_nocase(name, SLICE("content-transfer-encoding"))) {
            if (!slice_eq_nocase(value, SLICE("binary")) &&
                !slice_eq_nocase(value, SLICE("8bit")) && !slice_eq_nocase(value, SLICE("7bit")))
                return ERR_MALFORMED;
        }
    }
    return disposed ? ERR_OK : ERR_MALFORMED;
}

/* ---- parts ---- */

/* Behind "--boundary": "--" and at most one CRLF ends the form, padding and CRLF begins a part. */
static enum err delimiter_end(struct slice *rest, bool *last)
{
    *last = slice_starts(*rest, SLICE("--"));
    if (*last) {
        *rest = slice_of(rest->at + 2, rest->len - 2);
        return rest->len == 0 || slice_is(*rest, "\r\n") ? ERR_OK : ERR_MALFORMED;
    }
    spaces_skip(rest);
    if (!slice_starts(*rest, SLICE("\r\n")))
        return ERR_MALFORMED;
    *rest = slice_of(rest->at + 2, rest->len - 2);
    return ERR_OK;
}

/* `rest` stands at the first header of a part and is moved behind the delimiter after its body. */
static enum err part_take(struct arena *arena, struct slice delimiter, struct slice *rest,
                          struct multipart_part *part)
{
    struct slice window = *rest;
    if (window.len > MULTIPART_HEAD_BYTES_MAX)
        window.len = MULTIPART_HEAD_BYTES_MAX;
    ptrdiff_t blank = slice_find(window, SLICE("\r\n\r\n"));
    if (blank < 0)
        return rest->len > window.len ? ERR_TOO_LARGE : ERR_MALFORMED;
    enum err e = part_head(arena, slice_of(rest->at, (size_t)blank), part);
    if (e)
        return e;

    /* An empty body's delimiter shares its CRLF with the blank line. */
    struct slice body = slice_of(rest->at + blank + 2, rest->len - (size_t)blank - 2);
    ptrdiff_t end = slice_find(body, delimiter);
    if (end < 0)
        return ERR_MALFORMED;
    size_t behind = (size_t)end + delimiter.len;
    *rest = slice_of(body.at + behind, body.len - behind);
    part->body = end < 2 ? slice_of(body.at + 2, 0) : slice_of(body.at + 2, (size_t)end - 2);
    return ERR_OK;
}

enum err multipart_parse(struct arena *arena, struct slice content_type, struct slice source,
                         struct multipart_part **parts, int *count)
{
    ASSERT(parts);
    ASSERT(count);
    struct slice delimiter, rest = source;
    enum err e = boundary_find(arena, content_type, &delimiter);
    if (e)
        return e;
    struct slice first = slice_of(delimiter.at + 2, delimiter.len - 2);
    if (!slice_starts(rest, first))
        return ERR_MALFORMED;
    rest = slice_of(rest.at + first.len, rest.len - first.len);

    struct multipart_part *made = arena_array(arena, struct multipart_part, MULTIPART_PARTS_MAX);
    int n = 0;
    for (;;) {
        bool last;
        e = delimiter_end(&rest, &last);
        if (e)
            return e;
        if (last)
            break;
        if (n == MULTIPART_PARTS_MAX)
            return ERR_TOO_LARGE;
        e = part_take(arena, delimiter, &rest, &made[n++]);
        if (e)
            return e;
    }
    *parts = made;
    *count = n;
    return ERR_OK;
}
