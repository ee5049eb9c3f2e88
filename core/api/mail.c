/* mail - the company's mail server as administrators see it: settings, a letter on trial, the log.
 *
 * The password goes in and never comes out. It stays as it is only while server and user stay: else
 * whoever may change the server could have it sent to one of their own.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/body.h"
#include "api/handlers.h"
#include "api/mailer.h"
#include "api/page.h"
#include "api/version.h"
#include "auth/audit.h"
#include "base/id.h"
#include "hook/post.h"

#define SECRET_SHOWN   "********"
#define HOST_CHARS_MAX 253
#define TEXT_CHARS_MAX 200
#define PORT_DEFAULT   587

#define SHOWN "host", "port", "tls", "user", "password", "from", "from_name", "per_hour"

static const char *const MEMBERS[] = {SHOWN, NULL};
static const char *const GIVEN[] = {SHOWN, "version", NULL};

/* --- settings -----------------------------------------------------------------------------------
 */

/* With the password as it is sealed: a new one is a change. */
static int64_t version(struct call *call, const struct json *setting)
{
    return version_of(slice_str(body_json(call->ctx->arena, setting)));
}

static void put_settings(struct call *call, const struct json *setting)
{
    struct buf *out = &call->resp->body;
    buf_put_char(out, '{');
    for (const char *const *name = MEMBERS; *name; name++) {
        const struct json *member = json_get(setting, *name);
        json_put_key(out, *name);
        if (!member)
            buf_put_str(out, "null");
        else if (strcmp(*name, "password") == 0)
            json_put_cstr(out, SECRET_SHOWN);
        else
            json_put(out, member);
    }
    version_put(out, version(call, setting));
    buf_put_char(out, '}');
    version_tag(call, "mail", version(call, setting));
}

enum err mail_settings_get(struct call *call)
{
    const struct json *setting = NULL;
    struct ctx *ctx = call->ctx;
    enum err e = tenant_setting(ctx->tenant, ctx->arena, MAILER_SETTING, &setting);
    if (!e)
        put_settings(call, setting);
    return e;
}

/* Blank is not given. */
static void require(struct call *call, const char *name)
{
    const struct json *member = body_member(call, name);
    if (!member || (member->type == JSON_STRING && !slice_trim(member->text).len))
        body_bad(call, name, "required", NULL);
}

static bool is_host(const char *text)
{
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at > '~' || strchr("/@\\\"<>", *at))
            return false;
    return true;
}

static void take(struct call *call, struct json *setting, const char *name, const char *text)
{
    struct arena *arena = call->ctx->arena;
    if (text)
        json_add(arena, setting, name, json_new_str(arena, slice_str(text)));
}

/* Everything but the password. */
static struct json *settings_read(struct call *call)
{
    struct arena *arena = call->ctx->arena;
    struct json *setting = json_new(arena, JSON_OBJECT);
    const char *host = body_text(call, "host", HOST_CHARS_MAX);
    const char *tls = body_text(call, "tls", 10), *from = body_text(call, "from", TEXT_CHARS_MAX);
    const char *user = body_text(call, "user", TEXT_CHARS_MAX);
    int64_t port = body_int(call, "port", 1, 65535, PORT_DEFAULT);
    require(call, "host");
    require(call, "from");
    if (host && !is_host(host))
        body_bad(call, "host", "bad_host", NULL);
    if (from && !mime_address_is_valid(slice_str(from)))
        body_bad(call, "from", "bad_email", NULL);
    if (tls && strcmp(tls, "starttls") != 0 && strcmp(tls, "tls") != 0 && strcmp(tls, "none") != 0)
        body_bad(call, "tls", "not_in_list", NULL);
    take(call, setting, "host", host);
    json_add(arena, setting, "port", json_new_int(arena, port));
    take(call, setting, "tls", tls ? tls : "starttls");
    take(call, setting, "user", user);
    take(call, setting, "from", from);
    take(call, setting, "from_name", body_text(call, "from_name", TEXT_CHARS_MAX));
    json_add(
        arena, setting, "per_hour",
        json_new_int(arena, body_int(call, "per_hour", 1, MAIL_RATE_PER_HOUR, MAIL_RATE_PER_HOUR)));
    return setting;
}

