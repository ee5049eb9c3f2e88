/* vm - one tenant's Lua state in one process.
 *
 * Built from the enabled plugins on first use in a worker or runner, kept with the model version it
 * was built for, rebuilt beside the old one when that has moved. C enters Lua through vm_call
 * (vm_in.h) alone: protected, with a budget and a moment. The allocator is capped: soft
 * VM_BYTES_MAX arms the kill, a quarter above refuses.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "hook/hook.h"
#include "hook/job.h"
#include "record/model.h"
#include "record/record.h"

struct vm;
struct limit;

/* What a process lends to scripts that run outside a transaction: jobs, routes, after_commit. */
struct vm_host {
    /* Runs fn as one write transaction of the tenant, in a write turn, with a unit in ctx; commits,
     * or rolls everything back and hands fn's error on. Ends within TURN_LOAN_US or so. */
    enum err (*write)(const struct vm_host *host, struct ctx *ctx,
                      enum err (*fn)(struct ctx *ctx, void *arg), void *arg);
    void *user;
};

/* The tenant's VM for its current model. Plugins whose scripts do not load are an error naming
 * file:line: writes are refused (a silently skipped validator would be worse); they are tried again
 * a second later. ERR_PLUGIN with ctx->err.detail. `home` is where the model came from. Call it
 * before unit_begin: limits of reads, writes, rows and time begin anew. Never on gateways. */
MUST_USE enum err vm_get(struct ctx *ctx, const char *home, struct vm **out);
/* Lets this process know what the scripts of ctx->model's products register, unless it does: the
 * first VM of any tenant with them has no script to run then. Runs no code of a tenant's own. */
void vm_prepare(struct ctx *ctx);
void vm_free(void *vm);
/* Such a failure's detail without the handler's name before file:line. */
const char *vm_sentence(struct ctx *ctx, const char *detail);
/* Loads the scripts of a model that is not in use in a VM of their own, beside the tenant's, and
 * compiles every Lua file of that plugin (NULL: none), tests and migrations too. ERR_PLUGIN with a
 * sentence that begins with file:line, in ctx's arena. Not inside a unit. */
MUST_USE enum err vm_try(struct ctx *ctx, const struct model *model, const struct plugin *plugin,
                         const char **why);
/* Handlers in order, sealed. Lives as long as the vm. */
const struct hooks *vm_hooks(const struct vm *vm);
/* How computed fields are evaluated: goes into unit->computed. */
struct record_computed *vm_computed(struct vm *vm);
size_t vm_bytes(const struct vm *vm);
/* What calls may use here, by enum limit_kind (script/limit.h). */
const struct limit *vm_limits(const struct vm *vm);
/* Ends VMs of this process, those used longest ago first, until the rest hold no more than that;
 * never the newest, one that runs or whose tenant is in use. vm_get keeps to SCRIPT_VMS_BYTES_MAX.
 */
void vm_trim(size_t bytes_max);
/* A process that has nothing to do collects the garbage of VMs that nobody has used for VM_REST_MS:
 * for VM_REST_US at a time, so that whoever comes meanwhile waits no longer. Gives how many bytes
 * were freed. */
size_t vm_rest(void);

/* After the commit (hook/outbox.h). */
struct vm_delivery {
    const struct job *job;
    const char *reason; /* why it failed, by ev:fail; NULL = it did not */
};
/* Does its handler take several at once? */
bool vm_delivers_batches(struct vm *vm, const struct job *job);
/* Calls the handler that the rows are for; several only for one that takes batches. Outside any
 * unit and transaction. ERR_NOT_FOUND when the handler (or its entity) is no longer there,
 * ERR_PLUGIN when it failed, ERR_VALIDATION when it complained; with several, what single ones
 * complained about stands in their reason and the call is ERR_OK. */
MUST_USE enum err vm_deliver(struct vm *vm, struct ctx *ctx, const struct vm_host *host,
                             struct vm_delivery *deliveries, int count);
/* In a write transaction: replaces an announced event by a row for each handler. */
MUST_USE enum err vm_announce(struct vm *vm, struct ctx *ctx, const struct job *job);
/* "leads:score@lead.before_create": under this name a handler's calls are counted
 * (hook/hookstat.h).
 */
const char *vm_stat_name(struct arena *arena, const struct hook_spec *spec);
/* Was the last call ended by force, its limits passed? */
bool vm_was_killed(const struct vm *vm);

/* Runs a module's operation `crm.action("lead", "pick", fn)`: ERR_NOT_FOUND if there is none.
 * `params` is the body; the handler's returned table becomes JSON in out. ERR_FORBIDDEN where no
 * role grants it; ERR_VALIDATION when it refused, or was asked with what it does not take
 * (record/operation.h). Needs a unit. */
MUST_USE enum err vm_action(struct vm *vm, struct ctx *ctx, const struct entity *entity,
                            const char *action, struct record *record, const struct json *params,
                            struct buf *out);
/* `crm.service("lead.match", fn)`: calls it with a JSON argument; ERR_NOT_FOUND if none is bound.
 */
MUST_USE enum err vm_service(struct vm *vm, struct ctx *ctx, const char *name,
                             const struct json *argument, struct buf *out);
