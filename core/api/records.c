/* records - reading and changing records over HTTP.
 *
 * Rights are decided below (record/rights), once for all of them; what is here is shape:
 * parameters, entity tags, status codes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/record.h"

#include "api/admin.h"
#include "api/handlers.h"
#include "base/hash.h"
#include "base/id.h"
#include "record/feed.h"
#include "record/list.h"
#include "record/past.h"
#include "record/rights.h"
#include "script/vm.h"

/* --- reading ------------------------------------------------------------------------------------
 */

static enum err query_of(struct call *call, const struct entity *entity, struct list_query *query)
{
    *query = (struct list_query){.entity = entity};
    enum err e = ERR_OK;
    for (int i = 0; i < call->req->query_count && !e; i++)
        e = list_query_param(call->ctx, query, call->req->query[i].name, call->req->query[i].value);
    return e;
}

enum err records_list(struct call *call)
{
    const struct entity *entity;
    struct list_query query;
    enum err e = call_entity(call, 0, &entity);
    if (!e)
        e = query_of(call, entity, &query);
    return e ? e : list_run(call->ctx, &query, &call->resp->body);
}

enum err records_query(struct call *call)
{
    const struct entity *entity;
    struct list_query query;
    enum err e = call_entity(call, 0, &entity);
    if (!e)
        e = list_query_json(call->ctx, entity, call->body, &query);
    return e ? e : list_run(call->ctx, &query, &call->resp->body);
}

enum err records_board(struct call *call)
{
    const struct entity *entity;
    const struct json *body;
    enum err e = call_entity(call, 0, &entity);
    if (!e)
        e = call_object(call, &body);
    return e ? e : list_board(call->ctx, entity, body, &call->resp->body);
}

/* Only a plain read of a record whose every value is its own may be answered from a cache. */
static bool has_foreign_values(const struct entity *entity)
{
    for (int i = 0; i < entity->fields_count; i++) {
        const char *type = entity->fields[i]->type->name;
        if (strcmp(type, "lookup") == 0 || strcmp(type, "rollup") == 0)
            return true;
    }
    return false;
}

/* The rights are those of one person: another one at the same browser must not be told that what
 * its cache holds is still good. */
static const char *record_tag(struct call *call, int64_t id, int64_t version)
{
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    const struct store_header *header = &call->ctx->tenant->header;
    const int64_t who[] = {header->auth_version, call->ctx->actor ? call->ctx->actor->user : 0};
    uint64_t auth = hash_stable(slice_of((const char *)who, sizeof who));
    return arena_printf(call->ctx->arena, "W/\"%s-%lld-%lld-%llu-%d\"", text, (long long)version,
                        (long long)header->model_version, (unsigned long long)auth,
                        (int)call->ctx->lang);
}

enum err records_get(struct call *call)
{
    const struct entity *entity;
    int64_t id, version = 0;
    enum err e = call_entity(call, 0, &entity);
    if (!e)
        e = call_id(call, 1, &id);
    if (e)
        return e;
    struct slice fields = req_query(call->req, "fields"), expand = req_query(call->req, "expand");
    e = list_get(call->ctx, entity, id, fields, expand, &call->resp->body, &version);
    if (e)
        return e;
    if (expand.len || fields.len || has_foreign_values(entity)) {
        call_etag(call, id, version);
        return ERR_OK;
    }
    if (call->ctx->actor && call->ctx->actor->within) {
        resp_header(call->resp, "Cache-Control", "no-store");
        return ERR_OK;
    }
    const char *tag = record_tag(call, id, version);
    resp_header(call->resp, "ETag", tag);
    resp_header(call->resp, "Cache-Control", "private, no-cache");
    if (slice_is(req_header(call->req, "if-none-match"), tag)) {
        call->resp->status = 304;
        buf_clear(&call->resp->body);
    }
    return ERR_OK;
}

static enum err page_of(struct call *call, struct list_query *page)
{
    const struct entity *entity;
    enum err e = call_entity(call, 0, &entity);
    return e ? e : query_of(call, entity, page);
}

