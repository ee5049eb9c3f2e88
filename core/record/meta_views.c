/* meta_views - views and menus cut to what the actor may see, with their texts filled in.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/actor.h"
#include "auth/role.h"
#include "record/meta_kit.h"

struct cut {
    struct ctx *ctx;
    const struct entity *entity; /* NULL for menus and dashboards */
    const char *plugin;          /* whose texts */
};

/* Members whose text names a field. */
static const char *const naming[] = {"field", "sum", "badge", "title", "group_by", "group"};

static bool names_field(struct slice key)
{
    for (size_t i = 0; i < sizeof(naming) / sizeof *naming; i++)
        if (slice_is(key, naming[i]))
            return true;
    return false;
}

/* May the path's first field be read ("account.name", "sum.amount")? What is no field at all is the
 * view's own word. */
static bool is_visible(const struct cut *c, struct slice path)
{
    if (!c->entity)
        return true;
    struct slice name = slice_split(&path, '.');
    bool is_measure = slice_is(name, "sum") || slice_is(name, "min") || slice_is(name, "max") ||
                      slice_is(name, "avg");
    if (is_measure && path.len)
        name = slice_split(&path, '.');
    const struct field *field = entity_field(c->entity, name);
    return !field || meta_access(c->ctx, c->entity, field, ROLE_READ) != ROLE_NONE;
}

static bool entity_is_visible(const struct cut *c, struct slice name)
{
    const struct entity *entity = model_entity(c->ctx->model, name);
    return entity && meta_sees_entity(c->ctx, entity, ROLE_READ);
}

/* Does a condition speak of a field the actor may not see? */
static bool tree_hides(const struct cut *c, const struct json *tree)
{
    json_each(item, tree)
    {
        bool is_member = tree->type == JSON_OBJECT;
        if ((is_member && !is_visible(c, item->key)) || tree_hides(c, item))
            return true;
    }
    return false;
}

/* "roles" of a menu's item or a dashboard: it is for those alone. No right hangs on it: what it
 * leads to is judged by itself. */
static bool is_for_others(const struct ctx *ctx, const struct json *node)
{
    const struct json *roles = json_get(node, "roles");
    if (!roles || roles->type != JSON_ARRAY || roles->count == 0 || ctx->as_system)
        return false;
    for (int i = 0; ctx->actor && i < ctx->actor->roles_count; i++) {
        json_each(role, roles)
        {
            if (role->type == JSON_STRING && slice_is(role->text, ctx->actor->roles[i]->name))
                return false;
        }
    }
    return true;
}

/* "right" of a menu's item: what is set up stands there for those who may do so. It grants nothing,
 * either. */
static bool is_right_missing(const struct cut *c, const struct json *node, struct slice entity)
{
    const struct entity *of = model_entity(c->ctx->model, entity);

    return of && slice_is(json_str(node, "right", SLICE("")), "create") &&
           !meta_sees_entity(c->ctx, of, ROLE_CREATE);
}

/* An item of a list or a member that must not be shown. */
static bool is_cut(const struct cut *c, const struct json *node)
{
    if (node->type == JSON_STRING)
        return names_field(node->key) && !is_visible(c, node->text);
    if (node->type != JSON_OBJECT)
        return false;
    if (tree_hides(c, json_get(node, "filter")) || tree_hides(c, json_get(node, "enabled_when")) ||
        tree_hides(c, json_get(node, "share")))
        return true;
    json_each(side, json_get(node, "ratio"))
    {
        if (side->type == JSON_STRING && !is_visible(c, side->text))
            return true;
    }
    if (!c->entity && is_for_others(c->ctx, node))
        return true;
    struct slice field = json_str(node, "field", SLICE(""));
    struct slice entity = json_str(node, "entity", SLICE(""));
    struct slice relation = json_str(node, "relation", SLICE(""));
    if (field.len && !is_visible(c, field))
        return true;
    if (entity.len && (!entity_is_visible(c, entity) || is_right_missing(c, node, entity)))
        return true;
    if (relation.len && !entity_is_visible(c, slice_split(&relation, '.')))
        return true;
    const struct json *items = json_get(node, "items");
    json_each(item, items)
    {
        if (!is_cut(c, item))
            return false;
    }
    return items && items->count > 0; /* a group of which nothing is left */
}

static void put_node(const struct cut *c, const struct json *node, struct buf *out);

static void put_array(const struct cut *c, const struct json *node, struct buf *out)
{
    buf_put_char(out, '[');
    json_each(item, node)
    {
        if (is_cut(c, item) || (item->type == JSON_STRING && !is_visible(c, item->text)))
            continue;
        json_put_comma(out);
        put_node(c, item, out);
    }
    buf_put_char(out, ']');
}

/* "sales.month_goal": what the plugin is set to, null where it is not, or where it is no number:
 * whoever declares a view does not thereby tell what another plugin is set to. */
