/* custom - fields, dictionaries, views and texts that administrators make without code.
 *
 * Everybody who may has a draft of their own, begun from what is published. It is kept as it was
 * sent, compared, tried and published: then it is the bundle CUSTOM_ID and goes the way of every
 * deploy. Who publishes a draft that began from something older than what is published now is told
 * so and changes nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/admin.h"
#include "api/body.h"
#include "api/custom_draft.h"
#include "api/deploys.h"
#include "api/handlers.h"
#include "auth/row.h"
#include "base/clock.h"
#include "base/id.h"

#define TRIAL_MASK 0x1fffffff /* of an id, so that two trials at a time have two numbers */

static int64_t owner(const struct call *call)
{
    return call->ctx->actor ? call->ctx->actor->user : 0;
}

static enum err published_read(struct call *call, const char **hash, const struct json **doc)
{
    *hash = deploys_active(call, CUSTOM_ID, NULL);
    return custom_read(call, *hash, doc);
}

enum err custom_draft_read(struct call *call, struct custom_draft *out)
{
    static const char *const columns[] = {"body", "base", "version", "updated_at"};
    struct arena *arena = call->ctx->arena;
    struct value values[4];
    const struct expr *mine = expr_cmp(arena, EXPR_EQ, "actor", value_int(owner(call)));
    enum err e = row_read(call->ctx->tenant->store, arena, "draft", columns, 4, mine, values);
    if (e)
        return e;
    out->base = row_text(&values[1]);
    out->version = values[2].integer;
    out->updated_at_ms = values[3].integer;
    return json_parse(arena, slice_str(row_text(&values[0])), &out->doc, NULL) ? ERR_CORRUPT
                                                                               : ERR_OK;
}

static bool is_stale(const char *base, const char *hash)
{
    return !(base && hash ? strcmp(base, hash) == 0 : base == hash);
}

/* What a stale draft began from, so that who has it can tell their changes from others'. A deploy
 * that is not kept any more is left out. */
static void put_begun(struct call *call, const struct custom_draft *draft)
{
    const struct json *doc;
    struct buf *out = &call->resp->body;
    if (draft->base && custom_read(call, draft->base, &doc)) {
        call->ctx->err.detail = NULL;
        return;
    }
    if (!draft->base)
        doc = json_new(call->ctx->arena, JSON_OBJECT);
    json_put_key(out, "begun");
    json_put(out, doc);
}

static void put_draft(struct buf *out, const struct custom_draft *draft, const char *hash)
{
    char at[25];
    time_text(draft->updated_at_ms, at);
    buf_printf(out, "{\"version\":%lld,\"updated_at\":\"%s\"", (long long)draft->version, at);
    json_put_key(out, "base");
    json_put_cstr(out, draft->base);
    json_put_key(out, "stale");
    json_put_bool(out, is_stale(draft->base, hash));
    json_put_key(out, "document");
    json_put(out, draft->doc);
    buf_put_char(out, '}');
}

enum err custom_get(struct call *call)
{
    struct buf *out = &call->resp->body;
    const char *hash;
    const struct json *doc;
    struct custom_draft draft;
    enum err e = published_read(call, &hash, &doc);
    if (e)
        return e;
    e = custom_draft_read(call, &draft);
    if (e && e != ERR_NOT_FOUND)
        return e;
    buf_put_str(out, "{\"hash\":");
    json_put_cstr(out, hash);
    json_put_key(out, "document");
    json_put(out, doc);
    json_put_key(out, "draft");
    if (e)
        buf_put_str(out, "null");
    else
        put_draft(out, &draft, hash);
    if (!e && is_stale(draft.base, hash))
        put_begun(call, &draft);
    buf_printf(out, ",\"fields_max\":%d}", CUSTOM_FIELDS_MAX);
    return ERR_OK;
}

/* --- the draft ----------------------------------------------------------------------------------
 */

/* Roles may be told of the new fields by who administers roles; nobody is made an administrator
 * here. */
static enum err check_roles(struct call *call, const struct json *before, const struct json *doc)
{
    const struct json *was = json_get(before, "roles"), *is = json_get(doc, "roles");
    const struct actor *actor = call->ctx->actor;
    json_each(role, is)
    {
        if (json_get(role, "admin"))
            return err_field(&call->ctx->err, "document.roles", "role_above_you", NULL);
    }
    bool same = (!was && !is) || (was && is && json_equal(was, is));
    if (same || call->is_operator || (actor && actor_may_admin(actor, "roles")))
        return ERR_OK;
    return ERR_FORBIDDEN;
}

static enum err draft_write(struct call *call, struct custom_draft *draft)
{
    draft->updated_at_ms = call->ctx->now_ms;
    const struct store_set sets[] = {
        {"actor", value_int(owner(call)), false},
        {"body", value_text(slice_str(body_json(call->ctx->arena, draft->doc))), false},
        {"base", draft->base ? value_text(slice_str(draft->base)) : value_null(), false},
        {"version", value_int(draft->version), false},
        {"updated_at", value_int(draft->updated_at_ms), false},
    };
    return store_put(call->ctx->tenant->store, "draft", sets, 5);
}

