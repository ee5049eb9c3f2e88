/* decimal - exact fixed-point numbers: money, quantities, percent, rates.
 *
 * A value is an int64 count of 10^-scale units (money: minor units, scale by ISO 4217 currency).
 * Nothing here uses floating point.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

/* Scales are 0 to DECIMAL_SCALE_MAX. "-1234.50" with at most `scale` fraction digits; false on
 * other text or overflow. */
bool decimal_parse(struct slice s, int scale, int64_t *out);
void decimal_put(struct buf *b, int64_t units, int scale); /* always `scale` digits */
/* a*b/divisor rounded half to even; false on overflow or divisor 0. */
bool decimal_mul_div(int64_t a, int64_t b, int64_t divisor, int64_t *out);
/* The same for a whole number of more than 64 bits, given as its digits: the sum of many rows. */
void decimal_put_digits(struct buf *b, struct slice digits, int scale);
bool decimal_digits_mul_div(struct slice digits, int64_t b, int64_t divisor, int64_t *out);
bool decimal_add(int64_t a, int64_t b, int64_t *out); /* false on overflow */
/* Minor digits of an ISO 4217 code in use today (CNY 2, JPY 0, BHD 3); -1 if unknown. */
int currency_digits(struct slice code);
