/* token - see token.h: what a value is found by, and what a query asks for.
 *
 * Both sides fold the text and cut it into the same parts. A query can only say AND, so the value's
 * side carries the alternatives: every prefix of a word, every reading of a character.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/token.h"

#include "base/hash.h"
#include "base/limits.h"
#include "base/pinyin.h"
#include "base/text.h"

/* --- Parts --- */

enum part_kind { PART_NONE, PART_HAN, PART_WORD, PART_DIGITS, PART_FOREIGN };

/* A run of characters of one kind in folded text. */
struct part {
    enum part_kind kind;
    struct slice text;
    size_t chars;
};

/* Written without spaces between words, so searched by characters and pairs. */
static bool is_cjk(uint32_t c)
{
    return text_is_han(c) || (c >= 0x3041 && c <= 0x30ff && c != 0x30fb) ||
           (c >= 0x31f0 && c <= 0x31ff) || (c >= 0xac00 && c <= 0xd7a3);
}

static bool is_symbol(uint32_t c)
{
    return c < 0x00c0 || c == 0x00d7 || c == 0x00f7 || (c >= 0x2000 && c <= 0x2bff) ||
           (c >= 0x2e00 && c <= 0x303f) || c == 0x30fb || (c >= 0xfe10 && c <= 0xfe6f) ||
           (c >= 0xff00 && c <= 0xffef) || (c >= 0x1f000 && c <= 0x1faff) || c >= 0xe0000;
}

static enum part_kind kind_of(uint32_t c)
{
    if (c >= '0' && c <= '9')
        return PART_DIGITS;
    if (c >= 'a' && c <= 'z')
        return PART_WORD;
    if (is_cjk(c))
        return PART_HAN;
    return is_symbol(c) ? PART_NONE : PART_FOREIGN;
}

/* What two neighbours make together; PART_NONE when they stand apart. Digits join a word they
 * touch ("a100"), and our letters join foreign ones. */
static enum part_kind kind_joined(enum part_kind a, enum part_kind b)
{
    if (a == b)
        return a;
    if (a == PART_NONE || b == PART_NONE || a == PART_HAN || b == PART_HAN)
        return PART_NONE;
    return a == PART_FOREIGN || b == PART_FOREIGN ? PART_FOREIGN : PART_WORD;
}

/* The next part of folded text; false at the end. */
static bool part_next(struct slice *rest, struct part *out)
{
    *out = (struct part){0};
    while (rest->len) {
        struct slice before = *rest;
        enum part_kind kind = kind_of(text_next(rest));
        if (out->kind == PART_NONE) {
            if (kind == PART_NONE)
                continue;
            out->text.at = before.at;
            out->kind = kind;
        } else if (kind_joined(out->kind, kind) == PART_NONE) {
            *rest = before;
            return true;
        }
        out->kind = kind_joined(out->kind, kind);
        out->text.len = (size_t)(rest->at - out->text.at);
        out->chars++;
    }
    return out->kind != PART_NONE;
}

/* --- Writing tokens --- */

#define BAG_FIRST 128
#define BAG_SLOTS 4096 /* a power of two, at least twice what it holds */
_Static_assert(TOKENS_PER_FIELD_MAX * 2 <= BAG_SLOTS, "a bag is never more than half full");
_Static_assert(TOKEN_QUERY_MAX <= TOKENS_PER_FIELD_MAX, "a query fits as well");

/* Collects distinct tokens; for a record or for a query. A value gives a hundred tokens and an
 * import millions, so each is looked for once: the slot it is not found in takes it. */
struct bag {
    struct arena *arena;
    struct slice *kept;
    uint16_t *slots; /* 1 + index in kept; 0 is free */
    token_cb cb;
    void *arg;
    int count, cap, most;
};

static struct bag bag_make(struct arena *arena, int most, token_cb cb, void *arg)
{
    uint16_t *slots = arena_array(arena, uint16_t, BAG_SLOTS);

    return (struct bag){.arena = arena, .slots = slots, .cb = cb, .arg = arg, .most = most};
}

