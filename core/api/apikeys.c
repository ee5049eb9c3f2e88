/* apikeys - keys for programs. A key is told once, when it is made.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/admin.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/quota.h"
#include "auth/session.h"
#include "base/clock.h"
#include "base/id.h"

/* --- reading ------------------------------------------------------------------------------------
 */

static void put_time(struct buf *out, const char *key, const struct store_row *row, int column)
{
    char time[25];
    time_text(store_row_int(row, column), time);
    json_put_key(out, key);
    json_put_cstr(out, store_row_is_null(row, column) ? NULL : time);
}

/* Kept as JSON; null is "all". */
static void put_list(struct buf *out, const char *key, const struct store_row *row, int column)
{
    struct slice text = store_row_bytes(row, column);
    json_put_key(out, key);
    buf_put_slice(out, text.len ? text : SLICE("null"));
}

static bool put_key(struct page *page, const struct store_row *row)
{
    static const char *const times[] = {"created_at", "seen_at", "expires_at", "revoked_at"};
    static const char *const counts[] = {"calls", "refused", "limited"};
    struct buf *out = &page->call->resp->body;
    char id[ID_TEXT_LEN + 1];
    id_text(store_row_int(row, 0), id);
    buf_printf(out, "{\"id\":\"%s\"", id);
    id_text(store_row_int(row, 1), id);
    buf_printf(out, ",\"user\":\"%s\"", id);
    json_put_key(out, "user_name");
    json_put_string(out, store_row_bytes(row, 10));
    for (int i = 0; i < 4; i++)
        put_time(out, times[i], row, 2 + i);
    put_time(out, "limited_at", row, 14);
    for (int i = 0; i < 3; i++)
        buf_printf(out, ",\"%s\":%lld", counts[i], (long long)store_row_int(row, 11 + i));
    json_put_key(out, "name");
    json_put_string(out, store_row_bytes(row, 6));
    json_put_key(out, "prefix");
    json_put_string(out, store_row_bytes(row, 7));
    put_list(out, "scopes", row, 8);
    put_list(out, "addresses", row, 9);
    buf_put_char(out, '}');
    return true;
}

enum err apikeys_list(struct call *call)
{
    static const char *const filters[] = {"user", NULL};
    static const struct query_column columns[] = {
        {.column = {0, "id"}},        {.column = {0, "user"}},       {.column = {0, "created_at"}},
        {.column = {0, "seen_at"}},   {.column = {0, "expires_at"}}, {.column = {0, "revoked_at"}},
        {.column = {0, "name"}},      {.column = {0, "prefix"}},     {.column = {0, "scopes"}},
        {.column = {0, "addresses"}}, {.column = {1, "name"}},       {.column = {0, "calls"}},
        {.column = {0, "refused"}},   {.column = {0, "limited"}},    {.column = {0, "limited_at"}},
    };
    static const struct query_join users[] = {{.table = "user", .from = {0, "user"}, .to = "id"}};
    static const struct query_order newest[] = {{.column = {0, "id"}, .descending = true}};
    struct page page;
    int64_t user;
    struct query query = {.table = "api_key",
                          .select = columns,
                          .select_count = 15,
                          .joins = users,
                          .joins_count = 1,
                          .order = newest,
                          .order_count = 1};
    enum err e = page_begin(call, 1, filters, &page);
    if (e)
        return e;
    struct slice asked = req_query(call->req, "user");
    if (asked.at && !id_parse(asked, &user))
        return err_field(&call->ctx->err, "user", "bad_id", NULL);
    if (asked.at)
        query.where = expr_cmp(call->ctx->arena, EXPR_EQ, "user", value_int(user));
    page.put = put_key;
    return page_read(&page, &query);
}

/* --- scopes -------------------------------------------------------------------------------------
 */

static bool action_is_core(struct slice word)
{
    for (int action = 0; action < ROLE_ACTIONS; action++)
        if (slice_is(word, role_action_name((enum role_action)action)))
            return true;
    return false;
}

/* The core's actions, and operations that views or the entity declare. */
static bool action_is_known(const struct model *model, struct slice entity, struct slice word)
{
    if (slice_is(word, "*") || action_is_core(word))
        return true;
    for (int i = 0; i < model->views_count; i++) {
        const struct model_view *view = model->view_list[i];
        if (strcmp(view->kind, "action") == 0 && slice_is(word, view->name) && view->entity &&
            (slice_is(entity, "*") || slice_is(entity, view->entity)))
            return true;
    }
    const struct entity *found = model_entity(model, entity);
    json_each(action, found ? json_get(found->declared, "actions") : NULL)
    {
        if (slice_eq(json_str(action, "name", SLICE("")), word))
            return true;
    }
    return false;
}

