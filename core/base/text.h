/* text - UTF-8: validity, length, width, folding.
 *
 * Folding makes the key under which text is compared for search: full-width to half-width, upper to
 * lower case (Latin, Greek, Cyrillic), Latin accents removed, runs of white space to one space and
 * none at the ends. It
 * never makes Chinese characters equal that are not.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

bool text_is_utf8(struct slice s); /* strict: no surrogates, no overlong, ≤ U+10FFFF */
size_t text_chars(struct slice s); /* code points of valid UTF-8 */
int text_width(struct slice s);    /* terminal columns, East Asian wide = 2 */
/* The first n code points. */
struct slice text_head(struct slice s, size_t n);
/* Next code point of valid UTF-8 and moves on; 0 at the end. */
uint32_t text_next(struct slice *rest);
void text_put(struct buf *b, uint32_t code_point);
/* As text of an HTML page, also inside a quoted attribute. */
void text_put_html(struct buf *b, struct slice s);
void text_fold(struct buf *out, struct slice s); /* appends the folded form */
bool text_is_han(uint32_t code_point);
/* Edit distance in bytes, capped at `most` + 1; for "did you mean". Texts over
 * TEXT_DISTANCE_BYTES_MAX count as different. */
int text_distance(struct slice a, struct slice b, int most);
/* The same for what was asked and a name there is: one too where the name has what was asked among
 * its words ("amount", "estimated_amount"), which is no slip of the hand but as near. */
int text_nearness(struct slice asked, struct slice known, int most);
