/* jobs_mail - sends the letters that wait in queue "mail".
 *
 * A server that is away or says "later" is asked again after 1 minute, 5, 30, then 2, 12, 24 and 36
 * hours: about three days. What it refuses for good, and a letter that cannot be made, is dead at
 * once; an administrator sees why and may send it again. At most so many letters an hour leave a
 * company; the others wait for the next hour and lose no try by it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/jobs_in.h"
#include "api/mailer.h"
#include "auth/actor.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "hook/post.h"
#include "record/blob.h"
#include "record/letter.h"
#include "store/query.h"

#define MINUTE_MS 60000LL
#define HOUR_MS   (60 * MINUTE_MS)

static const int64_t WAITS[] = {MINUTE_MS,    5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS,
                                12 * HOUR_MS, 24 * HOUR_MS,  36 * HOUR_MS};
_Static_assert(sizeof WAITS / sizeof *WAITS == MAIL_TRIES_MAX - 1, "a wait between two tries");

struct sending {
    struct jobs_run *run;
    struct mailer mailer;
    struct mime_letter letter;
    struct mail_outcome outcome;
    int64_t tries; /* that reached a server or failed to */
};

/* --- making it ----------------------------------------------------------------------------------
 */

static enum err dead(struct ctx *ctx, const char *why)
{
    return err_say(&ctx->err, ERR_CONFLICT, NULL, "%s", why);
}

static enum err take_recipients(struct sending *s, const struct json *body)
{
    struct ctx *ctx = s->run->ctx;
    const struct json *list = json_get(body, "to");
    int count = list ? list->count : 0;
    const char **to = arena_array(ctx->arena, const char *, (size_t)count + 1);
    int n = 0;
    json_each(item, list)
    {
        if (!mime_address_is_valid(item->text))
            return dead(ctx, arena_printf(ctx->arena, "\"%.80s\" is no mail address",
                                          arena_str(ctx->arena, item->text)));
        to[n++] = arena_str(ctx->arena, item->text);
    }
    s->letter.to = to;
    return n ? ERR_OK : dead(ctx, "the letter has no recipient");
}

static enum err take_text(struct sending *s, const struct json *body)
{
    struct ctx *ctx = s->run->ctx;
    struct slice wanted = json_str(body, "lang", SLICE(""));
    const char *name = json_cstr(body, "template", NULL), *why = NULL;
    struct letter letter = {0};
    if (!name) {
        s->letter.subject = json_cstr(body, "subject", "");
        s->letter.text = json_str(body, "text", SLICE(""));
        s->letter.html = json_str(body, "html", SLICE(""));
        return s->letter.text.len ? ERR_OK : dead(ctx, "the letter has no text");
    }
    enum lang lang = slice_is(wanted, "en") ? LANG_EN : LANG_ZH;
    enum err e = letter_make(ctx, "core", name, lang, json_get(body, "data"), &letter, &why);
    if (e)
        return e == ERR_IO ? e : dead(ctx, why);
    s->letter.subject = letter.subject ? letter.subject : ctx->tenant->title;
    s->letter.text = letter.text;
    s->letter.html = letter.html;
    return ERR_OK;
}

/* Read with the rights that whoever attached them has now. */
static enum err take_file(struct sending *s, const struct json *item, struct mime_file *out)
{
    struct ctx *ctx = s->run->ctx;
    struct blob_file file;
    int64_t id = 0;
    enum err e = id_parse(item->text, &id) ? blob_file_read(ctx, id, &file) : ERR_NOT_FOUND;
    if (!e)
        e = blob_file_visible(ctx, &file);
    if (!e)
        e = blob_map(ctx->arena, blob_path(ctx->tenant, ctx->arena, file.hash), &out->bytes);
    if (e == ERR_NOT_FOUND)
        return dead(ctx, "an attachment is not there or may not be read");
    if (!e) {
        out->name = file.name;
        out->type = file.type;
    }
    return e;
}

static enum err take_files(struct sending *s, const struct json *body)
{
    struct ctx *ctx = s->run->ctx;
    const struct json *list = json_get(body, "files");
    int64_t by = json_int(body, "by", 0);
    size_t bytes = 0;
    if (!list || !list->count)
        return ERR_OK;
    struct mime_file *files = arena_array(ctx->arena, struct mime_file, (size_t)list->count);
    enum err e = by ? actor_load(ctx->tenant, by, &ctx->actor) : ERR_OK;
    if (e || (by && !ctx->actor->active))
        return e && e != ERR_NOT_FOUND ? e : dead(ctx, "who attached the files is gone");
    ctx->as_system = !by;
    json_each(item, list)
    {
        struct mime_file *file = &files[s->letter.files_count++];
        e = take_file(s, item, file);
        if (e)
            return e;
        bytes += file->bytes.len;
        if (bytes > MAIL_FILES_BYTES_MAX)
            return dead(ctx, "the attachments are larger than 10 MiB together");
    }
    s->letter.files = files;
    ctx->as_system = true;
    return ERR_OK;
}

