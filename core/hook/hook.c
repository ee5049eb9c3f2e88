/* hook - the handlers of a tenant, in one total order per event.
 *
 * Handlers are collected, then sealed: for each entity and moment the ones that concern it (its own
 * and those of "*") are sorted once, so firing is a walk over an array.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hook/hook.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/text.h"

#define HOOK_AT_DEFAULT 500
#define HOOK_SHOWN      8 /* handlers named beside one that is not there */

struct handler {
    struct hook_spec spec; /* copied into the arena */
    const char *name;      /* "plugin:id" */
    hook_cb cb;
    void *arg;
    int order;      /* of registration */
    int rank, lead; /* while ordering: its place by ties, or that of the one it runs before; and by
                     * how many steps it runs before that one */
};

struct chain { /* what one entity has at one moment */
    struct handler **items;
    int count, cap;
};

struct entity_hooks {
    const char *entity;
    struct chain chains[HOOK_MOMENTS_COUNT];
};

struct hooks {
    struct arena *arena; /* borrowed */
    struct map entities; /* name → struct entity_hooks *; "*" holds those of every entity */
    struct entity_hooks *any;
    const struct hooks *below; /* whose chains it shares where nobody has added to them, or NULL */
    void *owner;               /* borrowed */
    int count;
    bool sealed;
};

const char *hook_moment_name(enum hook_moment moment)
{
    static const char *const names[] = {
#define X(name, text) text,
        HOOK_MOMENTS(X)
#undef X
    };
    ASSERT(moment < HOOK_MOMENTS_COUNT);
    return names[moment];
}

struct hooks *hooks_new(struct arena *arena)
{
    ASSERT(arena);
    struct hooks *hooks = arena_make(arena, struct hooks);
    hooks->arena = arena;
    map_init(&hooks->entities, arena);
    hooks->any = arena_make(arena, struct entity_hooks);
    hooks->any->entity = "*";
    (void)map_put(&hooks->entities, slice_str("*"), hooks->any);
    return hooks;
}

void hooks_own(struct hooks *hooks, void *owner)
{
    ASSERT(hooks);
    hooks->owner = owner;
}

struct hooks *hooks_view(struct arena *arena, const struct hooks *hooks, void *owner)
{
    ASSERT(arena && hooks);
    ASSERT(hooks->sealed);
    struct hooks *view = arena_make(arena, struct hooks);
    *view = *hooks;
    view->owner = owner;
    return view;
}

struct hooks *hooks_over(struct arena *arena, const struct hooks *below)
{
    ASSERT(arena && below);
    ASSERT(below->sealed);
    struct hooks *hooks = arena_make(arena, struct hooks);
    hooks->arena = arena;
    hooks->below = below;
    hooks->any = below->any;
    hooks->count = below->count;
    map_copy(&hooks->entities, arena, &below->entities, 0);
    return hooks;
}

/* --- registering --- */

static void chain_add(struct arena *arena, struct chain *chain, struct handler *handler)
{
    if (chain->count == chain->cap) {
        int cap = chain->cap ? chain->cap * 2 : 4;
        chain->items = arena_grow(arena, chain->items, (size_t)chain->count * sizeof(void *),
                                  (size_t)cap * sizeof(void *));
        chain->cap = cap;
    }
    chain->items[chain->count++] = handler;
}

static bool is_below(const struct hooks *hooks, const struct entity_hooks *entity)
{
    return hooks->below && map_get(&hooks->below->entities, slice_str(entity->entity)) == entity;
}

/* Its own handlers in a copy, as before they were sealed: without those of "*". */
static struct entity_hooks *entity_copy(struct hooks *hooks, const struct entity_hooks *from)
{
    struct entity_hooks *copy = arena_make(hooks->arena, struct entity_hooks);
    copy->entity = from->entity;
    for (int m = 0; m < HOOK_MOMENTS_COUNT; m++)
        for (int i = 0; i < from->chains[m].count; i++) {
            struct handler *handler = from->chains[m].items[i];
            if (strcmp(handler->spec.entity, from->entity) == 0)
                chain_add(hooks->arena, &copy->chains[m], handler);
        }
    if (hooks->any == from)
        hooks->any = copy;
    (void)map_put(&hooks->entities, slice_str(copy->entity), copy);
    return copy;
}

static struct entity_hooks *entity_at(struct hooks *hooks, const char *entity)
{
    struct entity_hooks *found = map_get(&hooks->entities, slice_str(entity));
    if (found && is_below(hooks, found))
        return entity_copy(hooks, found);
    if (!found) {
        found = arena_make(hooks->arena, struct entity_hooks);
        found->entity = arena_strdup(hooks->arena, entity);
        (void)map_put(&hooks->entities, slice_str(found->entity), found);
    }
    return found;
}

