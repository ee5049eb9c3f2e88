/* meta_openapi - OpenAPI 3.0.3 of the tenant: schemas and paths of its entities, and the fixed
 * paths that the layer above names once.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/meta_kit.h"

static const struct meta_path *fixed_paths;
static int fixed_count;

void meta_openapi_paths(const struct meta_path *paths, int count)
{
    fixed_paths = paths;
    fixed_count = count;
}

/* --- schemas of values --- */

struct shape {
    const char *type; /* JSON Schema type */
    const char *more; /* further members, or "" */
};

static struct shape shape_of(const struct field *field)
{
    switch (field->type->kind) {
    case KIND_INT:
        return (struct shape){"integer", ",\"format\":\"int64\""};
    case KIND_DECIMAL:
        return (struct shape){"string", ",\"pattern\":\"^-?[0-9]+([.][0-9]+)?$\""};
    case KIND_BOOL:
        return (struct shape){"boolean", ""};
    case KIND_DATE:
        return (struct shape){"string", ",\"format\":\"date\""};
    case KIND_DATETIME:
        return (struct shape){"string", ",\"format\":\"date-time\""};
    case KIND_REF:
        if (field->type->columns == 2)
            return (struct shape){"object", ""};
        return (struct shape){"string", ",\"pattern\":\"^[0-9A-HJKMNP-TV-Z]{13}$\""};
    case KIND_LIST:
        return (struct shape){"array", ",\"items\":{\"type\":\"string\"}"};
    case KIND_JSON:
        return (struct shape){"object", ""};
    case KIND_MONEY:
    case KIND_TEXT:
        break;
    }
    return (struct shape){"string", ""};
}

static void put_values(const struct field *field, struct buf *out)
{
    if (!field->options_count || field->type->kind != KIND_TEXT)
        return;
    json_put_key(out, "enum");
    buf_put_char(out, '[');
    for (int i = 0; i < field->options_count; i++) {
        json_put_comma(out);
        json_put_cstr(out, field->options[i].value);
    }
    buf_put_str(out, ",null]");
}

static void put_property(struct ctx *ctx, const struct field *field, bool is_readonly,
                         struct buf *out)
{
    json_put_key(out, field->name);
    if (field->type->kind == KIND_MONEY) {
        buf_put_str(out, "{\"allOf\":[{\"$ref\":\"#/components/schemas/Money\"}]");
    } else {
        struct shape shape = shape_of(field);
        buf_printf(out, "{\"type\":\"%s\"%s", shape.type, shape.more);
    }
    json_put_key(out, "title");
    json_put_cstr(out, meta_label(ctx, field));
    json_put_key(out, "nullable");
    json_put_bool(out, !field->is_required);
    if (field->length_max && field->type->kind == KIND_TEXT && !field->options) {
        json_put_key(out, "maxLength");
        json_put_int(out, field->length_max);
    }
    put_values(field, out);
    if (is_readonly) {
        json_put_key(out, "readOnly");
        json_put_bool(out, true);
    }
    if (field->ref_entity) {
        json_put_key(out, "x-entity");
        json_put_cstr(out, field->ref_entity);
    }
    buf_put_char(out, '}');
}

static void put_schema(struct ctx *ctx, const struct entity *entity, bool is_input, struct buf *out)
{
    json_put_key(out, is_input ? arena_printf(ctx->arena, "%s.input", entity->name) : entity->name);
    buf_put_str(out, "{\"type\":\"object\",\"properties\":{");
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        enum role_access access =
            meta_access(ctx, entity, field, is_input ? ROLE_CREATE : ROLE_READ);
        bool is_readonly =
            field->is_readonly || field->type->is_derived || (is_input && access != ROLE_WRITE);
        bool is_version = is_input && strcmp(field->name, "version") == 0;
        if (access == ROLE_NONE || (is_input && is_readonly && !is_version))
            continue;
        put_property(ctx, field, is_readonly && !is_version, out);
    }
    buf_put_str(out, "},\"additionalProperties\":false");
    bool first = true;
    for (int i = 0; i < entity->fields_count && is_input; i++) {
        const struct field *field = entity->fields[i];
        if (!field->is_required || field->fallback || field->is_readonly ||
            meta_access(ctx, entity, field, ROLE_CREATE) != ROLE_WRITE)
            continue;
        buf_put_str(out, first ? ",\"required\":[" : ",");
        json_put_cstr(out, field->name);
        first = false;
    }
    buf_put_str(out, first ? "}" : "]}");
}

