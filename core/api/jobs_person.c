/* jobs_person - everything that is held about one person, as two files of who asked for it: JSON,
 * and a page to read.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/jobs_in.h"
#include "auth/audit.h"
#include "base/id.h"
#include "base/limits.h"
#include "record/blob.h"
#include "record/person.h"

struct showing {
    struct jobs_run *run;
    const struct entity *entity;
    int64_t record;
    const char *reason;
    const struct json *sealed;
    struct blob json, page;
    int64_t json_bytes, page_bytes;
};

static enum err unseal_fn(struct ctx *ctx, void *arg)
{
    struct showing *s = arg;
    struct unit unit;
    unit_begin(ctx, &unit, NULL);
    enum err e = person_unsealed(ctx, s->entity, s->record, s->reason, &s->sealed);
    unit_end(ctx);
    return e;
}

static enum err keep_file(struct ctx *ctx, const struct blob *blob, const char *name,
                          const char *type, char id[ID_TEXT_LEN + 1])
{
    struct blob_file file = {.hash = blob->hash, .bytes = blob->bytes, .name = name, .type = type};
    enum err e = blob_file_insert(ctx, &file);
    id_text(file.id, id);
    return e;
}

static enum err done_fn(struct ctx *ctx, void *arg)
{
    struct showing *s = arg;
    struct arena *a = ctx->arena;
    char json[ID_TEXT_LEN + 1], page[ID_TEXT_LEN + 1];
    const char *name = s->entity->name;
    enum err e =
        keep_file(ctx, &s->json, arena_printf(a, "%s.json", name), "application/json", json);
    if (!e)
        e = keep_file(ctx, &s->page, arena_printf(a, "%s.html", name), "text/html; charset=utf-8",
                      page);
    if (!e)
        e = job_done(ctx, &s->run->open->job, s->run->owner,
                     arena_printf(a, "{\"file\":\"%s\",\"page\":\"%s\"}", json, page));
    struct buf detail = BUF_INIT;
    buf_put_str(&detail, "{\"reason\":");
    json_put_cstr(&detail, s->reason);
    buf_printf(&detail, ",\"file\":\"%s\"}", json);
    if (!e)
        e = audit_put(ctx, "person.export", name, s->record, buf_cstr(&detail));
    buf_release(&detail);
    return e;
}

static enum err write_both(struct ctx *ctx, struct showing *s)
{
    const struct json *person;
    struct buf text = BUF_INIT;
    enum err e = person_export(ctx, s->entity, s->record, s->sealed, &person);
    if (e)
        return e;
    json_put(&text, person);
    e = blob_put(ctx->tenant, ctx->arena, buf_slice(&text), &s->json);
    buf_clear(&text);
    person_page(ctx, person, &text);
    if (!e)
        e = blob_put(ctx->tenant, ctx->arena, buf_slice(&text), &s->page);
    buf_release(&text);
    return e;
}

enum err jobs_person_step(struct jobs_run *run)
{
    struct ctx *ctx = run->ctx;
    const struct json *body = run->open->job.body;
    struct showing s = {.run = run,
                        .entity = model_entity(ctx->model, json_str(body, "entity", SLICE(""))),
                        .record = json_int(body, "record", 0),
                        .reason = json_cstr(body, "reason", "")};
    if (!s.entity)
        return ERR_NOT_FOUND;
    if (!ctx->as_system && !actor_may_admin(ctx->actor, "privacy"))
        return ERR_FORBIDDEN;
    ctx->as_system = true; /* the right to ask for all of it has been asked for */
    enum err e = app_write(run->app, ctx, unseal_fn, &s);
    if (!e)
        e = write_both(ctx, &s);
    if (!e)
        e = app_write(run->app, ctx, done_fn, &s);
    run->ended = !e;
    return e;
}
