/* handler - a Lua function bound to an event: asked if it wants it, called, or told later; private
 * to this folder.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "script/vm_in.h"

struct handler {
    int script, n;         /* its plugin's place in load order, and its own among all handlers */
    const char *id, *name; /* its name is "plugin:id" */
    int ref;
    enum vm_moment moment;
    const struct json *when; /* asked before Lua is entered; NULL = always */
    const struct expr *is;   /* `when` compiled once; NULL: it depends on who asks or on the time */
    const struct field **fields; /* one of them must have changed; NULL-terminated, or NULL */
    const struct hook_spec *spec;
};

/* Compiles `when` if that can be done once for all. Complaints stand in ctx->err. */
MUST_USE enum err handler_compile(struct vm *vm, struct ctx *ctx, const struct entity *entity,
                                  struct handler *handler);
/* As hook/ calls them: `arg` is the handler, the event's owner the VM. The second puts a row into
 * the outbox. */
MUST_USE enum err handler_fire(struct ctx *ctx, struct event *event, void *arg);
MUST_USE enum err handler_put(struct ctx *ctx, struct event *event, void *arg);
