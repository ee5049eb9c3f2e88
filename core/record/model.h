/* model - a tenant's resolved entities, roles, views and texts: one immutable tree.
 *
 * Built from the JSON of the enabled plugins in load order (product, industry, tenant), checked
 * against schemas/, extended, resolved once, and kept under header.model_version: every process
 * rebuilds when the number in the tenant's store has moved. A plugin whose declarations do not fit
 * is left out and says why; the rest serves. No Lua runs here.
 *
 * Tenants whose plugins, numbers and dictionaries are the same share one tree (model_share.c);
 * settings, currency, language and version are each tenant's own. So nothing below may be written
 * to, and pointers into it are the same for all of them. A tenant with bundles or dictionary rows
 * of its own has a tree in which only what these touch is its own (model_overlay.c): the rest are
 * the entities, views, roles and texts of the tree that its products make for everybody.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "auth/role.h"
#include "base/hash.h"
#include "record/entity.h"
#include "tenant/ctx.h"
#include "tenant/plugin.h"

struct model_image; /* private: what is shared */

struct words; /* words.h */

struct model {
    struct arena *arena;       /* owns what is the tenant's own, or everything of a plan */
    struct model_image *image; /* owns the rest; NULL: a plan */
    const struct model *base; /* of the products alone, where this one lies on top of it, or NULL */
    int64_t version;          /* own */
    int64_t serial;           /* own: unlike that of any other model this process has built */
    uint64_t hash;            /* of all declarations: ETag of metadata */
    struct map entities;      /* name → struct entity * */
    struct entity **entity_list; /* in load order, then name */
    int entities_count;
    struct map roles;      /* name → struct role * */
    struct map role_trees; /* private: name → struct json *, as all plugins together say it */
    struct map views; /* private: "entity.kind.name" → struct model_view *, without the base's */
    struct model_view **view_list;
    int views_count;
    const struct words **texts[LANG_COUNT]; /* in load order; read model_text_find */
    int texts_count[LANG_COUNT];
    uint64_t texts_hash[LANG_COUNT];
    struct plugin **plugins; /* active ones in load order; broken ones behind them */
    int plugins_count, plugins_broken;
    int64_t looked_at_us; /* private: when files that did not fit were last looked at, and how */
    int looks;            /* often until now */
    struct map configs;   /* own: plugin id → struct json * (defaults filled in) */
    const struct store_schema *schema; /* tables of the model and of the system */
    struct map dictionaries;           /* name → struct model_dictionary * */
    struct model_dictionary **dictionary_list;
    int dictionaries_count;
    const char *currency;  /* own: for amounts without one */
    enum lang lang;        /* own: the tenant's language */
    struct model_warning { /* what was left aside without harm: a vanished anchor … */
        const char *text;  /* "acme.sales/views/lead.json:3: …" */
        struct model_warning *next;
    } * warnings;
};

/* A dictionary: what plugins preset, replaced whole by the tenant's own rows once there are any. */
struct model_dictionary {
    const char *name, *label, *plugin;
    const struct field_option *options;
    int options_count;
    bool is_own; /* the tenant has rows of its own */
};

/* A view, form, menu, dashboard or action as declared (console.md section 5), merged. */
struct model_view {
    const char *kind, *name, *entity, *plugin; /* entity NULL for menus and dashboards */
    const struct json *body;
    bool is_patched; /* private: the body is a copy */
};

/* Builds (or returns the cached one at tenant->model when its version still fits). When the store's
 * registry or tables lack something and `may_apply` is set, numbers are allocated and the schema is
 * applied first (worker or command; never inside a transaction). Without may_apply, a model that
 * the store does not hold yet is ERR_BUSY. */
MUST_USE enum err model_get(struct tenant *tenant, const char *home, bool may_apply,
                            const struct model **out, const char **why);
/* For the owner, when another process could not build the model: makes the store what it wants,
 * also where this process has one already. A change that was ended half way has left tables of a
 * model that is not in use, or files of a product have been replaced since: only who has read
 * nothing before would notice. */
MUST_USE enum err model_settle(struct tenant *tenant, const char *home, const char **why);
void model_free(struct model *model);
/* Puts the declarations and texts of home's plugins onto the shelf (base/shelf.h). */
void model_shelve(const char *home);

