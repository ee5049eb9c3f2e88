/* tenants - the register in memory, and the tenants that are open.
 *
 * The register is a copy of control.db in its own arena and is replaced whole when the store's
 * model_version has moved. Open tenants are separate: a change of the register updates or drops
 * them, but one that is pinned stays valid until it is unpinned.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/tenants.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "tenant/masterkey.h"
#include "tenant/why.h"

struct open_tenant {
    struct tenant tenant; /* first: a struct tenant * is this one */
    struct open_tenant *next;
    int64_t id;   /* in control.db: another one under the same name is another store */
    bool dropped; /* not to be found any more; freed at the last unpin */
    bool rests;   /* has given back what it can since it was used */
};

struct tenants {
    const struct config *config; /* borrowed */
    enum store_mode mode;
    int workers;
    struct store *control;       /* owned */
    struct arena *arena;         /* owned; the register */
    struct map by_host, by_name; /* → struct control_tenant *, in arena */
    int64_t version;             /* of control.db as read */
    int64_t checked_at_ms;
    struct open_tenant *open; /* owned list */
    struct map open_by_name;  /* those not dropped; keys are their own names */
    int open_count;
    size_t rested; /* bytes given back since the heap was trimmed */
    uint8_t master[CRYPTO_KEY_LEN];
    bool has_master;
};

/* --- one open tenant --- */

static void slots_free(struct tenant *t)
{
    if (t->vm)
        t->vm_free(t->vm);
    if (t->model)
        t->model_free(t->model);
    if (t->cache)
        t->cache_free(t->cache);
    if (t->vault)
        t->vault_free(t->vault);
    t->vm = t->model = t->cache = t->vault = NULL;
}

static void open_free(struct tenants *tenants, struct open_tenant *open)
{
    ASSERT(open->tenant.pins == 0);
    struct open_tenant **link = &tenants->open;
    while (*link != open)
        link = &(*link)->next;
    *link = open->next;
    tenants->open_count--;
    if (!open->dropped)
        (void)map_remove(&tenants->open_by_name, slice_str(open->tenant.name));
    slots_free(&open->tenant);
    store_close(open->tenant.store);
    arena_free(open->tenant.arena);
    free(open);
}

static void describe(struct tenants *tenants, struct tenant *t, const struct control_tenant *c)
{
    t->title = arena_strdup(t->arena, c->title);
    t->locale = arena_strdup(t->arena, c->locale);
    t->timezone = arena_strdup(t->arena, c->timezone);
    t->currency = arena_strdup(t->arena, c->currency);
    t->state = arena_strdup(t->arena, c->state);
    t->worker = tenants_worker(tenants, c->name);
    t->zone = c->timezone ? zone_find(c->timezone) : NULL;
    if (!t->zone)
        t->zone = zone_find("UTC");
    t->follows_settings = false; /* the company's own settings are read at the next refresh */
}

static enum err open_new(struct tenants *tenants, const struct control_tenant *c,
                         struct open_tenant **out)
{
    tenants_trim(tenants, TENANTS_OPEN_MAX - 1, TENANTS_BYTES_MAX);

    struct arena *arena = arena_new_small();
    const char *folder = arena_printf(arena, "%s/tenants/%s", tenants->config->data, c->name);
    const char *path = arena_printf(arena, "%s/tenant.db", folder);
    struct store *store = NULL;
    enum err e = store_open(path, tenants->mode, &store);
    if (e) {
        log_error("tenant %s cannot be opened: %s", c->name, err_text(e, LANG_EN));
        arena_free(arena);
        return e == ERR_NOT_FOUND ? ERR_IO : e; /* it is registered, so its file must be there */
    }
    struct open_tenant *open = calloc(1, sizeof *open);
    ASSERT_MEMORY(open);
    struct tenant *t = &open->tenant;
    t->arena = arena;
    t->name = arena_strdup(arena, c->name);
    t->folder = folder;
    t->store = store;
    t->master = tenants_master(tenants);
    t->files_bytes_max = &tenants->config->files_bytes_max;
    open->id = c->id;
    describe(tenants, t, c);
    open->next = tenants->open;
    tenants->open = open;
    tenants->open_count++;
    (void)map_put(&tenants->open_by_name, slice_str(t->name), open);
    *out = open;
    return ERR_OK;
}

static void open_drop(struct tenants *tenants, struct open_tenant *open)
{
    open->dropped = true;
    (void)map_remove(&tenants->open_by_name, slice_str(open->tenant.name));
    if (open->tenant.pins == 0)
        open_free(tenants, open);
}

/* --- the register --- */

