/* departments - the tree of departments. They are records; their place in the tree is changed here
 * alone, because it decides who sees what.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/admin.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/page.h"
#include "auth/audit.h"
#include "base/id.h"
#include "record/record.h"

#define DEPARTMENTS "/api/v1/admin/departments"

static const struct entity *department_entity(const struct call *call)
{
    const struct entity *entity = model_entity(call->ctx->model, SLICE("department"));
    ASSERT(entity);
    return entity;
}

/* --- reading ------------------------------------------------------------------------------------
 */

static const struct query_column shown_columns[] = {
    {.column = {0, "id"}},     {.column = {0, "version"}}, {.column = {0, "name"}},
    {.column = {0, "parent"}}, {.column = {0, "path"}},    {.column = {0, "head"}},
};
static const struct query_order by_path[] = {{.column = {0, "path"}}, {.column = {0, "id"}}};

static void put_id(struct buf *out, const char *key, const struct store_row *row, int column)
{
    char id[ID_TEXT_LEN + 1];
    json_put_key(out, key);
    if (store_row_is_null(row, column)) {
        buf_put_str(out, "null");
        return;
    }
    id_text(store_row_int(row, column), id);
    json_put_cstr(out, id);
}

/* "/17/42/" as the ids of those above, from the top, and itself. Returns how many are above. */
static int put_path(struct buf *out, struct slice path)
{
    char id[ID_TEXT_LEN + 1];
    int count = 0;
    buf_put_char(out, '[');
    while (path.len) {
        struct slice part = slice_split(&path, '/');
        int64_t n;
        if (!part.len)
            continue;
        count++;
        json_put_comma(out);
        if (part.len != ID_TEXT_LEN && slice_to_int(part, &n)) {
            id_text(n, id);
            part = slice_str(id);
        }
        json_put_string(out, part);
    }
    buf_put_char(out, ']');
    return count > 0 ? count - 1 : 0;
}

static bool put_department(struct page *page, const struct store_row *row)
{
    struct buf *out = &page->call->resp->body;
    buf_put_char(out, '{');
    put_id(out, "id", row, 0);
    json_put_key(out, "version");
    json_put_int(out, store_row_int(row, 1));
    json_put_key(out, "name");
    json_put_string(out, store_row_bytes(row, 2));
    put_id(out, "parent", row, 3);
    json_put_key(out, "path");
    int depth = put_path(out, store_row_bytes(row, 4));
    json_put_key(out, "depth");
    json_put_int(out, depth);
    put_id(out, "head", row, 5);
    buf_put_char(out, '}');
    return true;
}

static const struct expr *is_live(struct arena *arena)
{
    return expr_cmp(arena, EXPR_NULL, "deleted_at", value_null());
}

/* By path, so that what is below a department stands behind it. */
enum err departments_list(struct call *call)
{
    static const char *const filters[] = {"parent", NULL};
    struct arena *arena = call->ctx->arena;
    struct page page;
    enum err e = page_begin(call, 2, filters, &page);
    if (e)
        return e;
    const struct expr *where = is_live(arena);
    struct slice parent = req_query(call->req, "parent");
    int64_t id;
    if (parent.at && !id_parse(parent, &id))
        return err_field(&call->ctx->err, "parent", "bad_id", NULL);
    if (parent.at)
        where = expr_and(arena, where, expr_cmp(arena, EXPR_EQ, "parent", value_int(id)));
    struct query query = {.table = "department",
                          .select = shown_columns,
                          .select_count = 6,
                          .where = where,
                          .order = by_path,
                          .order_count = 2};
    page.put = put_department;
    return page_read(&page, &query);
}

static bool put_one(void *arg, const struct store_row *row)
{
    struct page *page = arg;
    page->rows++;
    call_etag(page->call, store_row_int(row, 0), store_row_int(row, 1));
    return put_department(page, row);
}

static enum err answer(struct call *call, int64_t id)
{
    struct arena *arena = call->ctx->arena;
    struct page page = {.call = call};
    struct query query = {
        .table = "department",
        .select = shown_columns,
        .select_count = 6,
        .where = expr_and(arena, is_live(arena), expr_cmp(arena, EXPR_EQ, "id", value_int(id)))};
    enum err e = store_read(call->ctx->tenant->store, &query, put_one, &page);
    return !e && !page.rows ? ERR_NOT_FOUND : e;
}