static void put_components(struct ctx *ctx, struct buf *out)
{
    const struct model *model = ctx->model;

    buf_put_str(
        out,
        "\"components\":{\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"}}"
        ","
        "\"schemas\":{\"Money\":{\"type\":\"object\",\"nullable\":true,\"properties\":{\"amount\":{"
        "\"type\":\"string\"},\"minor\":{\"type\":\"integer\",\"format\":\"int64\"},\"currency\":{"
        "\"type\":\"string\",\"minLength\":3,\"maxLength\":3}}},"
        "\"Query\":{\"type\":\"object\",\"properties\":{\"filter\":{\"type\":\"object\"},\"sort\":{"
        "\"type\":\"string\"},\"fields\":{\"type\":\"string\"},\"expand\":{\"type\":\"string\"},"
        "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":200},\"cursor\":{\"type\":"
        "\"string\",\"nullable\":true},\"count\":{\"type\":\"boolean\"},\"q\":{\"type\":\"string\"}"
        ","
        "\"group\":{\"type\":\"array\",\"items\":{}},\"measure\":{\"type\":\"array\",\"items\":{}"
        "},\"having\":{\"type\":\"object\"}}},"
        "\"Error\":{\"type\":\"object\",\"properties\":{\"error\":{\"type\":\"object\","
        "\"required\":["
        "\"code\",\"message\"],\"properties\":{\"code\":{\"type\":\"string\"},\"message\":{"
        "\"type\":"
        "\"string\"},\"fields\":{\"type\":\"object\"},\"trace\":{\"type\":\"string\"}}}}}");
    for (int i = 0; i < model->entities_count; i++) {
        const struct entity *entity = model->entity_list[i];
        if (!meta_sees_entity(ctx, entity, ROLE_READ))
            continue;
        put_schema(ctx, entity, false, out);
        put_schema(ctx, entity, true, out);
    }
    buf_put_str(out, "}}");
}

/* --- paths --- */

/* What stands behind /api/v1/records/<entity>. */
static const struct record_path {
    const char *path, *method, *summary;
    enum role_action needs;
    const char *status;
    enum { BODY_NONE, BODY_RECORD, BODY_QUERY, BODY_ANY } body;
    enum { ANSWER_NONE, ANSWER_RECORD, ANSWER_LIST, ANSWER_ANY } answer;
} record_paths[] = {
    {"", "get", "List", ROLE_READ, "200", BODY_NONE, ANSWER_LIST},
    {"", "post", "Create", ROLE_CREATE, "201", BODY_RECORD, ANSWER_RECORD},
    {"/query", "post", "List or aggregate", ROLE_READ, "200", BODY_QUERY, ANSWER_LIST},
    {"/board", "post", "Columns of a board", ROLE_READ, "200", BODY_ANY, ANSWER_ANY},
    {"/duplicates", "post", "Candidates for a duplicate", ROLE_READ, "200", BODY_ANY, ANSWER_ANY},
    {"/bulk", "post", "Up to 1000 operations", ROLE_UPDATE, "200", BODY_ANY, ANSWER_ANY},
    {"/{id}", "get", "Read", ROLE_READ, "200", BODY_NONE, ANSWER_RECORD},
    {"/{id}", "patch", "Change", ROLE_UPDATE, "200", BODY_RECORD, ANSWER_RECORD},
    {"/{id}", "delete", "Delete", ROLE_DELETE, "204", BODY_NONE, ANSWER_NONE},
    {"/{id}/restore", "post", "Restore", ROLE_DELETE, "200", BODY_NONE, ANSWER_RECORD},
    {"/{id}/history", "get", "Changes of fields", ROLE_READ, "200", BODY_NONE, ANSWER_ANY},
    {"/{id}/timeline", "get", "Activities and changes", ROLE_READ, "200", BODY_NONE, ANSWER_ANY},
    {"/{id}/related/{relation}", "get", "Related records", ROLE_READ, "200", BODY_NONE, ANSWER_ANY},
    {"/{id}/actions/{action}", "post", "Run an operation", ROLE_UPDATE, "200", BODY_ANY,
     ANSWER_ANY},
    {"/{id}/unmask", "post", "Read an encrypted field", ROLE_UNMASK, "200", BODY_ANY, ANSWER_ANY},
};
#define RECORD_PATHS_COUNT (sizeof(record_paths) / sizeof *record_paths)

/* Every {name} of a path is a parameter. */
void meta_put_parameters(const char *path, struct buf *out)
{
    struct slice rest = slice_str(path);
    bool first = true;

    buf_put_str(out, ",\"parameters\":[");
    for (;;) {
        ptrdiff_t open = slice_find(rest, SLICE("{")), close = slice_find(rest, SLICE("}"));
        if (open < 0 || close < open)
            break;
        buf_printf(out,
                   "%s{\"name\":\"%.*s\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":"
                   "\"string\"}}",
                   first ? "" : ",", (int)(close - open) - 1, rest.at + open + 1);
        first = false;
        rest = slice_of(rest.at + close + 1, rest.len - (size_t)close - 1);
    }
    buf_put_char(out, ']');
}

static void put_content(struct buf *out, const char *schema)
{
    buf_printf(out, "\"content\":{\"application/json\":{\"schema\":%s}}", schema);
}

