/* jobs_imap - looks into a mailbox now and then, and hands each letter to the plugins, once.
 *
 * A letter is one transaction: its files, what the handlers of "mail.received" write, its id among
 * those that have come, and the place behind it in the mailbox. So a process that dies takes it in
 * again or not at all. A letter that a handler refuses is tried again MAILBOX_TRIES_MAX times at
 * later looks, then passed over: administrators are told, and it stays in the mailbox. Passed over
 * too: our own letters that come back, more of one sender in an hour than people write, and what is
 * too large to be read.
 *
 * The job of a mailbox lives as long as the mailbox does; it goes back into the queue each time.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "api/jobs_in.h"
#include "api/mailbox.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include "hook/once.h"
#include "outbound/message.h"
#include "record/blob.h"
#include "record/notify.h"
#include "record/record.h"

#define MINUTE_MS   60000LL
#define HOUR_MS     (60 * MINUTE_MS)
#define DAY_MS      (24 * HOUR_MS)
#define FAILS_TOLD  5  /* looks in a row that failed until somebody is told */
#define WAIT_MOST   60 /* minutes between looks that fail */
#define ONCE_PLUGIN "core.mail"

struct looking {
    struct jobs_run *run;
    struct mailbox box;
    const struct json *state; /* as stored, or NULL */
    struct imap_box place;
    int64_t since_ms; /* letters that came before are known: the mailbox has new numbers */
    int64_t new_since_ms;
    bool is_gone; /* the job has ended meanwhile */
};

/* --- the place ----------------------------------------------------------------------------------
 */

/* What changes of the state; NULL texts and zeros stay out. */
struct change {
    int64_t next, since_ms;        /* 0: as it was */
    const char *error;             /* of the look; NULL: none */
    int64_t fails, uid, tries;     /* of looks; of the letter that is refused */
    bool is_end;                   /* of a look */
    bool is_taken;                 /* one more */
    struct json *failed, *senders; /* instead of what is there; NULL: as it was */
};

static enum err state_read(struct looking *l)
{
    struct ctx *ctx = l->run->ctx;
    enum err e =
        tenant_setting(ctx->tenant, ctx->arena, mailbox_place(ctx->arena, l->box.name), &l->state);
    if (!e && l->state && l->state->type != JSON_OBJECT)
        l->state = NULL;
    if (!e)
        l->since_ms = json_int(l->state, "since", 0);
    return e;
}

static void add_int(struct arena *arena, struct json *object, const char *name, int64_t n)
{
    json_add(arena, object, name, json_new_int(arena, n));
}

static struct json *kept(struct looking *l, struct json *fresh, const char *name,
                         enum json_type type)
{
    const struct json *old = json_get(l->state, name);
    struct arena *arena = l->run->ctx->arena;
    if (fresh)
        return fresh;
    return old && old->type == type ? json_copy(arena, old) : json_new(arena, type);
}

/* In a write transaction. */
static enum err state_write(struct looking *l, const struct change *c)
{
    struct ctx *ctx = l->run->ctx;
    struct arena *arena = ctx->arena;
    struct json *state = json_new(arena, JSON_OBJECT);
    struct buf text = BUF_INIT;
    add_int(arena, state, "validity", l->place.validity);
    add_int(arena, state, "next", c->next ? c->next : json_int(l->state, "next", 0));
    add_int(arena, state, "at", c->is_end ? ctx->now_ms : json_int(l->state, "at", 0));
    add_int(arena, state, "since", c->since_ms ? c->since_ms : l->since_ms);
    if (c->error)
        json_add(arena, state, "error", json_new_str(arena, slice_str(c->error)));
    add_int(arena, state, "fails", c->fails);
    add_int(arena, state, "uid", c->uid);
    add_int(arena, state, "tries", c->tries);
    add_int(arena, state, "taken", json_int(l->state, "taken", 0) + c->is_taken);
    json_add(arena, state, "failed", kept(l, c->failed, "failed", JSON_ARRAY));
    json_add(arena, state, "senders", kept(l, c->senders, "senders", JSON_OBJECT));
    json_put(&text, state);
    enum err e =
        tenant_setting_put(ctx->tenant, mailbox_place(arena, l->box.name), buf_slice(&text));
    buf_release(&text);
    if (!e)
        l->state = state;
    return e;
}

