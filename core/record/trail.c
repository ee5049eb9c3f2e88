/* trail - see trail.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/trail.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/id.h"
#include "record/cursor.h"
#include "record/diff.h"
#include "record/list_group.h"
#include "record/model.h"

enum {
    TRAIL_SEQ,
    TRAIL_AT,
    TRAIL_ACTOR,
    TRAIL_ENTITY,
    TRAIL_RECORD,
    TRAIL_OP,
    TRAIL_SOURCE,
    TRAIL_DIFF,
    TRAIL_ACTOR_NAME,
    TRAIL_COLUMNS
};

struct item {
    int64_t seq, at, actor, record;
    const struct entity *entity; /* NULL: of a plugin that is not there */
    struct slice actor_name, op, source, diff;
    bool is_seen;
};

struct trail {
    struct ctx *ctx;
    struct item *items;
    int count, limit;
    bool has_more;
    const struct entity *asked; /* whose visible records are being read */
};

static bool take_row(void *arg, const struct store_row *row)
{
    struct trail *trail = arg;
    struct arena *arena = trail->ctx->arena;
    if (trail->count == trail->limit) {
        trail->has_more = true;
        return false;
    }
    trail->items[trail->count++] = (struct item){
        .seq = store_row_int(row, TRAIL_SEQ),
        .at = store_row_int(row, TRAIL_AT),
        .actor = store_row_int(row, TRAIL_ACTOR),
        .record = store_row_int(row, TRAIL_RECORD),
        .entity = model_entity_by_number(trail->ctx->model, (int)store_row_int(row, TRAIL_ENTITY)),
        .actor_name = arena_slice(arena, store_row_bytes(row, TRAIL_ACTOR_NAME)),
        .op = arena_slice(arena, store_row_bytes(row, TRAIL_OP)),
        .source = arena_slice(arena, store_row_bytes(row, TRAIL_SOURCE)),
        .diff = arena_slice(arena, store_row_bytes(row, TRAIL_DIFF)),
    };
    return true;
}

static const struct expr *where_of(struct ctx *ctx, const struct trail_query *query, int64_t before)
{
    const struct {
        const char *column;
        enum expr_op op;
        int64_t value;
    } asked[] = {{"record", EXPR_EQ, query->record},
                 {"actor", EXPR_EQ, query->actor},
                 {"at", EXPR_GTE, query->from_ms},
                 {"at", EXPR_LTE, query->to_ms},
                 {"seq", EXPR_LT, before}};
    const struct expr *where = NULL;
    if (query->entity)
        where = expr_cmp(ctx->arena, EXPR_EQ, "entity", value_int(query->entity->n));
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        if (asked[i].value)
            where = expr_and(
                ctx->arena, where,
                expr_cmp(ctx->arena, asked[i].op, asked[i].column, value_int(asked[i].value)));
    }
    return where;
}

static enum err read_rows(struct trail *trail, const struct expr *where)
{
    static const struct query_column columns[TRAIL_COLUMNS] = {
        [TRAIL_SEQ] = {.column = {0, "seq"}},         [TRAIL_AT] = {.column = {0, "at"}},
        [TRAIL_ACTOR] = {.column = {0, "actor"}},     [TRAIL_ENTITY] = {.column = {0, "entity"}},
        [TRAIL_RECORD] = {.column = {0, "record"}},   [TRAIL_OP] = {.column = {0, "op"}},
        [TRAIL_SOURCE] = {.column = {0, "source"}},   [TRAIL_DIFF] = {.column = {0, "diff"}},
        [TRAIL_ACTOR_NAME] = {.column = {1, "name"}},
    };
    static const struct query_join actors[] = {{.table = "user", .from = {0, "actor"}, .to = "id"}};
    struct query_order newest = {{0, "seq"}, NULL, true};
    struct query q = {.table = "change",
                      .select = columns,
                      .select_count = TRAIL_COLUMNS,
                      .joins = actors,
                      .joins_count = 1,
                      .where = where,
                      .order = &newest,
                      .order_count = 1,
                      .limit = trail->limit + 1};
    return store_read(trail->ctx->tenant->store, &q, take_row, trail);
}

static bool seen_row(void *arg, const struct store_row *row)
{
    struct trail *trail = arg;
    int64_t id = store_row_int(row, 0);
    for (int i = 0; i < trail->count; i++) {
        struct item *item = &trail->items[i];
        item->is_seen |= item->entity == trail->asked && item->record == id;
    }
    return true;
}

/* Deleted ones too: their history stays. */
static enum err look_at(struct trail *trail, const struct entity *entity, struct rights *rights)
{
    struct arena *arena = trail->ctx->arena;
    struct value *ids = arena_array(arena, struct value, (size_t)trail->count);
    const struct expr *rows;
    int count = 0;
    enum err e = rights_make_rows(rights, true, &rows);
    if (e)
        return e;
    for (int i = 0; i < trail->count; i++)
        if (trail->items[i].entity == entity)
            ids[count++] = value_int(trail->items[i].record);
    struct query_column column = {.column = {0, "id"}};
    struct query q = {.table = entity->table,
                      .select = &column,
                      .select_count = 1,
                      .where = expr_and(arena, expr_in(arena, "id", ids, count), rows)};
    trail->asked = entity;
    return store_read(trail->ctx->tenant->store, &q, seen_row, trail);
}

