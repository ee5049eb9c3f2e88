/* bulk - see bulk.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/bulk.h"

#include "base/id.h"
#include "base/limits.h"
#include "record/field_kit.h"
#include "record/field_sealed.h"
#include "record/model.h"
#include "record/record_in.h"

static const char *const item_members[] = {"op", "id", "version", "match", "data"};

/* --- an item's parts --- */

/* The members that belong to the record. */
static const struct json *data_of(struct arena *arena, const struct json *item)
{
    const struct json *data = json_get(item, "data");
    if (data)
        return data;
    struct json *own = json_new(arena, JSON_OBJECT);
    json_each(member, item)
    {
        bool is_own = true;
        for (size_t i = 0; i < sizeof item_members / sizeof *item_members; i++)
            is_own = is_own && !slice_is(member->key, item_members[i]);
        if (is_own)
            json_add(arena, own, arena_str(arena, member->key), json_copy(arena, member));
    }
    return own;
}

static enum err id_of(struct ctx *ctx, const struct json *item, int64_t *id)
{
    if (id_parse(json_str(item, "id", SLICE("")), id) && *id > 0)
        return ERR_OK;
    return field_bad(ctx, "id", "required", NULL);
}

/* Where one is given it is a condition: what cannot be read as one must not pass for none. */
static enum err version_of(struct ctx *ctx, const struct json *item, int64_t *version)
{
    const struct json *given = json_get(item, "version");
    *version = given ? given->integer : 0;
    if (!given || (given->type == JSON_INT && given->integer > 0))
        return ERR_OK;
    return field_bad(ctx, "version", "not_a_number", NULL);
}

/* Live records whose field has that value, among those and where the actor may read it: what may
 * not be seen may not be asked for either. Of an encrypted field that is not the mask, which many
 * values have. */
static enum err matching(struct ctx *ctx, const struct entity *entity, const struct field *field,
                         const struct value *values, const struct expr **out)
{
    struct rights *rights;
    struct rights_field right;
    const struct expr *rows;
    enum err e = rights_make(ctx, entity, ROLE_READ, &rights);
    if (!e)
        e = rights_make_field(rights, field, &right);
    if (!e && right.access == ROLE_NONE)
        e = field_bad(ctx, "match", "unknown_field", NULL);
    if (!e)
        e = rights_make_rows(rights, false, &rows);
    if (e)
        return e;
    const struct value *value = &values[field->type->is_sealed ? FIELD_INDEX : 0];
    const struct expr *same = expr_cmp(ctx->arena, EXPR_EQ, field_equal_column(field), *value);
    if (field->type->columns > 1 && !field->type->is_sealed) /* currency, longitude, entity */
        same = expr_and(ctx->arena, same,
                        expr_cmp(ctx->arena, EXPR_EQ, entity->columns[field->slot + 1], values[1]));
    *out = expr_and(ctx->arena, expr_and(ctx->arena, same, right.only_when), rows);
    return ERR_OK;
}

/* The live record whose field has the value that data gives; 0 = none. */
static enum err find_match(struct ctx *ctx, const struct entity *entity, const struct json *item,
                           const struct json *data, int64_t *id)
{
    struct value values[4] = {{0}};
    struct slice name = json_str(item, "match", SLICE(""));
    const struct field *field = entity_field(entity, name);
    const struct json *given = json_get_slice(data, name);
    int64_t *ids;
    int count;
    *id = 0;
    if (!field || field->type->columns == 0 || field->type->kind == KIND_LIST)
        return field_bad(ctx, "match", "unknown_field", NULL);
    if (!given || given->type == JSON_NULL)
        return field_bad(ctx, field->name, "required", NULL);
    const struct expr *same;
    enum err e = field->type->parse(ctx, field, field->name, given, values);
    if (!e)
        e = matching(ctx, entity, field, values, &same);
    if (!e)
        e = record_ids(ctx, entity->table, same, 2, &ids, &count);
    if (!e && count > 1)
        e = field_bad(ctx, field->name, "ambiguous", NULL);
    if (!e && count == 1)
        *id = ids[0];
    return e;
}

/* --- an item --- */

static enum err create(struct ctx *ctx, const struct entity *entity, const struct json *data,
                       struct undo *undo, struct bulk_result *out)
{
    struct record *record;
    enum err e = record_new(ctx, entity, &record);
    if (!e)
        e = record_set_json(ctx, record, data);
    if (!e)
        e = record_save(ctx, record, 0);
    if (e)
        return e;
    *out = (struct bulk_result){"create", record->now[SLOT_ID].integer,
                                record->now[SLOT_VERSION].integer};
    return undo ? undo_keep_create(ctx, undo, out->id) : ERR_OK;
}

static enum err update(struct ctx *ctx, const struct entity *entity, const struct json *data,
                       struct undo *undo, struct bulk_result *out)
{
    struct record *record;
    struct value *was = NULL;
    size_t slots = (size_t)entity->slots;
    enum err e = record_load(ctx, entity, out->id, ROLE_UPDATE, &record);
    if (!e && undo) {
        was = arena_array(ctx->arena, struct value, slots);
        memcpy(was, record->old, slots * sizeof *was);
    }
    if (!e)
        e = record_set_json(ctx, record, data);
    if (!e)
        e = record_save(ctx, record, out->version);
    if (e)
        return e;
    *out = (struct bulk_result){"update", out->id, record->now[SLOT_VERSION].integer};
    return undo ? undo_keep_update(ctx, undo, data, record, was) : ERR_OK;
}