/* The newest MAILBOX_FAILED_MAX. */
static struct json *failed_with(struct looking *l, int64_t uid, const struct message *message,
                                const char *why)
{
    struct arena *arena = l->run->ctx->arena;
    struct json *list = json_new(arena, JSON_ARRAY), *one = json_new(arena, JSON_OBJECT);
    const struct json *old = json_get(l->state, "failed");
    add_int(arena, one, "uid", uid);
    add_int(arena, one, "at", l->run->ctx->now_ms);
    if (message && message->from)
        json_add(arena, one, "from", json_new_str(arena, slice_str(message->from)));
    if (message)
        json_add(arena, one, "subject", json_new_str(arena, slice_str(message->subject)));
    json_add(arena, one, "why", json_new_str(arena, text_head(slice_str(why), 500)));
    json_add(arena, list, NULL, one);
    json_each(item, old)
    {
        if (list->count < MAILBOX_FAILED_MAX)
            json_add(arena, list, NULL, json_copy(arena, item));
    }
    return list;
}

/* --- loops --------------------------------------------------------------------------------------
 */

/* "…<job>.<company>@<our domain>": what mailer_send names its letters. */
static bool is_ours(struct looking *l, const struct message *m)
{
    struct mailer mailer;
    struct ctx *ctx = l->run->ctx;
    const char *at;
    if (!m->id || mailer_load(ctx, &mailer) || !(at = strchr(mailer.from, '@')))
        return false;
    const char *tail = arena_printf(ctx->arena, ".%s%s", ctx->tenant->name, at);
    return slice_ends(slice_str(m->id), slice_str(tail)) && m->from &&
           slice_eq_nocase(slice_str(m->from), slice_str(mailer.from));
}

/* Counts this one; *senders is the map to be kept. */
static bool is_too_often(struct looking *l, const struct message *m, struct json **senders)
{
    struct ctx *ctx = l->run->ctx;
    struct arena *arena = ctx->arena;
    int64_t hour = ctx->now_ms / HOUR_MS, count = 1;
    struct json *map = json_new(arena, JSON_OBJECT);
    const struct json *known = json_get(l->state, "senders");
    int over = (known ? known->count : 0) + 1 - MAILBOX_SENDERS_MAX; /* the oldest make room */
    json_each(one, known)
    {
        const struct json *then = json_at(one, 0), *seen = json_at(one, 1);
        bool is_it = slice_is(one->key, m->from);
        bool is_now = then && seen && then->integer == hour;
        if (is_it && is_now)
            count = seen->integer + 1;
        if (is_it || !is_now || over > 0)
            over--;
        else
            json_add(arena, map, arena_str(arena, one->key), json_copy(arena, one));
    }
    struct json *pair = json_new(arena, JSON_ARRAY);
    json_add(arena, pair, NULL, json_new_int(arena, hour));
    json_add(arena, pair, NULL, json_new_int(arena, count));
    json_add(arena, map, m->from, pair);
    *senders = map;
    return count > MAILBOX_SENDER_HOUR;
}

/* --- one letter ---------------------------------------------------------------------------------
 */

struct taking {
    struct looking *look;
    const struct imap_mail *mail;
    const struct message *message;
    const char *id;     /* by which it is known: its own, or made of its bytes */
    const char *why;    /* it is passed over; NULL: it is taken */
    struct blob *blobs; /* of its files */
    bool gives_up, is_told;
};

static struct json *texts(struct arena *arena, const char **list, int count)
{
    struct json *array = json_new(arena, JSON_ARRAY);
    for (int i = 0; i < count; i++)
        json_add(arena, array, NULL, json_new_str(arena, slice_str(list[i])));
    return array;
}

