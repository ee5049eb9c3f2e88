/* model - see model.h: the cached model of a tenant and the way to a new one.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/model.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/tuning.h"
#include "record/model_build.h"
#include "store/store.h"

/* Sentences outlive the arena of a failed build in this buffer, until the next failure. */
static char last_why[512];

static void keep_why(const char **why, const char *text)
{
    struct slice s = slice_str(text ? text : "");
    size_t n = s.len < sizeof last_why - 1 ? s.len : sizeof last_why - 1;

    while (n > 0 && n < s.len && ((unsigned char)s.at[n] & 0xc0) == 0x80)
        n--; /* not inside a character */
    memcpy(last_why, s.at, n);
    last_why[n] = 0;
    if (why)
        *why = last_why;
}

static void free_model(void *model)
{
    model_free(model);
}

/* What is shared with other open tenants goes with none of them. */
static size_t own_bytes(const void *arg)
{
    const struct model *model = arg;

    return arena_used(model->arena) + share_own_bytes(model->image);
}

struct model *model_new(void)
{
    struct arena *arena = arena_new();
    struct model *model = arena_make(arena, struct model);

    model->arena = arena;
    return model;
}

/* What is the tenant's own in a model. */
static void make_own(struct model *model, const struct tenant *tenant, const struct build *b)
{
    static int64_t made;

    model->serial = ++made;
    model->version = tenant->header.model_version;
    model->currency = arena_strdup(model->arena, tenant->currency ? tenant->currency : "CNY");
    model->lang =
        tenant->locale && slice_starts(slice_str(tenant->locale), SLICE("en")) ? LANG_EN : LANG_ZH;
    build_configs(b, model->arena, model, &model->configs);
}

/* The tenant's model around what it shares with others; takes over one use of the image. */
static struct model *model_around(struct model_image *image, const struct tenant *tenant,
                                  const struct build *b)
{
    struct arena *arena = arena_new_small();
    struct model *model = arena_make(arena, struct model);

    *model = *share_model(image);
    model->arena = arena;
    model->image = image;
    make_own(model, tenant, b);
    return model;
}

/* What the store says of a column (store_schema_apply) is said of the field that has it. */
static const char *field_words(const struct model *model, const char *why)
{
    for (int i = 0; i < model->entities_count; i++) {
        const struct entity *entity = model->entity_list[i];
        for (int k = 0; k < entity->fields_count; k++) {
            const struct field *field = entity->fields[k];
            for (int n = 0; n < field->type->columns; n++) {
                const char *column = arena_printf(model->arena, "column \"%s.%s\":", entity->table,
                                                  entity->columns[field->slot + n]);
                if (slice_starts(slice_str(why), slice_str(column)))
                    return arena_printf(model->arena,
                                        "%s: %s.%s cannot be of type %s: number %d has held "
                                        "another type; a new field needs a number of its own",
                                        field->plugin, entity->name, field->name, field->type->name,
                                        field->no);
            }
        }
    }
    return why;
}

/* Brings the store to the model's tables and moves the model's number, so that every process builds
 * anew. */
static enum err apply(struct tenant *tenant, const struct model *model)
{
    enum err e = store_schema_apply(tenant->store, model->schema);
    if (e)
        return e;
    e = store_begin(tenant->store, true);
    if (e)
        return e;
    e = store_header_bump(tenant->store, true, false);
    if (e) {
        store_rollback(tenant->store);
        return e;
    }
    e = store_commit(tenant->store);
    return e ? e : tenant_refresh(tenant);
}

/* All of it built now, from the first declaration to the last. */
static enum err whole_image(struct build *b, struct share_keys *keys, bool may_apply, bool *moved,
                            struct model_image **out)
{
    enum err e = build_model(b);
    bool has_moved = false;
    if (!e)
        e = build_numbers(b, may_apply, &has_moved);
    *moved = *moved || has_moved;
    if (e)
        return e;
    build_schema(b);
    for (const struct model_warning *w = b->model->warnings; w; w = w->next)
        log_warn("%s", w->text);
    if (*moved) /* the numbers are part of the key */
        e = share_keys_of(b, keys);
    if (e)
        return e;
    *out = share_find(&keys->whole);
    if (*out)
        return ERR_OK;
    *out = share_put(&keys->whole, b->model, NULL);
    b->model = NULL; /* the image's now */
    return ERR_OK;
}