static void put_setting(const struct cut *c, struct slice path, struct buf *out)
{
    bool is_number = model_setting_is_number(model_setting(c->ctx->model, path));
    struct slice id = slice_split(&path, '.');
    const struct json *config = map_get(&c->ctx->model->configs, id);
    const struct json *value = config && is_number ? json_get_slice(config, path) : NULL;

    if (value &&
        (value->type == JSON_INT || value->type == JSON_REAL || value->type == JSON_STRING))
        json_put(out, value);
    else
        buf_put_str(out, "null");
}

static void put_object(const struct cut *c, const struct json *node, struct buf *out)
{
    struct cut inner = *c;
    struct slice entity = json_str(node, "entity", SLICE(""));
    struct slice relation = json_str(node, "relation", SLICE(""));

    if (!entity.len && relation.len)
        entity = slice_split(&relation, '.');
    if (entity.len && model_entity(c->ctx->model, entity))
        inner.entity = model_entity(c->ctx->model, entity);
    buf_put_char(out, '{');
    json_each(member, node)
    {
        if (is_cut(&inner, member) || (!c->entity && slice_is(member->key, "roles")))
            continue;
        json_put_key(out, arena_str(c->ctx->arena, member->key));
        struct slice setting = json_str(member, "config", SLICE(""));
        if (setting.len && slice_is(member->key, "target"))
            put_setting(&inner, setting, out);
        else
            put_node(&inner, member, out);
    }
    buf_put_char(out, '}');
}

/* Texts that begin with '@' are keys. */
static void put_string(const struct cut *c, struct slice s, struct buf *out)
{
    if (s.len < 2 || *s.at != '@') {
        json_put_string(out, s);
        return;
    }
    struct ctx *ctx = c->ctx;
    json_put_cstr(out, model_text(ctx->model, ctx->arena, ctx->lang, c->plugin, s.at, NULL));
}

static void put_node(const struct cut *c, const struct json *node, struct buf *out)
{
    switch (node->type) {
    case JSON_ARRAY:
        put_array(c, node, out);
        break;
    case JSON_OBJECT:
        put_object(c, node, out);
        break;
    case JSON_STRING:
        put_string(c, node->text, out);
        break;
    case JSON_NULL:
    case JSON_BOOL:
    case JSON_INT:
    case JSON_REAL:
        json_put(out, node);
        break;
    }
}

/* May the actor do what the action does? One with "values" changes a record as anybody may who may
 * change it, one with "open" leads somewhere; any other is granted by its name, and what a route
 * lets happen it judges by itself. */
static bool action_is_barred(const struct cut *c, const struct model_view *view)
{
    const struct json *opens = json_get(view->body, "open");
    const struct json *values = json_get(view->body, "values");
    struct slice entity = json_str(opens, "entity", SLICE(""));

    if (opens)
        return (entity.len && !entity_is_visible(c, entity)) ||
               tree_hides(c, json_get(opens, "filter"));
    if (!values)
        return !rights_operation(c->ctx, c->entity, view->name, view->plugin);
    if (!meta_sees_entity(c->ctx, c->entity, ROLE_UPDATE))
        return true;
    json_each(value, values)
    {
        const struct field *field = entity_field(c->entity, value->key);
        if (field && meta_access(c->ctx, c->entity, field, ROLE_UPDATE) != ROLE_WRITE)
            return true;
    }
    return false;
}

void meta_put_views(struct ctx *ctx, const struct entity *entity, struct buf *out)
{
    buf_put_char(out, '[');
    for (int i = 0; i < ctx->model->views_count; i++) {
        const struct model_view *view = ctx->model->view_list[i];
        bool belongs = entity ? view->entity && strcmp(view->entity, entity->name) == 0
                              : !view->entity && strcmp(view->kind, "menu") != 0;
        if (!belongs || strcmp(view->kind, "event") == 0)
            continue;
        const struct cut c = {.ctx = ctx, .entity = entity, .plugin = view->plugin};
        if (strcmp(view->kind, "action") == 0 && entity && action_is_barred(&c, view))
            continue;
        if (!entity && is_for_others(ctx, view->body))
            continue;
        json_put_comma(out);
        put_object(&c, view->body, out);
    }
    buf_put_char(out, ']');
}

void meta_global(struct ctx *ctx, struct buf *out)
{
    buf_put_char(out, '[');
    for (int i = 0; i < ctx->model->views_count; i++) {
        const struct model_view *view = ctx->model->view_list[i];
        if (view->entity || strcmp(view->kind, "event") == 0)
            continue;
        const struct cut c = {.ctx = ctx, .plugin = view->plugin};
        json_put_comma(out);
        put_object(&c, view->body, out);
    }
    buf_put_char(out, ']');
}

void meta_put_menu(struct ctx *ctx, struct buf *out)
{
    buf_put_char(out, '[');
    for (int i = 0; i < ctx->model->views_count; i++) {
        const struct model_view *view = ctx->model->view_list[i];
        if (view->entity || strcmp(view->kind, "menu") != 0)
            continue;
        const struct cut c = {.ctx = ctx, .plugin = view->plugin};
        json_each(item, json_get(view->body, "items"))
        {
            if (is_cut(&c, item))
                continue;
            json_put_comma(out);
            put_node(&c, item, out);
        }
    }
    buf_put_char(out, ']');
}
