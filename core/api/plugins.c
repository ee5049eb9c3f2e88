/* plugins - which plugins the company uses.
 *
 * What is there: the product's plugins (their folders), and bundles of the company (rows of table
 * `plugin` without such a folder). A change is tried before it is made (activate.h); every process
 * then builds the model anew.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/plugin.h"

#include "api/activate.h"
#include "api/admin.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/pluginset.h"
#include "auth/audit.h"
#include "hook/schedule.h"
#include "hook/trip.h"
#include "script/vm.h"

/* --- reading ------------------------------------------------------------------------------------
 */

/* Each value with its text, "<label>.<value>"; where there is none, the value itself. */
static void put_options(struct call *call, const struct plugin *plugin, const struct json *setting)
{
    struct arena *arena = call->ctx->arena;
    struct buf *out = &call->resp->body;
    const char *label = json_cstr(setting, "label", "");
    json_put_key(out, "options");
    buf_put_char(out, '[');
    json_each(value, json_get(setting, "values"))
    {
        const char *name = arena_str(arena, value->text);
        const char *key = arena_printf(arena, "%s.%s", label, name);
        const char *text = pluginset_text(call, plugin, key);
        json_put_comma(out);
        buf_put_str(out, "{\"value\":");
        json_put_cstr(out, name);
        json_put_key(out, "label");
        json_put_cstr(out, *key != '@' || strcmp(text, key + 1) == 0 ? name : text);
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
}

static void put_setting(struct call *call, const struct plugin *plugin, const struct json *setting)
{
    struct buf *out = &call->resp->body;
    bool is_secret = slice_is(json_str(setting, "type", SLICE("")), "secret");
    json_put_comma(out);
    buf_put_char(out, '{');
    json_each(member, setting)
    {
        if (is_secret && slice_is(member->key, "default"))
            continue;
        json_put_key(out, arena_str(call->ctx->arena, member->key));
        if (slice_is(member->key, "label") || slice_is(member->key, "help"))
            json_put_cstr(out, pluginset_text(call, plugin, member->text.at));
        else
            json_put(out, member);
    }
    if (json_get(setting, "values"))
        put_options(call, plugin, setting);
    buf_put_char(out, '}');
}

static void put_names(struct call *call, const struct pluginset *set, const struct plugin *plugin)
{
    struct buf *out = &call->resp->body;
    const struct json *requires = json_get(plugin->manifest, "requires");
    json_put_key(out, "requires");
    if (requires)
        json_put(out, requires);
    else
        buf_put_str(out, "{}");
    json_put_key(out, "required_by");
    buf_put_char(out, '[');
    for (int i = 0; i < set->count; i++) {
        if (!pluginset_needs(set->items[i], slice_str(plugin->id)))
            continue;
        json_put_comma(out);
        json_put_cstr(out, set->items[i]->id);
    }
    buf_put_char(out, ']');
    json_put_key(out, "settings");
    buf_put_char(out, '[');
    json_each(setting, json_get(plugin->manifest, "config")) put_setting(call, plugin, setting);
    buf_put_char(out, ']');
}

/* What was left aside of it without harm: a vanished anchor, for instance. */
static void put_warnings(struct call *call, const struct plugin *plugin)
{
    struct buf *out = &call->resp->body;
    const struct model_warning *w = call->ctx->model->warnings;
    json_put_key(out, "warnings");
    buf_put_char(out, '[');
    for (; w; w = w->next) {
        struct slice text = slice_str(w->text);
        if (!slice_is(slice_split(&text, '/'), plugin->id))
            continue;
        json_put_comma(out);
        json_put_cstr(out, w->text);
    }
    buf_put_char(out, ']');
}

static const char *layer_name(enum plugin_layer layer)
{
    static const char *const names[] = {
        [PLUGIN_PRODUCT] = "product", [PLUGIN_INDUSTRY] = "industry", [PLUGIN_TENANT] = "tenant"};
    return names[layer];
}

struct paused {
    const char *handler, *job; /* how their names begin */
    int count;
};

static bool count_paused(void *arg, const struct trip *trip)
{
    struct paused *paused = arg;
    struct slice name = slice_str(trip->name);
    paused->count += slice_starts(name, slice_str(paused->handler)) ||
                     slice_starts(name, slice_str(paused->job));
    return true;
}

/* Why the company's scripts do not load; NULL: they do. */
static const char *scripts_fault(struct call *call)
{
    struct ctx *ctx = call->ctx;
    struct vm *vm;
    const char *fault = NULL;
    if (vm_get(ctx, call->app->config->home, &vm) == ERR_PLUGIN && ctx->err.detail)
        fault = arena_strdup(ctx->arena, ctx->err.detail);
    err_info_clear(&ctx->err);
    return fault;
}

/* The model's reason, or that of its Lua files. */
static const char *why_not(struct call *call, const struct pluginset *set,
                           const struct plugin *plugin, const char *fault)
{
    const char *why = pluginset_why(call, plugin);
    struct slice rest = fault ? slice_str(fault) : (struct slice){0};
    size_t len = strlen(plugin->id);
    bool is_its = slice_starts(rest, slice_str(plugin->id)) && rest.len > len &&
                  (rest.at[len] == ':' || rest.at[len] == '/');
    if (why || !is_its || !pluginset_is_enabled(set, slice_str(plugin->id)))
        return why;
    return vm_sentence(call->ctx, fault);
}

static enum err put_plugin(struct call *call, const struct pluginset *set,
                           const struct plugin *plugin, const char *fault)
{
    struct buf *out = &call->resp->body;
    struct arena *arena = call->ctx->arena;
    struct paused paused = {.handler = arena_printf(arena, "hook:%s:", plugin->id),
                            .job = schedule_queue(arena, plugin->id, "")};
    enum err e = trip_list(call->ctx, count_paused, &paused);
    if (e)
        return e;
    const char *summary = json_cstr(plugin->manifest, "summary", "");
    json_put_comma(out);
    buf_put_char(out, '{');
    json_put_key(out, "id");
    json_put_cstr(out, plugin->id);
    json_put_key(out, "title");
    json_put_cstr(out, pluginset_text(call, plugin, plugin->title));
    json_put_key(out, "summary");
    json_put_cstr(out, pluginset_text(call, plugin, summary));
    json_put_key(out, "version");
    json_put_cstr(out, plugin->version);
    json_put_key(out, "layer");
    json_put_cstr(out, layer_name(plugin->layer));
    json_put_key(out, "state");
    json_put_cstr(out, pluginset_is_enabled(set, slice_str(plugin->id)) ? "enabled" : "disabled");
    json_put_key(out, "why");
    json_put_cstr(out, why_not(call, set, plugin, fault));
    json_put_key(out, "paused");
    json_put_int(out, paused.count);
    json_put_key(out, "set_aside");
    buf_put_str(out, pluginset_is_aside(call, plugin) ? "true" : "false");
    put_names(call, set, plugin);
    put_warnings(call, plugin);
    buf_put_char(out, '}');
    return ERR_OK;
}

enum err plugins_list(struct call *call)
{
    struct pluginset set;
    enum err e = pluginset_read(call, &set);
    if (e)
        return e;
    const char *fault = scripts_fault(call);
    page_open(call);
    for (int i = 0; i < set.count && !e; i++)
        e = put_plugin(call, &set, set.items[i], fault);
    page_close(call);
    return e;
}

/* --- enabling -----------------------------------------------------------------------------------
 */

/* Plugins by id, each once. */
struct names {
    const struct plugin **items;
    int count;
};

static bool names_have(const struct names *names, const struct plugin *plugin)
{
    for (int i = 0; i < names->count; i++)
        if (names->items[i] == plugin)
            return true;
    return false;
}

/* What the plugin needs stands before it. A plugin that is not there is left to plugin_order. */
static void with_needed(const struct pluginset *set, const struct plugin *plugin,
                        struct names *names, struct names *seen)
{
    if (names_have(seen, plugin))
        return;
    seen->items[seen->count++] = plugin;
    json_each(range, json_get(plugin->manifest, "requires"))
    {
        const struct plugin *needed = pluginset_find(set, range->key);
        if (needed)
            with_needed(set, needed, names, seen);
    }
    names->items[names->count++] = plugin;
}

/* Would they all work together with what is enabled already? Asked of copies: the answer marks. */
static enum err check_together(struct call *call, const struct pluginset *set,
                               const struct names *wanted)
{
    struct arena *arena = call->ctx->arena;
    struct plugin **all = arena_array(arena, struct plugin *, (size_t)set->count + 1);
    int count = 0;
    for (int i = 0; i < set->count; i++) {
        const struct plugin *plugin = set->items[i];
        if (!names_have(wanted, plugin) && !pluginset_is_enabled(set, slice_str(plugin->id)))
            continue;
        all[count] = arena_make(arena, struct plugin);
        *all[count++] = *plugin;
    }
    plugin_order(arena, all, count);
    for (int i = 0; i < count; i++) {
        const struct plugin *same = pluginset_find(set, slice_str(all[i]->id));
        if (!all[i]->broken || !names_have(wanted, same))
            continue;
        struct buf args = BUF_INIT;
        buf_put_str(&args, "{\"why\":");
        json_put_cstr(&args, all[i]->broken);
        buf_put_char(&args, '}');
        enum err e = admin_refuse(call, ERR_CONFLICT, "plugin_broken", buf_cstr(&args));
        buf_release(&args);
        return e;
    }
    return ERR_OK;
}

static void put_state(struct call *call, const char *id, const char *state,
                      const struct names *changed, struct buf *out)
{
    (void)call;
    buf_put_str(out, "{\"id\":");
    json_put_cstr(out, id);
    json_put_key(out, "state");
    json_put_cstr(out, state);
    json_put_key(out, state);
    buf_put_char(out, '[');
    for (int i = 0; i < changed->count; i++) {
        json_put_comma(out);
        json_put_cstr(out, changed->items[i]->id);
    }
    buf_put_str(out, "]}");
}

static enum err finish(struct call *call, const struct plugin *plugin, const char *action,
                       const char *state, const struct names *changed)
{
    put_state(call, plugin->id, state, changed, &call->resp->body);
    if (!changed->count)
        return ERR_OK;
    const char *detail = arena_str(call->ctx->arena, buf_slice(&call->resp->body));
    return audit_put(call->ctx, action, NULL, 0, detail);
}

struct switching {
    const struct plugin *plugin;
    const char *action, *state;
    const struct names *changed;
};

static enum err write_switch(struct call *call, void *arg)
{
    const struct switching *s = arg;
    return finish(call, s->plugin, s->action, s->state, s->changed);
}

/* All of them together, as long as everything that works now goes on working. */
static enum err switch_all(struct call *call, const struct plugin *plugin,
                           const struct names *changed, bool enabled)
{
    struct switching s = {plugin, enabled ? "plugin.enable" : "plugin.disable",
                          enabled ? "enabled" : "disabled", changed};
    if (!changed->count)
        return write_switch(call, &s);
    struct model_change *changes =
        arena_array(call->ctx->arena, struct model_change, (size_t)changed->count);
    for (int i = 0; i < changed->count; i++)
        changes[i] = (struct model_change){changed->items[i]->id, NULL, enabled};
    struct activation activation = {.changes = changes,
                                    .count = changed->count,
                                    .subject = enabled ? plugin->id : NULL,
                                    .code = enabled ? "plugin_broken" : "plugin_holds",
                                    .write = write_switch,
                                    .arg = &s};
    return activate_run(call, &activation);
}

static struct names names_new(struct call *call, const struct pluginset *set)
{
    return (struct names){
        .items = arena_array(call->ctx->arena, const struct plugin *, (size_t)set->count + 1)};
}

enum err plugins_enable(struct call *call)
{
    struct pluginset set;
    enum err e = call->body ? call_only(call, (const char *const[]){NULL}) : ERR_OK;
    const struct plugin *plugin;
    if (!e)
        e = pluginset_asked(call, &set, &plugin);
    if (e)
        return e;
    struct names wanted = names_new(call, &set), seen = names_new(call, &set);
    struct names changed = names_new(call, &set);
    with_needed(&set, plugin, &wanted, &seen);
    e = check_together(call, &set, &wanted);
    for (int i = 0; i < wanted.count && !e; i++) {
        const struct plugin *one = wanted.items[i];
        if (pluginset_is_enabled(&set, slice_str(one->id)))
            continue;
        changed.items[changed.count++] = one;
    }
    return e ? e : switch_all(call, plugin, &changed, true);
}

/* --- disabling ----------------------------------------------------------------------------------
 */

static enum err check_unneeded(struct call *call, const struct pluginset *set,
                               const struct plugin *plugin)
{
    struct buf names = BUF_INIT;
    enum err e = ERR_OK;
    for (int i = 0; i < set->count; i++) {
        const struct plugin *other = set->items[i];
        if (pluginset_is_enabled(set, slice_str(other->id)) &&
            pluginset_needs(other, slice_str(plugin->id)))
            buf_printf(&names, "%s%s", names.len ? ", " : "", other->id);
    }
    if (names.len)
        e = admin_refuse(call, ERR_CONFLICT, "plugin_needed",
                         arena_printf(call->ctx->arena, "{\"plugins\":\"%s\"}", buf_cstr(&names)));
    buf_release(&names);
    return e;
}

/* Its data is kept, and there again when it is enabled. */
enum err plugins_disable(struct call *call)
{
    struct pluginset set;
    enum err e = call->body ? call_only(call, (const char *const[]){NULL}) : ERR_OK;
    const struct plugin *plugin;
    if (!e)
        e = pluginset_asked(call, &set, &plugin);
    if (e)
        return e;
    if (strcmp(plugin->id, "core") == 0)
        return admin_refuse(call, ERR_CONFLICT, "plugin_is_core", NULL);
    struct names changed = names_new(call, &set);
    e = check_unneeded(call, &set, plugin);
    if (!e && pluginset_is_enabled(&set, slice_str(plugin->id)))
        changed.items[changed.count++] = plugin;
    return e ? e : switch_all(call, plugin, &changed, false);
}
