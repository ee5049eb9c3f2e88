/* pluginconfig - the settings of a plugin, as its manifest declares them.
 *
 * What is not set has its default. A secret is stored sealed and never told again: it is shown as
 * SECRET_SHOWN, and that word sent back leaves it as it is.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/body.h"
#include "api/handlers.h"
#include "api/pluginset.h"
#include "api/version.h"
#include "auth/audit.h"
#include "auth/plugin_secret.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/id.h"
#include "store/query.h"

#define SECRET_SHOWN "********"

static bool type_is(const struct json *setting, const char *type)
{
    return slice_is(json_str(setting, "type", SLICE("")), type);
}

/* --- reading ------------------------------------------------------------------------------------
 */

/* Members are the plugin's to name, so it stands in the head alone. With secrets as they are
 * sealed: a new one is a change. */
static int64_t version(struct call *call, const struct json *stored)
{
    return version_of(slice_str(body_json(call->ctx->arena, stored)));
}

static void put_config(struct call *call, const struct plugin *plugin, const struct json *stored)
{
    struct buf *out = &call->resp->body;
    buf_put_char(out, '{');
    json_each(setting, json_get(plugin->manifest, "config"))
    {
        const char *name = json_cstr(setting, "name", "");
        const struct json *value = json_get(stored, name);
        if (!value)
            value = json_get(setting, "default");
        json_put_key(out, name);
        if (!value || value->type == JSON_NULL)
            buf_put_str(out, "null");
        else if (type_is(setting, "secret"))
            json_put_cstr(out, SECRET_SHOWN);
        else
            json_put(out, value);
    }
    buf_put_char(out, '}');
    version_tag(call, plugin->id, version(call, stored));
}

static enum err find(struct call *call, struct pluginset *set, const struct plugin **out)
{
    enum err e = pluginset_asked(call, set, out);
    return e || (*out)->manifest ? e : ERR_NOT_FOUND;
}

enum err plugins_config_get(struct call *call)
{
    struct pluginset set;
    const struct plugin *plugin;
    enum err e = find(call, &set, &plugin);
    if (!e)
        put_config(call, plugin, pluginset_config(&set, slice_str(plugin->id)));
    return e;
}

/* --- one value ----------------------------------------------------------------------------------
 */

/* Bounds are numbers of the manifest; values are compared as they are written there. */
static const char *check_range(const struct json *setting, double value)
{
    const struct json *min = json_get(setting, "min"), *max = json_get(setting, "max");
    if (min && value < (min->type == JSON_INT ? (double)min->integer : min->real))
        return "too_small";
    if (max && value > (max->type == JSON_INT ? (double)max->integer : max->real))
        return "too_large";
    return NULL;
}

static bool is_choice(const struct json *setting, struct slice value)
{
    json_each(choice, json_get(setting, "values"))
    {
        if (slice_eq(choice->text, value))
            return true;
    }
    return false;
}

static const char *check_many(const struct json *setting, const struct json *value)
{
    if (value->type != JSON_ARRAY)
        return "not_a_list";
    json_each(item, value)
    {
        if (item->type != JSON_STRING || !is_choice(setting, item->text))
            return "not_in_list";
    }
    return NULL;
}

static const char *check_number(const struct json *setting, const struct json *value)
{
    int64_t units;
    if (type_is(setting, "int"))
        return value->type == JSON_INT ? check_range(setting, (double)value->integer)
                                       : "not_a_number";
    if (value->type == JSON_INT)
        return check_range(setting, (double)value->integer);
    if (value->type == JSON_REAL)
        return check_range(setting, value->real);
    if (value->type == JSON_STRING && decimal_parse(value->text, 6, &units))
        return check_range(setting, (double)units / 1e6);
    return "not_a_decimal";
}

static const char *check_text(const struct json *setting, struct slice text)
{
    int64_t day;
    size_t most = type_is(setting, "longtext") ? LONGTEXT_BYTES_MAX : TEXT_BYTES_MAX;
    if (text.len > most)
        return "too_long";
    if (type_is(setting, "url") && !slice_starts(text, SLICE("https://")) &&
        !slice_starts(text, SLICE("http://")))
        return "bad_url";
    ptrdiff_t at = slice_find(text, SLICE("@"));
    if (type_is(setting, "email") && (at < 1 || (size_t)at + 1 >= text.len))
        return "bad_email";
    if (type_is(setting, "date") && !date_parse(text, &day))
        return "bad_date";
    if (type_is(setting, "enum") && !is_choice(setting, text))
        return "not_in_list";
    return NULL;
}

/* A user, team or department: tables of that name. */
static enum err check_person(struct call *call, const struct json *setting, struct slice text,
                             const char **code)
{
    struct arena *arena = call->ctx->arena;
    int64_t id, count = 0;
    enum err e = ERR_OK;
    if (id_parse(text, &id))
        e = store_count(call->ctx->tenant->store, json_cstr(setting, "type", ""),
                        expr_and(arena, expr_cmp(arena, EXPR_EQ, "id", value_int(id)),
                                 expr_cmp(arena, EXPR_NULL, "deleted_at", value_null())),
                        1, &count);
    *code = count ? NULL : "bad_ref";
    return e;
}

