/* token - search tokens: Chinese by characters and pairs, pinyin, initials, phone tails, e-mail.
 *
 * Both sides use this file: what a record is found by, and what a query asks for. Each token is one
 * ASCII word of at most TOKEN_TOKEN_BYTES bytes, so that every full-text engine keeps it whole; the
 * store puts the field's column number before it. A query asks for tokens that must all be there:
 *
 *   h + hex       a Chinese character or a pair of neighbours; also kana and hangul
 *   w + letters   a word, its prefixes of 2 to 12 letters (longer words count by their first 12),
 *                 pinyin and initials, digits (2 or 3 at either end and every 4 in a row)
 *   u + hex       words of other scripts and their prefixes
 *   x + any       the whole of a value that is one short run of characters: its initials, its
 *                 pinyin, its characters (as h); the last four digits of a phone number
 *
 * The last are asked for apart and come first: zw means 张伟 before 张伟明, whose initials only
 * begin so.
 *
 * A name is found by pinyin in full, by any prefix of it, by whole syllables from any character on,
 * and by initials: 张小伟 by zhangxiaowei, zhangx, xiaowei, wei, zxw, xw. In a long run (a
 * company's name) only the first TOKEN_PINYIN_REACH characters are spelled from the middle;
 * characters and pairs find all of it. Characters with several readings are found by each
 * (TOKEN_READINGS_MAX ways to read one run). Readings come from a table generated from Unihan at
 * build time; a list of surnames decides only what is shown and sorted.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

enum token_kind {
    TOKEN_TEXT,  /* characters, pairs, words by prefix, pinyin, initials */
    TOKEN_PHONE, /* digits whatever stands between them, with and without +86 */
    TOKEN_EMAIL, /* as text, and every 4 letters in a row of each part */
    TOKEN_EXACT, /* only what a query for the whole value asks for */
};

#define TOKEN_TOKEN_BYTES 96

typedef void (*token_cb)(void *arg, struct slice token);

/* Every token a record is found by, each once, at most TOKENS_PER_FIELD_MAX. A token lives only
 * during the call of cb. */
void token_make(enum token_kind kind, struct slice value, token_cb cb, void *arg);

/* What a person typed, understood. */
struct token_query {
    struct slice *all;   /* tokens that must all be there (AND) */
    int count;           /* 0: nothing searchable was typed */
    bool recheck;        /* candidates' folded text must also contain `folded` (3+ characters) */
    struct slice folded; /* folded text of the query */
};
/* Strings live in the arena. One letter or digit asks for a word of just that. At most
 * TOKEN_QUERY_MAX tokens; longer input is cut at a token. */
void token_query_make(struct arena *arena, struct slice typed, struct token_query *out);

/* Whether what was typed may be the whole of a value (2 letters or characters and more, or 4
 * digits), and the one token that asks for it. */
bool token_query_whole(struct arena *arena, struct slice typed, struct token_query *out);
/* Which tokens token_make gives: who changes them raises it, and records written before are indexed
 * anew (api/jobs_tokens.c). */
#define TOKEN_VERSION 2

/* Sort key: reading of each Chinese character plus the character, other text folded; bytes compare
 * in pinyin order (张 → "zhang 张"). Appends to out. `is_name`: the first character may be a
 * surname. */
void token_sort_key(struct buf *out, struct slice value, bool is_name);