static void put_id(struct buf *out, const char *key, int64_t id)
{
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    json_put_key(out, key);
    json_put_cstr(out, id ? text : NULL);
}

static void put_head(const struct item *item, struct buf *out)
{
    char at[25];
    time_text(item->at, at);
    buf_printf(out, "{\"seq\":%lld,\"at\":\"%s\"", (long long)item->seq, at);
    put_id(out, "actor", item->actor);
    json_put_key(out, "actor_name");
    if (item->actor_name.len)
        json_put_string(out, item->actor_name);
    else
        buf_put_str(out, "null");
    json_put_key(out, "entity");
    json_put_cstr(out, item->entity->name);
    put_id(out, "record", item->record);
    json_put_key(out, "op");
    json_put_string(out, item->op);
    json_put_key(out, "source");
    json_put_string(out, item->source);
    json_put_key(out, "changes");
}

/* What each entity's rows are judged by is made once; NULL: it may not be read. */
static enum err rights_for(struct trail *trail, int at, struct rights **all)
{
    const struct entity *entity = trail->items[at].entity;
    for (int i = 0; i < at; i++) {
        if (trail->items[i].entity == entity) {
            all[at] = all[i];
            return ERR_OK;
        }
    }
    enum err e = entity ? rights_make(trail->ctx, entity, ROLE_READ, &all[at]) : ERR_OK;
    if (e == ERR_FORBIDDEN) {
        all[at] = NULL;
        err_info_clear(&trail->ctx->err);
        return ERR_OK;
    }
    return !e && all[at] ? look_at(trail, entity, all[at]) : e;
}

static enum err put_items(struct trail *trail, struct buf *out)
{
    struct rights **all = arena_array(trail->ctx->arena, struct rights *, (size_t)trail->count + 1);
    enum err e = ERR_OK;
    for (int i = 0; i < trail->count && !e; i++)
        e = rights_for(trail, i, all);
    buf_put_str(out, "{\"items\":[");
    for (int i = 0; i < trail->count && !e; i++) {
        const struct item *item = &trail->items[i];
        if (!item->is_seen)
            continue;
        struct diff diff = {trail->ctx, item->entity, all[i], NULL};
        json_put_comma(out);
        put_head(item, out);
        e = diff_put(&diff, item->diff, out);
        buf_put_char(out, '}');
    }
    buf_put_char(out, ']');
    return e;
}

/* {"lead":{"ID":"title"}} of what was changed. */
static enum err put_titles(struct trail *trail, struct buf *out)
{
    int64_t *ids = arena_array(trail->ctx->arena, int64_t, (size_t)trail->count + 1);
    enum err e = ERR_OK;
    buf_put_str(out, ",\"titles\":{");
    for (int i = 0; i < trail->count && !e; i++) {
        const struct entity *entity = trail->items[i].entity;
        bool is_first = trail->items[i].is_seen;
        int count = 0;
        for (int k = 0; k < i; k++)
            is_first = is_first && !(trail->items[k].is_seen && trail->items[k].entity == entity);
        for (int k = i; k < trail->count && is_first; k++)
            if (trail->items[k].is_seen && trail->items[k].entity == entity)
                ids[count++] = trail->items[k].record;
        if (!count)
            continue;
        json_put_key(out, entity->name);
        buf_put_char(out, '{');
        e = list_titles(trail->ctx, entity, ids, count, out);
        buf_put_char(out, '}');
    }
    buf_put_char(out, '}');
    return e;
}

static uint64_t shape_of(const struct trail_query *query)
{
    struct buf text = BUF_INIT;
    buf_printf(&text, "trail\n%s\n%lld\n%lld\n%lld\n%lld", query->entity ? query->entity->name : "",
               (long long)query->record, (long long)query->actor, (long long)query->from_ms,
               (long long)query->to_ms);
    uint64_t shape = hash_stable(buf_slice(&text));
    buf_release(&text);
    return shape;
}

static void put_next(const struct trail *trail, const struct cursor_key *key, uint64_t shape,
                     struct buf *out)
{
    buf_put_str(out, ",\"next\":");
    if (!trail->has_more) {
        buf_put_str(out, "null");
        return;
    }
    struct value last = value_int(trail->items[trail->count - 1].seq);
    buf_put_char(out, '"');
    cursor_put(key, shape, &last, 1, out);
    buf_put_char(out, '"');
}

enum err trail_list(struct ctx *ctx, const struct trail_query *query, struct buf *out)
{
    ASSERT(ctx->model);
    struct trail trail = {.ctx = ctx, .limit = query->limit > 0 ? query->limit : LIST_DEFAULT};
    struct cursor_key key;
    struct value before = value_int(0);
    uint64_t shape = shape_of(query);
    size_t from = out->len;
    trail.items = arena_array(ctx->arena, struct item, (size_t)trail.limit);
    enum err e = cursor_key(ctx, &key);
    if (!e && query->cursor.len > 0)
        e = cursor_parse(&key, shape, query->cursor, ctx->arena, &before, 1);
    if (!e)
        e = read_rows(&trail, where_of(ctx, query, before.integer));
    if (!e)
        e = put_items(&trail, out);
    if (!e)
        e = put_titles(&trail, out);
    if (e) {
        buf_truncate(out, from);
        return e;
    }
    put_next(&trail, &key, shape, out);
    buf_put_char(out, '}');
    return ERR_OK;
}
