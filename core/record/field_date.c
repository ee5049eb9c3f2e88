/* field_date - a day without a time: "2026-01-31", kept as days since 1970-01-01.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/clock.h"

static enum err date_field_parse(struct ctx *ctx, const struct field *field, const char *path,
                                 const struct json *in, struct value *out)
{
    int64_t days;

    if (in->type != JSON_STRING)
        return field_bad(ctx, path, "bad_date", NULL);
    struct slice s = slice_trim(in->text);
    if (s.len == 0) {
        *out = value_null();
        return ERR_OK;
    }
    if (!date_parse(s, &days))
        return field_bad(ctx, path, "bad_date", NULL);
    if (days < field->min || days > field->max)
        return field_bad(ctx, path, "bad_date", NULL);
    *out = value_int(days);
    return ERR_OK;
}

static void date_put_text(const struct field *field, const struct value *values, struct buf *out)
{
    char text[11];

    (void)field;
    date_text(values[0].integer, text);
    buf_put_str(out, text);
}

static void date_put(const struct field *field, const struct value *values, struct buf *out)
{
    buf_put_char(out, '"');
    date_put_text(field, values, out);
    buf_put_char(out, '"');
}

const struct field_type field_type_date = {
    .name = "date",
    .kind = KIND_DATE,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_INT},
    .parse = date_field_parse,
    .put = date_put,
    .put_text = date_put_text,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_TIME,
};
