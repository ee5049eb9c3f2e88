/* jobs_keys - seals anew, by the newest keys, what older ones sealed.
 *
 * Entity after entity, a batch of records in each transaction, with the place kept in the job: it
 * goes on after a crash where the last commit was. When all is done the old keys are retired.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "api/jobs_in.h"
#include "api/mailbox.h"
#include "api/mailer.h"
#include "auth/plugin_secret.h"
#include "auth/totp.h"
#include "auth/vault.h"
#include "base/id.h"
#include "record/unmask.h"

struct rekey {
    struct jobs_run *run;
    const struct entity *entity; /* NULL: what is no record, and the end */
    int64_t after;
};

/* The first entity with encrypted fields at or behind that name; the list's order is the model's.
 */
static const struct entity *entity_from(const struct model *model, const char *name, bool behind)
{
    bool reached = !name;
    for (int i = 0; i < model->entities_count; i++) {
        const struct entity *entity = model->entity_list[i];
        bool is_it = name && strcmp(entity->name, name) == 0;
        if ((reached || (is_it && !behind)) && unmask_has_sealed(entity))
            return entity;
        reached = reached || is_it;
    }
    return NULL;
}

static const char *state_json(struct arena *arena, const struct entity *entity, int64_t after)
{
    char id[ID_TEXT_LEN + 1];
    if (!entity)
        return "{\"rest\":true}";
    id_text(after, id);
    return arena_printf(arena, "{\"entity\":\"%s\",\"after\":\"%s\"}", entity->name, id);
}

static enum err batch_fn(struct ctx *ctx, void *arg)
{
    struct rekey *r = arg;
    int64_t last = 0;
    enum err e = unmask_reseal(ctx, r->entity, r->after, REKEY_BATCH_ROWS, &last);
    if (e)
        return e;
    const struct entity *next = last ? r->entity : entity_from(ctx->model, r->entity->name, true);
    const char *state = state_json(ctx->arena, next, last);
    e = job_renew(ctx, &r->run->open->job, r->run->owner, state, 0);
    if (!e) { /* also for this process' next step */
        struct arena *arena = r->run->open->arena;
        e = json_parse(arena, slice_str(arena_strdup(arena, state)), &r->run->open->job.state,
                       NULL);
    }
    return e;
}

static bool is_secret(void *arg, const char *plugin, struct slice name)
{
    const struct model *model = arg;
    for (int i = 0; i < model->plugins_count; i++) {
        if (strcmp(model->plugins[i]->id, plugin) != 0)
            continue;
        json_each(setting, json_get(model->plugins[i]->manifest, "config"))
        {
            if (slice_eq(json_str(setting, "name", SLICE("")), name))
                return slice_is(json_str(setting, "type", SLICE("")), "secret");
        }
    }
    return false;
}

static enum err rest_fn(struct ctx *ctx, void *arg)
{
    struct rekey *r = arg;
    struct model *model = ctx->tenant->model;
    enum err e = totp_reseal(ctx);
    if (!e)
        e = plugin_secret_reseal(ctx, is_secret, model);
    if (!e)
        e = mailer_reseal(ctx);
    if (!e)
        e = mailbox_reseal(ctx);
    if (!e)
        e = vault_retire(ctx);
    return e ? e : job_done(ctx, &r->run->open->job, r->run->owner, "{}");
}

enum err jobs_keys_step(struct jobs_run *run)
{
    struct ctx *ctx = run->ctx;
    const struct json *state = run->open->job.state;
    struct rekey r = {.run = run};
    if (!json_bool(state, "rest", false))
        r.entity = entity_from(ctx->model, json_cstr(state, "entity", NULL), false);
    (void)id_parse(json_str(state, "after", SLICE("")), &r.after);
    if (r.entity)
        return app_write(run->app, ctx, batch_fn, &r);
    enum err e = app_write(run->app, ctx, rest_fn, &r);
    run->ended = !e;
    return e;
}
