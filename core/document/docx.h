/* docx - Word templates, filled in: a .docx with places in its text gives a .docx.
 *
 *   {{name}} {{customer.name}}       a value; a name that is not there is an error
 *   {{total|money}} {{total|capital}} {{start_on|date}} {{count|number}}   in a form
 *   {{#lines}} … {{/lines}}          once for each of a list; for what is not empty, once
 *   {{^lines}} … {{/lines}}          where there is nothing
 *
 * What is between stands in one line, in several paragraphs, or in cells of a table: where it
 * begins and ends in one row, the row is repeated. Names are looked up in the innermost section
 * first; {{.}} is the element itself. Word may have split a place over pieces of text.
 *
 * Money is an object { "amount": "12.50", "currency": "CNY" }, a day the text "2026-01-31", an
 * address { "province": …, "city": …, "text": … }; a list of texts is written in one line.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/err.h"
#include "base/json.h"

/* Appends the document. ERR_MALFORMED, ERR_TOO_LARGE with *why, a sentence in that language that
 * names the place: "word/document.xml: {{totl}}: there is no such value". */
MUST_USE enum err docx_fill(struct arena *arena, struct slice file, const struct json *data,
                            enum lang lang, struct buf *out, const char **why);