static bool same(const struct json *a, const struct json *b, const char *name)
{
    const struct json *x = json_get(a, name), *y = json_get(b, name);
    return x && y ? json_equal(x, y) : x == y;
}

/* What was given, or what is stored where nobody else would get it by the change. */
enum err mailer_take_password(struct call *call, struct json *setting, const struct json *stored)
{
    struct arena *arena = call->ctx->arena;
    const struct json *given = body_member(call, "password");
    bool is_shown = given && given->type == JSON_STRING && slice_is(given->text, SECRET_SHOWN);
    bool is_none = body_has(call, "password") && !given;
    struct slice sealed = {0};
    if (!json_get(setting, "user") || is_none)
        return ERR_OK;
    if (given && !is_shown) {
        const char *text = body_text(call, "password", TEXT_CHARS_MAX);
        if (!text)
            return body_done(call);
        if (slice_is(json_str(setting, "tls", SLICE("")), "none"))
            body_bad(call, "tls", "needs_tls", NULL);
        enum err e = body_done(call);
        if (!e)
            e = mailer_seal(call->ctx, slice_str(text), &sealed);
        if (e)
            return e;
    } else if (json_get(stored, "password")) {
        if (!same(stored, setting, "host") || !same(stored, setting, "port") ||
            !same(stored, setting, "user") || !same(stored, setting, "tls"))
            body_bad(call, "password", "required", NULL);
        sealed = json_str(stored, "password", SLICE(""));
    }
    if (sealed.len)
        json_add(arena, setting, "password", json_new_str(arena, sealed));
    return body_done(call);
}

/* Without the password, sealed or not. */
static enum err note_change(struct call *call, const struct json *setting)
{
    struct buf b = BUF_INIT;
    buf_put_str(&b, "{\"host\":");
    json_put_string(&b, json_str(setting, "host", SLICE("")));
    json_put_key(&b, "from");
    json_put_string(&b, json_str(setting, "from", SLICE("")));
    buf_put_char(&b, '}');
    enum err e = audit_put(call->ctx, "mail.settings", NULL, 0, buf_cstr(&b));
    buf_release(&b);
    return e;
}

enum err mail_settings_put(struct call *call)
{
    struct ctx *ctx = call->ctx;
    const struct json *body, *stored = NULL;
    struct buf text = BUF_INIT;
    enum err e = call_object(call, &body);
    if (!e)
        e = tenant_setting(ctx->tenant, ctx->arena, MAILER_SETTING, &stored);
    if (e)
        return e;
    e = version_check(call, "mail", version(call, stored));
    if (e)
        return e;
    enum err unknown = call_only(call, GIVEN);
    struct json *setting = settings_read(call);
    e = unknown ? unknown : body_done(call);
    if (!e)
        e = mailer_take_password(call, setting, stored);
    if (!e) {
        json_put(&text, setting);
        e = tenant_setting_put(ctx->tenant, MAILER_SETTING, buf_slice(&text));
    }
    buf_release(&text);
    if (!e)
        e = note_change(call, setting);
    if (!e)
        put_settings(call, setting);
    return e;
}

/* --- a letter on trial --------------------------------------------------------------------------
 */

static enum err note_test(struct call *call, void *arg)
{
    return audit_put(call->ctx, "mail.test", NULL, 0, arg);
}

static void put_outcome(struct call *call, const struct mail_outcome *outcome)
{
    struct buf *out = &call->resp->body;
    buf_put_str(out, "{\"sent\":");
    json_put_bool(out, !outcome->why);
    json_put_key(out, "code");
    json_put_int(out, outcome->code);
    json_put_key(out, "why");
    json_put_cstr(out, outcome->why);
    buf_put_char(out, '}');
}

