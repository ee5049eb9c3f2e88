/* list_history - what happened: to one record, around it, and in the whole tenant.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/clock.h"
#include "base/hash.h"
#include "base/id.h"
#include "base/limits.h"
#include "record/cursor.h"
#include "record/diff.h"
#include "record/list_plan.h"
#include "record/model.h"

/* --- whether a record may be seen --- */

static bool found_row(void *arg, const struct store_row *row)
{
    (void)row;
    *(bool *)arg = true;
    return false;
}

/* Deleted ones too: their history stays. */
static enum err check_visible(struct rights *rights, struct ctx *ctx, const struct entity *entity,
                              int64_t id)
{
    const struct expr *rows;
    bool found = false;
    enum err e = rights_make_rows(rights, true, &rows);
    if (e)
        return e;
    struct query_column column = {.column = {0, "id"}};
    struct query q = {
        .table = entity->table,
        .select = &column,
        .select_count = 1,
        .where = expr_and(ctx->arena, expr_cmp(ctx->arena, EXPR_EQ, "id", value_int(id)), rows),
        .limit = 1,
    };
    e = store_read(ctx->tenant->store, &q, found_row, &found);
    return e ? e : found ? ERR_OK : ERR_NOT_FOUND;
}

/* --- values of the log --- */

static void put_member(struct buf *out, const char *key)
{
    json_put_key(out, key);
}

static void put_id(struct buf *out, const char *key, const struct value *id)
{
    char text[ID_TEXT_LEN + 1];
    put_member(out, key);
    if (id->type != VALUE_INT || id->integer == 0) {
        buf_put_str(out, "null");
        return;
    }
    id_text(id->integer, text);
    json_put_cstr(out, text);
}

static void put_time(struct buf *out, const char *key, const struct value *at)
{
    char text[25];
    put_member(out, key);
    if (at->type != VALUE_INT) {
        buf_put_str(out, "null");
        return;
    }
    time_text(at->integer, text);
    json_put_cstr(out, text);
}

static void put_plain(struct buf *out, const char *key, const struct value *value)
{
    put_member(out, key);
    if (value->type == VALUE_INT)
        buf_put_int(out, value->integer);
    else if (value->type == VALUE_TEXT)
        json_put_string(out, value->bytes);
    else
        buf_put_str(out, "null");
}

/* --- history of one record --- */

struct history {
    struct ctx *ctx;
    const struct entity *entity;
    struct rights *rights;
    const struct value *values; /* the record now, or NULL: for rules of single fields */
    struct buf *out;
    int limit, rows;
    int64_t last;
    bool has_more;
    enum err e;
};

static struct diff diff_of(const struct history *h)
{
    return (struct diff){h->ctx, h->entity, h->rights, h->values};
}

static bool may_read(struct history *h, const struct field *field)
{
    struct diff diff = diff_of(h);
    bool may = false;
    h->e = h->e ? h->e : diff_may_read(&diff, field, &may);
    return may;
}

enum {
    CHANGE_SEQ,
    CHANGE_AT,
    CHANGE_ACTOR,
    CHANGE_OP,
    CHANGE_VERSION,
    CHANGE_SOURCE,
    CHANGE_DIFF,
    CHANGE_COLUMNS
};

static bool change_row(void *arg, const struct store_row *row)
{
    struct history *h = arg;
    struct value v[CHANGE_COLUMNS];
    if (h->rows == h->limit) {
        h->has_more = true;
        return false;
    }
    for (int i = 0; i < CHANGE_COLUMNS; i++)
        v[i] = store_row_value(row, i);
    if (h->rows++ > 0)
        buf_put_char(h->out, ',');
    h->last = v[CHANGE_SEQ].integer;
    buf_put_char(h->out, '{');
    put_plain(h->out, "seq", &v[CHANGE_SEQ]);
    put_time(h->out, "at", &v[CHANGE_AT]);
    put_id(h->out, "actor", &v[CHANGE_ACTOR]);
    put_plain(h->out, "op", &v[CHANGE_OP]);
    put_plain(h->out, "version", &v[CHANGE_VERSION]);
    put_plain(h->out, "source", &v[CHANGE_SOURCE]);
    put_member(h->out, "changes");
    struct diff diff = diff_of(h);
    enum err e = diff_put(&diff, v[CHANGE_DIFF].bytes, h->out);
    h->e = h->e ? h->e : e;
    buf_put_char(h->out, '}');
    if (h->out->len >= LIST_BYTES_MAX)
        h->limit = h->rows; /* long values: the rest is the next page */
    return h->e == ERR_OK;
}

