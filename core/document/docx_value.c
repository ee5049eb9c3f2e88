/* docx_value - values of Word templates as text: amounts, days, numbers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "document/docx_in.h"

#include "base/clock.h"

/* --- finding ------------------------------------------------------------------------------------
 */

static const struct json *walk(const struct json *value, struct slice path)
{
    while (value && path.len) {
        struct slice name = slice_split(&path, '.');
        value = value->type == JSON_OBJECT ? json_get_slice(value, name) : NULL;
    }
    return value;
}

const struct json *docx_find(const struct docx_scope *scope, struct slice path)
{
    if (slice_is(path, "."))
        return scope->item;
    struct slice rest = path, first = slice_split(&rest, '.');
    for (; scope; scope = scope->up)
        if (scope->item->type == JSON_OBJECT && json_get_slice(scope->item, first))
            return walk(scope->item, path);
    return NULL;
}

bool docx_is_some(const struct json *value)
{
    switch (value->type) {
    case JSON_NULL:
        return false;
    case JSON_BOOL:
        return value->boolean;
    case JSON_INT:
        return value->integer != 0;
    case JSON_REAL:
        return value->real != 0;
    case JSON_STRING:
        return value->text.len > 0;
    case JSON_ARRAY:
    case JSON_OBJECT:
        return value->count > 0;
    }
    return false;
}

/* --- forms --------------------------------------------------------------------------------------
 */

/* "-1234.50" in its parts; false for what is no number. */
static bool split_number(struct slice text, bool *minus, struct slice *whole, struct slice *part)
{
    *minus = text.len && text.at[0] == '-';
    if (*minus)
        text = slice_of(text.at + 1, text.len - 1);
    *part = text;
    *whole = slice_split(part, '.');
    bool fits = whole->len > 0;
    for (size_t i = 0; i < text.len; i++)
        fits = fits && ((text.at[i] >= '0' && text.at[i] <= '9') || text.at[i] == '.');
    return fits && !memchr(part->at ? part->at : "", '.', part->len);
}

static bool put_grouped(struct buf *out, struct slice text)
{
    bool minus;
    struct slice whole, part;
    if (!split_number(text, &minus, &whole, &part))
        return false;
    if (minus)
        buf_put_char(out, '-');
    for (size_t i = 0; i < whole.len; i++) {
        if (i && (whole.len - i) % 3 == 0)
            buf_put_char(out, ',');
        buf_put_char(out, whole.at[i]);
    }
    if (part.len) {
        buf_put_char(out, '.');
        buf_put_slice(out, part);
    }
    return true;
}

static bool put_day(struct buf *out, struct slice text, enum lang lang)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    int64_t days;
    if (text.len > 10 && text.at[10] == 'T')
        text.len = 10;
    if (!date_parse(text, &days))
        return false;
    struct date d = date_from_days(days);
    if (lang == LANG_ZH)
        buf_printf(out, "%d年%d月%d日", d.year, d.month, d.day);
    else
        buf_printf(out, "%d %s %d", d.day, months[d.month - 1], d.year);
    return true;
}

static const char *const DIGITS[] = {"零", "壹", "贰", "叁", "肆", "伍", "陆", "柒", "捌", "玖"};

/* Whole yuan as banks write them: 壹万零贰佰叁拾元. */
static void put_capital_whole(struct buf *out, struct slice whole)
{
    static const char *const places[] = {"", "拾", "佰", "仟"};
    static const char *const groups[] = {"", "万", "亿", "万亿"};
    bool zero = false, any = false, in_group = false;
    for (size_t i = 0; i < whole.len; i++) {
        size_t place = whole.len - 1 - i;
        int digit = whole.at[i] - '0';
        if (digit) {
            if (zero && any)
                buf_put_str(out, DIGITS[0]);
            buf_put_str(out, DIGITS[digit]);
            buf_put_str(out, places[place % 4]);
            any = in_group = true;
        }
        zero = digit == 0;
        if (place % 4 == 0) {
            if (in_group)
                buf_put_str(out, groups[place / 4]);
            in_group = false;
        }
    }
    if (any)
        buf_put_str(out, "元");
}