/* Answers what the server said: that is what an administrator wants to see. */
enum err mail_test(struct call *call)
{
    static const char *const members[] = {"to", NULL};
    struct ctx *ctx = call->ctx;
    struct mailer mailer;
    struct mail_outcome outcome = {0};
    const struct json *body;
    enum err e = call_object(call, &body);
    if (e)
        return e;
    enum err unknown = call_only(call, members);
    const char *to = body_text(call, "to", MAIL_ADDRESS_BYTES_MAX);
    require(call, "to");
    if (to && !mime_address_is_valid(slice_str(to)))
        body_bad(call, "to", "bad_email", NULL);
    e = unknown ? unknown : body_done(call);
    if (!e)
        e = mailer_load(ctx, &mailer);
    if (e == ERR_NOT_FOUND)
        return err_say(&ctx->err, ERR_CONFLICT, "mail_not_set_up", NULL);
    if (!e)
        e = mailer_open(ctx, &mailer);
    if (!e)
        e = call_write(call, note_test, arena_printf(ctx->arena, "{\"to\":\"%s\"}", to));
    if (e)
        return e;
    const char *const all[] = {to, NULL};
    bool zh = ctx->lang == LANG_ZH;
    struct mime_letter letter = {
        .to = all,
        .subject = zh ? "测试邮件" : "A letter on trial",
        .text = zh ? SLICE("这是一封测试邮件，收到即表示邮件服务器设置正确。\n")
                   : SLICE("If you read this, the mail server is set up correctly.\n")};
    enum err ignored = mailer_send(ctx, &mailer, &letter, id_next(), &outcome);
    (void)ignored; /* the outcome tells it */
    put_outcome(call, &outcome);
    return ERR_OK;
}

/* --- the log ------------------------------------------------------------------------------------
 */

enum { LOG_ID, LOG_STATE, LOG_TRIES, LOG_CREATED, LOG_FINISHED, LOG_RUN_AT, LOG_BODY, LOG_RESULT };

static void put_time(struct buf *out, const char *key, const struct store_row *row, int column)
{
    char text[25];
    time_text(store_row_int(row, column), text);
    json_put_key(out, key);
    json_put_cstr(out, store_row_is_null(row, column) ? NULL : text);
}

static void put_member(struct buf *out, const char *key, const struct json *object,
                       const char *name)
{
    const struct json *member = json_get(object, name);
    json_put_key(out, key);
    if (member)
        json_put(out, member);
    else
        buf_put_str(out, "null");
}

static const char *state_name(struct slice state)
{
    if (slice_is(state, "done"))
        return "sent";
    if (slice_is(state, "dead"))
        return "failed";
    return slice_is(state, "cancelled") ? "cancelled" : "waiting";
}

/* "password_reset" of the core, "tickets:solved" of a plugin: their text "template.<name>". */
static void put_label(const struct ctx *ctx, struct buf *out, const char *template)
{
    struct slice rest = slice_str(template ? template : "");
    struct slice first = slice_split(&rest, ':');
    const char *plugin = rest.len ? arena_str(ctx->arena, first) : "core";
    const char *name = arena_str(ctx->arena, rest.len ? rest : first);
    json_put_key(out, "label");
    json_put_cstr(out, !template ? NULL
                                 : model_text_or(ctx->model, ctx->arena, ctx->lang, plugin,
                                                 arena_printf(ctx->arena, "@template.%s", name),
                                                 NULL, template));
}

