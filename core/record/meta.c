/* meta - see meta.h: entities, fields, views and menus as the console reads them.
 *
 * What the actor may not see is not there: an entity without the right to read it, a hidden field,
 * a column of a view that shows one, a menu entry that leads to either.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/meta.h"

#include "auth/actor.h"
#include "base/id.h"
#include "record/meta_kit.h"

/* --- rights, asked quietly --- */

bool meta_sees_entity(struct ctx *ctx, const struct entity *entity, enum role_action action)
{
    struct err_info kept = ctx->err;

    bool sees = rights_action(ctx, entity, action) == ERR_OK;
    ctx->err = kept; /* a refusal here is no complaint */
    return sees;
}

enum role_access meta_access(struct ctx *ctx, const struct entity *entity,
                             const struct field *field, enum role_action action)
{
    struct rights_field out = {.access = ROLE_NONE};
    struct err_info kept = ctx->err;

    if (field->is_hidden)
        return ROLE_NONE;
    enum err e = rights_field(ctx, entity, field, action, &out);
    ctx->err = kept;
    return e ? ROLE_NONE : out.access;
}

/* --- small members --- */

static void put_str(struct buf *out, const char *key, const char *value)
{
    if (!value)
        return;
    json_put_key(out, key);
    json_put_cstr(out, value);
}

static void put_flag(struct buf *out, const char *key, bool value)
{
    if (!value)
        return;
    json_put_key(out, key);
    json_put_bool(out, true);
}

static void put_tree(struct buf *out, const char *key, const struct json *tree)
{
    if (!tree)
        return;
    json_put_key(out, key);
    json_put(out, tree);
}

static void put_text(struct ctx *ctx, struct buf *out, const char *key, const char *plugin,
                     const char *text_key, const char *fallback)
{
    put_str(out, key,
            model_text_or(ctx->model, ctx->arena, ctx->lang, plugin, text_key, NULL, fallback));
}

const char *meta_label(struct ctx *ctx, const struct field *field)
{
    return model_text_or(ctx->model, ctx->arena, ctx->lang, field->plugin, field->label, NULL,
                         field->name);
}

/* --- fields --- */

