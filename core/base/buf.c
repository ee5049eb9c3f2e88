/* buf - see buf.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/buf.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST_BYTES 64

void buf_init(struct buf *b)
{
    *b = (struct buf)BUF_INIT;
}

void buf_release(struct buf *b)
{
    free(b->at);
    buf_init(b);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
}

void buf_grow(struct buf *b, size_t more)
{
    ASSERT(more <= BUF_BYTES_MAX && b->len + more <= BUF_BYTES_MAX);

    size_t cap = b->cap ? b->cap : BUF_FIRST_BYTES;
    while (cap < b->len + more)
        cap *= 2;
    char *at = realloc(b->at, cap);
    if (!at)
        BUG("out of memory");
    b->at = at;
    b->cap = cap;
}

void buf_put_int(struct buf *b, int64_t n)
{
    char digits[20]; /* of INT64_MIN: 19 digits and a sign */
    size_t at = sizeof(digits);
    uint64_t u = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

    do {
        digits[--at] = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (n < 0)
        digits[--at] = '-';
    buf_put(b, digits + at, sizeof(digits) - at);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
    va_list again;

    va_copy(again, args);
    buf_reserve(b, BUF_FIRST_BYTES);
    size_t room = b->cap - b->len;
    int n = vsnprintf(b->at + b->len, room, fmt, args);
    if (n < 0)
        BUG("a format that cannot be printed");
    if ((size_t)n >= room) {
        buf_reserve(b, (size_t)n + 1);
        vsnprintf(b->at + b->len, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    b->len += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    buf_vprintf(b, fmt, args);
    va_end(args);
}

void buf_put_u8(struct buf *b, uint8_t n)
{
    buf_put_char(b, (char)n);
}

static void put_le(struct buf *b, uint64_t n, size_t bytes)
{
    buf_reserve(b, bytes);
    for (size_t i = 0; i < bytes; i++)
        b->at[b->len++] = (char)(n >> (8 * i));
}

void buf_put_u32(struct buf *b, uint32_t n)
{
    put_le(b, n, 4);
}

void buf_put_i64(struct buf *b, int64_t n)
{
    put_le(b, (uint64_t)n, 8);
}

void buf_put_bytes(struct buf *b, struct slice s)
{
    ASSERT(s.len <= UINT32_MAX);
    buf_put_u32(b, (uint32_t)s.len);
    buf_put_slice(b, s);
}

void buf_consume(struct buf *b, size_t n)
{
    ASSERT(n <= b->len);

    b->len -= n;
    if (n && b->len)
        memmove(b->at, b->at + n, b->len);
}

void buf_truncate(struct buf *b, size_t len)
{
    ASSERT(len <= b->len);
    b->len = len;
}

const char *buf_cstr(struct buf *b)
{
    buf_reserve(b, 1);
    b->at[b->len] = '\0';
    return b->at;
}

char *buf_detach(struct buf *b, size_t *len)
{
    buf_cstr(b);
    char *at = b->at;
    if (len)
        *len = b->len;
    buf_init(b);
    return at;
}

/* The next n bytes of the frame, or NULL (and bad) when fewer are left. */
static const uint8_t *reader_take(struct reader *r, size_t n)
{
    if (r->bad || r->rest.len < n) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *at = (const uint8_t *)r->rest.at;
    if (n)
        r->rest = slice_of(r->rest.at + n, r->rest.len - n);
    return at;
}

static uint64_t read_le(struct reader *r, size_t bytes)
{
    const uint8_t *at = reader_take(r, bytes);
    uint64_t n = 0;

    for (size_t i = bytes; at && i > 0; i--)
        n = n << 8 | at[i - 1];
    return n;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)read_le(r, 1);
}

uint32_t reader_u32(struct reader *r)
{
    return (uint32_t)read_le(r, 4);
}

int64_t reader_i64(struct reader *r)
{
    return (int64_t)read_le(r, 8);
}

struct slice reader_bytes(struct reader *r)
{
    size_t n = reader_u32(r);
    const uint8_t *at = reader_take(r, n);

    return at ? slice_of((const char *)at, n) : SLICE("");
}