static struct handler *chain_find(const struct chain *chain, struct slice name)
{
    for (int i = 0; i < chain->count; i++)
        if (slice_is(name, chain->items[i]->name))
            return chain->items[i];
    return NULL;
}

enum err hook_add(struct hooks *hooks, const struct hook_spec *spec, hook_cb cb, void *arg)
{
    ASSERT(hooks && spec && cb);
    ASSERT(!hooks->sealed);
    ASSERT(spec->entity && spec->plugin && spec->id);
    ASSERT(spec->moment < HOOK_MOMENTS_COUNT);
    ASSERT((spec->moment == HOOK_TRANSITION) == (spec->field != NULL));

    struct arena *arena = hooks->arena;
    struct chain *chain = &entity_at(hooks, spec->entity)->chains[spec->moment];
    const char *name = arena_printf(arena, "%s:%s", spec->plugin, spec->id);
    if (chain_find(chain, slice_str(name)))
        return ERR_CONFLICT;
    if (chain->count >= HANDLERS_PER_EVENT_MAX)
        return ERR_TOO_LARGE;

    struct handler *handler = arena_make(arena, struct handler);
    handler->spec = *spec;
    handler->spec.entity = arena_strdup(arena, spec->entity);
    handler->spec.field = arena_strdup(arena, spec->field);
    handler->spec.plugin = arena_strdup(arena, spec->plugin);
    handler->spec.id = arena_strdup(arena, spec->id);
    handler->spec.before = arena_strdup(arena, spec->before);
    handler->spec.after = arena_strdup(arena, spec->after);
    handler->spec.where = arena_strdup(arena, spec->where);
    if (handler->spec.at == 0)
        handler->spec.at = HOOK_AT_DEFAULT;
    handler->name = name;
    handler->cb = cb;
    handler->arg = arg;
    handler->order = hooks->count++;
    chain_add(arena, chain, handler);
    return ERR_OK;
}

/* --- ordering --- */

static int compare_ties(const void *a, const void *b)
{
    const struct handler *one = *(struct handler *const *)a, *two = *(struct handler *const *)b;
    if (one->spec.at != two->spec.at)
        return one->spec.at < two->spec.at ? -1 : 1;
    if (one->spec.layer != two->spec.layer)
        return one->spec.layer < two->spec.layer ? -1 : 1;
    if (one->spec.load_order != two->spec.load_order)
        return one->spec.load_order < two->spec.load_order ? -1 : 1;
    return one->order < two->order ? -1 : 1;
}

static int compare_ranks(const void *a, const void *b)
{
    const struct handler *one = *(struct handler *const *)a, *two = *(struct handler *const *)b;
    if (one->rank != two->rank)
        return one->rank < two->rank ? -1 : 1;
    if (one->lead != two->lead)
        return one->lead > two->lead ? -1 : 1;
    return compare_ties(a, b);
}

/* Sorts by ties, then moves who says `before` up to the one it names: a constraint moves the
 * handler that has it, never the other one. (`after` needs no moving up, only waiting.) */
static void chain_rank(struct chain *chain)
{
    qsort(chain->items, (size_t)chain->count, sizeof(void *), compare_ties);
    for (int i = 0; i < chain->count; i++) {
        chain->items[i]->rank = i;
        chain->items[i]->lead = 0;
    }
    for (int round = 0; round < chain->count; round++)
        for (int i = 0; i < chain->count; i++) {
            struct handler *h = chain->items[i];
            const struct handler *named =
                h->spec.before ? chain_find(chain, slice_str(h->spec.before)) : NULL;
            if (named && named->rank < h->rank) {
                h->rank = named->rank;
                h->lead = named->lead + 1;
            }
        }
    qsort(chain->items, (size_t)chain->count, sizeof(void *), compare_ranks);
}

/* Must `handler` wait until `other` has been placed? */
static bool waits_for(const struct handler *handler, const struct handler *other)
{
    return (handler->spec.after && strcmp(handler->spec.after, other->name) == 0) ||
           (other->spec.before && strcmp(other->spec.before, handler->name) == 0);
}

static bool is_free(const struct chain *chain, const bool *placed, int at)
{
    for (int i = 0; i < chain->count; i++)
        if (i != at && !placed[i] && waits_for(chain->items[at], chain->items[i]))
            return false;
    return !waits_for(chain->items[at], chain->items[at]);
}

