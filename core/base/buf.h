/* buf - bytes that grow and are owned.
 *
 * Always owns its memory (heap); release it, or detach to give the memory away. Used for answers,
 * frames, SQL text. Growth doubles; BUF_BYTES_MAX is a BUG, callers bound their input before.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <stdarg.h>

#include "base/err.h"
#include "base/slice.h"

struct buf {
    char *at;   /* owned; NULL while empty */
    size_t len; /* bytes in use */
    size_t cap; /* private */
};

#define BUF_INIT                                                                                   \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }

void buf_init(struct buf *b);
void buf_release(struct buf *b);           /* frees; b is as after init */
void buf_clear(struct buf *b);             /* len = 0, keeps memory */
void buf_grow(struct buf *b, size_t more); /* private: the slow path of buf_reserve */
static inline void buf_reserve(struct buf *b, size_t more)
{
    if (__builtin_expect(more > b->cap - b->len, 0))
        buf_grow(b, more);
}
static inline void buf_put(struct buf *b, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    buf_reserve(b, n);
    memcpy(b->at + b->len, bytes, n);
    b->len += n;
}
static inline void buf_put_char(struct buf *b, char c)
{
    buf_reserve(b, 1);
    b->at[b->len++] = c;
}
static inline void buf_put_slice(struct buf *b, struct slice s)
{
    buf_put(b, s.at, s.len);
}
static inline void buf_put_str(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}
void buf_put_int(struct buf *b, int64_t n); /* decimal digits */
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list args) PRINTF_LIKE(2, 0);
/* Little-endian fixed integers and length-prefixed bytes (u32), for frames. */
void buf_put_u8(struct buf *b, uint8_t n);
void buf_put_u32(struct buf *b, uint32_t n);
void buf_put_i64(struct buf *b, int64_t n);
void buf_put_bytes(struct buf *b, struct slice s);
/* Removes n bytes from the front (memmove). */
void buf_consume(struct buf *b, size_t n);
/* Cuts back to `len` (≤ current). */
void buf_truncate(struct buf *b, size_t len);
/* Ends with a NUL that len does not count; never NULL. */
const char *buf_cstr(struct buf *b);
/* Gives the memory to the caller (free()), NUL-terminated; b is as after init. */
char *buf_detach(struct buf *b, size_t *len);
static inline struct slice buf_slice(const struct buf *b)
{
    return (struct slice){b->at, b->len};
}

/* A reader over frame bytes. After the first short read `bad` stays true and reads give 0/empty. */
struct reader {
    struct slice rest;
    bool bad;
};
uint8_t reader_u8(struct reader *r);
uint32_t reader_u32(struct reader *r);
int64_t reader_i64(struct reader *r);
struct slice reader_bytes(struct reader *r); /* points into the frame */
