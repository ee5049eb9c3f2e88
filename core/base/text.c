/* text - see text.h. Folding tables stand in fold.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/text.h"

#include "base/limits.h"
#include "base/tuning.h"

/* Decodes one code point at the front; its bytes, or 0 when they are not strict UTF-8. */
static size_t decode(struct slice s, uint32_t *out)
{
    const unsigned char *at = (const unsigned char *)s.at;
    uint32_t c = s.len ? at[0] : 0x100;
    size_t n;
    uint32_t least;

    if (c < 0x80) {
        *out = c;
        return 1;
    }
    if (c >= 0xc2 && c <= 0xdf) {
        n = 2, least = 0x80, c &= 0x1f;
    } else if (c >= 0xe0 && c <= 0xef) {
        n = 3, least = 0x800, c &= 0x0f;
    } else if (c >= 0xf0 && c <= 0xf4) {
        n = 4, least = 0x10000, c &= 0x07;
    } else {
        return 0;
    }
    if (s.len < n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (at[i] & 0x3f);
    }
    if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *out = c;
    return n;
}

bool text_is_utf8(struct slice s)
{
    while (s.len) {
        uint64_t word;
        uint32_t c;
        size_t n;
        if (s.len >= sizeof(word)) { /* most text is plain: eight bytes at a time */
            memcpy(&word, s.at, sizeof(word));
            if (!(word & 0x8080808080808080)) {
                s = slice_of(s.at + sizeof(word), s.len - sizeof(word));
                continue;
            }
        }
        n = decode(s, &c);
        if (n == 0)
            return false;
        s = slice_of(s.at + n, s.len - n);
    }
    return true;
}

size_t text_chars(struct slice s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.at[i] & 0xc0) != 0x80;
    return n;
}

uint32_t text_next(struct slice *rest)
{
    uint32_t c = 0;

    if (rest->len == 0)
        return 0;
    size_t n = decode(*rest, &c);
    if (n == 0) { /* never for valid text; moves on, so that no loop hangs */
        n = 1;
        c = 0xfffd;
    }
    *rest = slice_of(rest->at + n, rest->len - n);
    return c;
}

void text_put(struct buf *b, uint32_t c)
{
    ASSERT(c <= 0x10ffff);

    if (c < 0x80) {
        buf_put_char(b, (char)c);
    } else if (c < 0x800) {
        buf_put_char(b, (char)(0xc0 | c >> 6));
        buf_put_char(b, (char)(0x80 | (c & 0x3f)));
    } else if (c < 0x10000) {
        buf_put_char(b, (char)(0xe0 | c >> 12));
        buf_put_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_put_char(b, (char)(0x80 | (c & 0x3f)));
    } else {
        buf_put_char(b, (char)(0xf0 | c >> 18));
        buf_put_char(b, (char)(0x80 | (c >> 12 & 0x3f)));
        buf_put_char(b, (char)(0x80 | (c >> 6 & 0x3f)));
        buf_put_char(b, (char)(0x80 | (c & 0x3f)));
    }
}

void text_put_html(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        switch (s.at[i]) {
        case '&':
            buf_put_str(b, "&amp;");
            break;
        case '<':
            buf_put_str(b, "&lt;");
            break;
        case '>':
            buf_put_str(b, "&gt;");
            break;
        case '"':
            buf_put_str(b, "&quot;");
            break;
        case '\'':
            buf_put_str(b, "&#39;");
            break;
        default:
            buf_put_char(b, s.at[i]);
        }
    }
}

struct slice text_head(struct slice s, size_t n)
{
    struct slice rest = s;

    while (n > 0 && rest.len) {
        text_next(&rest);
        n--;
    }
    return slice_of(s.at, s.len - rest.len);
}

struct range {
    uint32_t first, last;
};

static bool in_ranges(uint32_t c, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    }
    return false;
}

bool text_is_han(uint32_t c)
{
    static const struct range han[] = {
        {0x4e00, 0x9fff}, {0x3400, 0x4dbf},   {0x3007, 0x3007},
        {0xf900, 0xfaff}, {0x20000, 0x2fa1f}, {0x30000, 0x323af},
    };

    return c >= 0x3007 && in_ranges(c, han, sizeof(han) / sizeof(han[0]));
}

int text_width(struct slice s)
{
    static const struct range wide[] = {
        {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xa960, 0xa97c},
        {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe10, 0xfe19},   {0xfe30, 0xfe6f},
        {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
        {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
    };
    static const struct range zero[] = {
        {0x0000, 0x001f}, {0x007f, 0x009f}, {0x0300, 0x036f}, {0x200b, 0x200f},
        {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
    };
    int width = 0;

    while (s.len) {
        uint32_t c = text_next(&s);
        if (in_ranges(c, zero, sizeof(zero) / sizeof(zero[0])))
            continue;
        width += in_ranges(c, wide, sizeof(wide) / sizeof(wide[0])) ? 2 : 1;
    }
    return width;
}

int text_distance(struct slice a, struct slice b, int most)
{
    int row[TEXT_DISTANCE_BYTES_MAX + 1];

    ASSERT(most >= 0);
    if (a.len > TEXT_DISTANCE_BYTES_MAX || b.len > TEXT_DISTANCE_BYTES_MAX)
        return slice_eq(a, b) ? 0 : most + 1;
    for (size_t j = 0; j <= b.len; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= a.len; i++) {
        int corner = row[0]; /* the cell above and to the left */
        row[0] = (int)i;
        for (size_t j = 1; j <= b.len; j++) {
            int above = row[j];
            int change = corner + (a.at[i - 1] != b.at[j - 1]);
            int step = (above < row[j - 1] ? above : row[j - 1]) + 1;
            row[j] = change < step ? change : step;
            corner = above;
        }
    }
    return row[b.len] <= most ? row[b.len] : most + 1;
}

/* The words of a name are divided so: "lead.first_seen", "leads:assign". */
static bool is_word_end(struct slice name, size_t at)
{
    return at >= name.len || strchr("_.:", name.at[at]);
}

static bool has_word(struct slice name, struct slice word)
{
    for (size_t i = 0; word.len >= TEXT_WORD_BYTES_MIN && i + word.len <= name.len; i++)
        if ((i == 0 || is_word_end(name, i - 1)) && is_word_end(name, i + word.len) &&
            memcmp(name.at + i, word.at, word.len) == 0)
            return true;
    return false;
}

int text_nearness(struct slice asked, struct slice known, int most)
{
    int distance = text_distance(asked, known, most);
    return most > 0 && distance > 1 && has_word(known, asked) ? 1 : distance;
}