static const char *cycle_text(struct arena *arena, const struct chain *chain, const bool *placed)
{
    struct buf b = BUF_INIT;
    for (int i = 0; i < chain->count; i++)
        if (!placed[i])
            buf_printf(&b, "%s%s (%s)", b.len ? ", " : "", chain->items[i]->name,
                       chain->items[i]->spec.where ? chain->items[i]->spec.where : "?");
    const char *text = arena_str(arena, buf_slice(&b));
    buf_release(&b);
    return text;
}

static enum err chain_order(struct arena *arena, const char *entity, enum hook_moment moment,
                            struct chain *chain, const char **why)
{
    if (chain->count < 2 && !(chain->count == 1 && waits_for(chain->items[0], chain->items[0])))
        return ERR_OK;
    chain_rank(chain);
    struct handler **ordered = arena_array(arena, struct handler *, (size_t)chain->count);
    bool *placed = arena_array(arena, bool, (size_t)chain->count);
    for (int n = 0; n < chain->count; n++) {
        int at = 0;
        while (at < chain->count && (placed[at] || !is_free(chain, placed, at)))
            at++;
        if (at == chain->count) {
            *why = arena_printf(arena, "%s %s: these handlers wait for each other: %s", entity,
                                hook_moment_name(moment), cycle_text(arena, chain, placed));
            return ERR_MALFORMED;
        }
        placed[at] = true;
        ordered[n] = chain->items[at];
    }
    memcpy(chain->items, ordered, (size_t)chain->count * sizeof(void *));
    return ERR_OK;
}

/* "; leads has identity, dead_reason", of the plugin that a name without a likeness begins with. */
static const char *others_text(const struct hooks *hooks, struct arena *arena,
                               const struct handler *handler, const char *name)
{
    const struct entity_hooks *entity = map_get(&hooks->entities, slice_str(handler->spec.entity));
    const struct chain *chain = entity ? &entity->chains[handler->spec.moment] : NULL;
    const char *colon = strchr(name, ':'), *text = "";
    for (int i = 0, shown = 0; colon && chain && i < chain->count && shown < HOOK_SHOWN; i++) {
        const struct handler *other = chain->items[i];
        if (other == handler || strncmp(other->name, name, (size_t)(colon + 1 - name)) != 0)
            continue;
        const char *id = other->name + (colon + 1 - name);
        text = shown++ ? arena_printf(arena, "%s, %s", text, id)
                       : arena_printf(arena, "; %.*s has %s", (int)(colon - name), name, id);
    }
    return text;
}

/* A constraint names a handler of the same event, or one that could be there: a name that no
 * handler of this moment has anywhere is a slip. */
static enum err name_check(struct hooks *hooks, struct arena *arena, const struct handler *handler,
                           const char *name, const char **why)
{
    if (!name)
        return ERR_OK;
    const char *near = NULL;
    int least = 4; /* three letters wrong still look alike */
    size_t at = 0;
    struct slice key;
    void *value;
    while (map_next(&hooks->entities, &at, &key, &value)) {
        const struct chain *chain = &((struct entity_hooks *)value)->chains[handler->spec.moment];
        for (int i = 0; i < chain->count; i++) {
            if (strcmp(chain->items[i]->name, name) == 0)
                return ERR_OK;
            int distance = text_nearness(slice_str(name), slice_str(chain->items[i]->name), 3);
            if (distance < least) {
                least = distance;
                near = chain->items[i]->name;
            }
        }
    }
    const char *where = handler->spec.where ? handler->spec.where : handler->name;
    *why = arena_printf(arena, "%s: %s %s: there is no handler called \"%s\"", where,
                        handler->spec.entity, hook_moment_name(handler->spec.moment), name);
    *why = near ? arena_printf(arena, "%s (did you mean \"%s\"?)", *why, near)
                : arena_printf(arena, "%s%s", *why, others_text(hooks, arena, handler, name));
    return ERR_MALFORMED;
}

static enum err names_check(struct hooks *hooks, struct arena *arena, const char **why)
{
    size_t at = 0;
    struct slice key;
    void *value;
    while (map_next(&hooks->entities, &at, &key, &value)) {
        struct entity_hooks *entity = value;
        for (int m = 0; m < HOOK_MOMENTS_COUNT; m++)
            for (int i = 0; i < entity->chains[m].count; i++) {
                const struct handler *handler = entity->chains[m].items[i];
                enum err e = name_check(hooks, arena, handler, handler->spec.before, why);
                if (!e)
                    e = name_check(hooks, arena, handler, handler->spec.after, why);
                if (e)
                    return e;
            }
    }
    return ERR_OK;
}

static bool is_declared(const char *entity)
{
    return strchr(entity, '.') != NULL;
}