static void add_text(struct arena *arena, struct json *object, const char *name, const char *text)
{
    if (text)
        json_add(arena, object, name, json_new_str(arena, slice_str(text)));
}

/* The letter is worth more than what hangs on it: without room for files it comes without. */
static bool has_no_room(struct ctx *ctx, enum err e)
{
    bool is_full = e == ERR_TOO_LARGE && ctx->err.code && !strcmp(ctx->err.code, BLOB_NO_ROOM);
    if (is_full)
        err_info_clear(&ctx->err);
    return is_full;
}

static enum err add_files(struct ctx *ctx, struct taking *t, struct json *payload)
{
    struct json *ids = json_new(ctx->arena, JSON_ARRAY);
    int left_out = t->message->files_left_out;
    for (int i = 0; i < t->message->files_count; i++) {
        const struct message_file *from = &t->message->files[i];
        struct blob_file file = {.hash = t->blobs[i].hash,
                                 .bytes = t->blobs[i].bytes,
                                 .name = from->name,
                                 .type = from->type};
        char id[ID_TEXT_LEN + 1];
        enum err e = blob_file_insert(ctx, &file);
        if (has_no_room(ctx, e)) {
            left_out++;
            continue;
        }
        if (e)
            return e;
        id_text(file.id, id);
        json_add(ctx->arena, ids, NULL, json_new_str(ctx->arena, slice_str(id)));
    }
    json_add(ctx->arena, payload, "attachments", ids);
    if (left_out > t->message->files_left_out)
        log_warn("mailbox %s of %s: files of a letter were left out: the company's room for "
                 "files is used up",
                 t->look->box.name, ctx->tenant->name);
    add_int(ctx->arena, payload, "left_out", left_out);
    return ERR_OK;
}

static struct json *payload_of(struct ctx *ctx, struct taking *t)
{
    struct arena *arena = ctx->arena;
    const struct message *m = t->message;
    struct json *payload = json_new(arena, JSON_OBJECT);
    char at[25];
    int64_t sent_ms = m->date_ms && m->date_ms < ctx->now_ms ? m->date_ms : t->mail->at_ms;
    time_text(sent_ms ? sent_ms : ctx->now_ms, at);
    add_text(arena, payload, "mailbox", t->look->box.name);
    add_text(arena, payload, "message_id", t->id);
    add_text(arena, payload, "in_reply_to", m->in_reply_to);
    json_add(arena, payload, "references", texts(arena, m->references, m->references_count));
    add_text(arena, payload, "from", m->from);
    add_text(arena, payload, "from_name", m->from_name);
    add_text(arena, payload, "to", m->to);
    add_text(arena, payload, "subject", m->subject);
    json_add(arena, payload, "body", json_new_str(arena, m->text));
    add_text(arena, payload, "sent_at", arena_strdup(arena, at));
    json_add(arena, payload, "automatic", json_new_bool(arena, m->is_automatic));
    return payload;
}

/* Handlers run as nobody: what they may is their plugins' to declare. */
static enum err tell(struct ctx *ctx, struct taking *t)
{
    struct unit unit;
    struct json *payload = payload_of(ctx, t);
    enum err e = add_files(ctx, t, payload);
    if (!e)
        e = app_unit_begin(t->look->run->app, ctx, &unit);
    if (e)
        return e;
    struct event event = {.moment = HOOK_EVENT,
                          .entity = HOOK_EVENT_MAIL_RECEIVED,
                          .name = HOOK_EVENT_MAIL_RECEIVED,
                          .payload = payload,
                          .id = id_next()};
    bool before = ctx->as_system;
    ctx->as_system = false;
    e = hook_fire(unit.hooks, ctx, &event);
    ctx->as_system = before;
    unit_end(ctx);
    return e;
}

/* Still ours: whoever has taken the job over goes on from what is stored. */
static enum err hold(struct ctx *ctx, struct looking *l)
{
    enum err e = job_renew(ctx, &l->run->open->job, l->run->owner, NULL, 0);
    if (e == ERR_CONFLICT)
        l->is_gone = true;
    return e ? e : state_read(l);
}

