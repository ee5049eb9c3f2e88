/* field_files - several attachments: the ids of stored files, in order.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

static enum err files_parse(struct ctx *ctx, const struct field *field, const char *path,
                            const struct json *in, struct value *out)
{
    return field_list_parse(ctx, field, path, in, field_parse_id, out);
}

static void files_put(const struct field *field, const struct value *values, struct buf *out)
{
    field_type_refs.put(field, values, out);
}

const struct field_type field_type_files = {
    .name = "files",
    .kind = KIND_LIST,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .parse = files_parse,
    .put = files_put,
    .operand = field_operand_parse,
    .operators = FIELD_OP(NULL),
};