static enum err check_value(struct call *call, const struct json *setting, const struct json *value)
{
    static const char *const people[] = {"user", "team", "department", NULL};
    const char *code = NULL;
    enum err e = ERR_OK;
    if (value->type == JSON_NULL) {
        code = json_bool(setting, "required", false) && !json_get(setting, "default") ? "required"
                                                                                      : NULL;
    } else if (type_is(setting, "bool")) {
        code = value->type == JSON_BOOL ? NULL : "not_a_bool";
    } else if (type_is(setting, "int") || type_is(setting, "decimal")) {
        code = check_number(setting, value);
    } else if (type_is(setting, "multienum")) {
        code = check_many(setting, value);
    } else if (value->type != JSON_STRING) {
        code = "not_a_text";
    } else {
        code = check_text(setting, value->text);
        for (const char *const *table = people; *table && !code; table++)
            if (type_is(setting, *table))
                e = check_person(call, setting, value->text, &code);
    }
    if (!e && code) {
        const struct json *min = json_get(setting, "min"), *max = json_get(setting, "max");
        body_bad(call, json_cstr(setting, "name", ""), code, "\"min\":%s,\"max\":%s,\"scale\":6",
                 body_json(call->ctx->arena, min), body_json(call->ctx->arena, max));
    }
    return e;
}

/* --- changing -----------------------------------------------------------------------------------
 */

static const struct json *find_setting(const struct plugin *plugin, struct slice name)
{
    json_each(setting, json_get(plugin->manifest, "config"))
    {
        if (slice_eq(json_str(setting, "name", SLICE("")), name))
            return setting;
    }
    return NULL;
}

static enum err check_body(struct call *call, const struct plugin *plugin)
{
    json_each(member, call->body)
    {
        const struct json *setting = find_setting(plugin, member->key);
        if (!setting) {
            body_bad(call, arena_str(call->ctx->arena, member->key), "unknown_field", NULL);
            continue;
        }
        enum err e = check_value(call, setting, member);
        if (e)
            return e;
    }
    return body_done(call);
}

static bool is_mask(const struct json *setting, const struct json *value)
{
    return type_is(setting, "secret") && value->type == JSON_STRING &&
           slice_is(value->text, SECRET_SHOWN);
}

/* What is given goes before what is stored; null takes it away; the rest stays. */
static enum err joined(struct call *call, const struct plugin *plugin, const struct json *stored,
                       const struct json **result)
{
    struct arena *arena = call->ctx->arena;
    struct json *out = json_new(arena, JSON_OBJECT);
    enum err e = ERR_OK;
    json_each(setting, json_get(plugin->manifest, "config"))
    {
        const char *name = json_cstr(setting, "name", "");
        const struct json *value = json_get(call->body, name);
        if (!value || is_mask(setting, value))
            value = json_get(stored, name);
        if (value && value->type == JSON_STRING && type_is(setting, "secret"))
            e = plugin_secret_seal(call->ctx, plugin->id, name, value->text, &value);
        if (e)
            return e;
        if (value && value->type != JSON_NULL)
            json_add(arena, out, name, json_copy(arena, value));
    }
    *result = out;
    return ERR_OK;
}

/* Which settings, not what to: some are secrets. */
static enum err audit_change(struct call *call, const struct plugin *plugin)
{
    struct buf detail = BUF_INIT;
    buf_put_str(&detail, "{\"plugin\":");
    json_put_cstr(&detail, plugin->id);
    buf_put_str(&detail, ",\"settings\":[");
    json_each(member, call->body)
    {
        json_put_comma(&detail);
        json_put_string(&detail, member->key);
    }
    buf_put_str(&detail, "]}");
    enum err e = audit_put(call->ctx, "plugin.config", NULL, 0, buf_cstr(&detail));
    buf_release(&detail);
    return e;
}

enum err plugins_config_put(struct call *call)
{
    struct pluginset set;
    const struct plugin *plugin;
    const struct json *body;
    enum err e = find(call, &set, &plugin);
    if (!e)
        e = call_object(call, &body);
    if (!e)
        e = check_body(call, plugin);
    if (e)
        return e;
    struct slice id = slice_str(plugin->id);
    const struct json *config = NULL, *stored = pluginset_config(&set, id);
    e = version_check_head(call, plugin->id, version(call, stored));
    if (!e)
        e = joined(call, plugin, stored, &config);
    if (!e)
        e = tenant_plugin_put(call->ctx->tenant, plugin->id, pluginset_version(&set, plugin),
                              pluginset_is_enabled(&set, id) ? "enabled" : "disabled",
                              slice_str(body_json(call->ctx->arena, config)));
    if (!e)
        e = audit_change(call, plugin);
    if (!e)
        put_config(call, plugin, config);
    return e;
}
