/* list_search - what was typed, looked for in every entity the actor may read.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/limits.h"
#include "record/list_plan.h"
#include "record/model.h"
#include "record/search.h"

struct hits {
    struct list_plan *plan;
    const struct field *title; /* NULL where it may not be read */
    int title_first;
    struct buf *out;
    int64_t shown[SEARCH_PER_ENTITY]; /* ids */
    int rows;
    int before; /* so many of them by an earlier look */
    bool has_more;
};

static bool is_shown(const struct hits *hits, int64_t id)
{
    for (int i = 0; i < hits->before; i++) {
        if (hits->shown[i] == id)
            return true;
    }
    return false;
}

static bool hit_row(void *arg, const struct store_row *row)
{
    struct hits *hits = arg;
    int64_t id = store_row_value(row, hits->plan->outputs[0].first).integer; /* named first */
    if (is_shown(hits, id))
        return true;
    if (hits->rows == SEARCH_PER_ENTITY) {
        hits->has_more = true;
        return false;
    }
    hits->shown[hits->rows] = id;
    if (hits->rows++ > 0)
        buf_put_char(hits->out, ',');
    list_plan_put(hits->plan, row, hits->out);
    if (hits->title) {
        buf_truncate(hits->out, hits->out->len - 1); /* the closing brace */
        buf_put_str(hits->out, ",\"title\":");
        list_plan_put_title(hits->plan->ctx, hits->title, &hits->plan->row[hits->title_first],
                            hits->out);
        buf_put_char(hits->out, '}');
    }
    return true;
}

/* The fields a hit shows: those that are searched and may be read. */
static enum err shown(struct list_plan *plan, struct slice *out)
{
    struct buf names = BUF_INIT;
    enum err e = ERR_OK;
    buf_put_str(&names, "id");
    for (int i = 0; i < plan->entity->fields_count && !e; i++) {
        const struct field *field = plan->entity->fields[i];
        struct rights_field right;
        if (!field->is_search || field->type->columns == 0 || strcmp(field->name, "title") == 0)
            continue;
        e = rights_make_field(plan->rights, field, &right);
        if (!e && right.access != ROLE_NONE)
            buf_printf(&names, ",%s", field->name);
    }
    *out = arena_slice(plan->ctx->arena, buf_slice(&names));
    buf_release(&names);
    return e;
}

static enum err select_title(struct hits *hits)
{
    struct list_plan *plan = hits->plan;
    const struct field *title = plan->entity->title_field;
    struct rights_field right;
    if (!title || title->type->columns == 0)
        return ERR_OK;
    enum err e = rights_make_field(plan->rights, title, &right);
    if (e || right.access == ROLE_NONE)
        return e;
    hits->title = title;
    hits->title_first = list_plan_columns(plan, title, 0, right.only_when);
    plan->row = arena_array(plan->ctx->arena, struct value, (size_t)plan->columns_count + 1);
    return ERR_OK;
}

/* The rows of one look, behind those that are there. */
static enum err put_hits(struct hits *hits, struct ctx *ctx, const struct list_query *query)
{
    struct list_plan *plan = hits->plan;
    struct slice fields;
    enum err e = list_plan_rows(plan, ctx, query, ROLE_READ);
    if (!e)
        e = shown(plan, &fields);
    if (!e)
        e = list_plan_fields(plan, fields, SLICE(""), false);
    if (!e)
        e = select_title(hits);
    if (!e)
        e = list_plan_sort(plan, SLICE(""));
    if (e)
        return e;
    hits->before = hits->rows;
    struct query read = {.table = query->entity->table,
                         .select = plan->columns,
                         .select_count = plan->columns_count,
                         .where = plan->where,
                         .order = plan->orders,
                         .order_count = plan->orders_count,
                         .limit = SEARCH_PER_ENTITY + 1 + hits->before};
    return store_read(ctx->tenant->store, &read, hit_row, hits);
}

/* Those whose whole value was typed come before those in which it stands somewhere. */
static enum err search_entity(struct ctx *ctx, const struct entity *entity, struct slice q,
                              const struct search_found *whole, const struct search_found *found_in,
                              struct buf *out)
{
    struct list_plan plan;
    struct list_query query = {.entity = entity, .q = q};
    struct hits hits = {.plan = &plan, .out = out};
    enum err e = ERR_OK;
    size_t from = out->len;
    json_put_comma(out);
    buf_put_str(out, "{\"entity\":");
    json_put_cstr(out, entity->name);
    buf_put_str(out, ",\"label\":");
    json_put_cstr(out,
                  model_text(ctx->model, ctx->arena, ctx->lang, entity->plugin,
                             entity->label_plural ? entity->label_plural : entity->label, NULL));
    buf_put_str(out, ",\"items\":[");
    for (int i = whole->count ? 0 : 1; i < 2 && !e && !hits.has_more; i++) {
        query.found_in = i == 0 ? whole : found_in;
        e = put_hits(&hits, ctx, &query);
    }
    buf_put_str(out, "],\"more\":");
    json_put_bool(out, hits.has_more);
    buf_put_char(out, '}');
    if (e || hits.rows == 0)
        buf_truncate(out, from);
    return e;
}

static bool is_named(struct slice list, const char *name)
{
    if (list.len == 0)
        return true;
    while (list.len > 0) {
        if (slice_is(slice_trim(slice_split(&list, ',')), name))
            return true;
    }
    return false;
}

static enum err check_names(struct ctx *ctx, struct slice list)
{
    while (list.len > 0) {
        struct slice name = slice_trim(slice_split(&list, ','));
        if (!model_entity(ctx->model, name))
            return err_field(&ctx->err, "entities", "unknown_entity", NULL);
    }
    return ERR_OK;
}

/* What was typed, understood. */
struct typed {
    struct slice text;
    struct token_query any, whole; /* whole.count 0: no value is just that */
};

/* Entities the actor may not read are left out. Most others have nothing of what was typed: their
 * query is not even made. */
static enum err search_one(struct ctx *ctx, const struct entity *entity, const struct typed *typed,
                           struct buf *out)
{
    struct rights *rights;
    struct search_found found, whole = {0};
    enum err e = rights_make(ctx, entity, ROLE_READ, &rights);
    if (e)
        return e == ERR_FORBIDDEN ? ERR_OK : e;
    e = search_look(ctx, entity, rights, &typed->any, &found);
    if (!e && found.count && typed->whole.count)
        e = search_look(ctx, entity, rights, &typed->whole, &whole);
    whole.is_whole = true;
    return e || !found.count ? e : search_entity(ctx, entity, typed->text, &whole, &found, out);
}

enum err list_search(struct ctx *ctx, struct slice q, struct slice entities, struct buf *out)
{
    size_t from = out->len;
    struct typed typed = {.text = q};
    ASSERT(ctx->model);
    enum err e = check_names(ctx, entities);
    token_query_make(ctx->arena, q, &typed.any);
    (void)token_query_whole(ctx->arena, q, &typed.whole);
    buf_put_str(out, "{\"groups\":[");
    for (int i = 0; i < ctx->model->entities_count && !e; i++) {
        const struct entity *entity = ctx->model->entity_list[i];
        if (!entity->has_search || !is_named(entities, entity->name))
            continue;
        e = search_one(ctx, entity, &typed, out);
    }
    buf_put_str(out, "]}");
    if (e)
        buf_truncate(out, from);
    return e;
}