static enum err take_fn(struct ctx *ctx, void *arg)
{
    struct taking *t = arg;
    struct looking *l = t->look;
    struct change change = {.next = t->mail->uid + 1};
    const char *key = arena_printf(ctx->arena, "%s:%s", l->box.name, t->id ? t->id : "");
    bool is_known = false;
    ctx->now_ms = clock_now_ms();
    if (ctx->tenant->header.model_version != ctx->model->version)
        return ERR_BUSY;
    enum err e = hold(ctx, l);
    if (!e && t->id)
        e = once_is_done(ctx, ONCE_PLUGIN, key, &is_known);
    if (e)
        return e;
    if (!t->why && !is_known && is_too_often(l, t->message, &change.senders))
        t->why = "more letters of this sender within an hour than are taken";
    if (!t->why && !is_known) {
        e = tell(ctx, t);
        if (!e)
            e = once_put(ctx, ONCE_PLUGIN, key);
        change.is_taken = true;
    } else if (!is_known) {
        change.failed = failed_with(l, t->mail->uid, t->message, t->why);
    }
    return e ? e : state_write(l, &change);
}

static enum err tell_admins(struct ctx *ctx, const char *what, const struct mailbox *box,
                            const char *why)
{
    struct buf args = BUF_INIT;
    buf_put_str(&args, "{\"name\":");
    json_put_cstr(&args, box->name);
    json_put_key(&args, "why");
    json_put_cstr(&args, why);
    buf_put_char(&args, '}');
    const struct notify notify = {.kind = what,
                                  .text = arena_printf(ctx->arena, "@notify.%s", what),
                                  .body = arena_printf(ctx->arena, "@notify.%s.body", what),
                                  .args = arena_str(ctx->arena, buf_slice(&args)),
                                  .tone = "danger",
                                  .link = "/admin/settings",
                                  .dedupe = arena_printf(ctx->arena, "%s:%s", what, box->name)};
    buf_release(&args);
    return notify_admins(ctx, "settings", &notify, NULL);
}

/* A handler has refused it, or broken over it. */
static enum err refused_fn(struct ctx *ctx, void *arg)
{
    struct taking *t = arg;
    struct looking *l = t->look;
    enum err e = hold(ctx, l);
    if (e)
        return e;
    int64_t tries =
        json_int(l->state, "uid", 0) == t->mail->uid ? json_int(l->state, "tries", 0) + 1 : 1;
    struct change change = {.error = t->why, .uid = t->mail->uid, .tries = tries};
    t->gives_up = tries >= MAILBOX_TRIES_MAX;
    if (t->gives_up) {
        change = (struct change){.next = t->mail->uid + 1,
                                 .failed = failed_with(l, t->mail->uid, t->message, t->why)};
        e = tell_admins(ctx, "mail_refused", &l->box, t->why);
    }
    return e ? e : state_write(l, &change);
}

static enum err keep_files(struct looking *l, struct taking *t)
{
    struct ctx *ctx = l->run->ctx;
    enum err e = ERR_OK;
    t->blobs = arena_array(ctx->arena, struct blob, (size_t)t->message->files_count + 1);
    for (int i = 0; i < t->message->files_count && !e; i++)
        e = blob_put(ctx->tenant, ctx->arena, t->message->files[i].bytes, &t->blobs[i]);
    return e;
}

/* Two letters without ids are the same when all their bytes are. */
static const char *made_id(struct arena *arena, struct slice raw)
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct buf hex = BUF_INIT;
    crypto_sha256(raw, digest);
    crypto_put_hex(&hex, slice_of((const char *)digest, sizeof digest));
    const char *id = arena_printf(arena, "%s@unnamed", buf_cstr(&hex));
    buf_release(&hex);
    return id;
}