static bool put_letter(struct page *page, const struct store_row *row)
{
    struct buf *out = &page->call->resp->body;
    struct arena *arena = page->call->ctx->arena;
    const struct json *body = NULL, *result = NULL;
    char id[ID_TEXT_LEN + 1];
    if (json_parse(arena, store_row_bytes(row, LOG_BODY), &body, NULL))
        body = NULL;
    if (store_row_is_null(row, LOG_RESULT) ||
        json_parse(arena, store_row_bytes(row, LOG_RESULT), &result, NULL))
        result = NULL;
    id_text(store_row_int(row, LOG_ID), id);
    buf_printf(out, "{\"id\":\"%s\",\"state\":\"%s\"", id,
               state_name(store_row_bytes(row, LOG_STATE)));
    put_member(out, "to", body, "to");
    put_member(out, "template", body, "template");
    put_label(page->call->ctx, out, json_cstr(body, "template", NULL));
    put_member(out, "error", result, "error");
    put_member(out, "message_id", result, "message_id");
    json_put_key(out, "tries");
    json_put_int(out, store_row_int(row, LOG_TRIES));
    put_time(out, "created_at", row, LOG_CREATED);
    put_time(out, "finished_at", row, LOG_FINISHED);
    put_time(out, "next_at", row, LOG_RUN_AT);
    buf_put_char(out, '}');
    return true;
}

static const struct expr *state_is(struct call *call, struct slice state)
{
    struct arena *a = call->ctx->arena;
    if (!state.len)
        return NULL;
    if (slice_is(state, "sent"))
        return expr_cmp(a, EXPR_EQ, "state", value_text(SLICE("done")));
    if (slice_is(state, "failed"))
        return expr_cmp(a, EXPR_EQ, "state", value_text(SLICE("dead")));
    if (slice_is(state, "waiting"))
        return expr_cmp(a, EXPR_NULL, "finished_at", value_null());
    if (slice_is(state, "cancelled"))
        return expr_cmp(a, EXPR_EQ, "state", value_text(SLICE("cancelled")));
    body_bad(call, "state", "not_in_list", NULL);
    return NULL;
}

enum err mail_log(struct call *call)
{
    static const char *const filters[] = {"state", NULL};
    static const struct query_column columns[] = {
        {.column = {0, "id"}},         {.column = {0, "state"}},       {.column = {0, "tries"}},
        {.column = {0, "created_at"}}, {.column = {0, "finished_at"}}, {.column = {0, "run_at"}},
        {.column = {0, "body"}},       {.column = {0, "result"}},
    };
    static const struct query_order newest[] = {{.column = {0, "id"}, .descending = true}};
    struct arena *a = call->ctx->arena;
    struct page page;
    struct query query = {
        .table = "job", .select = columns, .select_count = 8, .order = newest, .order_count = 1};
    enum err e = page_begin(call, 1, filters, &page);
    if (e)
        return e;
    query.where = expr_and(a, expr_cmp(a, EXPR_EQ, "queue", value_text(SLICE(POST_QUEUE))),
                           state_is(call, req_query(call->req, "state")));
    e = body_done(call);
    page.put = put_letter;
    return e ? e : page_read(&page, &query);
}

/* One that was given up begins anew, with all its tries. */
enum err mail_again(struct call *call)
{
    struct ctx *ctx = call->ctx;
    struct arena *a = ctx->arena;
    int64_t id, changed = 0;
    enum err e = call_id(call, 0, &id);
    if (e)
        return e;
    const struct expr *it = expr_and(a, expr_cmp(a, EXPR_EQ, "id", value_int(id)),
                                     expr_cmp(a, EXPR_EQ, "queue", value_text(SLICE(POST_QUEUE))));
    const struct store_set sets[] = {
        {"state", value_text(SLICE("queued")), false},
        {"run_at", value_int(ctx->now_ms), false},
        {"tries", value_int(0), false},
        {"result", value_null(), false},
        {"finished_at", value_null(), false},
    };
    const struct expr *dead = expr_cmp(a, EXPR_EQ, "state", value_text(SLICE("dead")));
    e = store_update(ctx->tenant->store, "job", expr_and(a, it, dead), sets, 5, &changed, NULL);
    if (!e && !changed) {
        e = store_count(ctx->tenant->store, "job", it, 1, &changed);
        if (!e)
            e = changed ? err_say(&ctx->err, ERR_CONFLICT, "not_failed", NULL) : ERR_NOT_FOUND;
        return e;
    }
    if (!e)
        e = audit_put(ctx, "mail.again", NULL, id, NULL);
    if (!e)
        call->resp->status = 204;
    return e;
}