static void put_options(struct ctx *ctx, const struct field *field, struct buf *out)
{
    if (!field->options)
        return;
    json_put_key(out, "options");
    buf_put_char(out, '[');
    for (int i = 0; i < field->options_count; i++) {
        const struct field_option *o = &field->options[i];
        json_put_comma(out);
        buf_put_char(out, '{');
        put_str(out, "value", o->value);
        put_str(out, "label", field_option_label(ctx, field, o));
        put_str(out, "tone", o->tone);
        put_str(out, "parent", o->parent);
        json_put_key(out, "order");
        json_put_int(out, i);
        json_put_key(out, "active");
        json_put_bool(out, o->is_active);
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
}

static void put_operators(const struct field *field, struct buf *out)
{
    static const char *const names[] = {
#define X(name, text) text,
        FILTER_OPS(X)
#undef X
    };

    json_put_key(out, "operators");
    buf_put_char(out, '[');
    for (int i = 0; i < FILTER_OPS_COUNT; i++) {
        if (!(field->type->operators & 1u << i))
            continue;
        json_put_comma(out);
        json_put_cstr(out, names[i]);
    }
    buf_put_char(out, ']');
}

static void put_ref(const struct field *field, struct buf *out)
{
    if (!field->ref_entity)
        return;
    json_put_key(out, "ref");
    buf_put_char(out, '{');
    put_str(out, "entity", field->ref_entity);
    if (field->ref_search) {
        json_put_key(out, "filter");
        buf_put_str(out, field->ref_search);
    }
    buf_put_char(out, '}');
}

static void put_format(struct ctx *ctx, const struct field *field, struct buf *out)
{
    bool is_money = field->type->kind == KIND_MONEY;

    if (field->type->kind != KIND_DECIMAL && !is_money)
        return;
    json_put_key(out, "format");
    buf_put_char(out, '{');
    json_put_key(out, "precision");
    json_put_int(out, is_money ? 2 : field->scale);
    if (is_money)
        put_str(out, "currency", ctx->model->currency);
    buf_put_char(out, '}');
}

static void put_type(struct ctx *ctx, const struct field *field, struct buf *out)
{
    const struct field *end = field_lookup_end(field);

    put_str(out, "type", field->type->name);
    put_flag(out, "multiple", field->is_multiple);
    if (end)
        put_str(out, "result", end->type->name);
    else if (field->type->is_derived && field->declared)
        put_str(out, "result", json_cstr(field->declared, "result", NULL));
    put_options(ctx, field, out);
    put_ref(field, out);
    put_format(ctx, field, out);
    put_tree(out, "flow", json_get(field->declared, "flow"));
    put_tree(out, "requires", json_get(field->declared, "requires"));
    put_tree(out, "min", json_get(field->declared, "min"));
    put_tree(out, "max", json_get(field->declared, "max"));
    if (field->length_max && field->type->kind == KIND_TEXT && !field->options) {
        json_put_key(out, "length");
        json_put_int(out, field->length_max);
        if (field->length_min) {
            json_put_key(out, "length_min");
            json_put_int(out, field->length_min);
        }
    }
    put_operators(field, out);
}

static void put_field(struct ctx *ctx, const struct field *field, bool is_readonly, struct buf *out)
{
    json_put_comma(out);
    buf_put_char(out, '{');
    put_str(out, "name", field->name);
    put_str(out, "label", meta_label(ctx, field));
    if (field->help)
        put_text(ctx, out, "help", field->plugin, field->help, NULL);
    const char *placeholder = json_cstr(field->declared, "placeholder", NULL);
    if (placeholder)
        put_text(ctx, out, "placeholder", field->plugin, placeholder, NULL);
    put_type(ctx, field, out);
    put_flag(out, "required", field->is_required);
    put_flag(out, "readonly", is_readonly);
    put_flag(out, "unique", field->is_unique);
    put_flag(out, "search", field->is_search);
    put_flag(out, "title", field->is_title);
    put_flag(out, "system", field->is_system);
    put_flag(out, "quick", field->is_quick);
    put_flag(out, "inline", field->is_inline);
    put_flag(out, "sortable",
             field->type->columns > 0 && field->type->kind != KIND_LIST &&
                 field->type->kind != KIND_JSON && !field->type->is_sealed);
    put_flag(out, "masked", field->type->is_sealed);
    put_tree(out, "default", field->fallback);
    put_tree(out, "visible_when", field->visible_when);
    put_tree(out, "required_when", field->required_when);
    put_tree(out, "readonly_when", field->readonly_when);
    put_tree(out, "widget", json_get(field->declared, "widget"));
    put_str(out, "import_alias", field->import_alias);
    buf_put_char(out, '}');
}

static void put_fields(struct ctx *ctx, const struct entity *entity, struct buf *out)
{
    json_put_key(out, "fields");
    buf_put_char(out, '[');
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        if (meta_access(ctx, entity, field, ROLE_READ) == ROLE_NONE)
            continue;
        bool writes = meta_access(ctx, entity, field, ROLE_UPDATE) == ROLE_WRITE ||
                      meta_access(ctx, entity, field, ROLE_CREATE) == ROLE_WRITE;
        put_field(ctx, field, field->is_readonly || field->type->is_derived || !writes, out);
    }
    buf_put_char(out, ']');
}

/* --- the entity --- */

static bool is_active(const struct model *model, const char *plugin)
{
    for (int i = 0; i < model->plugins_count; i++) {
        if (strcmp(model->plugins[i]->id, plugin) == 0)
            return true;
    }
    return false;
}

static void put_actions(struct ctx *ctx, const struct entity *entity, struct buf *out)
{
    json_put_key(out, "operations");
    buf_put_char(out, '[');
    json_each(action, json_get(entity->declared, "actions"))
    {
        const char *name = json_cstr(action, "name", "");
        const char *needs = json_cstr(action, "if_plugin", NULL);
        if (!rights_operation(ctx, entity, name, entity->plugin) ||
            (needs && !is_active(ctx->model, needs)))
            continue;
        json_put_comma(out);
        json_put_cstr(out, name);
    }
    buf_put_char(out, ']');
}

