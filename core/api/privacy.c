/* privacy - what a company owes the people it keeps data of: to show all of it, and to forget it.
 *
 * Rights of their own (administration area "privacy"). Forgetting is confirmed by the record's
 * name, as it stands there, or by its id where it has none.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "api/admin.h"
#include "api/body.h"
#include "api/erasing.h"
#include "api/handlers.h"
#include "api/quota.h"
#include "auth/row.h"
#include "base/id.h"
#include "hook/job.h"
#include "record/list.h"
#include "record/person.h"
#include "tenant/erasures.h"

struct subject {
    const struct entity *entity;
    int64_t record;
    const char *reason, *confirm;
};

/* Entity and record of the body; whether it is there is found out later. */
static enum err read_subject(struct call *call, const char *const *members, struct subject *out)
{
    const struct json *body;
    struct err_info *err = &call->ctx->err;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    struct slice name = json_str(body, "entity", SLICE(""));
    *out = (struct subject){.entity = model_entity(call->ctx->model, name)};
    if (!out->entity)
        e = err_field(err, "entity", name.len ? "unknown_entity" : "required", NULL);
    if (!id_parse(json_str(body, "record", SLICE("")), &out->record))
        e = err_field(err, "record", "bad_ref", NULL);
    return e;
}

static enum err read_reason(struct call *call, struct subject *out)
{
    out->reason = body_text(call, "reason", UNMASK_REASON_BYTES_MAX);
    if (!out->reason && !body_member(call, "reason"))
        body_bad(call, "reason", "required", NULL);
    enum err e = body_done(call);
    return e || (out->reason && *out->reason)
               ? e
               : err_field(&call->ctx->err, "reason", "required", NULL);
}

/* Is there such a record, live or deleted? */
static enum err find(struct call *call, const struct subject *s)
{
    struct ctx *ctx = call->ctx;
    int64_t found = 0;
    const struct expr *is_it = expr_cmp(ctx->arena, EXPR_EQ, "id", value_int(s->record));
    enum err e = store_count(ctx->tenant->store, s->entity->table, is_it, 1, &found);
    return e || found ? e : ERR_NOT_FOUND;
}

/* --- everything that is held --------------------------------------------------------------------
 */

enum err privacy_export(struct call *call)
{
    static const char *const members[] = {"entity", "record", "reason", NULL};
    struct ctx *ctx = call->ctx;
    struct subject s;
    int64_t id = 0;
    enum err e = read_subject(call, members, &s);
    if (!e)
        e = read_reason(call, &s);
    if (!e)
        e = find(call, &s);
    if (!e)
        e = quota_jobs(call);
    if (e)
        return e;
    struct json *body = json_new(ctx->arena, JSON_OBJECT);
    json_add(ctx->arena, body, "entity", json_new_str(ctx->arena, slice_str(s.entity->name)));
    json_add(ctx->arena, body, "record", json_new_int(ctx->arena, s.record));
    json_add(ctx->arena, body, "reason", json_new_str(ctx->arena, slice_str(s.reason)));
    struct job job = {
        .queue = "person", .created_by = ctx->actor ? ctx->actor->user : 0, .body = body};
    e = job_put(ctx, &job, &id);
    if (e)
        return e;
    call_queued(call, job.queue, id);
    return ERR_OK;
}

struct showing {
    struct subject subject;
    const struct json *sealed;
};

static enum err unseal_fn(struct call *call, void *arg)
{
    struct showing *s = arg;
    struct unit unit;
    unit_begin(call->ctx, &unit, NULL);
    enum err e = person_unsealed(call->ctx, s->subject.entity, s->subject.record, s->subject.reason,
                                 &s->sealed);
    unit_end(call->ctx);
    return e;
}

/* The operator's: the document itself as the answer. */
enum err operator_person(struct call *call)
{
    static const char *const members[] = {"entity", "record", "html", NULL};
    struct showing s = {0};
    const struct json *person;
    bool before = call->ctx->as_system;
    enum err e = read_subject(call, members, &s.subject);
    if (!e)
        e = find(call, &s.subject);
    s.subject.reason = "perigee person";
    call->ctx->as_system = true;
    if (!e)
        e = call_write(call, unseal_fn, &s);
    if (!e)
        e = person_export(call->ctx, s.subject.entity, s.subject.record, s.sealed, &person);
    call->ctx->as_system = before;
    if (e)
        return e;
    if (json_bool(call->body, "html", false)) {
        call->resp->content_type = "text/html; charset=utf-8";
        person_page(call->ctx, person, &call->resp->body);
    } else {
        json_put(&call->resp->body, person);
    }
    return ERR_OK;
}

/* --- forgetting ---------------------------------------------------------------------------------
 */

/* What people know the record by. */
static enum err name_of(struct call *call, const struct subject *s, const char **out)
{
    struct ctx *ctx = call->ctx;
    char id[ID_TEXT_LEN + 1];
    const struct field *title = s->entity->title_field;
    id_text(s->record, id);
    *out = arena_strdup(ctx->arena, id);
    if (!title || !title->type->columns || title->type->stores[0] != VALUE_TEXT)
        return ERR_OK;
    struct value value;
    struct expr where = row_eq("id", value_int(s->record));
    enum err e = row_read(ctx->tenant->store, ctx->arena, s->entity->table, &title->column, 1,
                          &where, &value);
    if (!e && value.type == VALUE_TEXT && value.bytes.len)
        *out = row_text(&value);
    return e;
}

static enum err confirm(struct call *call, const struct subject *s)
{
    const char *name = NULL;
    struct slice given = json_str(call->body, "confirm", SLICE(""));
    enum err e = name_of(call, s, &name);
    if (!e && !slice_eq(slice_trim(given), slice_trim(slice_str(name))))
        e = err_field(&call->ctx->err, "confirm", given.len ? "not_confirmed" : "required", NULL);
    return e;
}

static enum err was_erased(struct call *call, const struct subject *s, bool *out)
{
    struct ctx *ctx = call->ctx;
    return erasures_has(ctx->arena, call->app->config->data, ctx->tenant->name, s->entity->name,
                        s->record, out);
}

/* Nobody takes away the last administrator, or oneself: whoever is left has to be able to act. */
static enum err may_forget(struct call *call, const struct subject *s)
{
    struct ctx *ctx = call->ctx;
    bool is_user = strcmp(s->entity->name, "user") == 0;
    if (s->entity->is_system && !is_user)
        return err_field(&ctx->err, "entity", "unknown_entity", NULL);
    if (is_user && ctx->actor && ctx->actor->user == s->record)
        return admin_refuse(call, ERR_CONFLICT, "not_yourself", NULL);
    return is_user ? admin_covers_user(call, s->record) : ERR_OK;
}

enum err privacy_erase(struct call *call)
{
    static const char *const members[] = {"entity", "record", "confirm", "reason", NULL};
    struct subject s;
    bool before = false;
    enum err e = read_subject(call, members, &s);
    if (!e)
        e = read_reason(call, &s);
    if (!e)
        e = find(call, &s);
    if (e == ERR_NOT_FOUND && was_erased(call, &s, &before) == ERR_OK && before) {
        buf_put_str(&call->resp->body, "{\"erased\":true,\"before\":true}");
        return ERR_OK;
    }
    if (!e)
        e = may_forget(call, &s);
    if (!e)
        e = confirm(call, &s);
    if (e)
        return e;
    const struct erasing_order order = {s.entity, s.record, s.reason};
    return erasing_run(call, &order);
}
