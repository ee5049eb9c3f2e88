/* field_team - points to a team.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

static enum err team_declare(struct field *field, const struct json *doc, struct arena *arena,
                             const char **why)
{
    (void)doc;
    (void)arena;
    (void)why;
    field->ref_entity = "team";
    field->on_delete = ON_DELETE_CLEAR;
    return ERR_OK;
}

static enum err team_parse(struct ctx *ctx, const struct field *field, const char *path,
                           const struct json *in, struct value *out)
{
    return field_type_ref.parse(ctx, field, path, in, out);
}

const struct field_type field_type_team = {
    .name = "team",
    .kind = KIND_REF,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_INT},
    .is_ref = true,
    .declare = team_declare,
    .parse = team_parse,
    .put = field_put_id,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_SAME,
};