static void bag_put(struct bag *bag, struct slice token)
{
    size_t at = hash_bytes(token) % BAG_SLOTS;

    for (; bag->slots[at]; at = (at + 1) % BAG_SLOTS) {
        if (slice_eq(bag->kept[bag->slots[at] - 1], token))
            return;
    }
    if (bag->count == bag->most)
        return;
    if (bag->count == bag->cap) {
        bag->cap = bag->cap ? bag->cap * 2 : BAG_FIRST;
        bag->kept = arena_grow(bag->arena, bag->kept, (size_t)bag->count * sizeof(*bag->kept),
                               (size_t)bag->cap * sizeof(*bag->kept));
    }
    struct slice kept = arena_slice(bag->arena, token);
    bag->kept[bag->count++] = kept;
    bag->slots[at] = (uint16_t)bag->count;
    bag->cb(bag->arg, kept);
}

static void put_letters(struct bag *bag, char mark, struct slice word)
{
    char token[TOKEN_WORD_MAX + 1];
    size_t len = word.len < TOKEN_WORD_MAX ? word.len : TOKEN_WORD_MAX;

    token[0] = mark;
    memcpy(token + 1, word.at, len);
    bag_put(bag, slice_of(token, len + 1));
}

static void put_word(struct bag *bag, struct slice word)
{
    put_letters(bag, 'w', word);
}

/* Characters as hex, so that every tokenizer takes the token for one ASCII word. */
static void put_chars(struct bag *bag, char mark, struct slice chars)
{
    static const char digits[] = "0123456789abcdef";
    char token[2 + TOKEN_WORD_MAX * 7];
    size_t len = 1;

    token[0] = mark;
    while (chars.len && len + 8 < sizeof(token)) {
        uint32_t c = text_next(&chars);
        int shift = c > 0xffff ? 16 : 12;
        if (shift == 16)
            token[len++] = 'g';
        for (; shift >= 0; shift -= 4)
            token[len++] = digits[c >> shift & 15];
    }
    bag_put(bag, slice_of(token, len));
}

/* Characters and pairs. A query for several characters asks for the pairs alone. */
static void put_han(struct bag *bag, const struct part *part, bool is_query)
{
    for (struct slice rest = part->text; rest.len;) {
        struct slice pair = text_head(rest, 2);
        struct slice single = text_head(rest, 1);
        if (!is_query || part->chars == 1)
            put_chars(bag, 'h', single);
        if (pair.len > single.len)
            put_chars(bag, 'h', pair);
        text_next(&rest);
    }
}

static void put_prefixes(struct bag *bag, struct slice word)
{
    for (size_t n = TOKEN_PREFIX_MIN; n < word.len && n < TOKEN_WORD_MAX; n++)
        put_word(bag, slice_of(word.at, n));
    put_word(bag, word);
}

static void put_grams(struct bag *bag, struct slice s)
{
    for (size_t i = 0; i + TOKEN_GRAM <= s.len; i++)
        put_word(bag, slice_of(s.at + i, TOKEN_GRAM));
}

/* Digits are remembered by their ends: two or three of either end, and every four. */
static void put_digits(struct bag *bag, struct slice s)
{
    if (s.len < TOKEN_GRAM)
        put_word(bag, s);
    for (size_t n = TOKEN_PREFIX_MIN; n < TOKEN_GRAM && n < s.len; n++) {
        put_word(bag, slice_of(s.at, n));
        put_word(bag, slice_of(s.at + s.len - n, n));
    }
    put_grams(bag, s);
}

/* People know a number by its end. */
static void put_tail(struct bag *bag, struct slice digits)
{
    if (digits.len > TOKEN_GRAM)
        put_letters(bag, 'x', slice_of(digits.at + digits.len - TOKEN_GRAM, TOKEN_GRAM));
}

/* Words of scripts that are neither Latin nor Chinese: prefixes by characters. */
static void put_foreign(struct bag *bag, const struct part *part, bool prefixes)
{
    size_t most = part->chars < TOKEN_WORD_MAX ? part->chars : TOKEN_WORD_MAX;

    for (size_t n = TOKEN_PREFIX_MIN; prefixes && n < most; n++)
        put_chars(bag, 'u', text_head(part->text, n));
    put_chars(bag, 'u', text_head(part->text, most));
}

/* --- Pinyin --- */

/* Readings of one run of characters. */
struct run {
    int count;
    struct {
        const char *all[PINYIN_READINGS_MAX + 3]; /* and a surname's, and u for v */
        int count;
    } at[TOKEN_SPELL_CHARS];
};

static void run_add(struct run *run, int index, const char *reading)
{
    for (int i = 0; i < run->at[index].count; i++) {
        if (strcmp(run->at[index].all[i], reading) == 0)
            return;
    }
    if (run->at[index].count < PINYIN_READINGS_MAX + 3)
        run->at[index].all[run->at[index].count++] = reading;
}

