/* field_phone - a phone number in E.164 ("+8613800000001"), with ";ext=801" for an extension.
 *
 * Tenants in China may leave the country out: mobile (1 and ten digits), landline with area code
 * (0…), 400 and 800 numbers. Short service numbers (10086, 95588) stay as they are. Elsewhere a
 * number without '+' keeps its digits, since its country is not known.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/text.h"

#define PHONE_DIGITS_MIN 5  /* service numbers */
#define PHONE_DIGITS_MAX 15 /* E.164 */
#define PHONE_EXT_MAX    6

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Splits an extension off: "x801", "ext. 801", "转801", "#801". */
static struct slice take_extension(struct slice *number)
{
    static const char *const marks[] = {";ext=", "ext.", "ext", "转", "#", "x"};

    for (size_t i = 0; i < sizeof(marks) / sizeof *marks; i++) {
        ptrdiff_t at = slice_find(*number, slice_str(marks[i]));
        if (at <= 0)
            continue;
        size_t from = (size_t)at + strlen(marks[i]);
        struct slice ext = slice_trim(slice_of(number->at + from, number->len - from));
        *number = slice_of(number->at, (size_t)at);
        return ext;
    }
    return slice_of("", 0);
}

/* Digits alone, and whether a '+' led them. False on anything that is no separator. */
static bool take_digits(struct slice s, char digits[PHONE_DIGITS_MAX + 3], size_t *count,
                        bool *has_plus)
{
    *count = 0;
    *has_plus = false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (is_digit(c)) {
            if (*count == PHONE_DIGITS_MAX + 2)
                return false;
            digits[(*count)++] = c;
        } else if (c == '+' && *count == 0 && !*has_plus) {
            *has_plus = true;
        } else if (!strchr(" -.()/", c) || c == 0) {
            return false;
        }
    }
    digits[*count] = 0;
    return true;
}

/* The country code China's own ways of writing imply, or NULL. *skip: leading digits to leave out.
 */
static const char *china_prefix(const char *d, size_t n, size_t *skip)
{
    *skip = 0;
    if (n == 11 && d[0] == '1' && d[1] >= '3')
        return "+86";
    if (n == 13 && memcmp(d, "861", 3) == 0 && d[3] >= '3')
        return "+";
    if (n >= 10 && n <= 12 && d[0] == '0' && d[1] != '0') {
        *skip = 1;
        return "+86";
    }
    if (n == 10 && (memcmp(d, "400", 3) == 0 || memcmp(d, "800", 3) == 0))
        return "+86";
    return NULL;
}

bool phone_clean(struct slice typed, bool is_china, struct buf *out)
{
    struct buf folded = BUF_INIT;
    char digits[PHONE_DIGITS_MAX + 3];
    size_t count, skip = 0;
    bool has_plus, ok = false;

    text_fold(&folded, typed); /* full-width digits and letters */
    struct slice number = buf_slice(&folded);
    struct slice ext = take_extension(&number);
    if (!take_digits(number, digits, &count, &has_plus))
        goto done;
    for (size_t i = 0; i < ext.len; i++)
        if (!is_digit(ext.at[i]))
            goto done;
    if (ext.len > PHONE_EXT_MAX)
        goto done;
    const char *prefix = has_plus ? "+" : "";
    if (!has_plus && count > 2 && memcmp(digits, "00", 2) == 0) {
        prefix = "+";
        skip = 2;
    } else if (!has_plus && is_china && china_prefix(digits, count, &skip)) {
        prefix = china_prefix(digits, count, &skip);
    }
    size_t kept = count - skip;
    if (kept < (*prefix ? 7 : PHONE_DIGITS_MIN) || kept > PHONE_DIGITS_MAX)
        goto done;
    buf_put_str(out, prefix);
    buf_put(out, digits + skip, kept);
    if (ext.len) {
        buf_put_str(out, ";ext=");
        buf_put_slice(out, ext);
    }
    ok = true;
done:
    buf_release(&folded);
    return ok;
}

static enum err phone_parse(struct ctx *ctx, const struct field *field, const char *path,
                            const struct json *in, struct value *out)
{
    struct slice s;
    const char *locale = ctx->tenant ? ctx->tenant->locale : NULL;

    (void)field;
    if (!field_source_text(ctx->arena, in, &s))
        return field_bad(ctx, path, "bad_phone", NULL);
    if (slice_trim(s).len == 0) {
        *out = value_null();
        return ERR_OK;
    }
    struct buf b = BUF_INIT;
    bool ok = phone_clean(s, !locale || slice_starts(slice_str(locale), SLICE("zh")), &b);
    if (ok)
        *out = value_text(arena_slice(ctx->arena, buf_slice(&b)));
    buf_release(&b);
    return ok ? ERR_OK : field_bad(ctx, path, "bad_phone", NULL);
}

/* A whole number is compared as it is kept; a part of one as it was typed. */
static enum err phone_operand(struct ctx *ctx, const struct field *field, const struct json *in,
                              struct value *out, int *column)
{
    struct slice s;
    struct buf b = BUF_INIT;
    const char *locale = ctx->tenant ? ctx->tenant->locale : NULL;

    *column = 0;
    if (!field_source_text(ctx->arena, in, &s))
        return field_bad(ctx, field->name, "bad_phone", NULL);
    bool whole = phone_clean(s, !locale || slice_starts(slice_str(locale), SLICE("zh")), &b);
    *out = value_text(whole ? arena_slice(ctx->arena, buf_slice(&b)) : s);
    buf_release(&b);
    return ERR_OK;
}

static enum err list_parse(struct ctx *ctx, const struct field *field, const char *path,
                           const struct json *in, struct value *out)
{
    return field_list_parse(ctx, field, path, field_list_split(ctx->arena, in), phone_parse, out);
}

static const struct field_type list = {
    .name = "phone",
    .kind = KIND_LIST,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .is_searchable = true,
    .parse = list_parse,
    .put = field_put_json,
    .put_text = field_put_list_text,
    .operand = phone_operand,
    .operators = FIELD_OPS_LIST,
};

const struct field_type field_type_phone = {
    .name = "phone",
    .kind = KIND_TEXT,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .is_searchable = true,
    .parse = phone_parse,
    .put = field_put_string,
    .put_text = field_put_plain,
    .operand = phone_operand,
    .operators = FIELD_OPS_SAME | FIELD_OP(PREFIX) | FIELD_OP(CONTAINS),
    .many = &list,
};
