/* field_user - points to a user.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

static enum err user_declare(struct field *field, const struct json *doc, struct arena *arena,
                             const char **why)
{
    (void)doc;
    (void)arena;
    (void)why;
    field->ref_entity = "user";
    field->on_delete = ON_DELETE_CLEAR;
    return ERR_OK;
}

static enum err user_parse(struct ctx *ctx, const struct field *field, const char *path,
                           const struct json *in, struct value *out)
{
    return field_type_ref.parse(ctx, field, path, in, out);
}

const struct field_type field_type_user = {
    .name = "user",
    .kind = KIND_REF,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_INT},
    .is_ref = true,
    .declare = user_declare,
    .parse = user_parse,
    .put = field_put_id,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_SAME,
};