/* ü is typed as v or as u. */
static const char *without_v(const char *reading)
{
    static const char *const pairs[][2] = {
        {"lv", "lu"}, {"nv", "nu"}, {"lve", "lue"}, {"nve", "nue"}};

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (strcmp(pairs[i][0], reading) == 0)
            return pairs[i][1];
    }
    return NULL;
}

/* The readings of up to `most` characters from the front of s. */
static void run_read(struct run *run, struct slice s, int most)
{
    const char *readings[PINYIN_READINGS_MAX], *second;
    uint32_t chars[TOKEN_SPELL_CHARS];

    ASSERT(most <= TOKEN_SPELL_CHARS);
    run->count = 0;
    while (s.len && run->count < most) {
        uint32_t c = text_next(&s);
        int n = pinyin_readings(c, readings);
        if (n == 0)
            break;
        run->at[run->count].count = 0;
        for (int i = 0; i < n; i++)
            run_add(run, run->count, readings[i]);
        for (int i = 0; i < n; i++) {
            if (without_v(readings[i]))
                run_add(run, run->count, without_v(readings[i]));
        }
        chars[run->count++] = c;
    }
    if (run->count == 0)
        return;
    const char *first = pinyin_surname(chars[0], run->count > 1 ? chars[1] : 0, &second);
    if (first)
        run_add(run, 0, first);
    if (second && run->count > 1)
        run_add(run, 1, second);
}

/* Where in a value a run is spelled. */
enum place { PLACE_WHOLE, PLACE_FRONT, PLACE_INSIDE };

/* Spells the run in one way: at the front of a value every prefix, further on whole syllables. */
static void put_spelling(struct bag *bag, const struct run *run, const int *pick, enum place place)
{
    char full[TOKEN_WORD_MAX + 8], initials[TOKEN_SPELL_CHARS];
    size_t len = 0;

    for (int i = 0; i < run->count; i++) {
        const char *reading = run->at[i].all[pick[i]];
        ASSERT(reading);
        initials[i] = reading[0];
        if (i > 0)
            put_word(bag, slice_of(initials, (size_t)i + 1));
        if (len >= TOKEN_WORD_MAX)
            continue;
        for (const char *letter = reading; *letter; letter++)
            full[len++] = *letter;
        if (place == PLACE_INSIDE)
            put_word(bag, slice_of(full, len));
    }
    if (place != PLACE_INSIDE)
        put_prefixes(bag, slice_of(full, len));
    if (place != PLACE_WHOLE)
        return;
    if (run->count > 1)
        put_letters(bag, 'x', slice_of(initials, (size_t)run->count));
    if (len <= TOKEN_WORD_MAX)
        put_letters(bag, 'x', slice_of(full, len));
}

static int differences(const struct run *run, const int *pick)
{
    int n = 0;

    for (int i = 0; i < run->count; i++)
        n += pick[i] > 0;
    return n;
}

/* The next way to read the run, as an odometer turns; false after the last. */
static bool pick_turn(const struct run *run, int *pick)
{
    for (int i = 0; i < run->count; i++) {
        if (++pick[i] < run->at[i].count)
            return true;
        pick[i] = 0;
    }
    return false;
}

/* The likely ways to read the run: as usual, then one character read otherwise, then more. */
static void put_readings(struct bag *bag, const struct run *run, enum place place)
{
    int pick[TOKEN_SPELL_CHARS] = {0};
    int ways = 1;

    ASSERT(run->count > 0);
    put_spelling(bag, run, pick, place);
    for (int i = 0; i < run->count; i++) {
        for (pick[i] = 1; pick[i] < run->at[i].count && ways < TOKEN_READINGS_MAX; pick[i]++) {
            put_spelling(bag, run, pick, place);
            ways++;
        }
        pick[i] = 0;
    }
    while (ways < TOKEN_READINGS_MAX && pick_turn(run, pick)) {
        if (differences(run, pick) < 2)
            continue;
        put_spelling(bag, run, pick, place);
        ways++;
    }
}

/* Pinyin of a part from its front, and of its first characters begun at each: what follows in a
 * long name is "limited company" again and again. */
