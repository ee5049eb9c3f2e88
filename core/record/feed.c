/* feed - reading the change log and judging it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/feed.h"

#include "base/clock.h"
#include "base/id.h"
#include "record/model.h"
#include "record/rights.h"

enum {
    FEED_SEQ,
    FEED_AT,
    FEED_ENTITY,
    FEED_RECORD,
    FEED_OP,
    FEED_VERSION,
    FEED_ACTOR,
    FEED_SOURCE,
    FEED_DIFF, /* the last: left out where nobody asks for it */
    FEED_COLUMNS
};

struct reading {
    struct ctx *ctx;
    struct feed *feed;
    const struct entity *entity; /* whose visible records are being read */
    bool is_whole;               /* with diffs */
};

static bool item_row(void *arg, const struct store_row *row)
{
    struct reading *reading = arg;
    struct feed *feed = reading->feed;
    struct feed_item *item = &feed->items[feed->count++];
    feed->last = store_row_int(row, FEED_SEQ);
    *item = (struct feed_item){
        .seq = feed->last,
        .at = store_row_int(row, FEED_AT),
        .entity = model_entity_by_number(reading->ctx->model, (int)store_row_int(row, FEED_ENTITY)),
        .record = store_row_int(row, FEED_RECORD),
        .op = arena_slice(reading->ctx->arena, store_row_bytes(row, FEED_OP)),
        .version = store_row_int(row, FEED_VERSION),
        .actor = store_row_int(row, FEED_ACTOR),
        .source = arena_slice(reading->ctx->arena, store_row_bytes(row, FEED_SOURCE)),
    };
    if (reading->is_whole)
        item->diff = arena_slice(reading->ctx->arena, store_row_bytes(row, FEED_DIFF));
    return true;
}

static bool seen_row(void *arg, const struct store_row *row)
{
    struct reading *reading = arg;
    struct feed *feed = reading->feed;
    int64_t id = store_row_int(row, 0);
    for (int i = 0; i < feed->count; i++) {
        if (feed->items[i].entity == reading->entity && feed->items[i].record == id)
            feed->items[i].is_seen = true;
    }
    return true;
}

/* One question per entity: which of these records may be seen now. */
static enum err look_at(struct reading *reading, const struct entity *entity)
{
    struct ctx *ctx = reading->ctx;
    struct feed *feed = reading->feed;
    const struct expr *rows;
    struct value *ids = arena_array(ctx->arena, struct value, (size_t)feed->count);
    int count = 0;
    enum err e = rights_rows(ctx, entity, ROLE_READ, true, &rows);
    if (e)
        return e == ERR_FORBIDDEN ? ERR_OK : e;
    for (int i = 0; i < feed->count; i++) {
        if (feed->items[i].entity == entity)
            ids[count++] = value_int(feed->items[i].record);
    }
    struct query_column column = {.column = {0, "id"}};
    struct query q = {.table = entity->table,
                      .select = &column,
                      .select_count = 1,
                      .where = expr_and(ctx->arena, expr_in(ctx->arena, "id", ids, count), rows)};
    reading->entity = entity;
    return store_read(ctx->tenant->store, &q, seen_row, reading);
}

static bool is_first_of(const struct feed *feed, int at)
{
    for (int i = 0; i < at; i++) {
        if (feed->items[i].entity == feed->items[at].entity)
            return false;
    }
    return true;
}

static enum err read_items(struct ctx *ctx, int64_t since, int limit, bool is_whole,
                           struct feed **out)
{
    static const struct query_column columns[FEED_COLUMNS] = {
        [FEED_SEQ] = {.column = {0, "seq"}},       [FEED_AT] = {.column = {0, "at"}},
        [FEED_ENTITY] = {.column = {0, "entity"}}, [FEED_RECORD] = {.column = {0, "record"}},
        [FEED_OP] = {.column = {0, "op"}},         [FEED_VERSION] = {.column = {0, "version"}},
        [FEED_ACTOR] = {.column = {0, "actor"}},   [FEED_SOURCE] = {.column = {0, "source"}},
        [FEED_DIFF] = {.column = {0, "diff"}},
    };
    ASSERT(ctx->model);
    struct feed *feed = arena_make(ctx->arena, struct feed);
    struct reading reading = {.ctx = ctx, .feed = feed, .is_whole = is_whole};
    struct query_order oldest = {{0, "seq"}, NULL, false};
    if (limit <= 0 || limit > CHANGES_MAX)
        limit = CHANGES_MAX;
    feed->last = since;
    struct query q = {.table = "change",
                      .select = columns,
                      .select_count = is_whole ? FEED_COLUMNS : FEED_DIFF,
                      .where = expr_cmp(ctx->arena, EXPR_GT, "seq", value_int(since)),
                      .order = &oldest,
                      .order_count = 1,
                      .limit = limit};
    enum err e = store_read(ctx->tenant->store, &q, item_row, &reading);
    for (int i = 0; i < feed->count && !e; i++) {
        if (feed->items[i].entity && is_first_of(feed, i))
            e = look_at(&reading, feed->items[i].entity);
    }
    feed->is_full = feed->count == limit;
    *out = feed;
    return e;
}

enum err feed_read(struct ctx *ctx, int64_t since, int limit, struct feed **out)
{
    return read_items(ctx, since, limit, false, out);
}

enum err feed_read_whole(struct ctx *ctx, int64_t since, int limit, struct feed **out)
{
    return read_items(ctx, since, limit, true, out);
}

enum err feed_newest(struct ctx *ctx, int64_t *out)
{
    return store_key_max(ctx->tenant->store, "change", out);
}

/* --- writing --- */

static void put_what(const struct feed_item *item, struct buf *out)
{
    char id[ID_TEXT_LEN + 1];
    id_text(item->record, id);
    json_put_key(out, "entity");
    json_put_cstr(out, item->entity->name);
    json_put_key(out, "id");
    json_put_cstr(out, id);
    json_put_key(out, "op");
    json_put_string(out, item->op);
    json_put_key(out, "version");
    json_put_int(out, item->version);
    buf_put_char(out, '}');
}

void feed_put_event(const struct feed_item *item, struct buf *out)
{
    ASSERT(item->is_seen);
    buf_put_str(out, "{\"seq\":");
    buf_put_int(out, item->seq);
    put_what(item, out);
}

static void put_item(const struct feed_item *item, struct buf *out)
{
    char at[25];
    time_text(item->at, at);
    json_put_comma(out);
    buf_put_str(out, "{\"seq\":");
    buf_put_int(out, item->seq);
    json_put_key(out, "at");
    json_put_cstr(out, at);
    put_what(item, out);
}

enum err feed_list(struct ctx *ctx, int64_t since, int limit, struct buf *out)
{
    struct feed *feed;
    enum err e = feed_read(ctx, since, limit, &feed);
    if (e)
        return e;
    buf_put_str(out, "{\"items\":[");
    for (int i = 0; i < feed->count; i++) {
        if (feed->items[i].is_seen)
            put_item(&feed->items[i], out);
    }
    buf_put_str(out, "],\"next\":");
    buf_put_int(out, feed->last);
    buf_put_char(out, '}');
    return ERR_OK;
}
