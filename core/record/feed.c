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
    struct arena *arena; /* of what is kept */
    struct feed *feed;
    const struct entity *entity; /* whose visible records are being read */
    int only;                    /* number of the entity that is walked for; 0 = all */
    int limit, looked;
    size_t bytes_max; /* of the arena */
    bool is_whole;    /* with diffs */
};

static bool item_row(void *arg, const struct store_row *row)
{
    struct reading *reading = arg;
    struct feed *feed = reading->feed;
    reading->looked++;
    feed->last = store_row_int(row, FEED_SEQ);
    if (reading->only && store_row_int(row, FEED_ENTITY) != reading->only)
        return true;
    struct feed_item *item = &feed->items[feed->count++];
    *item = (struct feed_item){
        .seq = feed->last,
        .at = store_row_int(row, FEED_AT),
        .entity = model_entity_by_number(reading->ctx->model, (int)store_row_int(row, FEED_ENTITY)),
        .record = store_row_int(row, FEED_RECORD),
        .op = arena_slice(reading->arena, store_row_bytes(row, FEED_OP)),
        .version = store_row_int(row, FEED_VERSION),
        .actor = store_row_int(row, FEED_ACTOR),
        .source = arena_slice(reading->arena, store_row_bytes(row, FEED_SOURCE)),
    };
    if (reading->is_whole)
        item->diff = arena_slice(reading->arena, store_row_bytes(row, FEED_DIFF));
    return feed->count < reading->limit && arena_used(reading->arena) < reading->bytes_max;
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

/* The rows are skipped here and not by the store, which would look for an entity's in the index by
 * record: all of them, to put them in the order of the log. */
static enum err read_items(struct reading *reading, int64_t since, int limit)
{
    static const struct query_column columns[FEED_COLUMNS] = {
        [FEED_SEQ] = {.column = {0, "seq"}},       [FEED_AT] = {.column = {0, "at"}},
        [FEED_ENTITY] = {.column = {0, "entity"}}, [FEED_RECORD] = {.column = {0, "record"}},
        [FEED_OP] = {.column = {0, "op"}},         [FEED_VERSION] = {.column = {0, "version"}},
        [FEED_ACTOR] = {.column = {0, "actor"}},   [FEED_SOURCE] = {.column = {0, "source"}},
        [FEED_DIFF] = {.column = {0, "diff"}},
    };
    struct ctx *ctx = reading->ctx;
    struct query_order oldest = {{0, "seq"}, NULL, false};
    ASSERT(ctx->model);
    reading->limit = limit <= 0 || limit > CHANGES_MAX ? CHANGES_MAX : limit;
    reading->feed = arena_make(reading->arena, struct feed);
    reading->feed->last = since;
    reading->bytes_max = arena_used(reading->arena) + CHANGES_BYTES_MAX;
    int rows = reading->only ? CHANGES_WALK_MAX : reading->limit;
    struct query q = {.table = "change",
                      .select = columns,
                      .select_count = reading->is_whole ? FEED_COLUMNS : FEED_DIFF,
                      .where = expr_cmp(reading->arena, EXPR_GT, "seq", value_int(since)),
                      .order = &oldest,
                      .order_count = 1,
                      .limit = rows};
    enum err e = store_read(ctx->tenant->store, &q, item_row, reading);
    struct feed *feed = reading->feed;
    feed->is_full = feed->count == reading->limit || reading->looked == rows ||
                    arena_used(reading->arena) >= reading->bytes_max;
    return e;
}

static enum err read_judged(struct ctx *ctx, const struct feed_walk *walk, struct feed **out)
{
    struct reading reading = {
        .ctx = ctx, .arena = ctx->arena, .only = walk->entity ? walk->entity->n : 0};
    enum err e = read_items(&reading, walk->since, walk->limit);
    struct feed *feed = reading.feed;
    for (int i = 0; i < feed->count && !e; i++) {
        if (feed->items[i].entity && is_first_of(feed, i))
            e = look_at(&reading, feed->items[i].entity);
    }
    *out = feed;
    return e;
}

enum err feed_read(struct ctx *ctx, int64_t since, int limit, struct feed **out)
{
    struct feed_walk walk = {.since = since, .limit = limit};
    return read_judged(ctx, &walk, out);
}

enum err feed_walk(struct ctx *ctx, struct arena *arena, const struct feed_walk *walk,
                   struct feed **out)
{
    struct reading reading = {
        .ctx = ctx, .arena = arena, .only = walk->entity ? walk->entity->n : 0, .is_whole = true};
    enum err e = read_items(&reading, walk->since, walk->limit);
    *out = reading.feed;
    return e;
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

enum err feed_list(struct ctx *ctx, const struct feed_walk *walk, struct buf *out)
{
    struct feed *feed;
    int64_t newest = 0;
    enum err e = read_judged(ctx, walk, &feed);
    if (!e)
        e = feed_newest(ctx, &newest);
    if (e)
        return e;
    buf_put_str(out, "{\"items\":[");
    for (int i = 0; i < feed->count; i++) {
        if (feed->items[i].is_seen)
            put_item(&feed->items[i], out);
    }
    buf_put_str(out, "],\"next\":");
    buf_put_int(out, feed->last);
    json_put_key(out, "newest");
    json_put_int(out, newest);
    buf_put_char(out, '}');
    return ERR_OK;
}
