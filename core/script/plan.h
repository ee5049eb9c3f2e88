/* plan - what the scripts of a model have registered, without the scripts; private to this folder.
 *
 * The first VM of a model runs every init.lua and leaves its registrations here: handlers in their
 * order, jobs, routes, checks, services, operations. Further VMs of the same model and the same
 * code begin with the plan alone. A function stands as a slot: its script is loaded when one of its
 * functions is first called, and fills its slots in the order in which it registered them. A script
 * that then registers anything else is not the one that the plan was made of: the VM ends.
 *
 * Of a product's script, whose init.lua is a table of contents, a function that is a member of a
 * module is found there: that module is loaded when the function is first called, and neither
 * init.lua nor what else it names. A company uses a part of what its plugins can do, and each file
 * that it has not needed is memory that it does not take.
 *
 * A tenant with bundles of its own goes by the plan of its products, which all have, and a plan of
 * its own on top, which its bundles fill.
 *
 * Nothing of a tenant is in here: what a call sees comes from its VM.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "script/vm_in.h"

struct plan {
    struct arena *arena; /* owned: all that registrations keep */
    int users;
    struct plan *below; /* one use of it; its registrations come first. NULL: there is none */
    bool is_alone;      /* a function of one script in another's place: its VM keeps it to itself */
    struct hooks *hooks;
    struct map services, actions; /* → struct bound * */
    struct map functions;         /* number of a computed field → struct bound * */
    struct schedule *tasks;       /* jobs that plugins offer, and their functions */
    struct bound *tasks_bound;
    int tasks_count;
    struct check_rule *checks; /* invariants that plugins name, and their functions */
    struct bound *checks_bound;
    int checks_count;
    struct endpoint *endpoints; /* routes of plugins, and their functions */
    struct bound *endpoints_bound;
    int endpoints_count;
    int handlers_count;
    int *slots; /* whose function stands there: the script's place in load order */
    int slots_count, slots_room;
    struct plan_home {
        const char *module; /* NULL: only init.lua knows it */
        const char *member;
        int script; /* whose module that is, in load order */
    } * homes;      /* of the first slots */
    int homes_count;
    char (*codes)[2 * CRYPTO_SHA256_LEN + 1]; /* of each script, in load order */
    int scripts_count;
};

struct plan *plan_new(void); /* in use once */
void plan_release(struct plan *plan);
/* The plan that another VM of this model has left, once more in use, if its code is that of these
 * scripts and none of them is set aside; else NULL. */
struct plan *plan_find(const struct model *model, const struct script *scripts, int count);
/* A plan that begins with another one, whose use it takes over; in use once. */
struct plan *plan_over(struct plan *below);
/* Room for `max` items: the list itself, or a copy where it is still that of the plan below. */
void *plan_list(const struct plan *plan, void *list, const void *of_below, int count, int max,
                size_t size);
/* The VM goes by this plan, whose use it takes over; is_shared: it is found, not to be filled. */
void plan_begin(struct vm *vm, struct plan *plan, bool is_shared);
/* All scripts of the VM have loaded: what they registered is there for others. */
void plan_leave(struct vm *vm);

/* A slot as a `ref`, beside those of the registry (≥ 0) and LUA_NOREF. */
#define PLAN_SLOT_FIRST (-16)
static inline bool plan_is_slot(int ref)
{
    return ref <= PLAN_SLOT_FIRST;
}
