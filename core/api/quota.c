/* quota - asking and refusing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/quota.h"

#include "auth/actor.h"
#include "store/query.h"

static enum err refuse(struct ctx *ctx, enum err e, const char *code, const char *en,
                       const char *zh)
{
    return err_say(&ctx->err, e, code, "%s", ctx->lang == LANG_ZH ? zh : en);
}

static const struct expr *is_user(struct ctx *ctx, const char *column, int64_t user)
{
    return expr_cmp(ctx->arena, EXPR_EQ, column, value_int(user));
}

/* --- jobs --- */

static const struct expr *is_unfinished(struct ctx *ctx)
{
    struct value *states = arena_array(ctx->arena, struct value, 3);
    states[0] = value_text(SLICE("queued"));
    states[1] = value_text(SLICE("leased"));
    states[2] = value_text(SLICE("stopping"));
    return expr_in(ctx->arena, "state", states, 3);
}

/* What the server itself has queued (the outbox, schedules) has no creator and does not count. */
static enum err count_jobs(struct ctx *ctx, int64_t user, int64_t cap, int64_t *out)
{
    const struct expr *who = user ? is_user(ctx, "created_by", user)
                                  : expr_cmp(ctx->arena, EXPR_GT, "created_by", value_int(0));
    return store_count(ctx->tenant->store, "job", expr_and(ctx->arena, is_unfinished(ctx), who),
                       cap, out);
}

enum err quota_jobs(struct call *call)
{
    struct ctx *ctx = call->ctx;
    const struct config *config = call->app->config;
    int64_t mine = 0, all = 0;
    if (!ctx->actor)
        return ERR_OK;
    enum err e = count_jobs(ctx, ctx->actor->user, config->jobs_per_user_max, &mine);
    if (!e)
        e = count_jobs(ctx, 0, config->jobs_per_tenant_max, &all);
    if (e || (mine < config->jobs_per_user_max && all < config->jobs_per_tenant_max))
        return e;
    ctx->err.retry_after_s = 10;
    return refuse(ctx, ERR_TOO_MANY, "too_many_jobs",
                  "Too many jobs are waiting; let some of them end first.",
                  "等待中的任务过多，请先等其中一些完成。");
}

/* --- API keys --- */

static enum err count_keys(struct ctx *ctx, int64_t user, int64_t cap, int64_t *out)
{
    const struct expr *living = expr_cmp(ctx->arena, EXPR_NULL, "revoked_at", value_null());
    if (user)
        living = expr_and(ctx->arena, living, is_user(ctx, "user", user));
    return store_count(ctx->tenant->store, "api_key", living, cap, out);
}

enum err quota_keys(struct call *call, int64_t user)
{
    struct ctx *ctx = call->ctx;
    const struct config *config = call->app->config;
    int64_t theirs = 0, all = 0;
    enum err e = count_keys(ctx, user, config->keys_per_user_max, &theirs);
    if (!e)
        e = count_keys(ctx, 0, config->keys_per_tenant_max, &all);
    if (e || (theirs < config->keys_per_user_max && all < config->keys_per_tenant_max))
        return e;
    return refuse(ctx, ERR_CONFLICT, "too_many_keys",
                  "There are too many API keys; revoke some of them first.",
                  "API 密钥过多，请先撤销其中一些。");
}

/* --- sessions --- */

struct newest {
    int64_t *ids;
    int count;
};

static bool take_session(void *arg, const struct store_row *row)
{
    struct newest *newest = arg;
    newest->ids[newest->count++] = store_row_int(row, 0);
    return true;
}

enum err quota_sessions(struct app *app, struct ctx *ctx, int64_t user)
{
    int most = app->config->sessions_per_user_max;
    struct newest newest = {.ids = arena_array(ctx->arena, int64_t, (size_t)most)};
    struct query_column id = {.column = {0, "id"}};
    struct query_order order = {{0, "id"}, NULL, true};
    const struct expr *theirs = is_user(ctx, "user", user);
    struct query q = {.table = "session",
                      .select = &id,
                      .select_count = 1,
                      .where = theirs,
                      .order = &order,
                      .order_count = 1,
                      .limit = most};
    enum err e = store_read(ctx->tenant->store, &q, take_session, &newest);
    if (e || newest.count < most)
        return e;
    const struct expr *older =
        expr_and(ctx->arena, theirs,
                 expr_cmp(ctx->arena, EXPR_LT, "id", value_int(newest.ids[newest.count - 1])));
    return store_delete(ctx->tenant->store, "session", older, NULL);
}
