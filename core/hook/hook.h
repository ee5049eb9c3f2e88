/* hook - events of one unit of work and the handlers bound to them.
 *
 * Moments are those of plugin-api.md section 3. Handlers are C function pointers, so nothing points
 * up: script/ registers its own callback with the Lua function as argument. Order is total:
 * before/after constraints by name (they move the handler that has them), then `at`, layer, load
 * order, registration order. Declared events stand beside the entities under their own names, which
 * have a dot; handlers of "*" do not see them.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "tenant/ctx.h"

#define HOOK_MOMENTS(X)                                                                            \
    X(BEFORE_CREATE, "before_create")                                                              \
    X(BEFORE_UPDATE, "before_update")                                                              \
    X(BEFORE_DELETE, "before_delete")                                                              \
    X(VALIDATE, "validate")                                                                        \
    X(VALIDATE_DELETE, "validate_delete")                                                          \
    X(AFTER_CREATE, "after_create")                                                                \
    X(AFTER_UPDATE, "after_update")                                                                \
    X(AFTER_DELETE, "after_delete")                                                                \
    X(VALIDATE_RESTORE, "validate_restore")                                                        \
    X(AFTER_RESTORE, "after_restore")                                                              \
    X(TRANSITION, "transition")                                                                    \
    X(AFTER_COMMIT, "after_commit")                                                                \
    X(EVENT, "event")

enum hook_moment {
#define X(name, text) HOOK_##name,
    HOOK_MOMENTS(X)
#undef X
        HOOK_MOMENTS_COUNT
};
const char *hook_moment_name(enum hook_moment moment);

/* Events that the core itself fires, beside those of records. All but the last three are told after
 * the commit only: nobody can refuse them. */
#define HOOK_CORE_EVENTS(X)                                                                        \
    X(AUTH_LOGIN, "auth.login")                                                                    \
    X(TENANT_PROVISIONED, "tenant.provisioned")                                                    \
    X(PLUGIN_INSTALLED, "plugin.installed")                                                        \
    X(PLUGIN_UPGRADED, "plugin.upgraded")                                                          \
    X(PLUGIN_DISABLED, "plugin.disabled")                                                          \
    X(API_KEY_LIMITED, "api_key.limited")                                                          \
    X(IMPORT_BEFORE_ROW, "import.before_row")                                                      \
    X(MAIL_RECEIVED, "mail.received")                                                              \
    X(EXPORT_WRITTEN, "export.written")
#define X(name, text) static const char HOOK_EVENT_##name[] __attribute__((unused)) = text;
HOOK_CORE_EVENTS(X)
#undef X

struct record; /* record/record.h */

struct event {
    enum hook_moment moment;
    void *owner;           /* set while it is fired: whose the hooks are */
    const char *entity;    /* declared events: their name */
    struct record *record; /* the record as it will be (delete: as it is) */
    const char *field;     /* TRANSITION: which state field */
    const char *from, *to; /* TRANSITION */
    const char *op;        /* AFTER_COMMIT of a record: create, update, delete, restore */
    const char *name;      /* declared events ("lead.scored") and actions, else NULL */
    const struct json *payload;
    struct json *snapshot; /* AFTER_COMMIT: the record as it was, made when a handler wants it */
    int64_t id;            /* stable over retries; of a delivery its own */
    int64_t subject;       /* deliveries are in order per record: which one, or 0 */
    int64_t actor;         /* AFTER_COMMIT: the user who did it, or 0 */
    const char **reason;   /* one of several at once: where its own complaint goes, else NULL */
};

struct hook_spec {
    const char *entity; /* or "*"; the name of a declared event */
    enum hook_moment moment;
    const char *field;          /* TRANSITION only */
    const char *plugin, *id;    /* its name is "plugin:id" */
    const char *before, *after; /* names, or NULL; an unknown name is an error at load */
    const char *where;          /* "leads/init.lua:7", for people */
    int at;                     /* default 500 */
    int layer, load_order;
    bool batch; /* AFTER_COMMIT: called with up to BATCH_EVENTS_MAX events at once */
};

/* ERR_OK, or an error that vetoes (details in ctx->err). */
typedef enum err (*hook_cb)(struct ctx *ctx, struct event *event, void *arg);

struct hooks; /* one table per tenant VM */
struct hooks *hooks_new(struct arena *arena);
/* Whose they are: handlers find it in the event. */
void hooks_own(struct hooks *hooks, void *owner);
/* The same handlers, sealed, for somebody else. `hooks` lives longer. */
struct hooks *hooks_view(struct arena *arena, const struct hooks *hooks, void *owner);
/* Begins with the handlers of others that are sealed, and takes more. `below` lives longer. */
struct hooks *hooks_over(struct arena *arena, const struct hooks *below);
/* Names are copied. Duplicate name for the same event: ERR_CONFLICT. */
MUST_USE enum err hook_add(struct hooks *hooks, const struct hook_spec *spec, hook_cb cb,
                           void *arg);
/* Orders everything; a cycle or unknown name: ERR_MALFORMED and *why with names. */
MUST_USE enum err hooks_seal(struct hooks *hooks, struct arena *arena, const char **why);
bool hook_wants(const struct hooks *hooks, const char *entity, enum hook_moment moment);
/* Fires in order. VALIDATE moments run all handlers and return ERR_VALIDATION if any complained;
 * others stop at the first error. hooks may be NULL. */
MUST_USE enum err hook_fire(const struct hooks *hooks, struct ctx *ctx, struct event *event);
/* The `arg` of the handler "plugin:id" of that event, or NULL. */
void *hook_find(const struct hooks *hooks, const char *entity, enum hook_moment moment,
                const char *name);
/* Names of entities and declared events that have handlers, in no order; NULL when at is behind
 * the last. */
const char *hook_entity(const struct hooks *hooks, int at);
/* Calls cb for each handler of that event in order (for `perigee hooks`). */
typedef void (*hook_list_cb)(void *arg, const struct hook_spec *spec);
void hook_list(const struct hooks *hooks, const char *entity, enum hook_moment moment,
               hook_list_cb cb, void *arg);
