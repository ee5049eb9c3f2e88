/* json_write - see json.h: writing JSON straight into a buf.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* What must be written otherwise: control characters, the quote and the backslash. */
static const char escapes[256] = {
    [0x00] = 'u', [0x01] = 'u', [0x02] = 'u', [0x03] = 'u',  [0x04] = 'u', [0x05] = 'u',
    [0x06] = 'u', [0x07] = 'u', ['\b'] = 'b', ['\t'] = 't',  ['\n'] = 'n', [0x0b] = 'u',
    ['\f'] = 'f', ['\r'] = 'r', [0x0e] = 'u', [0x0f] = 'u',  [0x10] = 'u', [0x11] = 'u',
    [0x12] = 'u', [0x13] = 'u', [0x14] = 'u', [0x15] = 'u',  [0x16] = 'u', [0x17] = 'u',
    [0x18] = 'u', [0x19] = 'u', [0x1a] = 'u', [0x1b] = 'u',  [0x1c] = 'u', [0x1d] = 'u',
    [0x1e] = 'u', [0x1f] = 'u', ['"'] = '"',  ['\\'] = '\\',
};

void json_put_string(struct buf *b, struct slice s)
{
    static const char digits[] = "0123456789abcdef";
    size_t from = 0; /* first byte not yet written */

    buf_reserve(b, s.len + 2);
    buf_put_char(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        char escape = escapes[c];
        if (__builtin_expect(!escape, 1))
            continue;
        buf_put(b, s.at + from, i - from);
        buf_put_char(b, '\\');
        buf_put_char(b, escape);
        if (escape == 'u') {
            const char hex[4] = {'0', '0', digits[c >> 4], digits[c & 15]};
            buf_put(b, hex, sizeof(hex));
        }
        from = i + 1;
    }
    buf_put(b, s.at + from, s.len - from);
    buf_put_char(b, '"');
}

void json_put_cstr(struct buf *b, const char *s)
{
    if (s)
        json_put_string(b, slice_str(s));
    else
        buf_put(b, "null", 4);
}

void json_put_int(struct buf *b, int64_t n)
{
    buf_put_int(b, n);
}

void json_put_bool(struct buf *b, bool v)
{
    buf_put_str(b, v ? "true" : "false");
}

void json_put_comma(struct buf *b)
{
    if (b->len == 0)
        return;
    char last = b->at[b->len - 1];
    if (last != '{' && last != '[' && last != ',' && last != ':')
        buf_put_char(b, ',');
}

void json_put_key(struct buf *b, const char *key)
{
    json_put_comma(b);
    json_put_string(b, slice_str(key));
    buf_put_char(b, ':');
}

/* The shortest text that reads back as the same number, and reads back as a real. */
static void put_real(struct buf *b, double real)
{
    char text[32];

    if (!isfinite(real)) {
        buf_put(b, "null", 4);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, real);
        double back = strtod(text, NULL);
        if (back >= real && back <= real)
            break;
    }
    buf_put_str(b, text);
    if (!strpbrk(text, ".e"))
        buf_put(b, ".0", 2);
}

static void put_scalar(struct buf *b, const struct json *node)
{
    switch (node->type) {
    case JSON_NULL:
        buf_put(b, "null", 4);
        break;
    case JSON_BOOL:
        json_put_bool(b, node->boolean);
        break;
    case JSON_INT:
        json_put_int(b, node->integer);
        break;
    case JSON_REAL:
        put_real(b, node->real);
        break;
    case JSON_STRING:
        json_put_string(b, node->text);
        break;
    default:
        BUG("not a scalar");
    }
}

void json_put(struct buf *b, const struct json *node)
{
    bool object = node->type == JSON_OBJECT;

    if (node->type == JSON_REAL && node->text.len) {
        buf_put_slice(b, node->text);
        return;
    }
    if (!object && node->type != JSON_ARRAY) {
        put_scalar(b, node);
        return;
    }
    buf_put_char(b, object ? '{' : '[');
    json_each(child, node)
    {
        if (child != node->first)
            buf_put_char(b, ',');
        if (object) {
            json_put_string(b, child->key);
            buf_put_char(b, ':');
        }
        json_put(b, child);
    }
    buf_put_char(b, object ? '}' : ']');
}

struct member {
    const struct json *node;
};

static int by_key(const void *a, const void *b)
{
    const struct member *x = a, *y = b;

    return slice_cmp(x->node->key, y->node->key);
}

void json_put_canonical(struct buf *b, const struct json *node)
{
    size_t n = 0;

    if (node->type == JSON_ARRAY) {
        buf_put_char(b, '[');
        json_each(item, node)
        {
            if (item != node->first)
                buf_put_char(b, ',');
            json_put_canonical(b, item);
        }
        buf_put_char(b, ']');
        return;
    }
    if (node->type != JSON_OBJECT) {
        put_scalar(b, node);
        return;
    }
    struct member *sorted = calloc((size_t)node->count + 1, sizeof(*sorted));
    if (!sorted)
        BUG("out of memory");
    json_each(member, node) sorted[n++].node = member;
    qsort(sorted, n, sizeof(*sorted), by_key);
    buf_put_char(b, '{');
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_put_char(b, ',');
        json_put_string(b, sorted[i].node->key);
        buf_put_char(b, ':');
        json_put_canonical(b, sorted[i].node);
    }
    buf_put_char(b, '}');
    free(sorted);
}