/* The image of what has been chosen, in use once more: the one that another tenant has brought, or
 * built now. *moved: numbers were written. */
static enum err image_of(struct build *b, bool may_apply, bool *moved, struct model_image **out)
{
    struct share_keys keys;

    enum err e = share_keys_of(b, &keys);
    *out = e ? NULL : share_find(&keys.whole);
    if (!e && !*out && !keys.is_plain)
        e = overlay_image(b, &keys, may_apply, moved, out);
    return e || *out ? e : whole_image(b, &keys, may_apply, moved, out);
}

static enum err build(struct tenant *tenant, const char *home, bool may_apply, struct build *b,
                      struct model_image **out)
{
    bool moved = false;

    b->tenant = tenant;
    b->home = home;
    enum err e = build_choose(b);
    if (!e)
        e = image_of(b, may_apply, &moved, out);
    if (e)
        return e;
    store_relax(tenant->store); /* the registry's pages */
    const struct model *model = share_model(*out);
    if (!moved && model->schema->hash == tenant->header.schema_hash)
        return ERR_OK;
    return may_apply ? apply(tenant, model) : ERR_BUSY;
}

/* Builds it anew and puts it in place of the one that is there. */
static enum err renew(struct tenant *tenant, const char *home, bool may_apply,
                      const struct model **out, const char **why)
{
    ASSERT(!may_apply || !store_in_tx(tenant->store));
    struct model *cached = tenant->model, *fresh = model_new();
    struct model_image *image = NULL;
    struct build b = {.arena = fresh->arena, .scratch = arena_new(), .model = fresh};
    enum err e = build(tenant, home, may_apply, &b, &image);
    if (e)
        keep_why(why, b.why ? b.why : err_text(e, LANG_EN));
    if (!e && cached && cached->image == image &&
        cached->version == tenant->header.model_version) { /* nothing has changed */
        share_release(image);
        model_free(b.model ? fresh : NULL);
        arena_free(b.scratch);
        *out = cached;
        return ERR_OK;
    }
    struct model *model = e ? NULL : model_around(image, tenant, &b);
    if (b.model) /* the image is another one, or there is none */
        model_free(fresh);
    arena_free(b.scratch);
    if (e) {
        share_release(image);
        return e;
    }
    if (cached)
        model_free(cached);
    tenant->model = model;
    tenant->model_serial = model->serial;
    tenant->model_free = free_model;
    tenant->model_bytes = own_bytes;
    *out = model;
    return ERR_OK;
}

/* Files of a product did not fit when it was built: they may have been in the middle of being
 * replaced. Looked at again after a while, later each time. */
static bool is_due(struct model *model)
{
    int64_t now_us = clock_mono_us();
    bool is_lame = false;

    for (int i = 0; i < model->plugins_count && model->plugins_broken; i++)
        is_lame =
            is_lame || (model->plugins[i]->broken && model->plugins[i]->layer != PLUGIN_TENANT);
    if (!is_lame)
        return false;
    if (model->looked_at_us && now_us - model->looked_at_us < MODEL_LOOK_US << model->looks)
        return false;
    bool is_first = !model->looked_at_us; /* it has just been built */
    model->looked_at_us = now_us;
    model->looks += !is_first && model->looks < MODEL_LOOKS_SLOWER;
    return !is_first;
}

enum err model_get(struct tenant *tenant, const char *home, bool may_apply,
                   const struct model **out, const char **why)
{
    ASSERT(tenant && tenant->store && home && out);
    struct model *cached = tenant->model;
    if (!cached || cached->version != tenant->header.model_version || is_due(cached))
        return renew(tenant, home, may_apply, out, why);
    *out = cached;
    return ERR_OK;
}

