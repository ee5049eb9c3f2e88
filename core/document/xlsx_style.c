/* xlsx_style - what a number in a cell means: its style says whether it is a day, a time, per cent.
 *
 * Days are counted from 1899-12-31, with a 29 February 1900 that never was (so everybody counts
 * from 1899-12-30 behind it), or from 1904-01-01 in workbooks of old Macs.
 *
 * SPDX-License-Identifier: MIT
 */
#include "document/xlsx_in.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#define DIGITS_EXACT  15      /* decimal digits that survive a double */
#define EPOCH_1900    25569   /* 1970-01-01 in days behind 1899-12-30 */
#define DAYS_1904     1462    /* from 1899-12-30 to 1904-01-01 */
#define SERIAL_MAX    2958466 /* the day behind 9999-12-31 */
#define DAY_S         86400
#define NUMBER_CHARS  40  /* of a number as it is written */
#define EXPANDED_SIZE 400 /* 1e308 without exponent */

enum xlsx_kind xlsx_kind_builtin(int number)
{
    if (number == 9 || number == 10)
        return XLSX_PERCENT;
    if (number == 22)
        return XLSX_DATETIME;
    if ((number >= 18 && number <= 21) || (number >= 45 && number <= 47) ||
        (number >= 32 && number <= 35) || number == 55 || number == 56)
        return XLSX_TIME; /* 32-35, 55, 56: times of East Asian versions */
    if ((number >= 14 && number <= 17) || (number >= 27 && number <= 36) ||
        (number >= 50 && number <= 58))
        return XLSX_DATE;
    return XLSX_NUMBER;
}

/* Behind what stands for itself at `i`: "text", [Red], \c, _c, *c; i where nothing does. */
static size_t skip_literal(struct slice code, size_t i)
{
    char c = code.at[i];
    if (c == '\\' || c == '_' || c == '*')
        return i + 2;
    if (c != '"' && c != '[')
        return i;
    for (size_t k = i + 1; k < code.len; k++)
        if (code.at[k] == (c == '"' ? '"' : ']'))
            return k + 1;
    return code.len;
}

static bool is_elapsed(struct slice code, size_t i)
{
    if (code.at[i] != '[' || i + 1 >= code.len)
        return false;
    char c = (char)(code.at[i + 1] | 0x20);
    size_t k = i + 1;
    while (k < code.len && (code.at[k] | 0x20) == c)
        k++;
    return (c == 'h' || c == 'm' || c == 's') && k < code.len && code.at[k] == ']';
}

enum xlsx_kind xlsx_kind_of(struct slice code)
{
    bool day = false, clock = false, month = false, percent = false, digits = false;
    for (size_t i = 0; i < code.len && code.at[i] != ';';) {
        clock = clock || is_elapsed(code, i);
        size_t next = skip_literal(code, i);
        if (next > i) {
            i = next;
            continue;
        }
        char c = code.at[i++];
        digits = digits || c == '0' || c == '#';
        percent = percent || c == '%';
        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        day = day || c == 'y' || c == 'd';
        clock = clock || c == 'h' || c == 's';
        month = month || c == 'm';
    }
    if (digits && !clock) /* "General" has no letter of these but e, n, r, a, l */
        return percent ? XLSX_PERCENT : XLSX_NUMBER;
    if (day || (month && !clock))
        return clock ? XLSX_DATETIME : XLSX_DATE;
    if (clock)
        return XLSX_TIME;
    return percent ? XLSX_PERCENT : XLSX_NUMBER;
}

/* --- numbers --- */

bool xlsx_is_exact(struct slice number)
{
    int digits = 0;
    bool dot = false, any = false;
    size_t i = number.len > 0 && number.at[0] == '-';
    for (; i < number.len; i++) {
        char c = number.at[i];
        if (c == '.' && !dot && any) {
            dot = true;
            continue;
        }
        if (c < '0' || c > '9')
            return false;
        any = true;
        digits += digits > 0 || c != '0';
    }
    return any && digits <= DIGITS_EXACT && number.at[number.len - 1] != '.';
}

/* "1.5e-7" without its exponent. */
static void put_expanded(struct buf *out, const char *text)
{
    char all[EXPANDED_SIZE];
    double value = strtod(text, NULL);
    int exponent = atoi(strchr(text, 'e') + 1);
    int places = exponent < 0 ? DIGITS_EXACT - 1 - exponent : 0;
    int n = snprintf(all, sizeof all, "%.*f", places, value);
    if (n < 0 || n >= (int)sizeof all) {
        buf_put_str(out, text);
        return;
    }
    while (places > 0 && n > 1 && all[n - 1] == '0') {
        n--;
        places--;
    }
    buf_put(out, all, (size_t)(all[n - 1] == '.' ? n - 1 : n));
}

static void put_double(struct buf *out, double value)
{
    char text[NUMBER_CHARS];
    snprintf(text, sizeof text, "%.*g", DIGITS_EXACT, value);
    if (strchr(text, 'e'))
        put_expanded(out, text);
    else
        buf_put_str(out, text);
}

/* --- days and times --- */

static void put_clock(struct buf *out, int64_t seconds)
{
    buf_printf(out, "%02lld:%02d:%02d", (long long)(seconds / 3600), (int)(seconds / 60 % 60),
               (int)(seconds % 60));
}

static void put_moment(struct buf *out, enum xlsx_kind kind, double serial, bool since_1904)
{
    int64_t seconds = (int64_t)(serial * DAY_S + 0.5), days = seconds / DAY_S;
    seconds %= DAY_S;
    if (kind == XLSX_TIME) { /* also of more than a day */
        put_clock(out, seconds + days * DAY_S);
        return;
    }
    if (since_1904)
        days += DAYS_1904;
    else if (days < 60)
        days++; /* before the day that never was */
    struct date date = date_from_days(days - EPOCH_1900);
    buf_printf(out, "%04d-%02d-%02d", date.year, date.month, date.day);
    if (kind != XLSX_DATE && seconds > 0) {
        buf_put_char(out, ' ');
        put_clock(out, seconds);
    }
}

void xlsx_put_value(struct buf *out, enum xlsx_kind kind, struct slice number, bool since_1904)
{
    char text[NUMBER_CHARS], *end = text;
    if (kind == XLSX_NUMBER && xlsx_is_exact(number)) {
        buf_put_slice(out, number);
        return;
    }
    if (number.len == 0 || number.len >= sizeof text) {
        buf_put_slice(out, number);
        return;
    }
    memcpy(text, number.at, number.len);
    text[number.len] = '\0';
    double value = strtod(text, &end);
    if (*end || !isfinite(value)) {
        buf_put_slice(out, number);
    } else if (kind == XLSX_PERCENT) {
        put_double(out, value * 100);
        buf_put_char(out, '%');
    } else if (kind == XLSX_NUMBER || value < 0 ||
               value >= SERIAL_MAX - (since_1904 ? DAYS_1904 : 0)) {
        put_double(out, value);
    } else {
        put_moment(out, kind, value, since_1904);
    }
}