/* What a layer above makes of a model and keeps with it, for every tenant that shares it; NULL for
 * a plan. `release` is called when the model goes. */
struct model_extra {
    void *value;
    void (*release)(void *value);
};
struct model_extra *model_extra(const struct model *model);
/* Lets go of shared models that no open tenant has; for tests. */
void model_forget(void);
/* The model of the products alone that this one lies on, with what is the tenant's own in any: as
 * it would have it without what it has declared. False: there is none. Lives no longer than
 * `model`. */
bool model_below(const struct model *model, struct model *out);

/* What a deploy, enabling or disabling would change. */
struct model_change {
    const char *id;
    const char *version; /* NULL: as it is; of a bundle the deploy's hash */
    bool enabled;
};
/* Builds the model as it would be with these changes, beside the one in use; plugins that do not
 * fit in it say why. With may_apply numbers are allocated and the store gets the tables (what is
 * there stays, so the model in use goes on); without, numbers that are missing are made up, and the
 * model is good for looking at and for loading scripts. The caller frees it. */
MUST_USE enum err model_plan(struct tenant *tenant, const char *home, bool may_apply,
                             const struct model_change *changes, int count, struct model **out,
                             const char **why);
/* The same without applying anything, only to look: of a tenant's bundle that does not fit
 * `broken` says all that breaks, a line for each. */
MUST_USE enum err model_rehearse(struct tenant *tenant, const char *home,
                                 const struct model_change *changes, int count, struct model **out,
                                 const char **why);

const struct entity *model_entity(const struct model *model, struct slice name);
const struct entity *model_entity_by_number(const struct model *model, int n);
/* What a reference points to, as this model has it; NULL for a field that points to no one entity.
 * Fields keep a place and no pointer, because an entity may be shared by models in which what it
 * points to is not the same. */
static inline const struct entity *model_ref(const struct model *model, const struct field *field)
{
    return field->ref_at ? model->entity_list[field->ref_at - 1] : NULL;
}
/* The entity of a model that lies below this one, or above it, as this one has it. */
static inline const struct entity *model_same(const struct model *model,
                                              const struct entity *entity)
{
    return model->entity_list[entity->at];
}
/* The reference number `i` of those that point to the entity. */
static inline struct entity_ref model_referrer(const struct model *model,
                                               const struct entity *entity, int i)
{
    const struct entity *from = model->entity_list[entity->referrers[i].from];
    return (struct entity_ref){from, from->fields[entity->referrers[i].field]};
}
/* Role of that name as actor_role_source wants it. */
const struct role *model_role(struct tenant *tenant, const char *name);

/* View by entity (NULL for menus and dashboards), kind and name; NULL if there is none. */
const struct model_view *model_view(const struct model *model, const char *entity, const char *kind,
                                    const char *name);

/* Text for a key: "@lead" (of plugin `plugin`), "@people:account", or text without '@' as it is.
 * Falls back lang → tenant language → zh-CN → the key. Placeholders {name} are filled from args
 * (JSON object text, may be NULL). Result in the arena. */
const char *model_text(const struct model *model, struct arena *arena, enum lang lang,
                       const char *plugin, const char *key, const char *args);
/* The same, but `fallback` where no language has the text: a field's name, an option's value. */
const char *model_text_or(const struct model *model, struct arena *arena, enum lang lang,
                          const char *plugin, const char *key, const char *args,
                          const char *fallback);
/* The text of "plugin:key" in this very language, or NULL. */
const char *model_text_find(const struct model *model, enum lang lang, struct slice key);
/* Walks all texts of a language, in no order: *at begins with 0; false at the end. */
bool model_text_next(const struct model *model, enum lang lang, size_t *at, struct slice *key,
                     const char **text);
/* What is declared of the setting "plugin.name"; NULL: the plugin has none of that name, or is not
 * there. */
const struct json *model_setting(const struct model *model, struct slice path);
/* Is it a number? Only such are shown to people who do not administer. */
bool model_setting_is_number(const struct json *setting);
/* Turns every complaint in ctx->err into a sentence in ctx->lang (field codes are keys). */
void model_err_texts(struct ctx *ctx);
