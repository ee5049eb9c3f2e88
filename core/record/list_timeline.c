/* list_timeline - a record's changes beside what happened around it: records of the entities that
 * declare a "timeline" field (activities, messages …) and point at it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/id.h"
#include "record/field_kit.h"
#include "record/list_plan.h"
#include "record/model.h"

/* Does the field point at records of `entity`, or at any? */
static bool points_at(const struct field *field, const struct entity *entity)
{
    return field->type == &field_type_ref_any ||
           (field->type->is_ref && field->type->kind == KIND_REF &&
            field->ref_at == entity->at + 1);
}

/* {"or":[{"about":id},{"account":id}]}; NULL where nothing points there. */
static const struct json *points_tree(struct ctx *ctx, const struct entity *from,
                                      const struct entity *entity, int64_t id)
{
    struct json *any = json_new(ctx->arena, JSON_ARRAY);
    struct json *tree = json_new(ctx->arena, JSON_OBJECT);
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    for (int i = 0; i < from->fields_count; i++) {
        const struct field *field = from->fields[i];
        if (field->is_system || !points_at(field, entity))
            continue;
        struct json *one = json_new(ctx->arena, JSON_OBJECT);
        json_add(ctx->arena, one, field->name,
                 json_new_str(ctx->arena, arena_slice(ctx->arena, slice_str(text))));
        json_add(ctx->arena, any, NULL, one);
    }
    if (any->count == 0)
        return NULL;
    json_add(ctx->arena, tree, "or", any);
    return tree;
}

/* Whoever may not read them sees a timeline without them. */
static enum err put_records(struct ctx *ctx, const struct entity *from, const char *at,
                            const struct json *tree, int limit, struct buf *out)
{
    size_t before = out->len;
    struct list_query page = {
        .entity = from,
        .filter = tree,
        .limit = limit,
        .sort = slice_str(arena_printf(ctx->arena, "-%s", at)),
    };
    json_put_comma(out);
    buf_put_str(out, "{\"entity\":");
    json_put_cstr(out, from->name);
    buf_put_str(out, ",\"at\":");
    json_put_cstr(out, at);
    buf_put_str(out, ",\"filter\":");
    json_put(out, tree);
    buf_put_str(out, ",\"page\":");
    struct err_info complaints = ctx->err;
    enum err e = list_run(ctx, &page, out);
    if (e == ERR_FORBIDDEN || e == ERR_NOT_FOUND) {
        ctx->err = complaints;
        buf_truncate(out, before);
        return ERR_OK;
    }
    buf_put_char(out, '}');
    return e;
}

enum err list_timeline(struct ctx *ctx, const struct entity *entity, int64_t id,
                       const struct list_query *page, struct buf *out)
{
    size_t from = out->len;
    int limit = page && page->limit > 0 ? page->limit : LIST_DEFAULT;
    enum err e = list_history(ctx, entity, id, page, out);
    if (e)
        return e;
    buf_truncate(out, out->len - 1); /* the object goes on */
    buf_put_str(out, ",\"records\":[");
    bool is_first = !page || page->cursor.len == 0;
    for (int i = 0; is_first && i < ctx->model->entities_count && !e; i++) {
        const struct entity *other = ctx->model->entity_list[i];
        const char *at = json_cstr(other->declared, "timeline", NULL);
        const struct json *tree = at ? points_tree(ctx, other, entity, id) : NULL;
        if (tree)
            e = put_records(ctx, other, at, tree, limit, out);
    }
    buf_put_str(out, "]}");
    if (e)
        buf_truncate(out, from);
    return e;
}