static bool put_capital(struct buf *out, struct slice text)
{
    bool minus;
    struct slice whole, part;
    if (!split_number(text, &minus, &whole, &part) || part.len > 2)
        return false;
    while (whole.len > 1 && whole.at[0] == '0')
        whole = slice_of(whole.at + 1, whole.len - 1);
    if (whole.len > 16)
        return false;
    bool is_zero = slice_is(whole, "0");
    int tenths = part.len > 0 ? part.at[0] - '0' : 0,
        hundredths = part.len > 1 ? part.at[1] - '0' : 0;
    if (minus)
        buf_put_str(out, "负");
    put_capital_whole(out, whole);
    if (!tenths && !hundredths) {
        buf_put_str(out, is_zero ? "零元整" : "整");
        return true;
    }
    if (tenths)
        buf_printf(out, "%s角", DIGITS[tenths]);
    else if (!is_zero)
        buf_put_str(out, DIGITS[0]);
    if (hundredths)
        buf_printf(out, "%s分", DIGITS[hundredths]);
    else
        buf_put_str(out, "整");
    return true;
}

/* An address: its parts from the country down, in one line. False for any other object. */
static bool put_address(struct buf *out, const struct json *value, enum lang lang)
{
    static const char *const parts[] = {"country", "province", "city",    "district",
                                        "street",  "text",     "postcode"};
    const size_t count = sizeof(parts) / sizeof *parts;
    int known = 0;
    for (size_t i = 0; i < count; i++)
        known += json_get(value, parts[i]) != NULL;
    if (known == 0 || known != (int)value->count)
        return false;
    bool is_first = true;
    for (size_t i = 0; i < count; i++) {
        struct slice part = json_str(value, parts[i], SLICE(""));
        if (!part.len)
            continue;
        if (!is_first)
            buf_put_str(out, lang == LANG_EN ? ", " : i < count - 2 ? "" : " ");
        buf_put_slice(out, part);
        is_first = false;
    }
    return true;
}

/* Several texts, such as phones and tags, in one line. */
static bool put_texts(struct buf *out, const struct json *value, enum lang lang)
{
    int put = 0;
    json_each(item, value)
    {
        if (item->type != JSON_STRING)
            return false;
        if (put++)
            buf_put_str(out, lang == LANG_EN ? ", " : "、");
        buf_put_slice(out, item->text);
    }
    return put > 0;
}

static bool put_plain(struct buf *out, const struct json *value, struct slice amount,
                      enum lang lang)
{
    switch (value->type) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        buf_put_str(out, value->boolean ? "✓" : "✗");
        return true;
    case JSON_INT:
        buf_put_int(out, value->integer);
        return true;
    case JSON_REAL:
    case JSON_STRING:
        buf_put_slice(out, value->text);
        return true;
    case JSON_OBJECT: /* money */
        if (!amount.len)
            return put_address(out, value, lang);
        if (!put_grouped(out, amount))
            return false;
        buf_put_char(out, ' ');
        buf_put_slice(out, json_str(value, "currency", SLICE("")));
        return true;
    case JSON_ARRAY:
        return put_texts(out, value, lang);
    }
    return false;
}

/* "3.000" is three pieces. */
static struct slice short_number(struct slice text)
{
    if (!text.len || !memchr(text.at, '.', text.len))
        return text;
    while (text.len > 1 && text.at[text.len - 1] == '0')
        text.len--;
    if (text.at[text.len - 1] == '.')
        text.len--;
    return text;
}

bool docx_put_value(struct buf *out, const struct json *value, struct slice form, enum lang lang,
                    const char **why)
{
    struct slice amount =
        value->type == JSON_OBJECT ? json_str(value, "amount", SLICE("")) : value->text;
    struct buf number = BUF_INIT;
    bool fits = true;
    if (value->type == JSON_INT) {
        buf_put_int(&number, value->integer);
        amount = buf_slice(&number);
    }
    *why = "this value cannot be written so";
    if (!form.len)
        fits = put_plain(out, value, amount, lang);
    else if (value->type == JSON_NULL || (value->type == JSON_STRING && !value->text.len))
        fits = true;
    else if (slice_is(form, "money"))
        fits = put_grouped(out, amount);
    else if (slice_is(form, "number"))
        fits = put_grouped(out, short_number(amount));
    else if (slice_is(form, "capital"))
        fits = put_capital(out, amount);
    else if (slice_is(form, "date"))
        fits = put_day(out, amount, lang);
    else {
        *why = "the forms are money, number, capital and date";
        fits = false;
    }
    buf_release(&number);
    return fits;
}
