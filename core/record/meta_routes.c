/* meta_routes - routes of plugins in the OpenAPI document.
 *
 * Which there are only their scripts know; a runner keeps it as a setting when the model has moved,
 * so the document names them a moment later.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/meta_kit.h"

static const char *type_schema(struct slice type)
{
    static const char *const schemas[][2] = {
        {"int", "{\"type\":\"integer\",\"format\":\"int64\"}"},
        {"decimal", "{\"type\":\"string\",\"pattern\":\"^-?[0-9]+([.][0-9]+)?$\"}"},
        {"money", "{\"$ref\":\"#/components/schemas/Money\"}"},
        {"bool", "{\"type\":\"boolean\"}"},
        {"date", "{\"type\":\"string\",\"format\":\"date\"}"},
        {"datetime", "{\"type\":\"string\",\"format\":\"date-time\"}"},
        {"id", "{\"type\":\"string\",\"pattern\":\"^[0-9A-HJKMNP-TV-Z]{13}$\"}"},
        {"json", "{}"}};
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++)
        if (slice_is(type, schemas[i][0]))
            return schemas[i][1];
    return "{\"type\":\"string\"}";
}

static void put_type(struct buf *out, const struct json *field)
{
    const char *one = type_schema(json_str(field, "type", SLICE("")));
    if (json_bool(field, "list", false))
        buf_printf(out, "{\"type\":\"array\",\"items\":%s}", one);
    else
        buf_put_str(out, one);
}

static void put_body(struct buf *out, const struct json *fields)
{
    bool first = true;
    buf_put_str(out, ",\"requestBody\":{\"content\":{\"application/json\":{\"schema\":{"
                     "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
    json_each(field, fields)
    {
        json_put_key(out, json_cstr(field, "name", ""));
        put_type(out, field);
    }
    buf_put_char(out, '}');
    json_each(field, fields)
    {
        if (!json_bool(field, "required", false))
            continue;
        buf_put_str(out, first ? ",\"required\":[" : ",");
        json_put_cstr(out, json_cstr(field, "name", ""));
        first = false;
    }
    buf_put_str(out, first ? "}}}}" : "]}}}}");
}

/* Captures of the path, then the query's. */
static void put_all_parameters(struct buf *out, const char *path, const struct json *query)
{
    meta_put_parameters(path, out);
    out->len--; /* goes on inside its list */
    json_each(field, query)
    {
        json_put_comma(out);
        buf_put_str(out, "{\"in\":\"query\",\"name\":");
        json_put_cstr(out, json_cstr(field, "name", ""));
        buf_printf(out, ",\"required\":%s,\"schema\":",
                   json_bool(field, "required", false) ? "true" : "false");
        put_type(out, field);
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
}

static void put_operation(struct ctx *ctx, const struct json *route, struct buf *out)
{
    const char *method = json_cstr(route, "method", "GET");
    char lower[8] = "";
    for (size_t i = 0; i < sizeof lower - 1 && method[i]; i++)
        lower[i] = (char)(method[i] | 0x20);
    struct slice auth = json_str(route, "auth", SLICE(""));
    const char *plugin = json_cstr(route, "plugin", ""), *path = json_cstr(route, "path", "");
    const char *summary = json_cstr(route, "summary", NULL);
    json_put_key(out, lower);
    buf_put_str(out, "{\"tags\":[");
    json_put_cstr(out, plugin);
    buf_put_str(out, "],\"summary\":");
    json_put_cstr(
        out, summary ? model_text(ctx->model, ctx->arena, ctx->lang, plugin, summary, NULL) : path);
    if (slice_is(auth, "hmac") || slice_is(auth, "webhook") || slice_is(auth, "public"))
        buf_put_str(out, ",\"security\":[]");
    put_all_parameters(out, path, json_get(route, "query"));
    if (json_get(route, "body"))
        put_body(out, json_get(route, "body"));
    buf_put_str(out,
                ",\"responses\":{\"2XX\":{\"description\":\"Done\"}," META_DEFAULT_ANSWER "}}");
}

static bool is_same(const struct json *a, const struct json *b)
{
    return slice_eq(json_str(a, "plugin", SLICE("")), json_str(b, "plugin", SLICE(""))) &&
           slice_eq(json_str(a, "path", SLICE("")), json_str(b, "path", SLICE("")));
}

static bool is_first(const struct json *all, const struct json *route)
{
    const struct json *one = all->first;
    while (!is_same(one, route))
        one = one->next;
    return one == route;
}

/* A plugin that has just been disabled is still kept for a moment. */
static bool is_active(const struct model *model, struct slice plugin)
{
    for (int i = 0; i < model->plugins_count; i++)
        if (slice_is(plugin, model->plugins[i]->id))
            return true;
    return false;
}

enum err meta_put_routes(struct ctx *ctx, struct buf *out)
{
    const struct json *all = NULL;
    enum err e = tenant_setting(ctx->tenant, ctx->arena, "plugin_routes", &all);
    if (e || !all || all->type != JSON_ARRAY)
        return e;
    json_each(route, all)
    {
        if (!is_active(ctx->model, json_str(route, "plugin", SLICE(""))) || !is_first(all, route))
            continue;
        json_put_key(out, arena_printf(ctx->arena, "/x/%s%s", json_cstr(route, "plugin", ""),
                                       json_cstr(route, "path", "")));
        buf_put_char(out, '{');
        for (const struct json *other = route; other; other = other->next)
            if (is_same(route, other))
                put_operation(ctx, other, out);
        buf_put_char(out, '}');
    }
    return ERR_OK;
}
