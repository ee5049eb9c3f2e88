/* field_lookup - shows a field of a record this one points to; read through the reference, not
 * kept.
 *
 *   "path": "account.industry"
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

struct lookup {
    const char *path;
    const struct field *end;
};

static enum err lookup_declare(struct field *field, const struct json *doc, struct arena *arena,
                               const char **why)
{
    struct lookup *data = arena_make(arena, struct lookup);

    data->path = json_cstr(doc, "path", NULL);
    field->data = data;
    if (data->path)
        return ERR_OK;
    *why = arena_printf(arena, "field \"%s\" needs \"path\"", field->name);
    return ERR_MALFORMED;
}

void field_lookup_resolve(struct field *field, struct arena *arena, const struct field *end)
{
    struct lookup *data = arena_make(arena, struct lookup);

    *data = (struct lookup){field_lookup_path(field), end}; /* what was there may be shared */
    field->data = data;
    field->type = field_variant(arena, end->type, "lookup", 0);
    field->scale = end->scale;
    field->options = end->options;
    field->options_count = end->options_count;
    field->ref_entity = end->ref_entity;
    field->ref_at = end->ref_at;
}

const char *field_lookup_path(const struct field *field)
{
    const struct lookup *data = field->data;
    ASSERT(data);
    return data->path;
}

const struct field *field_lookup_end(const struct field *field)
{
    const struct lookup *data = field->data;
    return slice_is(slice_str(field->type->name), "lookup") && data ? data->end : NULL;
}

const struct field_type field_type_lookup = {
    .name = "lookup",
    .kind = KIND_TEXT,
    .is_derived = true,
    .declare = lookup_declare,
};