static void put_pinyin(struct bag *bag, const struct part *part, bool is_whole, int *chars_left)
{
    enum place place = is_whole ? PLACE_WHOLE : PLACE_FRONT;
    struct slice rest = part->text;
    struct run run = {0};

    for (int i = 0; i < TOKEN_PINYIN_REACH && rest.len && *chars_left > 0; i++) {
        run_read(&run, rest, i == 0 ? TOKEN_SPELL_CHARS : TOKEN_PINYIN_REACH - i);
        if (run.count)
            put_readings(bag, &run, i == 0 ? place : PLACE_INSIDE);
        text_next(&rest);
        --*chars_left;
    }
}

/* --- What a record is found by --- */

static void make_text(struct bag *bag, struct slice folded)
{
    int words = 0, pinyin_chars = TOKEN_PINYIN_CHARS;
    struct part part;

    for (struct slice rest = folded; part_next(&rest, &part);) {
        bool prefixes = words++ < TOKEN_PREFIX_WORDS;
        if (part.kind == PART_HAN)
            put_han(bag, &part, false);
        else if (part.kind == PART_DIGITS)
            put_digits(bag, part.text);
        else if (part.kind == PART_FOREIGN)
            put_foreign(bag, &part, prefixes);
        else if (prefixes)
            put_prefixes(bag, part.text);
        else
            put_word(bag, part.text);
    }
    /* Last, so that a long text loses pinyin before it loses characters. */
    for (struct slice rest = folded; part_next(&rest, &part);) {
        bool is_whole = words == 1 && part.chars <= TOKEN_SPELL_CHARS; /* a name, not a phrase */
        if (part.kind != PART_HAN)
            continue;
        put_pinyin(bag, &part, is_whole, &pinyin_chars);
        if (is_whole && part.chars > 1)
            put_chars(bag, 'x', part.text);
    }
}

static void make_email(struct bag *bag, struct slice folded)
{
    struct part part;

    make_text(bag, folded);
    for (struct slice rest = folded; part_next(&rest, &part);) {
        if (part.kind == PART_WORD)
            put_grams(bag, part.text);
    }
}

static bool stands_in_number(char c)
{
    return c == ' ' || c == '-' || c == '(' || c == ')' || c == '.' || c == '+';
}

/* Digits of one number, whatever stands between them; false at the end of the value. */
static bool number_next(struct slice *rest, char *digits, size_t *len)
{
    *len = 0;
    while (rest->len && *len < TOKEN_NUMBER_DIGITS) {
        char c = rest->at[0];
        if (c >= '0' && c <= '9')
            digits[(*len)++] = c;
        else if (*len && !stands_in_number(c))
            break;
        *rest = slice_of(rest->at + 1, rest->len - 1);
    }
    return *len > 0;
}

/* A Chinese mobile number is written with and without its country code. */
static struct slice without_country(struct slice digits)
{
    if (slice_starts(digits, SLICE("00")))
        digits = slice_of(digits.at + 2, digits.len - 2);
    if (digits.len == 13 && slice_starts(digits, SLICE("861")))
        return slice_of(digits.at + 2, digits.len - 2);
    return digits;
}

static void make_phone(struct bag *bag, struct slice folded)
{
    char digits[TOKEN_NUMBER_DIGITS];
    size_t len;

    while (number_next(&folded, digits, &len)) {
        struct slice all = slice_of(digits, len);
        put_digits(bag, all);
        put_tail(bag, all);
        if (without_country(all).len < len)
            put_digits(bag, without_country(all));
    }
}

/* --- What a query asks for --- */

/* One phone number typed in groups ("138 1234-5678"), not a date: its digits, else empty. */
static struct slice typed_number(struct slice folded, char digits[TOKEN_NUMBER_DIGITS])
{
    size_t len = 0, first_group = 0;

    for (size_t i = 0; i < folded.len; i++) {
        char c = folded.at[i];
        bool is_digit = c >= '0' && c <= '9';
        if ((!is_digit && !stands_in_number(c)) || (is_digit && len == TOKEN_NUMBER_DIGITS))
            return SLICE("");
        if (is_digit)
            digits[len++] = c;
        else if (!first_group)
            first_group = len;
    }
    if (len < TOKEN_NUMBER_TYPED || (first_group == 4 && folded.len == len + 2))
        return SLICE("");
    return without_country(slice_of(digits, len));
}

static void query_digits(struct bag *bag, struct slice s)
{
    if (s.len > TOKEN_GRAM)
        put_grams(bag, s);
    else
        put_word(bag, s);
}