enum err model_settle(struct tenant *tenant, const char *home, const char **why)
{
    ASSERT(tenant && tenant->store && home);
    const struct model *model;
    return renew(tenant, home, true, &model, why);
}

static enum err plan(struct build *given, bool may_apply, struct model **out, const char **why)
{
    struct tenant *tenant = given->tenant;
    bool moved = false;
    struct model *model = model_new();
    struct build b = *given;
    b.arena = model->arena;
    b.scratch = arena_new();
    b.model = model;
    b.is_trial = true;
    enum err e = build_choose(&b);
    if (!e)
        e = build_model(&b);
    if (!e && may_apply)
        e = build_numbers(&b, true, &moved);
    else if (!e)
        e = build_numbers_made_up(&b);
    if (!e)
        build_schema(&b);
    if (!e && may_apply && (e = store_schema_apply(tenant->store, model->schema)) != ERR_OK)
        b.why = field_words(model, store_why(tenant->store));
    if (e) {
        keep_why(why, b.why ? b.why : may_apply ? store_why(tenant->store) : err_text(e, LANG_EN));
        arena_free(b.scratch);
        model_free(model);
        return e;
    }
    make_own(model, tenant, &b);
    arena_free(b.scratch);
    *out = model;
    return ERR_OK;
}

enum err model_plan(struct tenant *tenant, const char *home, bool may_apply,
                    const struct model_change *changes, int count, struct model **out,
                    const char **why)
{
    ASSERT(tenant && tenant->store && home && out);
    ASSERT(changes || count == 0);
    struct build b = {.tenant = tenant, .home = home, .changes = changes, .changes_count = count};
    return plan(&b, may_apply, out, why);
}

enum err model_rehearse(struct tenant *tenant, const char *home, const struct model_change *changes,
                        int count, struct model **out, const char **why)
{
    ASSERT(tenant && tenant->store && home && out);
    ASSERT(changes || count == 0);
    struct build b = {.tenant = tenant,
                      .home = home,
                      .changes = changes,
                      .changes_count = count,
                      .tells_all = true};
    return plan(&b, false, out, why);
}

void model_free(struct model *model)
{
    if (!model)
        return;
    struct model_image *image = model->image;
    arena_free(model->arena);
    share_release(image);
}

/* --- lookups --- */

const struct entity *model_entity(const struct model *model, struct slice name)
{
    return map_get(&model->entities, name);
}

const struct entity *model_entity_by_number(const struct model *model, int n)
{
    for (int i = 0; i < model->entities_count; i++)
        if (model->entity_list[i]->n == n)
            return model->entity_list[i];
    return NULL;
}

const struct role *model_role(struct tenant *tenant, const char *name)
{
    const struct model *model = tenant->model;
    return model ? map_get(&model->roles, slice_str(name)) : NULL;
}

const struct json *model_setting(const struct model *model, struct slice path)
{
    struct slice id = slice_split(&path, '.');

    for (int i = 0; i < model->plugins_count; i++) {
        const struct plugin *plugin = model->plugins[i];
        if (plugin->broken || !slice_is(id, plugin->id))
            continue;
        json_each(setting, json_get(plugin->manifest, "config"))
        {
            if (slice_eq(json_str(setting, "name", SLICE("")), path))
                return setting;
        }
    }
    return NULL;
}

bool model_setting_is_number(const struct json *setting)
{
    struct slice type = json_str(setting, "type", SLICE(""));

    return slice_is(type, "int") || slice_is(type, "decimal");
}

const struct model_view *model_view(const struct model *model, const char *entity, const char *kind,
                                    const char *name)
{
    for (int i = 0; i < model->views_count; i++) {
        const struct model_view *view = model->view_list[i];
        bool same_entity = entity ? view->entity && strcmp(view->entity, entity) == 0 : true;
        if (same_entity && strcmp(view->kind, kind) == 0 && strcmp(view->name, name) == 0)
            return view;
    }
    return NULL;
}
