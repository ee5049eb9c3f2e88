/* trial - a plugin's own tests: the cases that `crm.test` names, and what `t` lends to them.
 *
 * A test file runs with its plugin's _ENV and a `crm` that can also `test`. A case runs outside of
 * any transaction, as a job does, so that all it sets off is real: each write is a transaction of
 * its own, the outbox is delivered by what delivers it elsewhere. What is not there is the outside:
 * ctx.http is answered by the case, letters stay in their queue, the clock stands still.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "script/task.h"

struct fetch; /* outbound/fetch.h */
struct fetch_answer;

/* What the throw-away tenant around it does for a case. */
struct trial_host {
    struct vm_host vm; /* first: how it writes */
    /* Makes a user of login, name, roles, team, department, manager (names); in a transaction. */
    enum err (*user)(struct trial_host *host, struct ctx *ctx, const struct json *spec,
                     int64_t *id);
    /* Sets ctx->actor to the user of that login. ERR_NOT_FOUND. */
    enum err (*act_as)(struct trial_host *host, struct ctx *ctx, const char *login);
    /* Runs what is due: deliveries and jobs. *failed: a list of why, for those that did not end
     * well. */
    enum err (*outbox)(struct trial_host *host, int *done, const struct json **failed);
    /* The letters that were posted, oldest first. */
    enum err (*mails)(struct trial_host *host, struct ctx *ctx, const struct json **out);
    void *user_data;
};

struct trial_case {
    const char *name;
    const char *where; /* "acme.sales/tests/level_test.lua:3" */
};

struct trial;

/* Loads a test file of a plugin ("tests/level_test") into its VM. On failure *why begins with
 * file:line. All of it lives in ctx's arena and ends with the VM. */
MUST_USE enum err trial_open(struct vm *vm, struct ctx *ctx, const char *plugin, const char *file,
                             struct trial_host *host, struct trial **out, const char **why);
int trial_count(const struct trial *trial);
const struct trial_case *trial_case(const struct trial *trial, int n);
/* Runs one. ERR_PLUGIN with a sentence that begins with file:line when it fails. */
MUST_USE enum err trial_run(struct trial *trial, int n, const char **why);