static bool text_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void open_follow(struct tenants *tenants)
{
    for (struct open_tenant *open = tenants->open, *next; open; open = next) {
        next = open->next;
        struct tenant *t = &open->tenant;
        const struct control_tenant *c = map_get(&tenants->by_name, slice_str(t->name));
        if (open->dropped)
            continue;
        if (!c || c->id != open->id || strcmp(c->state, "active") != 0)
            open_drop(tenants, open);
        else if (!text_same(t->title, c->title) || !text_same(t->locale, c->locale) ||
                 !text_same(t->timezone, c->timezone) || !text_same(t->currency, c->currency) ||
                 t->worker != tenants_worker(tenants, c->name))
            describe(tenants, t, c);
    }
}

static enum err register_read(struct tenants *tenants)
{
    struct store_header header;
    enum err e = store_header_read(tenants->control, &header);
    if (e || (tenants->arena && header.model_version == tenants->version))
        return e;

    struct arena *arena = arena_new();
    struct control_tenant *list = NULL;
    int count = 0;
    e = control_list(tenants->control, arena, &list, &count);
    if (e) {
        arena_free(arena);
        return e;
    }
    map_init(&tenants->by_name, arena);
    map_init(&tenants->by_host, arena);
    for (int i = 0; i < count; i++) {
        (void)map_put(&tenants->by_name, slice_str(list[i].name), &list[i]);
        for (const char **host = list[i].hosts; *host; host++)
            (void)map_put(&tenants->by_host, slice_str(*host), &list[i]);
    }
    arena_free(tenants->arena);
    tenants->arena = arena;
    tenants->version = header.model_version;
    open_follow(tenants);
    return ERR_OK;
}

static void register_check(struct tenants *tenants)
{
    int64_t now = clock_now_ms();
    int64_t age = now - tenants->checked_at_ms;
    if (age >= 0 && age < TENANTS_CHECK_MS)
        return;
    tenants_reload(tenants);
}

void tenants_reload(struct tenants *tenants)
{
    ASSERT(tenants);
    tenants->checked_at_ms = clock_now_ms();
    enum err e = register_read(tenants);
    if (e) /* the old register keeps serving */
        log_error("control.db cannot be read: %s", store_why(tenants->control));
}

/* --- public --- */

enum err tenants_new(const struct config *config, enum store_mode mode, int workers,
                     struct tenants **out, const char **why)
{
    ASSERT(config && out);
    ASSERT(workers >= 1);
    struct store *control = NULL;
    enum err e = control_open(config->data, STORE_READ, &control, why);
    if (e)
        return e;

    struct tenants *tenants = calloc(1, sizeof *tenants);
    ASSERT_MEMORY(tenants);
    tenants->config = config;
    tenants->mode = mode;
    tenants->workers = workers;
    tenants->control = control;
    tenants->checked_at_ms = clock_now_ms();
    map_init(&tenants->open_by_name, NULL);
    if (mode != STORE_READ)
        e = masterkey_read(config->data, tenants->master, why);
    tenants->has_master = mode != STORE_READ && !e;
    if (!e) {
        e = register_read(tenants);
        e = e ? why_say(why, e, "control.db cannot be read: %s", store_why(control)) : ERR_OK;
    }
    if (e) {
        tenants_free(tenants);
        return e;
    }
    *out = tenants;
    return ERR_OK;
}

enum err tenants_own_control(struct tenants *tenants, enum store_mode mode, const char **why)
{
    ASSERT(tenants);
    ASSERT(mode != STORE_READ);
    struct store *control = NULL;
    enum err e = control_open(tenants->config->data, mode, &control, why);
    if (e)
        return e;
    store_close(tenants->control);
    tenants->control = control;
    return ERR_OK;
}

void tenants_free(struct tenants *tenants)
{
    if (!tenants)
        return;
    while (tenants->open) {
        tenants->open->tenant.pins = 0; /* the process ends */
        open_free(tenants, tenants->open);
    }
    store_close(tenants->control);
    map_release(&tenants->open_by_name);
    crypto_wipe(tenants->master, sizeof tenants->master);
    arena_free(tenants->arena);
    free(tenants);
}

static enum err serve(struct tenants *tenants, const struct control_tenant *c, struct tenant **out)
{
    if (!c || strcmp(c->state, "suspended") == 0)
        return ERR_NOT_FOUND;
    if (strcmp(c->state, "active") != 0)
        return ERR_BUSY;

    struct open_tenant *open = map_get(&tenants->open_by_name, slice_str(c->name));
    enum err e = ERR_OK;
    if (!open)
        e = open_new(tenants, c, &open);
    if (e)
        return e;
    struct tenant *t = &open->tenant;
    if (!store_in_tx(t->store)) /* within a transaction the header is of that moment already */
        e = tenant_refresh(t);
    if (e)
        return e;
    t->used_at_ms = clock_now_ms();
    t->pins++;
    open->rests = false;
    *out = t;
    return ERR_OK;
}

/* What is not served may have been made, or resumed, just now: worth a look at the header. */
static bool is_served(const struct control_tenant *c)
{
    return c && strcmp(c->state, "active") == 0;
}

