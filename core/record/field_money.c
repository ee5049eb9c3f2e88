/* field_money - an amount in minor units, its ISO 4217 currency, and the amount in the tenant's.
 *
 * Four columns: amount, currency, base amount, rate (10^-6). {"amount":"1234.50","currency":"CNY"},
 * {"minor":123450,"currency":"CNY"}; plain text or a number is an amount in the tenant's currency.
 * Another currency's base amount is known only where "rate" is given with it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/decimal.h"

#define RATE_ONE 1000000 /* 10^FIELD_RATE_SCALE */

static int64_t power_of_ten(int n)
{
    int64_t p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

static struct slice home_currency(const struct ctx *ctx)
{
    const char *own = ctx->tenant ? ctx->tenant->currency : NULL;
    return own ? slice_str(own) : SLICE("CNY");
}

/* Bounds are declared with two fraction digits. */
static enum err check_bounds(struct ctx *ctx, const struct field *field, const char *path,
                             int64_t amount, int digits)
{
    int64_t cents;

    if (!decimal_mul_div(amount, 100, power_of_ten(digits), &cents))
        return field_bad(ctx, path, "too_large", "\"max\":\"\"");
    return field_check_range(ctx, field, path, cents, 2);
}

static bool base_amount(int64_t amount, int digits, int64_t rate, int home_digits, int64_t *out)
{
    int64_t scaled;
    return decimal_mul_div(amount, rate, RATE_ONE, &scaled) &&
           decimal_mul_div(scaled, power_of_ten(home_digits), power_of_ten(digits), out);
}

static enum err read_amount(struct ctx *ctx, const char *path, const struct json *in, int digits,
                            int64_t *out)
{
    const struct json *minor = in->type == JSON_OBJECT ? json_get(in, "minor") : NULL;
    const struct json *amount = in->type == JSON_OBJECT ? json_get(in, "amount") : in;
    struct slice s;

    if (minor && minor->type == JSON_INT && !amount) {
        *out = minor->integer;
        return ERR_OK;
    }
    if (minor || !amount || !field_source_text(ctx->arena, amount, &s) ||
        !decimal_parse(slice_trim(s), digits, out))
        return field_bad(ctx, path, "bad_money", "\"digits\":%d", digits);
    return ERR_OK;
}

/* A misspelt member must not turn euros into the tenant's currency. */
static enum err check_members(struct ctx *ctx, const char *path, const struct json *in)
{
    static const char *const names[] = {"amount", "minor", "currency", "rate"};

    json_each(member, in)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            known = known || slice_is(member->key, names[i]);
        if (!known)
            return field_bad(
                ctx, arena_printf(ctx->arena, "%s." SLICE_FMT, path, SLICE_ARG(member->key)),
                "unknown_field", NULL);
    }
    const struct json *currency = json_get(in, "currency");
    return currency && currency->type != JSON_STRING && currency->type != JSON_NULL
               ? field_bad(ctx, path, "bad_currency", NULL)
               : ERR_OK;
}

static enum err money_parse(struct ctx *ctx, const struct field *field, const char *path,
                            const struct json *in, struct value *out)
{
    struct slice home = home_currency(ctx), code = home;
    int64_t amount, rate = RATE_ONE, base;

    if (in->type == JSON_STRING && slice_trim(in->text).len == 0) {
        out[0] = out[1] = out[2] = out[3] = value_null();
        return ERR_OK;
    }
    if (in->type == JSON_OBJECT) {
        enum err bad = check_members(ctx, path, in);
        if (bad)
            return bad;
        code = json_str(in, "currency", home);
    }
    int digits = currency_digits(code);
    if (digits < 0)
        return field_bad(ctx, path, "bad_currency", NULL);
    enum err e = read_amount(ctx, path, in, digits, &amount);
    if (!e)
        e = check_bounds(ctx, field, path, amount, digits);
    if (e)
        return e;
    bool has_base = slice_eq(code, home);
    const struct json *given = in->type == JSON_OBJECT ? json_get(in, "rate") : NULL;
    struct slice rate_text;
    if (!has_base && given && given->type != JSON_NULL) {
        if (!field_source_text(ctx->arena, given, &rate_text) ||
            !decimal_parse(rate_text, FIELD_RATE_SCALE, &rate) || rate <= 0)
            return field_bad(ctx, path, "bad_rate", NULL);
        has_base = true;
    }
    if (has_base && !base_amount(amount, digits, rate, currency_digits(home), &base))
        return field_bad(ctx, path, "too_large", "\"max\":\"\"");
    out[0] = value_int(amount);
    out[1] = value_text(arena_slice(ctx->arena, code));
    out[2] = has_base ? value_int(base) : value_null();
    out[3] = has_base ? value_int(rate) : value_null();
    return ERR_OK;
}

static void money_put(const struct field *field, const struct value *values, struct buf *out)
{
    int digits = currency_digits(values[1].bytes);

    (void)field;
    buf_put_str(out, "{\"amount\":\"");
    decimal_put(out, values[0].integer, digits < 0 ? 2 : digits);
    buf_put_str(out, "\",\"currency\":");
    json_put_string(out, values[1].bytes);
    buf_put_char(out, '}');
}

static void money_put_text(const struct field *field, const struct value *values, struct buf *out)
{
    int digits = currency_digits(values[1].bytes);

    (void)field;
    decimal_put(out, values[0].integer, digits < 0 ? 2 : digits);
    buf_put_char(out, ' ');
    buf_put_slice(out, values[1].bytes);
}

/* Without a currency the base amount is compared, with one the amount as it was given: the caller
 * adds the condition on the currency's column (column 1) by itself when *column is 0. */
static enum err money_operand(struct ctx *ctx, const struct field *field, const struct json *in,
                              struct value *out, int *column)
{
    struct value values[4] = {{0}};
    bool has_currency = in->type == JSON_OBJECT && json_get(in, "currency");

    if (in->type == JSON_INT || in->type == JSON_REAL)
        return field_bad(ctx, field->name, "bad_money", "\"digits\":2");
    enum err e = money_parse(ctx, field, field->name, in, values);
    if (e)
        return e;
    *column = has_currency ? 0 : 2;
    *out = values[*column];
    return ERR_OK;
}

const struct field_type field_type_money = {
    .name = "money",
    .kind = KIND_MONEY,
    .columns = 4,
    .suffixes = {"", "c", "b", "r"},
    .stores = {VALUE_INT, VALUE_TEXT, VALUE_INT, VALUE_INT},
    .parse = money_parse,
    .put = money_put,
    .put_text = money_put_text,
    .operand = money_operand,
    .operators = FIELD_OPS_ORDER,
};
