/* jobs_tokens - makes search tokens anew that an earlier release has made (TOKEN_VERSION).
 *
 * Entity after entity, a batch of records in each lent write turn, beside all other work. The place
 * is kept in the same transaction, so it goes on after a crash where the last commit was. Until
 * then records are found by the tokens they have. An entity that comes later, with a plugin enabled
 * anew, has its turn when the model has moved.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/jobs_in.h"
#include "base/id.h"
#include "base/log.h"
#include "base/token.h"
#include "base/tuning.h"
#include "record/search.h"

/* Setting: {"version": of the tokens, "model": the version all was done with or 0, "done":
 * {"lead": true}, "entity": the one that is half done, "after": its last record}. */
#define KEPT "search_tokens"

static bool is_current(const struct tenant *tenant, const struct json *kept)
{
    return json_int(kept, "version", 0) == TOKEN_VERSION &&
           json_int(kept, "model", 0) == tenant->header.model_version;
}

enum err jobs_tokens_are_current(struct tenant *tenant, bool *out)
{
    struct arena *arena = arena_new();
    const struct json *kept = NULL;
    enum err e = tenant_setting(tenant, arena, KEPT, &kept);
    *out = is_current(tenant, kept);
    arena_free(arena);
    return e;
}

struct reindex {
    const struct json *before; /* done before this batch */
    struct buf done;           /* the names of all that are, as members */
    const struct entity *half; /* NULL: all are done */
    int64_t after;
};

static void put_done(struct reindex *r, const char *name)
{
    if (r->done.len)
        buf_put_char(&r->done, ',');
    json_put_cstr(&r->done, name);
    buf_put_str(&r->done, ":true");
}

static enum err keep(struct ctx *ctx, struct reindex *r)
{
    struct buf text = BUF_INIT;
    char after[ID_TEXT_LEN + 1];
    int64_t model = r->half ? 0 : ctx->model->version;
    buf_printf(&text, "{\"version\":%d,\"model\":%lld,\"done\":{%s}", TOKEN_VERSION,
               (long long)model, r->done.len ? buf_cstr(&r->done) : "");
    if (r->half) {
        id_text(r->after, after);
        buf_printf(&text, ",\"entity\":\"%s\",\"after\":\"%s\"", r->half->name, after);
    }
    buf_put_char(&text, '}');
    enum err e = tenant_setting_put(ctx->tenant, KEPT, buf_slice(&text));
    buf_release(&text);
    return e;
}

/* Small entities share a batch. */
static enum err batch_fn(struct ctx *ctx, void *arg)
{
    struct reindex *r = arg;
    const struct json *kept = NULL;
    enum err e = tenant_setting(ctx->tenant, ctx->arena, KEPT, &kept);
    bool is_ours = json_int(kept, "version", 0) == TOKEN_VERSION;
    const struct json *before = is_ours ? json_get(kept, "done") : NULL;
    struct slice half = is_ours ? json_str(kept, "entity", SLICE("")) : SLICE("");
    int left = REINDEX_BATCH_ROWS;
    buf_clear(&r->done);
    r->half = NULL;
    for (int i = 0; i < ctx->model->entities_count && !e && !r->half; i++) {
        const struct entity *entity = ctx->model->entity_list[i];
        bool is_done = json_bool(before, entity->name, false);
        int done = 0;
        if (!entity->has_search)
            continue;
        r->after = 0;
        if (!is_done && slice_is(half, entity->name))
            (void)id_parse(json_str(kept, "after", SLICE("")), &r->after);
        if (!is_done && left > 0)
            e = search_reindex(ctx, entity, r->after, left, &r->after, &done);
        left -= done;
        if (is_done || (left > 0 && r->after == 0))
            put_done(r, entity->name);
        else
            r->half = entity;
    }
    return e ? e : keep(ctx, r);
}

enum err jobs_tokens_step(struct app *app, struct ctx *ctx, bool *more)
{
    const struct json *kept = NULL;
    struct reindex r = {.done = BUF_INIT};
    enum err e = tenant_setting(ctx->tenant, ctx->arena, KEPT, &kept);
    if (e || is_current(ctx->tenant, kept))
        return e;
    e = app_write(app, ctx, batch_fn, &r);
    *more = !e && r.half;
    if (e && e != ERR_BUSY)
        log_warn("search of %s: tokens wait: %s", ctx->tenant->name, err_code(e));
    err_info_clear(&ctx->err); /* what is stored is found as before, and jobs do not wait for it */
    buf_release(&r.done);
    return ERR_OK;
}
