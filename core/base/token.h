/* token - search tokens: Chinese by characters and pairs, pinyin, initials, phone tails, e-mail.
 *
 * data.md section 10. Both sides use this file: what a record is found by, and what a query asks
 * for. Pinyin readings come from a table generated from Unihan at build time (all readings), the
 * reading shown for sorting prefers the surname list. Tokens are ASCII-safe strings separated by
 * one space: the store prefixes them with the field's column number.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

enum token_kind {
    TOKEN_TEXT,  /* characters, bigrams, words, pinyin in full and initials (≤ 8 combinations) */
    TOKEN_PHONE, /* reversed last 4, 4-grams of digits */
    TOKEN_EMAIL, /* whole, local part, domain, words, 4-grams */
    TOKEN_EXACT, /* the folded value as one token */
};

typedef void (*token_cb)(void *arg, struct slice token);

/* Every token a record is found by, each once. */
void token_make(enum token_kind kind, struct slice value, token_cb cb, void *arg);

/* What a person typed, understood. */
struct token_query {
    struct slice *all;   /* tokens that must all be there (AND) */
    int count;           /* 0: nothing searchable was typed */
    bool recheck;        /* candidates need a contains check with `folded` (3+ characters) */
    struct slice folded; /* folded text of the query */
};
/* Strings live in the arena. At most TOKEN_QUERY_MAX tokens; longer input is cut at a token. */
void token_query_make(struct arena *arena, struct slice typed, struct token_query *out);

/* Sort key: reading of each Chinese character plus the character, other text folded; bytes compare
 * in pinyin order. Appends to out. `is_name`: the first character may be a surname. */
void token_sort_key(struct buf *out, struct slice value, bool is_name);
