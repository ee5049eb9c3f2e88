/* field_multienum - several of the values the plugin declares.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

static enum err multienum_parse(struct ctx *ctx, const struct field *field, const char *path,
                                const struct json *in, struct value *out)
{
    return field_list_parse(ctx, field, path, field_list_split(ctx->arena, in), field_parse_option,
                            out);
}

const struct field_type field_type_multienum = {
    .name = "multienum",
    .kind = KIND_LIST,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .declare = field_declare_options,
    .parse = multienum_parse,
    .put = field_put_json,
    .put_text = field_put_list_text,
    .operand = field_operand_option,
    .operators = FIELD_OPS_LIST,
};
