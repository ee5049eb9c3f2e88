/* json - strict parsing into an arena, and writing straight into a buf.
 *
 * Parsing is jansson's; the tree is copied into nodes of the request's arena, so nobody frees and
 * nothing is reference-counted. Strict: duplicate keys, depth over JSON_DEPTH_MAX, invalid UTF-8,
 * U+0000 in strings, trailing bytes and integers beyond 64 bits are refused with line and column.
 * Integers are exact int64; a real keeps the source's text in `text`.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_INT, JSON_REAL, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_type type;
    bool boolean;
    int64_t integer;
    double real;
    struct slice text;  /* string value (UTF-8, NUL-terminated), or the text of a real */
    struct slice key;   /* member name when this is a member of an object */
    struct json *first; /* first item or member */
    struct json *next;  /* next sibling, in source order */
    struct json *last;  /* private: where json_add appends */
    int count;          /* items or members */
    int line;           /* 1-based line in the source; 0 when built by code */
};

/* Parses one document. On failure ERR_MALFORMED, and *why (may be NULL) is a sentence with line and
 * column in the arena. */
MUST_USE enum err json_parse(struct arena *arena, struct slice source, const struct json **out,
                             const char **why);
/* Reads and parses a file; comments are not allowed. ERR_NOT_FOUND, ERR_IO, ERR_TOO_LARGE,
 * ERR_MALFORMED. *why (may be NULL) does not name the file. */
MUST_USE enum err json_load(struct arena *arena, const char *path, const struct json **out,
                            const char **why);

const struct json *json_get(const struct json *object,
                            const char *key); /* NULL if absent or no object */
const struct json *json_get_slice(const struct json *object, struct slice key);
const struct json *json_at(const struct json *array, int index);
/* Member of that type or the fallback. */
struct slice json_str(const struct json *object, const char *key, struct slice fallback);
const char *json_cstr(const struct json *object, const char *key, const char *fallback);
int64_t json_int(const struct json *object, const char *key, int64_t fallback);
bool json_bool(const struct json *object, const char *key, bool fallback);
#define json_each(item, node)                                                                      \
    for (const struct json *item = (node) ? (node)->first : NULL; item; item = item->next)

/* Building trees in code. Adding moves the child in; a child has one parent. */
struct json *json_new(struct arena *arena, enum json_type type);
struct json *json_new_str(struct arena *arena, struct slice s);
struct json *json_new_int(struct arena *arena, int64_t n);
struct json *json_new_bool(struct arena *arena, bool b);
struct json *json_new_real(struct arena *arena, double real); /* not a number: written as null */
void json_add(struct arena *arena, struct json *parent, const char *key, struct json *child);
struct json *json_copy(struct arena *arena, const struct json *node); /* deep */
bool json_equal(const struct json *a, const struct json *b);          /* object order is ignored */

/* Writing. Strings are escaped and must be valid UTF-8. */
void json_put(struct buf *b, const struct json *node); /* compact */
void json_put_string(struct buf *b, struct slice s);   /* with quotes */
void json_put_cstr(struct buf *b, const char *s);      /* NULL writes null */
void json_put_int(struct buf *b, int64_t n);
void json_put_bool(struct buf *b, bool v);
/* `"key":` with a comma before it unless it is the first member after '{'. */
void json_put_key(struct buf *b, const char *key);
void json_put_comma(struct buf *b); /* a comma unless the last byte opens an array or object */
/* Same members and values in sorted key order: the canonical form used for hashes. */
void json_put_canonical(struct buf *b, const struct json *node);
