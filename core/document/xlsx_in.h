/* xlsx_in - what the files of xlsx share; private to this folder.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

/* --- xlsx_style.c --- */

/* What the number in a cell of some style stands for. */
enum xlsx_kind {
    XLSX_NUMBER,
    XLSX_PERCENT,
    XLSX_DATE,     /* days only */
    XLSX_DATETIME, /* days and a time of day */
    XLSX_TIME,     /* a time of day or a duration */
};

/* Of a number format: one that every workbook has by its number, or a code like "yyyy-mm-dd". */
enum xlsx_kind xlsx_kind_builtin(int number);
enum xlsx_kind xlsx_kind_of(struct slice code);
/* Appends the value of a cell as text: the number itself where it is none. */
void xlsx_put_value(struct buf *out, enum xlsx_kind kind, struct slice number, bool since_1904);
/* At most 15 significant digits, no exponent: what a double keeps exactly. */
bool xlsx_is_exact(struct slice number);
