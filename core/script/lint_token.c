/* lint_token - Lua text as tokens, with what belongs together marked.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/lint_in.h"

struct lexer {
    struct arena *arena;
    struct slice text;
    size_t at;
    int line, cap;
    struct tokens *out;
};

static char peek(const struct lexer *r, size_t ahead)
{
    return r->at + ahead < r->text.len ? r->text.at[r->at + ahead] : 0;
}

static void step(struct lexer *r)
{
    if (peek(r, 0) == '\n')
        r->line++;
    r->at++;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void add(struct lexer *r, enum token_kind kind, struct slice text, int line)
{
    struct tokens *out = r->out;
    if (out->count == r->cap) {
        int cap = r->cap ? 2 * r->cap : 256;
        out->items = arena_grow(r->arena, out->items, (size_t)out->count * sizeof *out->items,
                                (size_t)cap * sizeof *out->items);
        r->cap = cap;
    }
    out->items[out->count++] = (struct token){kind, text, line, -1};
}

/* "[==[" at the place: its level; -1 where none begins. */
static int long_level(const struct lexer *r)
{
    size_t n = 1;
    while (peek(r, n) == '=')
        n++;
    return peek(r, 0) == '[' && peek(r, n) == '[' ? (int)n - 1 : -1;
}

static struct slice read_long(struct lexer *r, int level)
{
    r->at += (size_t)level + 2;
    size_t from = r->at;
    for (; r->at < r->text.len; step(r)) {
        size_t n = 1;
        while (peek(r, 0) == ']' && peek(r, n) == '=')
            n++;
        if (peek(r, 0) == ']' && (int)n - 1 == level && peek(r, n) == ']') {
            struct slice text = slice_of(r->text.at + from, r->at - from);
            r->at += n + 1;
            return text;
        }
    }
    return (struct slice){0};
}

static struct slice read_quoted(struct lexer *r)
{
    char quote = peek(r, 0);
    size_t from = ++r->at;
    bool plain = true;
    while (r->at < r->text.len && peek(r, 0) != quote) {
        if (peek(r, 0) == '\\') {
            plain = false;
            step(r);
        }
        step(r);
    }
    struct slice text = slice_of(r->text.at + from, r->at - from);
    r->at++;
    return plain ? text : (struct slice){0};
}

/* Comments and space. */
static void skip(struct lexer *r)
{
    for (;;) {
        char c = peek(r, 0);
        if (c == '-' && peek(r, 1) == '-') {
            r->at += 2;
            int level = long_level(r);
            if (level >= 0)
                (void)read_long(r, level);
            else
                while (r->at < r->text.len && peek(r, 0) != '\n')
                    r->at++;
        } else if (r->at < r->text.len && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
            step(r);
        } else {
            return;
        }
    }
}

static void read_token(struct lexer *r)
{
    static const char *const signs[] = {
        "...", "..", "==", "~=", "<=", ">=", "::", "//", "<<", ">>", NULL};
    size_t from = r->at;
    int line = r->line, level = long_level(r);
    char c = peek(r, 0);
    if (c == '"' || c == '\'' || level >= 0) {
        struct slice text = level >= 0 ? read_long(r, level) : read_quoted(r);
        add(r, TOKEN_TEXT, text, line);
        return;
    }
    if (is_letter(c)) {
        while (is_letter(peek(r, 0)) || is_digit(peek(r, 0)))
            r->at++;
        add(r, TOKEN_NAME, slice_of(r->text.at + from, r->at - from), line);
        return;
    }
    if (is_digit(c)) {
        while (is_letter(peek(r, 0)) || is_digit(peek(r, 0)) || peek(r, 0) == '.')
            r->at++;
        add(r, TOKEN_NUMBER, slice_of(r->text.at + from, r->at - from), line);
        return;
    }
    struct slice rest = slice_of(r->text.at + from, r->text.len - from), sign = rest;
    sign.len = 1;
    for (const char *const *one = signs; *one && sign.len == 1; one++)
        if (slice_starts(rest, slice_str(*one)))
            sign.len = strlen(*one);
    r->at += sign.len;
    add(r, TOKEN_SIGN, sign, line);
}

/* Brackets and blocks: `while` and `for` are closed by the end of their `do`. */
static bool match_pairs(struct arena *arena, struct tokens *tokens)
{
    int *open = arena_array(arena, int, (size_t)tokens->count + 1), depth = 0;
    for (int i = 0; i < tokens->count; i++) {
        struct slice text = tokens->items[i].text;
        enum token_kind kind = tokens->items[i].kind;
        bool sign = kind == TOKEN_SIGN, name = kind == TOKEN_NAME;
        bool opens =
            (sign && (slice_is(text, "(") || slice_is(text, "{") || slice_is(text, "["))) ||
            (name && (slice_is(text, "function") || slice_is(text, "if") || slice_is(text, "do") ||
                      slice_is(text, "repeat")));
        bool closes =
            (sign && (slice_is(text, ")") || slice_is(text, "}") || slice_is(text, "]"))) ||
            (name && (slice_is(text, "end") || slice_is(text, "until")));
        if (opens)
            open[depth++] = i;
        if (closes && depth == 0)
            return false;
        if (closes)
            tokens->items[open[--depth]].pair = i;
    }
    return depth == 0;
}

bool lint_tokens(struct arena *arena, struct slice text, struct tokens *out)
{
    struct lexer r = {.arena = arena, .text = text, .line = 1, .out = out};
    *out = (struct tokens){0};
    if (slice_starts(text, SLICE("#")))
        while (r.at < text.len && peek(&r, 0) != '\n')
            r.at++;
    for (skip(&r); r.at < text.len; skip(&r))
        read_token(&r);
    add(&r, TOKEN_END, SLICE(""), r.line);
    out->count--;
    return match_pairs(arena, out);
}