enum err records_history(struct call *call)
{
    struct list_query page;
    int64_t id;
    enum err e = page_of(call, &page);
    if (!e)
        e = call_id(call, 1, &id);
    return e ? e : list_history(call->ctx, page.entity, id, &page, &call->resp->body);
}

enum err records_timeline(struct call *call)
{
    struct list_query page;
    int64_t id;
    enum err e = page_of(call, &page);
    if (!e)
        e = call_id(call, 1, &id);
    return e ? e : list_timeline(call->ctx, page.entity, id, &page, &call->resp->body);
}

enum err records_related(struct call *call)
{
    const struct entity *entity;
    int64_t id;
    enum err e = call_entity(call, 0, &entity);
    if (!e)
        e = call_id(call, 1, &id);
    if (e)
        return e;
    struct list_query page = {0};
    for (int i = 0; i < call->req->query_count && !e; i++) {
        struct slice name = call->req->query[i].name, value = call->req->query[i].value;
        int64_t limit;
        if (slice_is(name, "cursor"))
            page.cursor = value;
        else if (slice_is(name, "sort"))
            page.sort = value;
        else if (slice_is(name, "limit") && slice_to_int(value, &limit) && limit > 0 &&
                 limit <= LIST_MAX)
            page.limit = (int)limit;
        else if (slice_is(name, "count"))
            page.count = slice_is(value, "true");
        else
            e = err_field(&call->ctx->err, arena_str(call->ctx->arena, name), "unknown_parameter",
                          NULL);
    }
    return e ? e
             : list_related(call->ctx, entity, id, call_param(call, 2), &page, &call->resp->body);
}

enum err records_search(struct call *call)
{
    return list_search(call->ctx, req_query(call->req, "q"), req_query(call->req, "entities"),
                       &call->resp->body);
}

enum err records_changes(struct call *call)
{
    struct slice since_text = req_query(call->req, "since"),
                 limit_text = req_query(call->req, "limit");
    int64_t since = 0, limit = LIST_DEFAULT;
    if (since_text.len && (!slice_to_int(since_text, &since) || since < 0))
        return err_field(&call->ctx->err, "since", "not_a_number", NULL);
    if (limit_text.len && (!slice_to_int(limit_text, &limit) || limit < 1 || limit > LIST_MAX))
        return err_field(&call->ctx->err, "limit", "out_of_range", NULL);
    struct slice name = req_query(call->req, "entity");
    struct feed_walk walk = {.since = since, .limit = (int)limit};
    if (name.len && !(walk.entity = model_entity(call->ctx->model, name)))
        return err_field(&call->ctx->err, "entity", "unknown_entity", NULL);
    return feed_list(call->ctx, &walk, &call->resp->body);
}

/* One of several queries: its own error stands in its place, the others are answered. */
static enum err query_one(struct call *call, const struct json *item)
{
    const struct entity *entity = NULL;
    struct list_query query;
    if (item->type == JSON_OBJECT)
        entity = model_entity(call->ctx->model, json_str(item, "entity", SLICE("")));
    if (!entity)
        return ERR_NOT_FOUND;
    enum err e = list_query_json(call->ctx, entity, item, &query);
    return e ? e : list_run(call->ctx, &query, &call->resp->body);
}

enum err records_queries(struct call *call)
{
    const struct json *body, *queries;
    enum err e = call_object(call, &body);
    if (e)
        return e;
    queries = json_get(body, "queries");
    if (!queries || queries->type != JSON_ARRAY)
        return err_field(&call->ctx->err, "queries", "required", NULL);
    if (queries->count > QUERIES_MAX)
        return err_field(&call->ctx->err, "queries", "too_many", NULL);
    struct buf *out = &call->resp->body;
    buf_put_str(out, "{\"results\":[");
    json_each(item, queries)
    {
        json_put_comma(out);
        size_t before = out->len;
        e = query_one(call, item);
        if (e == ERR_TIMEOUT || e == ERR_IO || e == ERR_CORRUPT)
            return e;
        if (!e)
            continue;
        buf_truncate(out, before);
        model_err_texts(call->ctx);
        struct resp one;
        resp_init(&one, call->ctx->arena);
        resp_error(&one, e, &call->ctx->err, call->ctx->lang, call->ctx->trace);
        buf_put_slice(out, buf_slice(&one.body));
        resp_release(&one);
        err_info_clear(&call->ctx->err);
    }
    buf_put_str(out, "]}");
    return ERR_OK;
}

