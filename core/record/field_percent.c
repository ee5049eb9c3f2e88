/* field_percent - a decimal that is shown with a percent sign: "12.50" is 12.5 %.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

static enum err percent_parse(struct ctx *ctx, const struct field *field, const char *path,
                              const struct json *in, struct value *out)
{
    if (in->type == JSON_STRING && slice_ends(slice_trim(in->text), SLICE("%"))) {
        struct slice s = slice_trim(in->text);
        in = json_new_str(ctx->arena, slice_trim(slice_of(s.at, s.len - 1)));
    }
    return field_decimal_parse(ctx, field, path, in, out);
}

const struct field_type field_type_percent = {
    .name = "percent",
    .kind = KIND_DECIMAL,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_INT},
    .declare = field_declare_scale,
    .parse = percent_parse,
    .put = field_decimal_put,
    .put_text = field_decimal_put_text,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_ORDER,
};
