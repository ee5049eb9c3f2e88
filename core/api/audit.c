/* audit - reading the log of security events and that of changed records, newest first. Nothing
 * here changes them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/audit.h"

#include "api/body.h"
#include "api/handlers.h"
#include "api/page.h"
#include "base/clock.h"
#include "base/id.h"
#include "record/trail.h"

/* --- filters ------------------------------------------------------------------------------------
 */

/* A time, or a day of the company's calendar: its first or its last millisecond. */
static bool moment_of(const struct call *call, struct slice text, bool is_end, int64_t *out)
{
    int64_t day;
    if (time_parse(text, out))
        return true;
    if (!date_parse(text, &day))
        return false;
    *out = zone_day_start_ms(call->ctx->tenant->zone, is_end ? day + 1 : day) - is_end;
    return true;
}

static const struct expr *one_filter(struct call *call, struct slice name, struct slice value)
{
    struct arena *arena = call->ctx->arena;
    char *column = arena_str(arena, name);
    int64_t n;
    if (slice_is(name, "action") && slice_ends(value, SLICE("*")))
        return expr_cmp(arena, EXPR_PREFIX, "action",
                        value_text(slice_of(value.at, value.len - 1)));
    if (slice_is(name, "action") || slice_is(name, "entity"))
        return expr_cmp(arena, EXPR_EQ, column, value_text(value));
    if (slice_is(name, "actor") || slice_is(name, "record")) {
        if (id_parse(value, &n))
            return expr_cmp(arena, EXPR_EQ, column, value_int(n));
        body_bad(call, column, "bad_id", NULL);
        return NULL;
    }
    bool is_end = slice_is(name, "to");
    if (!is_end && !slice_is(name, "from"))
        return NULL; /* limit and cursor */
    if (moment_of(call, value, is_end, &n))
        return expr_cmp(arena, is_end ? EXPR_LTE : EXPR_GTE, "at", value_int(n));
    body_bad(call, column, "bad_datetime", NULL);
    return NULL;
}

static enum err where_of(struct call *call, const struct expr **out)
{
    *out = NULL;
    for (int i = 0; i < call->req->query_count; i++)
        *out = expr_and(call->ctx->arena, *out,
                        one_filter(call, call->req->query[i].name, call->req->query[i].value));
    return body_done(call);
}

/* --- rows ---------------------------------------------------------------------------------------
 */

static void put_text(struct buf *out, const char *key, const struct store_row *row, int column)
{
    json_put_key(out, key);
    if (store_row_is_null(row, column))
        buf_put_str(out, "null");
    else
        json_put_string(out, store_row_bytes(row, column));
}

static void put_id(struct buf *out, const char *key, const struct store_row *row, int column)
{
    char id[ID_TEXT_LEN + 1];
    id_text(store_row_int(row, column), id);
    json_put_key(out, key);
    json_put_cstr(out, store_row_is_null(row, column) ? NULL : id);
}

static bool put_row(struct page *page, const struct store_row *row)
{
    struct buf *out = &page->call->resp->body;
    char at[25];
    time_text(store_row_int(row, 1), at);
    buf_printf(out, "{\"seq\":%lld,\"at\":\"%s\"", (long long)store_row_int(row, 0), at);
    put_id(out, "actor", row, 2);
    put_text(out, "actor_name", row, 9);
    put_text(out, "action", row, 3);
    put_text(out, "entity", row, 4);
    put_id(out, "record", row, 5);
    put_text(out, "address", row, 6);
    json_put_key(out, "detail"); /* written by ourselves as JSON */
    struct slice detail = store_row_bytes(row, 7);
    buf_put_slice(out, detail.len ? detail : SLICE("null"));
    json_put_key(out, "hash");
    buf_put_char(out, '"');
    crypto_put_hex(out, store_row_bytes(row, 8));
    buf_put_str(out, "\"}");
    return true;
}

enum err audit_list(struct call *call)
{
    static const char *const filters[] = {"action", "actor", "entity", "record",
                                          "from",   "to",    NULL};
    static const struct query_column columns[] = {
        {.column = {0, "seq"}},     {.column = {0, "at"}},     {.column = {0, "actor"}},
        {.column = {0, "action"}},  {.column = {0, "entity"}}, {.column = {0, "record"}},
        {.column = {0, "address"}}, {.column = {0, "detail"}}, {.column = {0, "hash"}},
        {.column = {1, "name"}},
    };
    static const struct query_join actors[] = {{.table = "user", .from = {0, "actor"}, .to = "id"}};
    static const struct query_order newest[] = {{.column = {0, "seq"}, .descending = true}};
    struct page page;
    struct query query = {.table = "audit",
                          .select = columns,
                          .select_count = 10,
                          .joins = actors,
                          .joins_count = 1,
                          .order = newest,
                          .order_count = 1};
    enum err e = page_begin(call, 1, filters, &page);
    if (!e)
        e = where_of(call, &query.where);
    page.put = put_row;
    return e ? e : page_read(&page, &query);
}

/* --- what was changed in records ----------------------------------------------------------------
 */

static void take_change_filter(struct call *call, struct slice name, struct slice value,
                               struct trail_query *out)
{
    bool fits = true;
    const char *code = "bad_id";
    int64_t limit = 0;
    if (slice_is(name, "limit")) {
        fits = slice_to_int(value, &limit) && limit >= 1 && limit <= LIST_MAX;
        code = "out_of_range";
        out->limit = (int)limit;
    } else if (slice_is(name, "cursor")) {
        out->cursor = value;
    } else if (slice_is(name, "entity")) {
        out->entity = model_entity(call->ctx->model, value);
        fits = out->entity;
        code = "unknown_entity";
    } else if (slice_is(name, "actor") || slice_is(name, "record")) {
        fits = id_parse(value, slice_is(name, "actor") ? &out->actor : &out->record);
    } else if (slice_is(name, "from") || slice_is(name, "to")) {
        bool is_end = slice_is(name, "to");
        fits = moment_of(call, value, is_end, is_end ? &out->to_ms : &out->from_ms);
        code = "bad_datetime";
    } else {
        fits = false;
        code = "unknown_parameter";
    }
    if (!fits)
        body_bad(call, arena_str(call->ctx->arena, name), code, "\"min\":1,\"max\":%d", LIST_MAX);
}

/* With the caller's own rights: administering the log is no right to read what stands in records.
 */
enum err audit_changes(struct call *call)
{
    struct trail_query query = {0};
    for (int i = 0; i < call->req->query_count; i++)
        take_change_filter(call, call->req->query[i].name, call->req->query[i].value, &query);
    enum err e = body_done(call);
    return e ? e : trail_list(call->ctx, &query, &call->resp->body);
}
