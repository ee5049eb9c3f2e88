/* vm - one tenant's Lua state in one process.
 *
 * Built from the enabled plugins on first use in a worker or runner, kept with the model version it
 * was built for, rebuilt beside the old one when that has moved. C enters Lua through vm_call
 * alone: protected, with a budget and a moment. The allocator is capped: soft VM_BYTES_MAX arms the
 * kill, a quarter above refuses.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "hook/hook.h"
#include "record/model.h"
#include "record/record.h"

struct vm;
struct lua_State;

/* The tenant's VM for its current model. Plugins whose scripts do not load are an error naming
 * file:line: writes are refused (a silently skipped validator would be worse). ERR_PLUGIN with
 * ctx->err filled. Never on gateways. */
MUST_USE enum err vm_get(struct ctx *ctx, const char *home, struct vm **out);
void vm_free(void *vm);
/* Handlers in order, sealed. Lives as long as the vm. */
const struct hooks *vm_hooks(const struct vm *vm);
/* How computed fields are evaluated: goes into unit->computed. */
struct record_computed *vm_computed(struct vm *vm);
size_t vm_bytes(const struct vm *vm);

/* When something may be called; bindings check it and name the allowed ones. */
enum vm_moment {
    VM_LOAD = 1,      /* init.lua */
    VM_BEFORE = 2,    /* own record may change, others may be read */
    VM_VALIDATE = 4,  /* read only */
    VM_AFTER = 8,     /* other records may be written */
    VM_COMPUTED = 16, /* a pure function of the record */
    VM_ACTION = 32,   /* an operation of a module: a unit of its own */
};

struct vm_budget {
    int64_t cpu_us; /* of this call */
    int reads, writes, rows;
    size_t heap_bytes; /* above what the VM held before */
};

/* One entry into Lua. `push` (may be NULL) leaves the arguments on the stack: it runs protected
 * too. `ref` is a registry reference to the function. Errors become ERR_PLUGIN with detail "plugin
 * file:line: text" in ctx->err, except a veto raised by the binding itself, whose error is handed
 * on. ERR_TIMEOUT and the like end the VM: it is rebuilt on next use. `take` (may be NULL) reads
 * results. */
struct vm_call {
    struct ctx *ctx;
    struct event *event; /* NULL outside events */
    enum vm_moment moment;
    const char *plugin, *handler; /* for errors */
    struct vm_budget budget;
    int (*push)(struct lua_State *L, void *arg);
    void (*take)(struct lua_State *L, void *arg);
    void *arg;
};
MUST_USE enum err vm_call(struct vm *vm, int ref, struct vm_call *call);
/* Runs a module's operation `crm.action("lead", "pick", fn)`: ERR_NOT_FOUND if there is none.
 * `params` is the body; the handler's returned table becomes JSON in out. */
MUST_USE enum err vm_action(struct vm *vm, struct ctx *ctx, const struct entity *entity,
                            const char *action, struct record *record, const struct json *params,
                            struct buf *out);
/* `crm.service("lead.match", fn)`: calls it with a JSON argument; ERR_NOT_FOUND if none is bound.
 */
MUST_USE enum err vm_service(struct vm *vm, struct ctx *ctx, const char *name,
                             const struct json *argument, struct buf *out);
