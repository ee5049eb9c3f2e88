/* field_ref_any - points to a record of any entity, or of those named in "entities".
 *
 * Two columns: the id and the entity's name. {"entity": "lead", "id": "…"}.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "record/model.h"

static bool is_allowed(const struct field *field, struct slice name)
{
    const struct json *entities = json_get(field->declared, "entities");

    if (!entities)
        return true;
    json_each(item, entities) if (slice_eq(item->text, name)) return true;
    return false;
}

static enum err ref_any_parse(struct ctx *ctx, const struct field *field, const char *path,
                              const struct json *in, struct value *out)
{
    struct slice name = json_str(in, "entity", SLICE(""));

    if (in->type != JSON_OBJECT || !is_allowed(field, name) || !ctx->model)
        return field_bad(ctx, path, "bad_ref", "\"entity\":\"\"");
    const struct entity *entity = model_entity(ctx->model, name);
    if (!entity)
        return field_bad(ctx, path, "bad_ref", "\"entity\":\"\"");
    out[1] = value_text(slice_str(entity->name));
    return field_parse_id(ctx, field, path, in, out);
}

static void ref_any_put(const struct field *field, const struct value *values, struct buf *out)
{
    buf_put_str(out, "{\"entity\":");
    json_put_string(out, values[1].bytes);
    buf_put_str(out, ",\"id\":");
    field_put_id(field, values, out);
    buf_put_char(out, '}');
}

/* A record's id says which one it is; ids do not repeat between entities. */
static enum err ref_any_operand(struct ctx *ctx, const struct field *field, const struct json *in,
                                struct value *out, int *column)
{
    *column = 0;
    return field_parse_id(ctx, field, field->name, in, out);
}

const struct field_type field_type_ref_any = {
    .name = "ref_any",
    .kind = KIND_REF,
    .columns = 2,
    .suffixes = {"", "e"},
    .stores = {VALUE_INT, VALUE_TEXT},
    .parse = ref_any_parse,
    .put = ref_any_put,
    .operand = ref_any_operand,
    .operators = FIELD_OPS_SAME,
};