/* --- writing ------------------------------------------------------------------------------------
 */

static const char *record_path(struct call *call, const struct entity *entity)
{
    return arena_printf(call->ctx->arena, "/api/v1/records/%s", entity->name);
}

/* Accounts are administration: whoever changes one as a record needs that right too, and may touch
 * only those below. Their lists and references are as any record's. */
static enum err guard_user(struct call *call, const struct entity *entity, int64_t id)
{
    if (strcmp(entity->name, "user") != 0 || call->is_operator)
        return ERR_OK;
    if (!call->ctx->actor || !actor_may_admin(call->ctx->actor, "users"))
        return ERR_FORBIDDEN;
    return id ? admin_covers_user(call, id) : ERR_OK;
}

enum err records_create(struct call *call)
{
    const struct entity *entity;
    const struct json *body;
    struct unit unit;
    int64_t id = 0;
    enum err e = call_entity(call, 0, &entity);
    if (!e)
        e = guard_user(call, entity, 0);
    if (!e)
        e = call_object(call, &body);
    if (!e)
        e = app_unit_begin(call->app, call->ctx, &unit);
    if (e)
        return e;
    e = record_create_json(call->ctx, entity, body, &id, &call->resp->body);
    unit_end(call->ctx);
    if (e)
        return e;
    call_created(call, record_path(call, entity), id);
    call_etag(call, id, 1);
    return ERR_OK;
}

/* The body without "version", which is a condition and not a field. */
static const struct json *body_fields(struct call *call)
{
    if (!json_get(call->body, "version"))
        return call->body;
    struct json *out = json_new(call->ctx->arena, JSON_OBJECT);
    json_each(member, call->body)
    {
        if (!slice_is(member->key, "version"))
            json_add(call->ctx->arena, out, member->key.at, json_copy(call->ctx->arena, member));
    }
    return out;
}

/* The answer's own version: a record's text begins with "id" and "version". */
static void etag_of_answer(struct call *call, int64_t id)
{
    struct slice rest = slice_of(call->resp->body.at, call->resp->body.len);
    ptrdiff_t at = slice_find(slice_of(rest.at, rest.len < 64 ? rest.len : 64), SLICE("version"));
    int64_t version;
    if (at < 0)
        return;
    rest = slice_of(rest.at + at, rest.len - (size_t)at);
    slice_split(&rest, ':');
    if (slice_to_int(slice_split(&rest, ','), &version))
        call_etag(call, id, version);
}

enum err records_update(struct call *call)
{
    const struct entity *entity;
    const struct json *body;
    struct unit unit;
    int64_t id, version = 0;
    enum err e = call_entity(call, 0, &entity);
    if (!e)
        e = call_id(call, 1, &id);
    if (!e)
        e = guard_user(call, entity, id);
    if (!e)
        e = call_object(call, &body);
    if (!e)
        e = call_version(call, id, &version);
    if (!e)
        e = app_unit_begin(call->app, call->ctx, &unit);
    if (e)
        return e;
    e = record_update_json(call->ctx, entity, id, body_fields(call), version, &call->resp->body);
    unit_end(call->ctx);
    if (!e)
        etag_of_answer(call, id);
    return e;
}