static const struct expr *of_record(struct ctx *ctx, const struct entity *entity, int64_t id)
{
    return expr_and(ctx->arena, expr_cmp(ctx->arena, EXPR_EQ, "entity", value_int(entity->n)),
                    expr_cmp(ctx->arena, EXPR_EQ, "record", value_int(id)));
}

static enum err read_changes(struct history *h, int64_t id, int64_t before)
{
    static const struct query_column columns[CHANGE_COLUMNS] = {
        [CHANGE_SEQ] = {.column = {0, "seq"}},         [CHANGE_AT] = {.column = {0, "at"}},
        [CHANGE_ACTOR] = {.column = {0, "actor"}},     [CHANGE_OP] = {.column = {0, "op"}},
        [CHANGE_VERSION] = {.column = {0, "version"}}, [CHANGE_SOURCE] = {.column = {0, "source"}},
        [CHANGE_DIFF] = {.column = {0, "diff"}},
    };
    struct ctx *ctx = h->ctx;
    struct query_order newest = {{0, "seq"}, NULL, true};
    const struct expr *where = of_record(ctx, h->entity, id);
    if (before > 0)
        where =
            expr_and(ctx->arena, where, expr_cmp(ctx->arena, EXPR_LT, "seq", value_int(before)));
    struct query q = {.table = "change",
                      .select = columns,
                      .select_count = CHANGE_COLUMNS,
                      .where = where,
                      .order = &newest,
                      .order_count = 1,
                      .limit = h->limit + 1};
    enum err e = store_read(ctx->tenant->store, &q, change_row, h);
    return e ? e : h->e;
}

static bool visit_row(void *arg, const struct store_row *row)
{
    struct history *h = arg;
    struct value v[5];
    for (int i = 0; i < 5; i++)
        v[i] = store_row_value(row, i);
    const struct field *field = entity_field_by_n(h->entity, (int)v[0].integer);
    if (!field || !may_read(h, field))
        return h->e == ERR_OK;
    json_put_comma(h->out);
    buf_put_str(h->out, "{\"field\":");
    json_put_cstr(h->out, field->name);
    put_plain(h->out, "value", &v[1]);
    put_time(h->out, "entered_at", &v[2]);
    put_time(h->out, "left_at", &v[3]);
    put_id(h->out, "actor", &v[4]);
    buf_put_char(h->out, '}');
    return true;
}

static enum err read_visits(struct history *h, int64_t id)
{
    static const struct query_column columns[] = {{.column = {0, "field"}},
                                                  {.column = {0, "value"}},
                                                  {.column = {0, "entered_at"}},
                                                  {.column = {0, "left_at"}},
                                                  {.column = {0, "actor"}}};
    struct query_order newest = {{0, "id"}, NULL, true};
    struct query q = {.table = "visit",
                      .select = columns,
                      .select_count = 5,
                      .where = of_record(h->ctx, h->entity, id),
                      .order = &newest,
                      .order_count = 1,
                      .limit = LIST_MAX};
    enum err e = store_read(h->ctx->tenant->store, &q, visit_row, h);
    return e ? e : h->e;
}

struct keep {
    struct ctx *ctx;
    const struct entity *entity;
    struct value *values;
};

static bool keep_row(void *arg, const struct store_row *row)
{
    struct keep *keep = arg;
    int slots = keep->entity->slots;
    keep->values = arena_array(keep->ctx->arena, struct value, (size_t)slots);
    for (int i = 0; i < slots; i++) {
        struct value value = store_row_value(row, i);
        keep->values[i] = value_copy(keep->ctx->arena, &value);
    }
    return false;
}