/* --- writing ------------------------------------------------------------------------------------
 */

static enum err set_members(struct call *call, struct record *record)
{
    static const char *const names[] = {"name", "parent", "head", NULL};
    enum err failed = ERR_OK;
    for (const char *const *name = names; *name; name++) {
        const struct json *member = json_get(call->body, *name);
        const struct field *field = entity_field(record->entity, slice_str(*name));
        enum err e = member && field ? record_set(call->ctx, record, field, member) : ERR_OK;
        if (e && e != ERR_VALIDATION)
            return e;
        failed = failed ? failed : e;
    }
    return failed;
}

static enum err save(struct call *call, int64_t *id, int64_t version)
{
    struct record *record;
    const struct entity *entity = department_entity(call);
    enum err e = *id ? record_load(call->ctx, entity, *id, ROLE_UPDATE, &record)
                     : record_new(call->ctx, entity, &record);
    if (!e)
        e = set_members(call, record);
    if (!e)
        e = record_save(call->ctx, record, version);
    if (!e)
        *id = record->now[SLOT_ID].integer;
    return e;
}

static enum err save_unit(struct call *call, int64_t *id, int64_t version)
{
    struct unit unit;
    enum err e = app_unit_begin(call->app, call->ctx, &unit);
    if (e)
        return e;
    bool rights = admin_rights_take(call);
    e = save(call, id, version);
    admin_rights_give(call, rights);
    unit_end(call->ctx);
    return e;
}

enum err departments_create(struct call *call)
{
    static const char *const members[] = {"name", "parent", "head", NULL};
    const struct json *body;
    int64_t id = 0;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (!e)
        e = save_unit(call, &id, 0);
    if (!e)
        e = audit_put(call->ctx, "department.create", "department", id, NULL);
    if (!e)
        e = answer(call, id);
    if (!e)
        call_created(call, DEPARTMENTS, id);
    return e;
}

enum err departments_update(struct call *call)
{
    static const char *const members[] = {"name", "parent", "head", "version", NULL};
    const struct json *body;
    int64_t id, version;
    enum err e = call_id(call, 0, &id);
    if (!e)
        e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (!e)
        e = call_version(call, id, &version);
    if (!e)
        e = save_unit(call, &id, version);
    if (!e)
        e = audit_put(call->ctx, "department.update", "department", id,
                      body_json(call->ctx->arena, body));
    return e ? e : answer(call, id);
}

/* --- deleting -----------------------------------------------------------------------------------
 */

static enum err count_in(struct call *call, const char *table, const char *column, int64_t id,
                         int64_t *out)
{
    struct arena *arena = call->ctx->arena;
    const struct expr *where =
        expr_and(arena, is_live(arena), expr_cmp(arena, EXPR_EQ, column, value_int(id)));
    return store_count(call->ctx->tenant->store, table, where, COUNT_CAP, out);
}

static enum err check_empty(struct call *call, int64_t id)
{
    int64_t below = 0, users = 0;
    enum err e = count_in(call, "department", "parent", id, &below);
    if (!e)
        e = count_in(call, "user", "department", id, &users);
    if (e || (!below && !users))
        return e;
    const char *counts = arena_printf(call->ctx->arena, "\"departments\":%lld,\"users\":%lld",
                                      (long long)below, (long long)users);
    call->ctx->err.extra = counts;
    return admin_refuse(call, ERR_CONFLICT, "department_in_use",
                        arena_printf(call->ctx->arena, "{%s}", counts));
}

enum err departments_delete(struct call *call)
{
    struct unit unit;
    int64_t id, version;
    enum err e = call_id(call, 0, &id);
    if (!e)
        e = call_version(call, id, &version);
    if (!e)
        e = check_empty(call, id);
    if (!e)
        e = app_unit_begin(call->app, call->ctx, &unit);
    if (e)
        return e;
    bool rights = admin_rights_take(call);
    e = record_delete(call->ctx, department_entity(call), id, version);
    admin_rights_give(call, rights);
    unit_end(call->ctx);
    if (!e)
        e = audit_put(call->ctx, "department.delete", "department", id, NULL);
    if (!e)
        call->resp->status = 204;
    return e;
}
