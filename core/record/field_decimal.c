/* field_decimal - exact numbers with a fixed count of fraction digits; shown as text ("12.50").
 *
 * A JSON number is read from its digits in the source, never through floating point.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/decimal.h"

enum err field_declare_scale(struct field *field, const struct json *doc, struct arena *arena,
                             const char **why)
{
    int64_t scale = json_int(doc, "scale", FIELD_SCALE_DEFAULT);

    if (scale < 0 || scale > FIELD_SCALE_MAX) {
        *why = arena_printf(arena, "scale must be 0 to %d", FIELD_SCALE_MAX);
        return ERR_MALFORMED;
    }
    field->scale = (int)scale;
    return ERR_OK;
}

enum err field_decimal_parse(struct ctx *ctx, const struct field *field, const char *path,
                             const struct json *in, struct value *out)
{
    struct slice s;
    int64_t n;

    if (!field_source_text(ctx->arena, in, &s))
        return field_bad(ctx, path, "not_a_number", NULL);
    s = slice_trim(s);
    if (s.len == 0) {
        *out = value_null();
        return ERR_OK;
    }
    if (!decimal_parse(s, field->scale, &n))
        return field_bad(ctx, path, "not_a_decimal", "\"scale\":%d", field->scale);
    enum err e = field_check_range(ctx, field, path, n, field->scale);
    if (e)
        return e;
    *out = value_int(n);
    return ERR_OK;
}

void field_decimal_put_text(const struct field *field, const struct value *values, struct buf *out)
{
    decimal_put(out, values[0].integer, field->scale);
}

void field_decimal_put(const struct field *field, const struct value *values, struct buf *out)
{
    buf_put_char(out, '"');
    decimal_put(out, values[0].integer, field->scale);
    buf_put_char(out, '"');
}

const struct field_type field_type_decimal = {
    .name = "decimal",
    .kind = KIND_DECIMAL,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_INT},
    .declare = field_declare_scale,
    .parse = field_decimal_parse,
    .put = field_decimal_put,
    .put_text = field_decimal_put_text,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_ORDER,
};