/* The record as it is, all of it: only rules are asked of it, nothing is shown. */
static enum err load_values(struct ctx *ctx, const struct entity *entity, int64_t id,
                            const struct value **out)
{
    struct keep keep = {ctx, entity, NULL};
    struct query_column *columns =
        arena_array(ctx->arena, struct query_column, (size_t)entity->slots);
    for (int i = 0; i < entity->slots; i++)
        columns[i].column.column = entity->columns[i];
    struct query q = {.table = entity->table,
                      .select = columns,
                      .select_count = entity->slots,
                      .where = expr_cmp(ctx->arena, EXPR_EQ, "id", value_int(id)),
                      .limit = 1};
    enum err e = store_read(ctx->tenant->store, &q, keep_row, &keep);
    *out = keep.values;
    return e;
}

static uint64_t history_shape(const struct entity *entity, int64_t id)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "history\n%s\n%lld", entity->name, (long long)id);
    uint64_t shape = hash_stable(buf_slice(&text));
    buf_release(&text);
    return shape;
}

static enum err put_history(struct history *h, int64_t id, const struct list_query *page)
{
    struct cursor_key key;
    struct value before = value_int(0);
    uint64_t shape = history_shape(h->entity, id);
    enum err e = cursor_key(h->ctx, &key);
    if (!e && page && page->cursor.len > 0)
        e = cursor_parse(&key, shape, page->cursor, h->ctx->arena, &before, 1);
    if (e)
        return e;
    buf_put_str(h->out, "{\"items\":[");
    e = read_changes(h, id, before.integer);
    if (e)
        return e;
    buf_put_str(h->out, "],\"next\":");
    if (h->has_more) {
        struct value last = value_int(h->last);
        buf_put_char(h->out, '"');
        cursor_put(&key, shape, &last, 1, h->out);
        buf_put_char(h->out, '"');
    } else {
        buf_put_str(h->out, "null");
    }
    buf_put_str(h->out, ",\"visits\":[");
    e = read_visits(h, id);
    buf_put_str(h->out, "]}");
    return e;
}

enum err list_history(struct ctx *ctx, const struct entity *entity, int64_t id,
                      const struct list_query *page, struct buf *out)
{
    struct history h = {.ctx = ctx, .entity = entity, .out = out};
    size_t from = out->len;
    h.limit = page && page->limit > 0 ? page->limit : LIST_DEFAULT;
    enum err e = rights_make(ctx, entity, ROLE_READ, &h.rights);
    if (!e)
        e = check_visible(h.rights, ctx, entity, id);
    if (!e)
        e = load_values(ctx, entity, id, &h.values);
    if (!e)
        e = put_history(&h, id, page);
    if (e)
        buf_truncate(out, from);
    return e;
}

/* --- related records --- */

enum err list_related(struct ctx *ctx, const struct entity *entity, int64_t id,
                      struct slice relation, struct list_query *page, struct buf *out)
{
    struct entity_ref ref;
    bool is_known = filter_relation(ctx->model, entity, relation, &ref);
    struct rights *rights;
    char text[ID_TEXT_LEN + 1];
    enum err e = rights_make(ctx, entity, ROLE_READ, &rights);
    if (!e)
        e = check_visible(rights, ctx, entity, id);
    if (e)
        return e;
    if (!is_known)
        return ERR_NOT_FOUND;
    struct json *mine = json_new(ctx->arena, JSON_OBJECT), *all = json_new(ctx->arena, JSON_ARRAY);
    struct json *tree = json_new(ctx->arena, JSON_OBJECT);
    id_text(id, text);
    json_add(ctx->arena, mine, ref.field->name,
             json_new_str(ctx->arena, arena_slice(ctx->arena, slice_str(text))));
    json_add(ctx->arena, all, NULL, mine);
    if (page->filter)
        json_add(ctx->arena, all, NULL, json_copy(ctx->arena, page->filter));
    json_add(ctx->arena, tree, "and", all);
    page->entity = ref.from;
    page->filter = tree;
    return list_run(ctx, page, out);
}
