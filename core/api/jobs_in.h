/* jobs_in - what the functions of the queues share; private to api/jobs_*.c.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"
#include "hook/job.h"
#include "script/await.h"

/* A job this process has begun and goes on with at its next step. */
struct jobs_open {
    struct jobs_open *next;
    char tenant[NAME_BYTES_MAX + 1];
    struct arena *arena; /* owned; the job and what its function keeps */
    struct job job;
    int64_t model_serial; /* of the last step; another model: state is built anew */
    int64_t stepped_us;   /* monotonic: when the last step began */
    int64_t looked_us;    /* whether another job is due */
    void *state;          /* the function's own */
    void (*state_free)(void *state);
    struct await *await; /* owned: what its next step waits for, NULL: nothing */
    bool is_awaited;     /* it may not be stepped yet */
};

struct jobs_run {
    struct app *app;
    struct ctx *ctx; /* acts as the job's creator; memory of this step */
    struct jobs_open *open;
    int64_t owner;
    bool ended; /* the job is done, dead or cancelled: it is forgotten */
};

/* One step. ERR_BUSY, ERR_IO, ERR_FULL, ERR_TIMEOUT: tried again later; anything else ends the job
 * with the reason in ctx->err. `failed` (may be NULL) is called in the transaction that gives up.
 */
struct jobs_queue {
    const char *name;
    enum err (*step)(struct jobs_run *run);
    enum err (*failed)(struct ctx *ctx, const struct job *job, const char *reason);
};

/* How people are told a job's state: "running" where the table says "leased". */
const char *jobs_state_name(struct slice state);
/* One sentence about e and ctx->err for the person who started the job. */
const char *jobs_reason(struct ctx *ctx, enum err e);
/* In the transaction that paused it: whoever administers plugins is told, with the reason. `what`
 * is handler_paused or job_paused. */
MUST_USE enum err jobs_tell_paused(struct ctx *ctx, const char *what, const char *name,
                                   const char *why);
/* Code that was set aside (tenant/quarantine.h): do the administrators know? A plain read; telling
 * them borrows a write turn where there is something to tell. */
MUST_USE enum err jobs_aside_is_told(struct tenant *tenant, bool *out);
MUST_USE enum err jobs_aside_tell(struct app *app, struct ctx *ctx);
/* Brings search tokens that an earlier release made to those of this one, a batch in a lent write
 * turn; *more: some are left. */
MUST_USE enum err jobs_tokens_step(struct app *app, struct ctx *ctx, bool *more);
/* Is there nothing to do for it? A plain read. */
MUST_USE enum err jobs_tokens_are_current(struct tenant *tenant, bool *out);
/* The import a job is about; ERR_CORRUPT when it does not say. */
MUST_USE enum err jobs_import_id(const struct job *job, int64_t *out);

MUST_USE enum err jobs_import_step(struct jobs_run *run);
MUST_USE enum err jobs_import_failed(struct ctx *ctx, const struct job *job, const char *reason);
MUST_USE enum err jobs_export_step(struct jobs_run *run);
MUST_USE enum err jobs_imap_step(struct jobs_run *run);
MUST_USE enum err jobs_mail_step(struct jobs_run *run);
MUST_USE enum err jobs_notify_step(struct jobs_run *run);
MUST_USE enum err jobs_person_step(struct jobs_run *run);
MUST_USE enum err jobs_outbox_step(struct jobs_run *run);
MUST_USE enum err jobs_keys_step(struct jobs_run *run);
MUST_USE enum err jobs_script_step(struct jobs_run *run);
MUST_USE enum err jobs_script_failed(struct ctx *ctx, const struct job *job, const char *reason);
/* Brings the tables of jobs and routes to what the scripts of this model register; nothing where
 * they are. Borrows a write turn. */
MUST_USE enum err jobs_script_sync(struct app *app, struct ctx *ctx);