enum err records_delete(struct call *call)
{
    const struct entity *entity;
    struct unit unit;
    int64_t id, version = 0;
    bool had_admin = false;
    enum err e = call_entity(call, 0, &entity);
    if (!e)
        e = call_id(call, 1, &id);
    if (!e)
        e = guard_user(call, entity, id);
    if (!e)
        e = call_version(call, id, &version);
    if (!e && strcmp(entity->name, "user") == 0)
        e = admin_exists(call, &had_admin);
    if (!e)
        e = app_unit_begin(call->app, call->ctx, &unit);
    if (e)
        return e;
    e = record_delete(call->ctx, entity, id, version);
    unit_end(call->ctx);
    if (!e && had_admin)
        e = admin_remains(call, true);
    if (!e)
        call->resp->status = 204;
    return e;
}

enum err records_restore(struct call *call)
{
    const struct entity *entity;
    struct record *record;
    struct unit unit;
    int64_t id;
    enum err e = call_entity(call, 0, &entity);
    if (!e)
        e = call_id(call, 1, &id);
    if (!e)
        e = guard_user(call, entity, 0);
    if (!e)
        e = app_unit_begin(call->app, call->ctx, &unit);
    if (e)
        return e;
    e = record_restore(call->ctx, entity, id, &record);
    if (!e)
        e = record_put_json(call->ctx, record, &call->resp->body);
    unit_end(call->ctx);
    if (!e)
        etag_of_answer(call, id);
    return e;
}

/* What is compared are fields of the entity that the caller may read. */
static enum err check_compared(struct call *call, const struct entity *entity)
{
    struct ctx *ctx = call->ctx;
    enum err failed = rights_action(ctx, entity, ROLE_READ);
    if (failed)
        return failed;
    json_each(member, call->body)
    {
        const struct field *field = entity_field(entity, member->key);
        struct rights_field right = {.access = ROLE_NONE};
        enum err e = field ? rights_field(ctx, entity, field, ROLE_READ, &right) : ERR_OK;
        if (e)
            return e;
        if (right.access == ROLE_NONE)
            failed =
                err_field(&ctx->err, arena_str(ctx->arena, member->key), "unknown_field", NULL);
    }
    return failed;
}

enum err records_duplicates(struct call *call)
{
    const struct entity *entity;
    const struct json *body;
    struct vm *vm = NULL;
    enum err e = call_entity(call, 0, &entity);
    if (!e)
        e = call_object(call, &body);
    if (!e)
        e = check_compared(call, entity);
    if (!e)
        e = vm_get(call->ctx, call->app->config->home, &vm);
    if (e)
        return e;
    const char *service = arena_printf(call->ctx->arena, "%s.match", entity->name);
    e = vm_service(vm, call->ctx, service, body, &call->resp->body);
    if (e != ERR_NOT_FOUND)
        return e;
    buf_put_str(&call->resp->body, "{\"items\":[]}"); /* nobody compares records of this kind */
    return ERR_OK;
}

/* Out of sight by what somebody else has done since it was seen: not the answer for what never was
 * there, which whoever never saw it gets. */
static enum err tell_missed(struct call *call, const struct entity *entity, int64_t id)
{
    bool was = false;
    enum err e = past_was_visible(call->ctx, entity, id, &was);
    if (e)
        return e;
    return was ? err_say(&call->ctx->err, ERR_CONFLICT, "moved_on", "%s", "@error.moved_on")
               : ERR_NOT_FOUND;
}

enum err records_action(struct call *call)
{
    const struct entity *entity;
    const struct json *body;
    struct record *record;
    struct vm *vm = NULL;
    struct unit unit;
    int64_t id;
    enum err e = call_entity(call, 0, &entity);
    if (!e)
        e = call_id(call, 1, &id);
    if (!e && call->body)
        e = call_object(call, &body);
    if (!e)
        e = app_unit_begin(call->app, call->ctx, &unit);
    if (e)
        return e;
    e = vm_get(call->ctx, call->app->config->home, &vm);
    if (!e)
        e = record_load(call->ctx, entity, id, ROLE_READ, &record);
    if (e == ERR_NOT_FOUND)
        e = tell_missed(call, entity, id);
    if (!e)
        e = vm_action(vm, call->ctx, entity, arena_str(call->ctx->arena, call_param(call, 2)),
                      record, call->body, &call->resp->body);
    unit_end(call->ctx);
    return e;
}