static const char *body_schema(struct ctx *ctx, const struct entity *entity,
                               const struct record_path *p)
{
    if (p->body == BODY_RECORD)
        return arena_printf(ctx->arena, "{\"$ref\":\"#/components/schemas/%s.input\"}",
                            entity->name);
    return p->body == BODY_QUERY ? "{\"$ref\":\"#/components/schemas/Query\"}"
                                 : "{\"type\":\"object\"}";
}

static const char *answer_schema(struct ctx *ctx, const struct entity *entity,
                                 const struct record_path *p)
{
    const char *one =
        arena_printf(ctx->arena, "{\"$ref\":\"#/components/schemas/%s\"}", entity->name);

    if (p->answer == ANSWER_RECORD)
        return one;
    if (p->answer == ANSWER_LIST)
        return arena_printf(ctx->arena,
                            "{\"type\":\"object\",\"properties\":{\"items\":{\"type\":\"array\","
                            "\"items\":%s},\"next\":{\"type\":\"string\",\"nullable\":true},"
                            "\"count\":{\"type\":\"integer\"},\"count_capped\":{\"type\":"
                            "\"boolean\"}}}",
                            one);
    return "{\"type\":\"object\"}";
}

static void put_operation(struct ctx *ctx, const struct entity *entity, const struct record_path *p,
                          struct buf *out)
{
    json_put_key(out, p->method);
    buf_put_str(out, "{\"tags\":[");
    json_put_cstr(out, entity->name);
    buf_put_str(out, "],\"summary\":");
    json_put_cstr(out, p->summary);
    meta_put_parameters(p->path, out);
    if (p->body != BODY_NONE) {
        buf_put_str(out, ",\"requestBody\":{");
        put_content(out, body_schema(ctx, entity, p));
        buf_put_char(out, '}');
    }
    buf_printf(out, ",\"responses\":{\"%s\":{\"description\":\"Done\"", p->status);
    if (p->answer != ANSWER_NONE) {
        buf_put_char(out, ',');
        put_content(out, answer_schema(ctx, entity, p));
    }
    buf_put_str(out, "}," META_DEFAULT_ANSWER "}}");
}

static bool has_sealed(const struct entity *entity)
{
    for (int i = 0; i < entity->fields_count; i++)
        if (entity->fields[i]->type->is_sealed)
            return true;
    return false;
}

static void put_record_paths(struct ctx *ctx, const struct entity *entity, struct buf *out)
{
    const char *open = NULL; /* operations of one path stand side by side in the table */

    for (size_t i = 0; i < RECORD_PATHS_COUNT; i++) {
        const struct record_path *p = &record_paths[i];
        if (!meta_sees_entity(ctx, entity, p->needs) ||
            (p->needs == ROLE_UNMASK && !has_sealed(entity)))
            continue;
        if (!open || strcmp(open, p->path) != 0) {
            if (open)
                buf_put_char(out, '}');
            json_put_key(out, arena_printf(ctx->arena, "/records/%s%s", entity->name, p->path));
            buf_put_char(out, '{');
            open = p->path;
        }
        put_operation(ctx, entity, p, out);
    }
    if (open)
        buf_put_char(out, '}');
}

static void put_fixed_paths(struct buf *out)
{
    const char *open = NULL;

    for (int i = 0; i < fixed_count; i++) {
        const struct meta_path *p = &fixed_paths[i];
        if (!open || strcmp(open, p->path) != 0) {
            if (open)
                buf_put_char(out, '}');
            json_put_key(out, p->path);
            buf_put_char(out, '{');
            open = p->path;
        }
        json_put_key(out, p->method);
        buf_put_str(out, "{\"summary\":");
        json_put_cstr(out, p->summary);
        meta_put_parameters(p->path, out);
        buf_put_str(out,
                    ",\"responses\":{\"2XX\":{\"description\":\"Done\"}," META_DEFAULT_ANSWER "}}");
    }
    if (open)
        buf_put_char(out, '}');
}

enum err meta_openapi(struct ctx *ctx, struct buf *out)
{
    const struct model *model = ctx->model;

    ASSERT(model);
    buf_put_str(out, "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"Perigee\",\"version\":");
    json_put_cstr(out,
                  arena_printf(ctx->arena, "%s-%lld", PERIGEE_VERSION, (long long)model->version));
    buf_put_str(out, "},\"servers\":[{\"url\":\"/api/v1\"}],\"security\":[{\"bearer\":[]}],"
                     "\"paths\":{");
    for (int i = 0; i < model->entities_count; i++)
        if (meta_sees_entity(ctx, model->entity_list[i], ROLE_READ))
            put_record_paths(ctx, model->entity_list[i], out);
    put_fixed_paths(out);
    enum err e = meta_put_routes(ctx, out);
    if (e)
        return e;
    buf_put_str(out, "},");
    put_components(ctx, out);
    buf_put_char(out, '}');
    return ERR_OK;
}
