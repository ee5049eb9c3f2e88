/* mailbox - see mailbox.h, and the routes of administration.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/mailbox.h"

#include "api/body.h"
#include "api/handlers.h"
#include "api/version.h"
#include "auth/audit.h"
#include "base/clock.h"
#include "base/limits.h"
#include "hook/job.h"
#include "store/query.h"

#define SECRET_SHOWN    "********"
#define TEXT_CHARS_MAX  200
#define PORT_DEFAULT    993
#define MINUTES_DEFAULT 2

#define SHOWN "host", "port", "tls", "user", "password", "folder", "minutes"

static const char *const MEMBERS[] = {SHOWN, NULL};
static const char *const GIVEN[] = {SHOWN, "version", NULL};

/* --- stored -------------------------------------------------------------------------------------
 */

const char *mailbox_place(struct arena *arena, const char *name)
{
    return arena_printf(arena, "mailbox:%s", name);
}

static enum mail_tls tls_of(struct slice text)
{
    if (slice_is(text, "starttls"))
        return MAIL_TLS_START;
    return slice_is(text, "none") ? MAIL_TLS_NONE : MAIL_TLS_WHOLE;
}

static enum err all_of(struct ctx *ctx, const struct json **out)
{
    enum err e = tenant_setting(ctx->tenant, ctx->arena, MAILBOX_SETTING, out);
    if (!e && !*out)
        *out = json_new(ctx->arena, JSON_OBJECT);
    return e;
}

enum err mailbox_load(struct ctx *ctx, const char *name, struct mailbox *out)
{
    const struct json *all;
    enum err e = all_of(ctx, &all);
    const struct json *s = e ? NULL : json_get(all, name);
    if (!s)
        return e ? e : ERR_NOT_FOUND;
    *out = (struct mailbox){.name = arena_strdup(ctx->arena, name), .setting = s};
    out->server.server = (struct mail_server){.host = json_cstr(s, "host", ""),
                                              .port = (int)json_int(s, "port", PORT_DEFAULT),
                                              .tls = tls_of(json_str(s, "tls", SLICE(""))),
                                              .user = json_cstr(s, "user", NULL)};
    out->server.folder = json_cstr(s, "folder", "INBOX");
    out->minutes = json_int(s, "minutes", MINUTES_DEFAULT);
    return ERR_OK;
}

enum err mailbox_open(struct ctx *ctx, struct mailbox *box)
{
    struct mailer keeper = {.setting = box->setting};
    enum err e = mailer_open(ctx, &keeper);
    box->server.server.password = keeper.server.password;
    return e;
}

static enum err write_all(struct ctx *ctx, const struct json *all)
{
    struct buf text = BUF_INIT;
    json_put(&text, all);
    enum err e = tenant_setting_put(ctx->tenant, MAILBOX_SETTING, buf_slice(&text));
    buf_release(&text);
    return e;
}

/* All but `name`, in a tree that may be added to. */
static struct json *without(struct arena *arena, const struct json *object, const char *name)
{
    struct json *copy = json_new(arena, JSON_OBJECT);
    json_each(member, object)
    {
        if (!slice_is(member->key, name))
            json_add(arena, copy, arena_str(arena, member->key), json_copy(arena, member));
    }
    return copy;
}

static enum err reseal_one(struct ctx *ctx, const struct json *box, struct json **out)
{
    struct mailer keeper = {.setting = box};
    struct slice sealed = {0};
    *out = json_copy(ctx->arena, box);
    if (!json_get(box, "password"))
        return ERR_OK;
    enum err e = mailer_open(ctx, &keeper);
    if (!e)
        e = mailer_seal(ctx, slice_str(keeper.server.password), &sealed);
    if (e)
        return e;
    *out = without(ctx->arena, box, "password");
    json_add(ctx->arena, *out, "password", json_new_str(ctx->arena, sealed));
    return ERR_OK;
}

enum err mailbox_reseal(struct ctx *ctx)
{
    const struct json *all;
    struct json *fresh = json_new(ctx->arena, JSON_OBJECT);
    enum err e = all_of(ctx, &all);
    if (e || !all->count)
        return e;
    json_each(box, all)
    {
        struct json *copy;
        e = reseal_one(ctx, box, &copy);
        if (e)
            return e;
        json_add(ctx->arena, fresh, arena_str(ctx->arena, box->key), copy);
    }
    return write_all(ctx, fresh);
}