/* The version of the body, where it is given, has to be the one that is kept. */
static enum err draft_next(struct call *call, struct custom_draft *out, const char *hash)
{
    struct custom_draft kept = {.base = hash};
    const struct json *version = json_get(call->body, "version");
    const struct json *base = json_get(call->body, "base");
    enum err e = custom_draft_read(call, &kept);
    if (e && e != ERR_NOT_FOUND)
        return e;
    if (version && version->type != JSON_INT)
        return err_field(&call->ctx->err, "version", "not_a_number", NULL);
    if (version && version->integer != kept.version)
        return err_say(&call->ctx->err, ERR_VERSION, NULL, "%s", "@error.version_mismatch");
    if (base && base->type != JSON_STRING && base->type != JSON_NULL)
        return err_field(&call->ctx->err, "base", "not_a_text", NULL);
    if (base) /* who has merged says with what */
        kept.base = base->type == JSON_STRING ? base->text.at : NULL;
    *out = kept;
    out->version = kept.version + 1;
    return ERR_OK;
}

enum err custom_draft_put(struct call *call)
{
    const struct json *body, *published;
    struct custom_draft draft;
    const char *hash;
    enum err e = call_object(call, &body);
    if (e)
        return e;
    const struct json *doc = json_get(body, "document");
    e = call_only(call, (const char *const[]){"document", "version", "base", NULL});
    if (!e && !doc)
        e = err_field(&call->ctx->err, "document", "required", NULL);
    if (!e)
        e = custom_check(call, doc);
    if (!e)
        e = published_read(call, &hash, &published);
    if (!e)
        e = check_roles(call, published, doc);
    if (!e)
        e = draft_next(call, &draft, hash);
    if (!e)
        e = custom_settle(call, published, doc, &draft.doc);
    if (!e)
        e = draft_write(call, &draft);
    if (!e)
        put_draft(&call->resp->body, &draft, hash);
    return e;
}

static enum err draft_drop(struct call *call, void *arg)
{
    (void)arg;
    return store_delete(call->ctx->tenant->store, "draft",
                        expr_cmp(call->ctx->arena, EXPR_EQ, "actor", value_int(owner(call))), NULL);
}

enum err custom_draft_delete(struct call *call)
{
    enum err e = draft_drop(call, NULL);
    if (!e)
        call->resp->status = 204;
    return e;
}

/* --- comparing, trying, publishing --------------------------------------------------------------
 */

enum err custom_diff(struct call *call)
{
    struct buf *out = &call->resp->body;
    const struct json *published;
    const char *hash;
    struct custom_draft draft;
    enum err e = published_read(call, &hash, &published);
    if (!e)
        e = custom_draft_read(call, &draft);
    if (e)
        return e;
    buf_put_str(out, "{\"stale\":");
    json_put_bool(out, is_stale(draft.base, hash));
    buf_put_str(out, ",\"changes\":");
    custom_put_diff(call->ctx->arena, published, draft.doc, out);
    buf_put_char(out, '}');
    return ERR_OK;
}

static enum err next_version(struct call *call, const char **out)
{
    struct deploy *all;
    int count;
    enum err e = deploy_list(call->ctx->tenant, call->ctx->arena, CUSTOM_ID, &all, &count);
    *out = arena_printf(call->ctx->arena, "1.0.%d", count);
    return e;
}

enum err custom_draft_pack(struct call *call, const struct custom_draft *draft, bool is_trial,
                           struct pack *out, const char **version)
{
    const struct json *published, *doc;
    const char *hash, *why = NULL;
    enum err e = published_read(call, &hash, &published);
    if (!e)
        e = custom_settle(call, published, draft->doc, &doc);
    if (!e)
        e = next_version(call, version);
    if (e)
        return e;
    if (is_trial)
        *version = arena_printf(call->ctx->arena, "0.0.%d", (int)(id_next() & TRIAL_MASK));
    if (custom_pack(call->ctx->arena, doc, *version, out, &why))
        return err_say(&call->ctx->err, ERR_VALIDATION, "bundle_refused", "%s", why);
    return ERR_OK;
}

static enum err take(struct call *call, bool check_only)
{
    const struct json *published;
    const char *hash;
    struct custom_draft draft;
    struct pack pack;
    struct deploys_take take = {.plugin = CUSTOM_ID,
                                .action = "publish",
                                .pack = &pack,
                                .check_only = check_only,
                                .write = draft_drop};
    enum err e = published_read(call, &hash, &published);
    if (!e)
        e = custom_draft_read(call, &draft);
    if (!e && !check_only && is_stale(draft.base, hash))
        e = admin_refuse(call, ERR_CONFLICT, "draft_stale", NULL);
    if (!e)
        e = check_roles(call, published, draft.doc);
    if (!e)
        e = custom_check_templates(call, draft.doc);
    if (!e)
        e = custom_draft_pack(call, &draft, check_only, &pack, &take.version);
    return e ? e : deploys_take(call, &take);
}

static enum err check_empty(struct call *call)
{
    const struct json *body;
    enum err e = call->body ? call_object(call, &body) : ERR_OK;
    return e ? e : call_only(call, (const char *const[]){NULL});
}

enum err custom_validate(struct call *call)
{
    enum err e = check_empty(call);
    return e ? e : take(call, true);
}

enum err custom_publish(struct call *call)
{
    enum err e = check_empty(call);
    return e ? e : take(call, false);
}

enum err custom_history(struct call *call)
{
    enum err e = deploys_put(call, CUSTOM_ID);
    if (e == ERR_NOT_FOUND) {
        buf_put_str(&call->resp->body, "{\"items\":[],\"next\":null}");
        return ERR_OK;
    }
    return e;
}

enum err custom_rollback(struct call *call)
{
    return deploys_back(call, CUSTOM_ID);
}
