/* field_int - whole numbers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/decimal.h"

enum err field_int_parse(struct ctx *ctx, const struct field *field, const char *path,
                         const struct json *in, struct value *out)
{
    struct slice s;
    int64_t n;

    if (in->type == JSON_INT) {
        n = in->integer;
    } else if (!field_source_text(ctx->arena, in, &s) || !decimal_parse(slice_trim(s), 0, &n)) {
        if (in->type == JSON_STRING && slice_trim(in->text).len == 0) {
            *out = value_null();
            return ERR_OK;
        }
        return field_bad(ctx, path, "not_a_number", NULL);
    }
    enum err e = field_check_range(ctx, field, path, n, 0);
    if (e)
        return e;
    *out = value_int(n);
    return ERR_OK;
}

void field_int_put(const struct field *field, const struct value *values, struct buf *out)
{
    (void)field;
    json_put_int(out, values[0].integer);
}

const struct field_type field_type_int = {
    .name = "int",
    .kind = KIND_INT,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_INT},
    .parse = field_int_parse,
    .put = field_int_put,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_ORDER,
};