/* --- showing ------------------------------------------------------------------------------------
 */

static void put_time(struct buf *out, const char *key, int64_t ms)
{
    char at[25];
    time_text(ms, at);
    json_put_key(out, key);
    json_put_cstr(out, ms ? at : NULL);
}

static void put_failed(struct buf *out, const struct json *state)
{
    json_put_key(out, "failed");
    buf_put_char(out, '[');
    json_each(one, json_get(state, "failed"))
    {
        json_put_comma(out);
        buf_printf(out, "{\"uid\":%lld", (long long)json_int(one, "uid", 0));
        put_time(out, "at", json_int(one, "at", 0));
        static const char *const texts[] = {"from", "subject", "why"};
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            json_put_key(out, texts[i]);
            json_put_cstr(out, json_cstr(one, texts[i], NULL));
        }
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
}

/* With the password as it is sealed: a new one is a change. 0: there is none of this name. */
static int64_t version(struct call *call, const struct json *setting)
{
    return setting ? version_of(slice_str(body_json(call->ctx->arena, setting))) : 0;
}

static enum err put_one(struct call *call, const char *name, const struct json *setting)
{
    struct ctx *ctx = call->ctx;
    struct buf *out = &call->resp->body;
    const struct json *state = NULL;
    enum err e = tenant_setting(ctx->tenant, ctx->arena, mailbox_place(ctx->arena, name), &state);
    buf_put_str(out, "{\"name\":");
    json_put_cstr(out, name);
    for (const char *const *member = MEMBERS; *member; member++) {
        const struct json *value = json_get(setting, *member);
        json_put_key(out, *member);
        if (!value)
            buf_put_str(out, "null");
        else if (strcmp(*member, "password") == 0)
            json_put_cstr(out, SECRET_SHOWN);
        else
            json_put(out, value);
    }
    put_time(out, "looked_at", json_int(state, "at", 0));
    json_put_key(out, "error");
    json_put_cstr(out, json_cstr(state, "error", NULL));
    buf_printf(out, ",\"taken\":%lld", (long long)json_int(state, "taken", 0));
    put_failed(out, state);
    version_put(out, version(call, setting));
    buf_put_char(out, '}');
    return e;
}

enum err mailbox_list(struct call *call)
{
    const struct json *all;
    enum err e = all_of(call->ctx, &all);
    if (e)
        return e;
    buf_put_str(&call->resp->body, "{\"items\":[");
    json_each(box, all)
    {
        json_put_comma(&call->resp->body);
        e = put_one(call, arena_str(call->ctx->arena, box->key), box);
        if (e)
            return e;
    }
    buf_put_str(&call->resp->body, "]}");
    return ERR_OK;
}

/* --- setting up ---------------------------------------------------------------------------------
 */

static bool name_is_valid(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!fine)
            return false;
    }
    return name.len > 0 && name.len <= NAME_BYTES_MAX;
}

static bool is_visible(const char *text, const char *but)
{
    for (const char *at = text; *at; at++)
        if (*at < ' ' || *at > '~' || strchr(but, *at))
            return false;
    return true;
}

static struct json *settings_read(struct call *call)
{
    struct arena *arena = call->ctx->arena;
    struct json *setting = json_new(arena, JSON_OBJECT);
    const char *host = body_text(call, "host", TEXT_CHARS_MAX);
    const char *tls = body_text(call, "tls", 10), *user = body_text(call, "user", TEXT_CHARS_MAX);
    const char *folder = body_text(call, "folder", TEXT_CHARS_MAX);
    if (!host || !*host)
        body_bad(call, "host", "required", NULL);
    else if (!is_visible(host, " /@\\\"<>"))
        body_bad(call, "host", "bad_host", NULL);
    if (tls && strcmp(tls, "starttls") != 0 && strcmp(tls, "tls") != 0 && strcmp(tls, "none") != 0)
        body_bad(call, "tls", "not_in_list", NULL);
    if (folder && (!*folder || !is_visible(folder, "\"\\")))
        body_bad(call, "folder", "bad_value", NULL);
    json_add(arena, setting, "host", json_new_str(arena, slice_str(host ? host : "")));
    json_add(arena, setting, "port",
             json_new_int(arena, body_int(call, "port", 1, 65535, PORT_DEFAULT)));
    json_add(arena, setting, "tls", json_new_str(arena, slice_str(tls ? tls : "tls")));
    if (user)
        json_add(arena, setting, "user", json_new_str(arena, slice_str(user)));
    json_add(arena, setting, "folder", json_new_str(arena, slice_str(folder ? folder : "INBOX")));
    json_add(
        arena, setting, "minutes",
        json_new_int(arena, body_int(call, "minutes", 1, MAILBOX_MINUTES_MAX, MINUTES_DEFAULT)));
    return setting;
}

