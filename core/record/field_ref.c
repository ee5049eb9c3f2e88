/* field_ref - points to one record of another entity: its id.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

enum err field_declare_ref(struct field *field, const struct json *doc, struct arena *arena,
                           const char **why)
{
    struct slice on_delete = json_str(doc, "on_delete", SLICE("clear"));
    const struct json *filter = json_get(doc, "filter");

    field->ref_entity = json_cstr(doc, "entity", NULL);
    if (!field->ref_entity) {
        *why = arena_printf(arena, "field \"%s\" needs \"entity\"", field->name);
        return ERR_MALFORMED;
    }
    field->on_delete = slice_is(on_delete, "refuse")    ? ON_DELETE_REFUSE
                       : slice_is(on_delete, "cascade") ? ON_DELETE_CASCADE
                                                        : ON_DELETE_CLEAR;
    if (filter) {
        struct buf b = BUF_INIT;
        json_put(&b, filter);
        field->ref_search = arena_str(arena, buf_slice(&b));
        buf_release(&b);
    }
    return ERR_OK;
}

static enum err ref_parse(struct ctx *ctx, const struct field *field, const char *path,
                          const struct json *in, struct value *out)
{
    if (in->type == JSON_STRING && slice_trim(in->text).len == 0) {
        *out = value_null();
        return ERR_OK;
    }
    return field_parse_id(ctx, field, path, in, out);
}

const struct field_type field_type_ref = {
    .name = "ref",
    .kind = KIND_REF,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_INT},
    .is_ref = true,
    .declare = field_declare_ref,
    .parse = ref_parse,
    .put = field_put_id,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_SAME,
};