enum err tenants_by_host(struct tenants *tenants, struct slice host, struct tenant **out)
{
    ASSERT(tenants && out);
    register_check(tenants);
    if (!is_served(map_get(&tenants->by_host, host)))
        tenants_reload(tenants);
    return serve(tenants, map_get(&tenants->by_host, host), out);
}

enum err tenants_by_name(struct tenants *tenants, struct slice name, struct tenant **out)
{
    ASSERT(tenants && out);
    register_check(tenants);
    if (!is_served(map_get(&tenants->by_name, name)))
        tenants_reload(tenants);
    return serve(tenants, map_get(&tenants->by_name, name), out);
}

void tenants_unpin(struct tenants *tenants, struct tenant *tenant)
{
    ASSERT(tenants && tenant);
    ASSERT(tenant->pins > 0);
    struct open_tenant *open = (struct open_tenant *)tenant;
    tenant->pins--;
    if (open->dropped && tenant->pins == 0)
        open_free(tenants, open);
}

static size_t open_bytes(const struct open_tenant *open)
{
    const struct tenant *t = &open->tenant;
    size_t model = t->model && t->model_bytes ? t->model_bytes(t->model) : 0;
    return sizeof *open + store_memory(t->store) + model;
}

size_t tenants_bytes(const struct tenants *tenants)
{
    ASSERT(tenants);
    size_t bytes = 0;
    for (const struct open_tenant *open = tenants->open; open; open = open->next)
        bytes += open_bytes(open);
    return bytes;
}

void tenants_trim(struct tenants *tenants, int keep, size_t bytes)
{
    ASSERT(tenants);
    ASSERT(keep >= 0);
    size_t held = tenants_bytes(tenants);
    while (tenants->open_count > keep || held > bytes) {
        struct open_tenant *oldest = NULL;
        for (struct open_tenant *open = tenants->open; open; open = open->next)
            if (open->tenant.pins == 0 &&
                (!oldest || open->tenant.used_at_ms < oldest->tenant.used_at_ms))
                oldest = open;
        if (!oldest)
            return; /* all in use */
        size_t gone = open_bytes(oldest);
        held -= gone < held ? gone : held;
        open_free(tenants, oldest);
    }
}

void tenants_close_idle(struct tenants *tenants, int64_t idle_ms)
{
    ASSERT(tenants);
    ASSERT(idle_ms >= 0);
    int64_t now = clock_now_ms();
    for (struct open_tenant *open = tenants->open, *next; open; open = next) {
        next = open->next;
        if (open->tenant.pins || now - open->tenant.used_at_ms < idle_ms)
            continue;
        tenants_freed(tenants, open_bytes(open));
        open_free(tenants, open);
    }
}

void tenants_rest(struct tenants *tenants)
{
    ASSERT(tenants);
    int64_t now = clock_now_ms();
    for (struct open_tenant *open = tenants->open; open; open = open->next) {
        struct tenant *t = &open->tenant;
        if (open->rests || t->pins || now - t->used_at_ms < TENANTS_REST_MS)
            continue;
        size_t before = store_memory(t->store);
        store_rest(t->store);
        tenants->rested += before - store_memory(t->store);
        open->rests = true;
    }
    if (tenants->rested < TENANTS_REST_BYTES)
        return;
    tenants->rested = 0;
    (void)malloc_trim(0); /* small blocks, freed in between: glibc keeps their pages otherwise */
}

void tenants_freed(struct tenants *tenants, size_t bytes)
{
    ASSERT(tenants);
    tenants->rested += bytes;
}

bool tenants_is_open(const struct tenants *tenants, const char *name)
{
    ASSERT(tenants && name);
    return map_get(&tenants->open_by_name, slice_str(name)) != NULL;
}

void tenants_drop(struct tenants *tenants, const char *name)
{
    ASSERT(tenants && name);
    struct open_tenant *open = map_get(&tenants->open_by_name, slice_str(name));
    if (open)
        open_drop(tenants, open);
}

bool tenants_next(struct tenants *tenants, size_t *at, struct tenant **out)
{
    ASSERT(tenants && at && out);
    size_t i = 0;
    for (struct open_tenant *open = tenants->open; open; open = open->next) {
        if (open->dropped || i++ < *at)
            continue;
        (*at)++;
        *out = &open->tenant;
        return true;
    }
    return false;
}

int tenants_worker(const struct tenants *tenants, const char *name)
{
    ASSERT(tenants && name);
    const struct control_tenant *c = map_get(&tenants->by_name, slice_str(name));
    if (c && c->worker >= 0)
        return c->worker < tenants->workers ? c->worker : tenants->workers - 1;
    int lanes = tenants->workers > 1 ? tenants->workers - 1 : 1;
    return (int)(hash_stable(slice_str(name)) % (uint64_t)lanes);
}

const uint8_t *tenants_master(const struct tenants *tenants)
{
    ASSERT(tenants);
    return tenants->has_master ? tenants->master : NULL;
}

struct store *tenants_control(struct tenants *tenants)
{
    ASSERT(tenants);
    return tenants->control;
}