static enum err audit(struct call *call, const char *action, const char *name)
{
    return audit_put(call->ctx, action, NULL, 0,
                     arena_printf(call->ctx->arena, "{\"mailbox\":\"%s\"}", name));
}

/* Due at once; one waits already where it has been set up before. */
static enum err wake(struct ctx *ctx, const char *name)
{
    int64_t id;
    struct json *body = json_new(ctx->arena, JSON_OBJECT);
    json_add(ctx->arena, body, "name", json_new_str(ctx->arena, slice_str(name)));
    struct job job = {.queue = MAILBOX_QUEUE,
                      .dedupe = arena_printf(ctx->arena, MAILBOX_QUEUE ":%s", name),
                      .run_at_ms = ctx->now_ms,
                      .body = body};
    enum err e = job_put(ctx, &job, &id);
    const struct store_set now = {"run_at", value_int(ctx->now_ms), false};
    const struct expr *waits =
        expr_and(ctx->arena, expr_cmp(ctx->arena, EXPR_EQ, "id", value_int(id)),
                 expr_cmp(ctx->arena, EXPR_EQ, "state", value_text(SLICE("queued"))));
    return e ? e : store_update(ctx->tenant->store, "job", waits, &now, 1, NULL, NULL);
}

enum err mailbox_put(struct call *call)
{
    struct ctx *ctx = call->ctx;
    const struct json *body, *all = NULL;
    const char *name = arena_str(ctx->arena, call_param(call, 0));
    enum err e = name_is_valid(slice_str(name)) ? call_object(call, &body) : ERR_NOT_FOUND;
    if (!e)
        e = all_of(ctx, &all);
    if (e)
        return e;
    const struct json *stored = json_get(all, name);
    e = version_check(call, name, version(call, stored));
    if (e)
        return e;
    enum err unknown = call_only(call, GIVEN);
    struct json *setting = settings_read(call), *next = without(ctx->arena, all, name);
    if (!stored && all->count >= MAILBOXES_MAX)
        body_bad(call, "host", "too_many_values", NULL);
    e = unknown ? unknown : body_done(call);
    if (!e)
        e = mailer_take_password(call, setting, stored);
    if (e)
        return e;
    json_add(ctx->arena, next, name, setting);
    e = write_all(ctx, next);
    if (!e)
        e = audit(call, "mailbox.settings", name);
    if (!e)
        e = wake(ctx, name);
    version_tag(call, name, version(call, setting));
    return e ? e : put_one(call, name, setting);
}

enum err mailbox_delete(struct call *call)
{
    struct ctx *ctx = call->ctx;
    const struct json *all = NULL;
    const char *name = arena_str(ctx->arena, call_param(call, 0));
    enum err e = all_of(ctx, &all);
    if (!e && !json_get(all, name))
        e = ERR_NOT_FOUND;
    if (!e)
        e = version_check(call, name, version(call, json_get(all, name)));
    if (!e)
        e = write_all(ctx, without(ctx->arena, all, name));
    if (!e)
        e = tenant_setting_put(ctx->tenant, mailbox_place(ctx->arena, name), SLICE("null"));
    if (!e)
        e = audit(call, "mailbox.delete", name);
    if (!e)
        call->resp->status = 204;
    return e;
}

enum err mailbox_look(struct call *call)
{
    struct mailbox box;
    const char *name = arena_str(call->ctx->arena, call_param(call, 0));
    const struct json *body;
    enum err e = call->body ? call_object(call, &body) : ERR_OK;
    if (!e && call->body)
        e = call_only(call, (const char *const[]){NULL});
    if (!e)
        e = mailbox_load(call->ctx, name, &box);
    if (!e)
        e = wake(call->ctx, box.name);
    return e ? e : put_one(call, box.name, box.setting);
}
