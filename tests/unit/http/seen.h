/* seen - a parser with callbacks that remember: what every test of the parser is written with.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "http/parser.h"

/* What the callbacks saw. */
struct seen {
    struct parser *parser;
    int heads, dones;
    int64_t body_max;
    enum err head_answer, body_answer;
    bool answers_at_once; /* calls parser_next from done */
    struct buf bodies;    /* of all requests, each ended by '|' */
    struct buf paths;     /* likewise */
    struct req last;      /* only numbers and flags may be read later */
    struct buf encoded;   /* the last request whole */
};

void seen_init(struct seen *seen);
void seen_release(struct seen *seen);
/* Feeds in pieces of `step` bytes, each in memory of its own so that a late read is caught. */
enum err feed(struct seen *seen, struct slice bytes, size_t step);
/* One whole request in pieces of many sizes; check (may be NULL) looks at it as it was encoded. */
void accepted(const char *raw, size_t len, void (*check)(const struct req *req));
#define ACCEPTED(raw, check) accepted(raw, sizeof(raw) - 1, check)
/* Refused in pieces of many sizes, and nothing heals the parser. why NULL: any. */
void refused(const char *raw, size_t len, enum err want, const char *why);
#define REFUSED(raw, want, why) refused(raw, sizeof(raw) - 1, want, why)
/* A request of `before`, n times `fill`, `after`. */
struct buf stretched(const char *before, const char *fill, size_t n, const char *after);
/* These release raw. */
void refused_long(struct buf raw, enum err want, const char *why);
void accepted_long(struct buf raw);