/* NULL: it fits. */
static const char *scope_fault(const struct model *model, struct slice scope)
{
    struct slice word = scope, entity = slice_split(&word, ':');
    if (slice_is(scope, "*"))
        return NULL;
    if (!entity.len || !word.len)
        return "bad_scope";
    if (slice_is(entity, "job") || slice_is(entity, "file"))
        return slice_is(word, "*") || action_is_core(word) ? NULL : "unknown_action";
    if (slice_is(entity, "admin"))
        return slice_is(word, "*") || admin_area_is_known(word) ? NULL : "unknown_area";
    if (!slice_is(entity, "*") && !model_entity(model, entity))
        return "unknown_entity";
    return action_is_known(model, entity, word) ? NULL : "unknown_action";
}

static const struct json *check_scopes(struct call *call)
{
    const struct json *scopes = body_member(call, "scopes");
    if (!scopes)
        return NULL;
    if (scopes->type != JSON_ARRAY || !scopes->count) {
        body_bad(call, "scopes", "not_a_list", NULL);
        return NULL;
    }
    int at = 0;
    json_each(scope, scopes)
    {
        const char *place = arena_printf(call->ctx->arena, "scopes[%d]", at++);
        const char *code =
            scope->type == JSON_STRING ? scope_fault(call->ctx->model, scope->text) : "not_a_text";
        if (code)
            body_bad(call, place, code, NULL);
    }
    return scopes;
}

/* --- making and revoking ------------------------------------------------------------------------
 */

static int64_t check_expiry(struct call *call)
{
    const char *text = body_text(call, "expires_at", 40);
    int64_t at = 0;
    if (text && !time_parse(slice_str(text), &at))
        body_bad(call, "expires_at", "bad_datetime", NULL);
    return at;
}

static void put_made(struct call *call, const struct session_new *made, const char *name)
{
    struct buf *out = &call->resp->body;
    char id[ID_TEXT_LEN + 1], time[25];
    id_text(made->id, id);
    time_text(made->expires_at_ms, time);
    buf_printf(out, "{\"id\":\"%s\"", id);
    json_put_key(out, "name");
    json_put_cstr(out, name);
    json_put_key(out, "token");
    json_put_cstr(out, made->token);
    json_put_key(out, "expires_at");
    json_put_cstr(out, made->expires_at_ms ? time : NULL);
    buf_put_char(out, '}');
    resp_header(call->resp, "Cache-Control", "no-store");
    call_created(call, "/api/v1/admin/api-keys", made->id);
}

static enum err create(struct call *call)
{
    struct session_new made;
    const struct actor *actor = call->ctx->actor;
    const char *name = body_text(call, "name", 100);
    const struct json *scopes = check_scopes(call);
    int64_t expires_at_ms = check_expiry(call);
    int64_t user = body_id(call, "user");
    if (!name && !body_member(call, "name"))
        body_bad(call, "name", "required", NULL);
    if (!user && !actor && !body_member(call, "user"))
        body_bad(call, "user", "required", NULL);
    enum err e = body_done(call);
    if (e)
        return e;
    user = user || !actor ? user : actor->user;
    e = admin_covers_user(call, user);
    if (e == ERR_NOT_FOUND)
        return err_field(&call->ctx->err, "user", "not_found", NULL);
    if (!e)
        e = quota_keys(call, user);
    if (!e)
        e = session_key_create(call->ctx, user, name, scopes, body_member(call, "addresses"),
                               expires_at_ms, &made);
    if (!e)
        put_made(call, &made, name);
    return e;
}

/* A key with scopes could otherwise make itself one without. */
enum err apikeys_create(struct call *call)
{
    static const char *const members[] = {"name",       "scopes", "addresses",
                                          "expires_at", "user",   NULL};
    const struct json *body;
    if (call->ctx->actor && call->ctx->actor->scopes)
        return admin_refuse(call, ERR_FORBIDDEN, "key_makes_no_keys", NULL);
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    return e ? e : create(call);
}

enum err apikeys_revoke(struct call *call)
{
    int64_t id;
    enum err e = call_id(call, 0, &id);
    if (!e)
        e = session_key_revoke(call->ctx, id);
    if (!e)
        call->resp->status = 204;
    return e;
}