static const char *why_not(struct looking *l, const struct message *m, enum err e)
{
    if (e == ERR_MALFORMED)
        return "it is no letter";
    if (e == ERR_TOO_LARGE)
        return "it is larger than letters may be";
    if (!m->from)
        return "it names no sender";
    return is_ours(l, m) ? "it is our own letter" : NULL;
}

static bool may_pass(enum err e)
{
    return e == ERR_BUSY || e == ERR_IO || e == ERR_FULL || e == ERR_TIMEOUT ||
           e == ERR_NOT_SUPPORTED || e == ERR_CONFLICT;
}

/* Takes it, or says why not; an error ends this look. */
static enum err take(struct looking *l, const struct imap_mail *mail, struct slice raw, enum err e)
{
    struct ctx *ctx = l->run->ctx;
    struct message *message = arena_make(ctx->arena, struct message);
    struct taking t = {.look = l, .mail = mail, .message = message};
    if (!e)
        e = message_read(ctx->arena, raw, message);
    if (e && e != ERR_MALFORMED && e != ERR_TOO_LARGE)
        return e;
    message->subject = message->subject ? message->subject : "";
    t.why = why_not(l, message, e);
    if (!t.why) {
        t.id = message->id ? message->id : made_id(ctx->arena, raw);
        e = keep_files(l, &t);
        if (e)
            return e;
    }
    err_info_clear(&ctx->err);
    e = app_write(l->run->app, ctx, take_fn, &t);
    if (!e || may_pass(e) || l->is_gone)
        return e;
    t.why = ctx->err.detail ? arena_strdup(ctx->arena, ctx->err.detail) : jobs_reason(ctx, e);
    err_info_clear(&ctx->err);
    e = app_write(l->run->app, ctx, refused_fn, &t);
    return e || t.gives_up ? e : ERR_VALIDATION; /* the ones behind it wait for it */
}

/* --- one look -----------------------------------------------------------------------------------
 */

static enum err note_fn(struct ctx *ctx, void *arg)
{
    struct looking *l = arg;
    ctx->now_ms = clock_now_ms();
    enum err e = hold(ctx, l);
    return e ? e
             : state_write(l, &(struct change){.next = l->place.next, .since_ms = l->new_since_ms});
}

static enum err take_all(struct looking *l, struct imap *imap, const struct imap_mail *mails,
                         int count, const char **why)
{
    enum err e = ERR_OK;
    struct buf raw = BUF_INIT;
    bool is_passed = false;
    for (int i = 0; i < count && !e; i++) {
        struct imap_mail mail = mails[i];
        l->place.next = mail.uid + 1;
        is_passed = l->since_ms && mail.at_ms && mail.at_ms < l->since_ms;
        if (is_passed)
            continue; /* it was there under its old number */
        enum err got = mail.bytes > MESSAGE_BYTES_MAX
                           ? ERR_TOO_LARGE
                           : imap_fetch(imap, &l->place, mail.uid, &raw, why);
        is_passed = got == ERR_NOT_FOUND;
        if (is_passed)
            continue;
        if (got && got != ERR_TOO_LARGE)
            e = got;
        else
            e = take(l, &mail, buf_slice(&raw), got);
    }
    buf_release(&raw);
    return e || !is_passed ? e : app_write(l->run->app, l->run->ctx, note_fn, l);
}

/* Where reading begins: behind what is there when a mailbox is set up; from its beginning again
 * when its numbers mean something else now. */
static enum err begin(struct looking *l, struct imap *imap, struct imap_mail *mails, int *count,
                      const char **why)
{
    int64_t validity = json_int(l->state, "validity", 0), next = json_int(l->state, "next", 0);
    enum err e =
        imap_look(imap, validity ? next : 0, mails, MAILBOX_TAKE_MAX, count, &l->place, why);
    if (e || validity == l->place.validity)
        return e;
    if (!validity && !l->place.next) { /* not told: behind the last one */
        e = imap_look(imap, INT32_MAX, mails, MAILBOX_TAKE_MAX, count, &l->place, why);
        *count = 0;
    }
    if (e)
        return e;
    l->new_since_ms = validity ? json_int(l->state, "at", 0) - 2 * DAY_MS : 0;
    l->place.next = validity ? 1 : l->place.next ? l->place.next : 1;
    e = app_write(l->run->app, l->run->ctx, note_fn, l);
    if (!e && validity)
        e = imap_look(imap, 1, mails, MAILBOX_TAKE_MAX, count, &l->place, why);
    return e;
}