/* The handlers of "*" join each entity's own. */
static enum err entity_seal(struct hooks *hooks, struct arena *arena, struct entity_hooks *entity,
                            const char **why)
{
    for (int m = 0; m < HOOK_MOMENTS_COUNT; m++) {
        struct chain *chain = &entity->chains[m];
        if (entity != hooks->any && !is_declared(entity->entity)) {
            const struct chain *any = &hooks->any->chains[m];
            for (int i = 0; i < any->count; i++)
                chain_add(hooks->arena, chain, any->items[i]);
        }
        enum err e = chain_order(hooks->arena, entity->entity, (enum hook_moment)m, chain, why);
        if (e) {
            *why = arena_strdup(arena, *why);
            return e;
        }
    }
    return ERR_OK;
}

enum err hooks_seal(struct hooks *hooks, struct arena *arena, const char **why)
{
    ASSERT(hooks && arena && why);
    ASSERT(!hooks->sealed);
    enum err e = names_check(hooks, arena, why);
    size_t at = 0;
    struct slice key;
    void *value;
    bool has_any = hooks->below && hooks->any != hooks->below->any; /* they join every entity's */
    while (has_any && map_next(&hooks->entities, &at, &key, &value))
        if (is_below(hooks, value))
            (void)entity_copy(hooks, value);
    for (at = 0; !e && map_next(&hooks->entities, &at, &key, &value);)
        e = is_below(hooks, value) ? ERR_OK : entity_seal(hooks, arena, value, why);
    hooks->sealed = !e;
    return e;
}

/* --- firing --- */

static const struct chain *chain_of(const struct hooks *hooks, const char *entity,
                                    enum hook_moment moment)
{
    ASSERT(hooks->sealed);
    static const struct chain none;
    const struct entity_hooks *found = map_get(&hooks->entities, slice_str(entity));
    if (!found && is_declared(entity))
        return &none;
    return &(found ? found : hooks->any)->chains[moment];
}

bool hook_wants(const struct hooks *hooks, const char *entity, enum hook_moment moment)
{
    ASSERT(entity);
    ASSERT(moment < HOOK_MOMENTS_COUNT);
    return hooks && chain_of(hooks, entity, moment)->count > 0;
}

static bool concerns(const struct handler *handler, const struct event *event)
{
    return event->moment != HOOK_TRANSITION || strcmp(handler->spec.field, event->field) == 0;
}

enum err hook_fire(const struct hooks *hooks, struct ctx *ctx, struct event *event)
{
    ASSERT(ctx && event);
    ASSERT(event->entity && event->moment < HOOK_MOMENTS_COUNT);
    ASSERT(event->moment != HOOK_TRANSITION || event->field);
    if (!hooks)
        return ERR_OK;

    const struct chain *chain = chain_of(hooks, event->entity, event->moment);
    bool collects = event->moment == HOOK_VALIDATE || event->moment == HOOK_VALIDATE_DELETE ||
                    event->moment == HOOK_VALIDATE_RESTORE;
    int before = ctx->err.count;
    for (int i = 0; i < chain->count; i++) {
        const struct handler *handler = chain->items[i];
        if (!concerns(handler, event))
            continue;
        event->owner = hooks->owner; /* a handler may have fired it elsewhere meanwhile */
        enum err e = handler->cb(ctx, event, handler->arg);
        if (e && !(collects && e == ERR_VALIDATION))
            return e; /* a failure is not a judgement: the rest could not be trusted */
        if (e && ctx->err.count == before)
            before = -1; /* refused without naming a field */
    }
    return collects && ctx->err.count != before ? ERR_VALIDATION : ERR_OK;
}

void *hook_find(const struct hooks *hooks, const char *entity, enum hook_moment moment,
                const char *name)
{
    ASSERT(hooks && entity && name);
    ASSERT(moment < HOOK_MOMENTS_COUNT);
    const struct handler *found = chain_find(chain_of(hooks, entity, moment), slice_str(name));
    return found ? found->arg : NULL;
}

const char *hook_entity(const struct hooks *hooks, int at)
{
    ASSERT(hooks && at >= 0);
    size_t step = 0;
    struct slice key;
    void *value;
    while (map_next(&hooks->entities, &step, &key, &value))
        if (at-- == 0)
            return ((const struct entity_hooks *)value)->entity;
    return NULL;
}

void hook_list(const struct hooks *hooks, const char *entity, enum hook_moment moment,
               hook_list_cb cb, void *arg)
{
    ASSERT(hooks && entity);
    ASSERT(moment < HOOK_MOMENTS_COUNT && cb);
    const struct chain *chain = chain_of(hooks, entity, moment);
    for (int i = 0; i < chain->count; i++)
        cb(arg, &chain->items[i]->spec);
}
