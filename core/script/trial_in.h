/* trial_in - what trial.c and bind_trial.c share; private to script/.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "script/bind.h"
#include "script/trial.h"

struct trial {
    struct vm *vm;
    struct script *script;
    struct script people; /* writes as people do: no read-only field is its own */
    struct ctx *ctx;
    struct trial_host *host;
    const char *file;
    struct trial_case *cases;
    int *refs; /* registry: their functions */
    int count;
    int stub;          /* registry: what answers ctx.http; LUA_NOREF */
    int calls;         /* registry: list of what was asked of it */
    int db, db_people; /* registry: ctx.db of either kind */
    struct refusal {   /* what the data refused last */
        enum err e;    /* ERR_OK: nothing */
        const char *code;
        const struct err_field *first;
        const char *text;
    } refusal;
};

/* The table `t`. [-0, +1] */
void bind_trial_push(lua_State *L, struct trial *trial);
/* Keeps what was refused, for t.expect_fail; info lives as long as the case. */
void trial_refused(struct trial *trial, enum err e, const struct err_info *info, const char *text);
/* Answers a call of ctx.http from the case's own function. Raises what that raises. */
enum err trial_fetch(lua_State *L, struct arena *arena, const struct fetch *fetch,
                     struct fetch_answer *out, const char **why);