static enum err look(struct looking *l, int *count, const char **why)
{
    struct ctx *ctx = l->run->ctx;
    struct imap *imap = NULL;
    struct imap_mail *mails = arena_array(ctx->arena, struct imap_mail, MAILBOX_TAKE_MAX);
    enum err e = mailbox_open(ctx, &l->box);
    if (!e)
        e = imap_new(ctx->arena, &l->box.server, &imap, why);
    if (!e)
        e = begin(l, imap, mails, count, why);
    if (!e)
        e = take_all(l, imap, mails, *count, why);
    imap_free(imap);
    return e;
}

/* --- the step -----------------------------------------------------------------------------------
 */

struct ending {
    struct looking *look;
    enum err e;
    const char *why;
    int64_t at_ms;
};

static enum err end_fn(struct ctx *ctx, void *arg)
{
    struct ending *end = arg;
    struct looking *l = end->look;
    enum err e = state_read(l);
    ctx->now_ms = clock_now_ms();
    if (!e && end->why) { /* the mailbox could not be read */
        int64_t fails = json_int(l->state, "fails", 0) + 1;
        int64_t wait = l->box.minutes * fails;
        l->place.validity = json_int(l->state, "validity", 0);
        e = state_write(l, &(struct change){.error = end->why, .fails = fails, .is_end = true});
        if (!e && fails == FAILS_TOLD)
            e = tell_admins(ctx, "mailbox_fails", &l->box, end->why);
        end->at_ms = ctx->now_ms + (wait < WAIT_MOST ? wait : WAIT_MOST) * MINUTE_MS;
    } else if (!e) {
        struct change change = {.is_end = true};
        if (end->e) { /* a letter was refused, and waits */
            change.error = json_cstr(l->state, "error", NULL);
            change.uid = json_int(l->state, "uid", 0);
            change.tries = json_int(l->state, "tries", 0);
        }
        l->place.validity = json_int(l->state, "validity", 0);
        e = state_write(l, &change);
    }
    return e ? e : job_requeue(ctx, &l->run->open->job, l->run->owner, NULL, 0, end->at_ms, NULL);
}

static enum err over_fn(struct ctx *ctx, void *arg)
{
    const struct looking *l = arg;
    return job_done(ctx, &l->run->open->job, l->run->owner, NULL);
}

enum err jobs_imap_step(struct jobs_run *run)
{
    struct ctx *ctx = run->ctx;
    struct looking l = {.run = run};
    const char *name = json_cstr(run->open->job.body, "name", ""), *why = NULL;
    int count = 0;
    ctx->as_system = true;
    enum err e = mailbox_load(ctx, name, &l.box);
    if (e == ERR_NOT_FOUND) {
        e = app_write(run->app, ctx, over_fn, &l);
        run->ended = !e;
        return e;
    }
    if (!e)
        e = state_read(&l);
    if (!e)
        e = look(&l, &count, &why);
    run->ended = l.is_gone;
    if (l.is_gone)
        return ERR_OK;
    struct ending end = {.look = &l, .e = e, .at_ms = clock_now_ms() + l.box.minutes * MINUTE_MS};
    if (e && e != ERR_VALIDATION)
        end.why = why ? why : jobs_reason(ctx, e);
    else if (!e && count == MAILBOX_TAKE_MAX)
        end.at_ms = clock_now_ms(); /* there are more */
    err_info_clear(&ctx->err);
    e = app_write(run->app, ctx, end_fn, &end);
    run->ended = !e;
    return e;
}
