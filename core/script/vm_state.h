/* vm_state - a tenant's VM as the files of script see it; private to this folder.
 *
 * Its fields are set by vm.c and vm_call.c; what bind_*.c keep here says so.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <lauxlib.h>
#include <lua.h>

#include "base/hash.h"
#include "base/limits.h"
#include "script/check.h"
#include "script/limit.h"
#include "script/vm.h"
#include "script/watch.h"

#define VM_FRAMES_MAX                                                                              \
    (2 * HOOK_DEPTH_MAX + 8) /* entries nested in each other: a write, a service */
#define VM_TRACE_BYTES 1024  /* of a traceback kept for the log */

/* One plugin's code in this VM. */
struct script {
    struct vm *vm;
    const struct plugin *plugin;
    const char *id;
    int env;         /* registry: its _ENV */
    int context;     /* registry: its ctx */
    int modules;     /* registry: table of its loaded modules by name */
    int index;       /* its place in load order */
    int next;        /* slot of the plan that its next registration fills */
    int loading;     /* modules that are being loaded */
    bool is_apart;   /* a module registers, not init.lua alone */
    bool is_open;    /* the three tables are there */
    bool is_planned; /* what it registers is known: plan.h */
    bool is_loaded;
    const char *barred;    /* why it may not run: set aside after a hard stop; NULL = it may */
    bool is_stuck;         /* barred because loading it did not end */
    struct late_code code; /* whose it is and what: for the watch and for what is set aside */
};

/* When something may be called; bindings check it and name the allowed ones. */
enum vm_moment {
    VM_LOAD = 1,      /* init.lua */
    VM_BEFORE = 2,    /* own record may change, others may be read */
    VM_VALIDATE = 4,  /* read only */
    VM_AFTER = 8,     /* other records may be written */
    VM_COMPUTED = 16, /* a pure function of the record */
    VM_ACTION = 32,   /* an operation of a module, or a service */
    VM_JOB = 64,      /* a job's function: outside any transaction, may wait */
    VM_ROUTE = 128,   /* a plugin's route: likewise */
    VM_COMMIT = 256,  /* after_commit: likewise */
    VM_TX = 512,      /* a function that one of those runs in a transaction of its own */
    VM_CHECK = 1024,  /* an invariant asked of a record: read only */
};

/* One entry into Lua. `push` (may be NULL) leaves the arguments on the stack, `take` (may be NULL)
 * reads the result on top of it: both run protected too. */
struct vm_call {
    struct ctx *ctx;
    struct event *event; /* NULL outside events */
    enum vm_moment moment;
    const struct vm_host *host; /* VM_JOB, VM_ROUTE, VM_COMMIT; else NULL. Nested calls find it */
    const char *handler;        /* for errors */
    const char *plugin;         /* private: whose it is */
    int (*push)(struct lua_State *L, void *arg);
    void (*take)(struct lua_State *L, void *arg);
    void *arg;
};

/* One entry into Lua that has not ended. */
struct frame {
    struct vm_call *call;
    struct script *script;
    uint32_t generation; /* moves when the call ends: handles made in it die */
};

/* Why scripts are being unwound; their own pcall lets all of these pass. */
enum vm_stop {
    VM_GOES,
    VM_VETO,  /* refused, or a core error handed on: vm->veto */
    VM_LIMIT, /* too many reads, writes or rows */
    VM_KILLED /* out of time or memory: the VM ends */
};

/* Where all that does not fit is asked for: what a script registers wrongly is told, and the next
 * line runs. */
struct vm_telling {
    void (*tell)(void *arg, const struct plugin *plugin, const char *text);
    void *arg;
};

struct vm {
    lua_State *L;
    lua_State *running;  /* L, or the coroutine that runs */
    int resumes;         /* coroutines that wait for one another */
    struct arena *arena; /* owned */
    const struct model *model;
    int64_t version, serial; /* the model's */
    struct plan *plan;       /* what the scripts registered; perhaps other VMs' as well */
    struct hooks *hooks;     /* the plan's, as this VM's */
    int *refs; /* owned: the function of each slot, LUA_NOREF until its script is loaded */
    int refs_room;
    struct vm_stat {
        struct hookstat *at; /* NULL: there was no room */
        bool is_asked;
    } * stats; /* of the plan's handlers */
    struct record_computed computed;
    struct script *scripts; /* in load order */
    int scripts_count;
    size_t bytes, bytes_limit; /* what the allocator gave; where it asks for a look */
    bool collect_due, is_dead;
    int cycles_due;                   /* of the collector, until what the calls have left is gone */
    const struct vm_telling *telling; /* of a trial; or NULL: the first failure ends it */
    bool is_trial;         /* what fails is told to who asked and is nothing for the log */
    bool is_guess;         /* it loads on its products' plan, and without it if that fails */
    bool seed_due;         /* math.random begins anew */
    uint32_t marks;        /* late_marks() when it was made: what is set aside may have changed */
    struct tenant *tenant; /* whose tenant->vm this is; NULL: on trial */
    struct vm *newer, *older; /* by last use, of this process */
    enum vm_stop stop;
    enum err veto;
    const char *why;             /* of VM_LIMIT and VM_KILLED: a constant */
    char place[LUA_IDSIZE + 16]; /* where that was: "leads/rules.lua:7: ", or "" */
    const char *broken;          /* why the scripts did not load; NULL = they did */
    int64_t broken_at_us;
    int slow_loads; /* times in a row that loading was ended by force before this one */
    struct frame frames[VM_FRAMES_MAX];
    int depth;
    int deadline;    /* tick of watch.h */
    int64_t wall_us; /* monotonic; 0 = only CPU time counts */
    struct limit limits[LIMIT_KINDS];
    size_t arena_limit;   /* of ctx->arena: what a script makes the core keep */
    enum limit_kind kind; /* of the outermost call: whose counts hold */
    struct vm_used {
        int reads, writes, rows, http, keyed, logs, ticks;
        uint64_t queue;  /* hash of the one that was counted last, 0 = none */
        int64_t waiting; /* in it, with what this unit has added */
    } used;              /* by the unit of work: one save with all that it sets off */
    struct emitting {    /* an event whose handlers run */
        const char *name;
        struct emitting *up;
        int depth;
    } * emitting;
    bool was_killed;     /* the last outermost call went beyond its limits */
    struct trial *trial; /* a test of a plugin runs: what it stubs and notes; else NULL */
    int64_t saving;      /* which of the unit's saves; 0: an operation or a service */
    bool unit_as_system;
    char trace[VM_TRACE_BYTES];
};

/* A Lua function and whose it is. */
struct bound {
    int script; /* its place in load order */
    const char *name;
    int ref;                   /* a slot */
    const struct bound *inner; /* what it wraps, perhaps of another script; NULL */
};

static inline struct vm *vm_of(lua_State *L)
{
    return *(struct vm **)lua_getextraspace(L);
}
static inline struct script *vm_owner(const struct vm *vm, const struct bound *bound)
{
    return &vm->scripts[bound->script];
}
static inline struct frame *vm_frame(struct vm *vm)
{
    return vm->depth ? &vm->frames[vm->depth - 1] : NULL;
}