/* The number of parts; *only gets the last one. */
static int query_parts(struct bag *bag, struct slice folded, struct part *only)
{
    struct part part;
    int parts = 0;

    for (struct slice rest = folded; part_next(&rest, &part); parts++) {
        *only = part;
        if (part.kind == PART_HAN)
            put_han(bag, &part, true);
        else if (part.kind == PART_DIGITS)
            query_digits(bag, part.text);
        else if (part.kind == PART_FOREIGN)
            put_foreign(bag, &part, false);
        else
            put_word(bag, part.text);
    }
    return parts;
}

void token_make(enum token_kind kind, struct slice value, token_cb cb, void *arg)
{
    struct arena *arena = arena_new();
    struct bag bag = bag_make(arena, TOKENS_PER_FIELD_MAX, cb, arg);
    struct buf folded = BUF_INIT;
    struct part only;

    text_fold(&folded, value);
    switch (kind) {
    case TOKEN_TEXT:
        make_text(&bag, buf_slice(&folded));
        break;
    case TOKEN_PHONE:
        make_phone(&bag, buf_slice(&folded));
        break;
    case TOKEN_EMAIL:
        make_email(&bag, buf_slice(&folded));
        break;
    case TOKEN_EXACT:
        query_parts(&bag, buf_slice(&folded), &only);
        break;
    }
    buf_release(&folded);
    arena_free(arena);
}

static void query_keep(void *arg, struct slice token)
{
    struct token_query *query = arg;

    query->all[query->count++] = token;
}

void token_query_make(struct arena *arena, struct slice typed, struct token_query *out)
{
    struct bag bag = bag_make(arena, TOKEN_QUERY_MAX, query_keep, out);
    char digits[TOKEN_NUMBER_DIGITS];
    struct buf folded = BUF_INIT;
    struct part only = {0};

    *out = (struct token_query){.all = arena_array(arena, struct slice, TOKEN_QUERY_MAX)};
    text_fold(&folded, text_head(typed, TOKEN_QUERY_CHARS));
    out->folded = arena_slice(arena, buf_slice(&folded));
    buf_release(&folded);

    struct slice number = typed_number(out->folded, digits);
    if (number.len) {
        put_grams(&bag, number);
        return;
    }
    int parts = query_parts(&bag, out->folded, &only);
    /* Pairs that all occur need not stand side by side. With several parts they may: the whole is
     * not one piece of the text then. */
    if (parts == 1 && only.kind == PART_HAN && only.chars >= 3) {
        out->recheck = true;
        out->folded = only.text;
    }
}

bool token_query_whole(struct arena *arena, struct slice typed, struct token_query *out)
{
    struct bag bag = bag_make(arena, 1, query_keep, out);
    struct buf folded = BUF_INIT;
    struct part part, other;

    *out = (struct token_query){.all = arena_array(arena, struct slice, 1)};
    text_fold(&folded, text_head(typed, TOKEN_QUERY_CHARS));
    struct slice rest = buf_slice(&folded);
    bool is_one = part_next(&rest, &part) && !part_next(&rest, &other);
    if (!is_one)
        part.kind = PART_NONE;
    if (part.kind == PART_WORD && part.chars >= TOKEN_PREFIX_MIN && part.chars <= TOKEN_WORD_MAX)
        put_letters(&bag, 'x', part.text);
    else if (part.kind == PART_DIGITS && part.chars == TOKEN_GRAM)
        put_letters(&bag, 'x', part.text);
    else if (part.kind == PART_HAN && part.chars > 1 && part.chars <= TOKEN_SPELL_CHARS)
        put_chars(&bag, 'x', part.text);
    buf_release(&folded);
    return out->count > 0;
}

/* --- Chinese order --- */

void token_sort_key(struct buf *out, struct slice value, bool is_name)
{
    const char *readings[PINYIN_READINGS_MAX], *second = NULL;
    struct buf folded = BUF_INIT;

    text_fold(&folded, value);
    struct slice rest = buf_slice(&folded);
    for (int i = 0; rest.len; i++) {
        uint32_t c = text_next(&rest);
        struct slice ahead = rest;
        const char *reading = i == 1 ? second : NULL;
        if (i == 0 && is_name)
            reading = pinyin_surname(c, text_next(&ahead), &second);
        if (!reading && pinyin_readings(c, readings))
            reading = readings[0];
        if (reading) { /* a space is less than any letter: li before liang */
            buf_put_str(out, reading);
            buf_put_char(out, ' ');
        }
        text_put(out, c);
    }
    buf_release(&folded);
}