static enum err delete (struct ctx *ctx, const struct entity *entity, struct undo *undo,
                        struct bulk_result *out) {
    int64_t outer = ctx->unit->delete_batch, own = id_next(); ctx->unit->delete_batch = own;
    enum err e = record_delete(ctx, entity, out->id, out->version);
    ctx->unit->delete_batch = outer;
    *out = (struct bulk_result){"delete", out->id, 0};
    return e || !undo ? e : undo_keep_delete(ctx, undo, out->id, own);
}

static enum err run_item(struct ctx *ctx, const struct entity *entity, const struct json *item,
                         struct undo *undo, struct bulk_result *out)
{
    struct slice op = json_str(item, "op", SLICE(""));
    if (item->type != JSON_OBJECT)
        return err_say(&ctx->err, ERR_MALFORMED, NULL, NULL);
    enum err e = version_of(ctx, item, &out->version);
    if (e)
        return e;
    const struct json *data = data_of(ctx->arena, item);
    if (slice_is(op, "create"))
        return create(ctx, entity, data, undo, out);
    if (slice_is(op, "upsert")) {
        e = find_match(ctx, entity, item, data, &out->id);
        if (e)
            return e;
        return out->id ? update(ctx, entity, data, undo, out)
                       : create(ctx, entity, data, undo, out);
    }
    bool is_update = slice_is(op, "update");
    if (!is_update && !slice_is(op, "delete"))
        return field_bad(ctx, "op", "not_in_list", NULL);
    e = id_of(ctx, item, &out->id);
    if (e)
        return e;
    return is_update ? update(ctx, entity, data, undo, out) : delete (ctx, entity, undo, out);
}

/* --- answers --- */

static void put_error(struct ctx *ctx, enum err e, struct buf *out)
{
    const struct err_info *info = &ctx->err;
    model_err_texts(ctx);
    buf_put_str(out, "{\"code\":");
    json_put_cstr(out, info->code ? info->code : err_code(e));
    buf_put_str(out, ",\"message\":");
    json_put_cstr(out, info->message ? info->message : err_text(e, ctx->lang));
    buf_put_str(out, ",\"fields\":{");
    for (const struct err_field *f = info->first; f; f = f->next) {
        bool seen = false; /* complaints about one field stand together, under its first */
        for (const struct err_field *g = info->first; g != f; g = g->next)
            seen = seen || strcmp(g->field, f->field) == 0;
        if (seen)
            continue;
        json_put_key(out, f->field);
        buf_put_char(out, '[');
        for (const struct err_field *g = f; g; g = g->next) {
            if (strcmp(g->field, f->field) != 0)
                continue;
            json_put_comma(out);
            buf_put_str(out, "{\"code\":");
            json_put_cstr(out, g->code);
            buf_put_str(out, ",\"message\":");
            json_put_cstr(out, g->message ? g->message : g->code);
            buf_put_char(out, '}');
        }
        buf_put_char(out, ']');
    }
    buf_put_str(out, "}");
    if (info->extra)
        buf_printf(out, ",%s", info->extra);
    buf_put_char(out, '}');
}

void bulk_put_result(struct ctx *ctx, enum err e, const struct bulk_result *result, struct buf *out)
{
    json_put_comma(out);
    if (e) {
        buf_printf(out, "{\"ok\":false,\"status\":%d,\"error\":", err_status(e));
        put_error(ctx, e, out);
        buf_put_char(out, '}');
        return;
    }
    char id[ID_TEXT_LEN + 1];
    id_text(result->id, id);
    buf_printf(out, "{\"ok\":true,\"op\":\"%s\",\"id\":\"%s\"", result->op, id);
    if (result->version)
        buf_printf(out, ",\"version\":%lld", (long long)result->version);
    buf_put_char(out, '}');
}

/* Complaints of an item in an atomic call say which item. */
static void prefix_fields(struct ctx *ctx, int at)
{
    for (struct err_field *f = ctx->err.first; f; f = f->next)
        f->field =
            arena_printf(ctx->arena, *f->field ? "items[%d].%s" : "items[%d]%s", at, f->field);
    ctx->err.args = ctx->err.args ? ctx->err.args : arena_printf(ctx->arena, "{\"item\":%d}", at);
}

bool bulk_is_fatal(enum err e)
{
    return e == ERR_IO || e == ERR_FULL || e == ERR_CORRUPT || e == ERR_BUSY || e == ERR_TIMEOUT ||
           e == ERR_OUTCOME_UNKNOWN;
}

enum err record_bulk(struct ctx *ctx, const struct entity *entity, const struct json *items,
                     bool atomic, struct undo *undo, struct buf *out)
{
    ASSERT(ctx && ctx->unit && entity && out);
    struct store *store = ctx->tenant->store;
    int64_t outer = ctx->batch;
    int at = 0, failed = 0;
    if (!items || items->type != JSON_ARRAY || items->count == 0)
        return field_bad(ctx, "items", "required", NULL);
    if (items->count > BULK_MAX)
        return field_bad(ctx, "items", "too_many", "\"max\":%d", BULK_MAX);
    buf_put_str(out, "{\"results\":[");
    json_each(item, items)
    {
        struct bulk_result result = {0};
        int64_t line = undo ? undo->line : 0;
        enum err e = store_savepoint(store);
        ctx->batch = undo ? undo->batch : outer;
        if (!e)
            e = store_savepoint_end(store, run_item(ctx, entity, item, undo, &result));
        ctx->batch = outer;
        if (e && undo)
            undo->line = line;
        if (e && (atomic || bulk_is_fatal(e))) {
            prefix_fields(ctx, at);
            return e;
        }
        bulk_put_result(ctx, e, &result, out);
        failed += e != ERR_OK;
        at++;
        if (e)
            err_info_clear(&ctx->err);
    }
    buf_printf(out, "],\"done\":%d,\"failed\":%d}", at - failed, failed);
    return ERR_OK;
}
