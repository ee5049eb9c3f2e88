/* fold - see text.h: the key under which text is compared.
 *
 * Two strings map Latin letters with accents to their base letter, position by position from a
 * first code point; '.' keeps the letter as it is, a digit stands for two letters.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/text.h"

#define LATIN_FIRST            0x00c0
#define LATIN_ADDITIONAL_FIRST 0x1e00

static const char latin[] =
    "aaaaaa0ceeeeiiiidnooooo.ouuuuy32aaaaaa0ceeeeiiiidnooooo.ouuuuy3yaaaaaaccccccccdd"
    "ddeeeeeeeeeegggggggghhhhiiiiiiiiii44jjkkqllllllllllnnnnnnnnnoooooo11rrrrrrssssss"
    "ssttttttuuuuuuuuuuuuwwyyyzzzzzzsbbbb..occdddd.eeeffgg.iikkl.mnnoooooppr..s.ttttu"
    "uuvyyzzz............555666777aaiioouuuuuuuuuueaaaa00ggggkkoooozzj555gg..nnaa00oo"
    "aaaaeeeeiiiioooorrrruuuusstt..hhnd..zzaaeeooooooooyylntj..accltsz..bu.eejjqqrryy";

static const char latin_additional[] =
    "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooo"
    "oooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy.s..2."
    "aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuu"
    "uuyyyyyyyy......";

static const char pairs[][3] = {"ae", "oe", "ss", "th", "ij", "dz", "lj", "nj"};

static bool is_white(uint32_t c)
{
    return c == ' ' || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

/* Marks that stand on the letter before, and marks nobody sees. */
static bool is_dropped(uint32_t c)
{
    return (c >= 0x0300 && c <= 0x036f) || (c >= 0x200b && c <= 0x200f) || c == 0x2060 ||
           (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff || c == 0x00ad;
}

static uint32_t fold_greek(uint32_t c)
{
    static const struct {
        uint16_t from, to;
    } accented[] = {
        {0x0386, 0x03b1}, {0x0388, 0x03b5}, {0x0389, 0x03b7}, {0x038a, 0x03b9}, {0x038c, 0x03bf},
        {0x038e, 0x03c5}, {0x038f, 0x03c9}, {0x0390, 0x03b9}, {0x03aa, 0x03b9}, {0x03ab, 0x03c5},
        {0x03ac, 0x03b1}, {0x03ad, 0x03b5}, {0x03ae, 0x03b7}, {0x03af, 0x03b9}, {0x03b0, 0x03c5},
        {0x03c2, 0x03c3}, {0x03ca, 0x03b9}, {0x03cb, 0x03c5}, {0x03cc, 0x03bf}, {0x03cd, 0x03c5},
        {0x03ce, 0x03c9},
    };

    for (size_t i = 0; i < sizeof(accented) / sizeof(accented[0]); i++) {
        if (accented[i].from == c)
            return accented[i].to;
    }
    return c >= 0x0391 && c <= 0x03a9 ? c + 32 : c;
}

static uint32_t fold_cyrillic(uint32_t c)
{
    if (c == 0x0401 || c == 0x0451) /* Ё is commonly typed as Е */
        return 0x0435;
    if (c <= 0x040f)
        return c + 80;
    if (c <= 0x042f)
        return c + 32;
    if (c >= 0x04c1 && c <= 0x04ce)
        return c & 1 ? c + 1 : c;
    if ((c >= 0x0460 && c <= 0x0481) || (c >= 0x048a && c <= 0x04bf) || c >= 0x04d0)
        return c & 1 ? c : c + 1;
    return c;
}

static void put_latin(struct buf *out, char folded, uint32_t c)
{
    if (folded == '.')
        text_put(out, c);
    else if (folded >= '0' && folded <= '9')
        buf_put_str(out, pairs[folded - '0']);
    else
        buf_put_char(out, folded);
}

static void put_folded(struct buf *out, uint32_t c)
{
    if (c >= 0xff01 && c <= 0xff5e) /* full-width forms of ASCII */
        c -= 0xff01 - '!';
    if (c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    if (c < LATIN_FIRST) {
        text_put(out, c);
    } else if (c < LATIN_FIRST + sizeof(latin) - 1) {
        put_latin(out, latin[c - LATIN_FIRST], c);
    } else if (c >= LATIN_ADDITIONAL_FIRST &&
               c < LATIN_ADDITIONAL_FIRST + sizeof(latin_additional) - 1) {
        put_latin(out, latin_additional[c - LATIN_ADDITIONAL_FIRST], c);
    } else if (c >= 0x0370 && c <= 0x03ff) {
        text_put(out, fold_greek(c));
    } else if (c >= 0x0400 && c <= 0x052f) {
        text_put(out, fold_cyrillic(c));
    } else {
        text_put(out, c == 0xffe5 ? 0xa5 : c); /* the yuan sign is typed both ways */
    }
}

void text_fold(struct buf *out, struct slice s)
{
    size_t start = out->len;
    bool space = false; /* a space waits for the next visible character */

    buf_reserve(out, s.len);
    while (s.len) {
        uint32_t c = text_next(&s);
        if (is_white(c)) {
            space = out->len > start;
            continue;
        }
        if (is_dropped(c) || c == 0)
            continue;
        if (space)
            buf_put_char(out, ' ');
        space = false;
        put_folded(out, c);
    }
}
