/* ctx - one unit of work: who asks, for whom, in which language, with which memory.
 *
 * One ctx travels down from the pipeline (or a job step, or a command). Each stage fills its own
 * fields and asserts the earlier ones. Everything in it is borrowed for the unit.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "tenant/tenant.h"

struct actor; /* auth/actor.h */
struct model; /* record/model.h */
struct unit;  /* record/record.h: depth and counts of nested writes */

enum ctx_source { CTX_API, CTX_UI, CTX_IMPORT, CTX_HOOK, CTX_JOB, CTX_COMMAND };

struct ctx {
    struct arena *arena;       /* memory of the unit */
    struct tenant *tenant;     /* stage 1 */
    const struct actor *actor; /* stage 2; NULL = nobody */
    const struct model *model; /* stage 3: the tenant's model at header.model_version */
    struct unit *unit;         /* while writing; else NULL */
    enum lang lang;
    enum ctx_source source;
    bool as_system; /* rights are not asked: the core itself, commands, declared plugins */
    int64_t now_ms; /* frozen for the unit */
    const char *trace, *address;
    int64_t batch; /* import or delete batch id, 0 = none */
    struct err_info err;
};

/* Zeroes, sets arena, time, language and err. */
void ctx_init(struct ctx *ctx, struct arena *arena);
const char *ctx_source_name(enum ctx_source source);
