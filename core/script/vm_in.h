/* vm_in - what the files of script share; private to this folder.
 *
 * Every function that takes a lua_State runs inside vm_call and may raise (a longjmp): it holds
 * nothing that would leak, and what it makes lives in the arena of the call. Stack effects stand
 * as [-popped, +pushed].
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "script/vm_state.h"

struct hookstat;  /* hook/hookstat.h */
struct plan_home; /* script/plan.h */

/* --- vm_call.c --- */

/* Unwinds every level of Lua; no pcall of theirs keeps it. */
_Noreturn void vm_stop(lua_State *L, enum vm_stop how, const char *why);
/* The same with a core error, whose detail stands in ctx->err. */
_Noreturn void vm_veto(lua_State *L, enum err e);
/* The count hook that the watch and the allocator arm. */
void vm_hook(lua_State *L, lua_Debug *activation);
/* ctx of the running call. Raises outside of one. */
struct ctx *vm_ctx(lua_State *L);
/* Ends the script when the arena (the VM's own, or that of the call) holds more than a script may
 * make the core keep. */
void vm_kept(lua_State *L, const struct arena *arena);
/* The limits that hold for what runs, by its outermost call. */
const struct limit *vm_limit(const struct vm *vm);
/* In the loops of C functions that a script can make long: ends it when its time is over. */
void vm_poll(lua_State *L);
/* Before a call to the outside: ends the script that makes too many. Milliseconds left, ≥ 1. */
int vm_http_begin(lua_State *L);
/* Raises unless the moment is one of `allowed`; `what` names the binding. */
void vm_allow(lua_State *L, unsigned allowed, const char *what);
struct script *vm_script(struct vm *vm, const char *id);
/* Calls a script's function, `ref` in the registry. Errors are ERR_PLUGIN with detail
 * "plugin:handler file:line: text" in ctx->err, except a refusal and errors that a binding handed
 * on. What used up its time or memory ends the VM: it is made anew on next use. */
MUST_USE enum err vm_call(struct script *script, int ref, struct vm_call *call);
/* Runs fn protected, as the script's, outside any handler. */
MUST_USE enum err vm_protect(struct vm *vm, struct script *script, struct ctx *ctx,
                             enum vm_moment moment, const char *handler, lua_CFunction fn,
                             void *arg);
void *vm_protect_arg(lua_State *L); /* the arg in such an fn */
/* pcall and xpcall as scripts have them: they do not keep a kill or a refusal. */
int vm_pcall(lua_State *L);
int vm_xpcall(lua_State *L);

/* --- handler.c --- */

/* Calls it and counts that (hook/hookstat.h); stat may be NULL. */
MUST_USE enum err vm_call_counted(struct script *script, int ref, struct vm_call *call,
                                  struct hookstat *stat);

/* --- host.c --- */

/* What the outermost call was lent; NULL = it has no transactions of its own to begin. */
const struct vm_host *vm_host(const struct vm *vm);
/* In the transaction that is open, or else in one of its own that the host lends: fn with a unit.
 * Nothing of it stays when fn fails. fn may be run twice and never raises; what it calls in Lua it
 * calls by vm_call. Counted as one write. Raises where neither is there. */
MUST_USE enum err vm_write(lua_State *L, enum err (*fn)(struct ctx *ctx, void *arg), void *arg);
/* Its two halves, for who has something to put back behind it: the first may raise, and the second
 * does not. */
void vm_write_count(lua_State *L);
MUST_USE enum err vm_write_counted(lua_State *L, enum err (*fn)(struct ctx *ctx, void *arg),
                                   void *arg);

/* --- sandbox.c --- */

/* Makes the shared library tables: registry "libraries". [-0, +0] */
void sandbox_open(lua_State *L);
/* A script's _ENV: libraries, its crm, its require. [-0, +1] */
void sandbox_env(lua_State *L, struct script *script);

/* --- frozen.c --- */

/* The table on top becomes a read-only view of itself; tables inside stay as they are. [-1, +1] */
void frozen_wrap(lua_State *L);
/* The table on top becomes a view through which nothing of it can be changed at any depth. Two
 * views of one table are equal. [-1, +1] */
void frozen_view(lua_State *L);
/* A node of the model's JSON: a view of it, or what it is where it is no array or object. Two views
 * of one node are equal. The node has to live as long as the VM. [-0, +1] */
void frozen_json(lua_State *L, const struct json *node);
/* Pushes what a frozen value stands for: its table; false when it is none. To be read, never handed
 * on: what is a table in it is not frozen behind a deep view. [-0, +(0|1)] */
bool frozen_open(lua_State *L, int at);
/* The same for deep views alone. */
bool frozen_opens_view(lua_State *L, int at);

/* --- convert.c --- */

/* A JSON tree as Lua values; arrays and objects frozen on wish, null as crm.null. [-0, +1] */
void convert_push_json(lua_State *L, const struct json *node, bool frozen);
/* The value at `at` as JSON in the arena. Integers under `field` (may be NULL) that are references
 * become ids. Raises for what JSON cannot hold. */
struct json *convert_json(lua_State *L, int at, struct arena *arena, const struct field *field);
/* A table of field values as a JSON object; unknown fields raise. */
struct json *convert_fields(lua_State *L, int at, struct arena *arena, const struct entity *entity);
/* A filter tree (entity may be NULL: no references are known). */
struct json *convert_filter(lua_State *L, int at, struct arena *arena, const struct entity *entity);
void convert_push_null(lua_State *L);
bool convert_is_null(lua_State *L, int at);
/* The text at `at`, valid UTF-8 without NUL; raises else. */
struct slice convert_text(lua_State *L, int at);

/* --- plan.c --- */

/* So that a function of a VM that began with a plan can be pushed: loads its module, or its script,
 * unless it has been. LUA_NOREF: the script with all that it names. */
MUST_USE enum err vm_ready(struct script *script, int ref, struct ctx *ctx);
/* [-0, +1] A function by its reference: a slot of the plan, or one of the registry. */
void vm_push_ref(lua_State *L, int ref);

/* --- load.c --- */

/* Puts one function of a script, which is a member of a module, into its slot. */
MUST_USE enum err load_member(struct script *script, const struct plan_home *home, int slot,
                              struct ctx *ctx);
/* Loads one plugin: runs its init.lua, finds the functions of its computed fields. */
MUST_USE enum err load_one(struct vm *vm, struct script *script, struct ctx *ctx);
/* Loads every plugin of the model and seals the handlers. On failure vm->broken says why. */
MUST_USE enum err load_all(struct vm *vm, struct ctx *ctx);
/* [-0, +1] The function that a file of the plugin's folder is; raises when there is none. */
void load_chunk(lua_State *L, struct script *script, const char *name);
/* A VM of ctx->model that is not the tenant's; *out is to be freed also after a failure. */
MUST_USE enum err vm_beside(struct ctx *ctx, struct vm **out, const char **why);
/* The same; what of the scripts does not fit is told, and is a failure only when the VM has ended.
 */
MUST_USE enum err vm_beside_telling(struct ctx *ctx, const struct vm_telling *telling,
                                    struct vm **out, const char **why);
/* Compiles every Lua file of a loaded plugin without running it. */
MUST_USE enum err load_compile(struct vm *vm, struct ctx *ctx, const char *plugin);
int load_require(lua_State *L); /* require; upvalue 1: struct script */