/* --- how often ----------------------------------------------------------------------------------
 */

/* Letters that left within the last hour. */
static enum err rate_of(struct ctx *ctx, int64_t most, bool *is_over)
{
    struct arena *a = ctx->arena;
    int64_t count = 0;
    const struct expr *done =
        expr_and(a, expr_cmp(a, EXPR_EQ, "queue", value_text(SLICE(POST_QUEUE))),
                 expr_cmp(a, EXPR_EQ, "state", value_text(SLICE("done"))));
    const struct expr *late = expr_cmp(a, EXPR_GT, "finished_at", value_int(ctx->now_ms - HOUR_MS));
    enum err e = store_count(ctx->tenant->store, "job", expr_and(a, late, done), most, &count);
    *is_over = count >= most;
    return e;
}

/* --- settling -----------------------------------------------------------------------------------
 */

/* What it was made from may hold what is nobody's business any more: a link to set a password. */
static enum err forget(struct ctx *ctx, const struct job *job)
{
    struct arena *arena = ctx->arena;
    struct json *body = json_new(arena, JSON_OBJECT);
    struct buf text = BUF_INIT;
    json_add(arena, body, "to", json_copy(arena, json_get(job->body, "to")));
    const char *name = json_cstr(job->body, "template", NULL);
    if (name)
        json_add(arena, body, "template", json_new_str(arena, slice_str(name)));
    json_put(&text, body);
    const struct store_set set = {"body", value_text(buf_slice(&text)), false};
    enum err e =
        store_update(ctx->tenant->store, "job", expr_cmp(arena, EXPR_EQ, "id", value_int(job->id)),
                     &set, 1, NULL, NULL);
    buf_release(&text);
    return e;
}

static enum err sent_fn(struct ctx *ctx, void *arg)
{
    struct sending *s = arg;
    const struct job *job = &s->run->open->job;
    enum err e = job_done(ctx, job, s->run->owner,
                          arena_printf(ctx->arena, "{\"code\":%d,\"message_id\":\"%s\"}",
                                       s->outcome.code, s->letter.id));
    return e ? e : forget(ctx, job);
}

struct later {
    struct sending *sending;
    int64_t at_ms;
    const char *why;
    bool counts; /* as a try */
};

static enum err later_fn(struct ctx *ctx, void *arg)
{
    const struct later *later = arg;
    struct sending *s = later->sending;
    const struct job *job = &s->run->open->job;
    struct buf state = BUF_INIT;
    buf_printf(&state, "{\"tries\":%lld", (long long)(s->tries + later->counts));
    json_put_key(&state, "error");
    json_put_cstr(&state, later->why);
    buf_put_char(&state, '}');
    enum err e = job_renew(ctx, job, s->run->owner, buf_cstr(&state), 0);
    buf_release(&state);
    return e ? e : job_failed(ctx, job, s->run->owner, later->why, later->at_ms);
}

static enum err put_off(struct sending *s, int64_t wait_ms, bool counts, const char *why)
{
    struct later later = {s, clock_now_ms() + wait_ms, why, counts};
    enum err e = app_write(s->run->app, s->run->ctx, later_fn, &later);
    s->run->ended = !e;
    return e;
}

/* --- the step -----------------------------------------------------------------------------------
 */

static enum err make(struct sending *s)
{
    const struct json *body = s->run->open->job.body;
    enum err e = mailer_load(s->run->ctx, &s->mailer);
    if (e == ERR_NOT_FOUND)
        return dead(s->run->ctx, "no mail server is set up");
    if (!e)
        e = take_recipients(s, body);
    if (!e)
        e = take_text(s, body);
    if (!e)
        e = take_files(s, body);
    s->letter.reply_to = json_cstr(body, "reply_to", NULL);
    if (!e && s->letter.reply_to && !mime_address_is_valid(slice_str(s->letter.reply_to)))
        return dead(s->run->ctx, "the address for replies is none");
    return e ? e : mailer_open(s->run->ctx, &s->mailer);
}

enum err jobs_mail_step(struct jobs_run *run)
{
    struct ctx *ctx = run->ctx;
    struct sending s = {.run = run};
    bool is_over = false;
    s.tries = json_int(run->open->job.state, "tries", 0);
    ctx->as_system = true;
    enum err e = make(&s);
    if (!e)
        e = rate_of(ctx, s.mailer.per_hour, &is_over);
    if (e)
        return e;
    if (is_over)
        return put_off(&s, HOUR_MS / 12, false, "the company's letters of this hour are used up");
    e = mailer_send(ctx, &s.mailer, &s.letter, run->open->job.id, &s.outcome);
    if (!e) {
        e = app_write(run->app, ctx, sent_fn, &s);
        run->ended = !e;
        return e;
    }
    if (s.outcome.may_pass && s.tries < MAIL_TRIES_MAX - 1)
        return put_off(&s, WAITS[s.tries], true, s.outcome.why);
    return dead(ctx, s.outcome.why);
}