static void put_relations(struct ctx *ctx, const struct entity *entity, struct buf *out)
{
    json_put_key(out, "relations");
    buf_put_char(out, '[');
    for (int i = 0; i < entity->referrers_count; i++) {
        const struct entity_ref ref = model_referrer(ctx->model, entity, i), *r = &ref;
        if (!meta_sees_entity(ctx, r->from, ROLE_READ) ||
            meta_access(ctx, r->from, r->field, ROLE_READ) == ROLE_NONE)
            continue;
        json_put_comma(out);
        buf_put_char(out, '{');
        put_str(out, "relation", arena_printf(ctx->arena, "%s.%s", r->from->name, r->field->name));
        put_str(out, "entity", r->from->name);
        put_str(out, "field", r->field->name);
        put_text(ctx, out, "label", r->from->plugin, r->from->label_plural, r->from->name);
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
}

static void put_rights(struct ctx *ctx, const struct entity *entity, struct buf *out)
{
    json_put_key(out, "rights");
    buf_put_char(out, '{');
    for (int i = 0; i < ROLE_ACTIONS; i++) {
        json_put_key(out, role_action_name((enum role_action)i));
        json_put_bool(out, meta_sees_entity(ctx, entity, (enum role_action)i));
    }
    buf_put_char(out, '}');
}

static void put_head(struct ctx *ctx, const struct entity *entity, struct buf *out)
{
    put_str(out, "name", entity->name);
    put_text(ctx, out, "label", entity->plugin, entity->label, entity->name);
    put_text(ctx, out, "label_plural", entity->plugin, entity->label_plural, entity->name);
    put_str(out, "icon", entity->icon);
    put_tree(out, "color", json_get(entity->declared, "color"));
    put_str(out, "plugin", entity->plugin);
    put_str(out, "title", entity->title);
    put_flag(out, "owner", entity->has_owner);
    put_tree(out, "stage", json_get(entity->declared, "stage"));
    put_tree(out, "activities", json_get(entity->declared, "activities"));
    put_flag(out, "search", entity->has_search);
    put_flag(out, "system", entity->is_system);
    put_str(out, "parent", entity->parent);
    put_rights(ctx, entity, out);
}

static void put_entity(struct ctx *ctx, const struct entity *entity, struct buf *out)
{
    buf_put_char(out, '{');
    put_head(ctx, entity, out);
    put_fields(ctx, entity, out);
    put_actions(ctx, entity, out);
    put_relations(ctx, entity, out);
    json_put_key(out, "views");
    meta_put_views(ctx, entity, out);
    buf_put_char(out, '}');
}

static void put_version(struct ctx *ctx, struct buf *out)
{
    put_str(out, "version",
            arena_printf(ctx->arena, "%lld-%016llx", (long long)ctx->model->version,
                         (unsigned long long)ctx->model->hash));
}

enum err meta_entity(struct ctx *ctx, const struct entity *entity, struct buf *out)
{
    ASSERT(ctx->model && entity);
    if (!meta_sees_entity(ctx, entity, ROLE_READ))
        return ERR_NOT_FOUND;
    put_entity(ctx, entity, out);
    return ERR_OK;
}

enum err meta_all(struct ctx *ctx, struct buf *out)
{
    const struct model *model = ctx->model;

    ASSERT(model);
    buf_put_char(out, '{');
    put_version(ctx, out);
    json_put_key(out, "entities");
    buf_put_char(out, '[');
    for (int i = 0; i < model->entities_count; i++) {
        if (!meta_sees_entity(ctx, model->entity_list[i], ROLE_READ))
            continue;
        json_put_comma(out);
        put_entity(ctx, model->entity_list[i], out);
    }
    buf_put_char(out, ']');
    json_put_key(out, "views");
    meta_put_views(ctx, NULL, out);
    buf_put_char(out, '}');
    return ERR_OK;
}

enum err meta_brief(struct ctx *ctx, struct buf *out)
{
    const struct model *model = ctx->model;

    ASSERT(model);
    buf_put_char(out, '{');
    put_version(ctx, out);
    json_put_key(out, "entities");
    buf_put_char(out, '[');
    for (int i = 0; i < model->entities_count; i++) {
        if (!meta_sees_entity(ctx, model->entity_list[i], ROLE_READ))
            continue;
        json_put_comma(out);
        buf_put_char(out, '{');
        put_head(ctx, model->entity_list[i], out);
        buf_put_char(out, '}');
    }
    buf_put_str(out, "]}");
    return ERR_OK;
}

/* --- boot --- */

static void put_user(struct ctx *ctx, struct buf *out)
{
    const struct actor *actor = ctx->actor;
    char id[ID_TEXT_LEN + 1];

    json_put_key(out, "user");
    if (!actor) {
        buf_put_str(out, "null");
        return;
    }
    id_text(actor->user, id);
    buf_put_char(out, '{');
    put_str(out, "id", id);
    put_str(out, "login", actor->login);
    put_str(out, "name", actor->name);
    put_str(out, "locale", actor->locale);
    put_str(out, "timezone", actor->timezone);
    json_put_key(out, "roles");
    buf_put_char(out, '[');
    for (int i = 0; i < actor->roles_count; i++) {
        json_put_comma(out);
        json_put_cstr(out, actor->roles[i]->name);
    }
    buf_put_str(out, "]}");
}

/* true, or the areas; what any role gives. */
static void put_admin(struct ctx *ctx, struct buf *out)
{
    static const char *const areas[] = {
        "users",    "roles",    "departments", "plugins",  "fields", "dictionaries", "views",
        "webhooks", "api-keys", "audit",       "settings", "jobs",   "privacy"};

    json_put_key(out, "admin");
    buf_put_char(out, '[');
    for (size_t i = 0; i < sizeof(areas) / sizeof *areas; i++) {
        if (!ctx->as_system && !(ctx->actor && actor_may_admin(ctx->actor, areas[i])))
            continue;
        json_put_comma(out);
        json_put_cstr(out, areas[i]);
    }
    buf_put_char(out, ']');
}

static void put_permissions(struct ctx *ctx, struct buf *out)
{
    const struct model *model = ctx->model;

    json_put_key(out, "permissions");
    buf_put_char(out, '{');
    json_put_key(out, "entities");
    buf_put_char(out, '{');
    for (int i = 0; i < model->entities_count; i++) {
        const struct entity *entity = model->entity_list[i];
        if (!meta_sees_entity(ctx, entity, ROLE_READ))
            continue;
        json_put_key(out, entity->name);
        buf_put_char(out, '[');
        for (int k = 0; k < ROLE_ACTIONS; k++) {
            if (!meta_sees_entity(ctx, entity, (enum role_action)k))
                continue;
            json_put_comma(out);
            json_put_cstr(out, role_action_name((enum role_action)k));
        }
        buf_put_char(out, ']');
    }
    buf_put_char(out, '}');
    put_admin(ctx, out);
    buf_put_char(out, '}');
}

static void put_tenant(struct ctx *ctx, struct buf *out)
{
    const struct tenant *tenant = ctx->tenant;

    json_put_key(out, "tenant");
    buf_put_char(out, '{');
    put_str(out, "name", tenant->name);
    put_str(out, "title", tenant->title);
    put_str(out, "locale", tenant->locale);
    put_str(out, "timezone", tenant->timezone);
    put_str(out, "currency", ctx->model->currency);
    buf_put_char(out, '}');
}

static void put_versions(struct ctx *ctx, struct buf *out)
{
    const struct model *model = ctx->model;

    json_put_key(out, "meta");
    buf_put_char(out, '{');
    put_version(ctx, out);
    buf_put_char(out, '}');
    json_put_key(out, "i18n");
    buf_put_char(out, '{');
    put_str(out, "lang", ctx->lang == LANG_EN ? "en" : "zh-CN");
    for (int i = 0; i < LANG_COUNT; i++)
        put_str(out, i == LANG_EN ? "en" : "zh-CN",
                arena_printf(ctx->arena, "%016llx", (unsigned long long)model->texts_hash[i]));
    buf_put_char(out, '}');
    json_put_key(out, "plugins");
    buf_put_char(out, '[');
    for (int i = 0; i < model->plugins_count; i++) {
        if (model->plugins[i]->broken)
            continue;
        json_put_comma(out);
        buf_put_char(out, '{');
        put_str(out, "id", model->plugins[i]->id);
        put_str(out, "version", model->plugins[i]->version);
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
}

enum err meta_boot(struct ctx *ctx, struct buf *out)
{
    ASSERT(ctx->model && ctx->tenant);
    buf_put_char(out, '{');
    put_user(ctx, out);
    put_tenant(ctx, out);
    put_permissions(ctx, out);
    json_put_key(out, "menu");
    meta_put_menu(ctx, out);
    put_versions(ctx, out);
    buf_put_char(out, '}');
    return ERR_OK;
}

/* --- texts --- */

/* `but`: not what that language has, unless it is the same one. */
static void put_texts(const struct model *model, enum lang from, enum lang but, struct buf *out)
{
    size_t at = 0;
    struct slice key;
    const char *text;

    while (model_text_next(model, from, &at, &key, &text)) {
        if (but != from && model_text_find(model, but, key))
            continue;
        json_put_comma(out);
        json_put_string(out, key);
        buf_put_char(out, ':');
        json_put_cstr(out, text);
    }
}

void meta_texts(const struct model *model, enum lang lang, struct buf *out)
{
    ASSERT(model && lang < LANG_COUNT);
    buf_put_char(out, '{');
    put_texts(model, lang, lang, out);
    if (lang != LANG_ZH) /* what a bundle says in one language only is shown in that one */
        put_texts(model, LANG_ZH, lang, out);
    else
        put_texts(model, LANG_EN, lang, out);
    buf_put_char(out, '}');
}
