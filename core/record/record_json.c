/* record_json - a record as its reader sees it, and the short ways from JSON to JSON.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/id.h"
#include "record/filter.h"
#include "record/list.h"
#include "record/record_in.h"

static void put_bare(const struct record *record, struct buf *out)
{
    char id[ID_TEXT_LEN + 1];
    id_text(record->now[SLOT_ID].integer, id);
    buf_printf(out, "{\"id\":\"%s\",\"version\":%lld}", id,
               (long long)record->now[SLOT_VERSION].integer);
}

/* What is not stored yet: the values in memory, under the rights of the reader. */
static enum err put_draft(struct ctx *ctx, const struct record *record, struct buf *out)
{
    struct rights *rights;
    enum err e = unit_rights(ctx, record->entity, ROLE_READ, &rights);
    if (e)
        return e;
    buf_put_char(out, '{');
    for (int i = 0; i < record->entity->fields_count; i++) {
        const struct field *field = record->entity->fields[i];
        struct rights_field right;
        bool shown = true;
        if (field->type->columns == 0 || field->is_hidden)
            continue;
        e = rights_make_field(rights, field, &right);
        if (!e && right.only_when)
            e = filter_matches_expr(ctx, record->entity, right.only_when, record->now, &shown);
        if (e)
            return e;
        if (!shown || right.access == ROLE_NONE)
            continue;
        json_put_key(out, field->name);
        field_put(field, record->now, out);
    }
    buf_put_char(out, '}');
    return ERR_OK;
}

enum err record_put_json(struct ctx *ctx, const struct record *record, struct buf *out)
{
    ASSERT(record && out);
    size_t from = out->len;
    int64_t version;
    enum err e = record->is_new ? put_draft(ctx, record, out)
                                : list_get(ctx, record->entity, record->now[SLOT_ID].integer,
                                           SLICE(""), SLICE(""), out, &version);
    if (e != ERR_NOT_FOUND && e != ERR_FORBIDDEN)
        return e;
    buf_truncate(out, from);
    put_bare(record, out);
    return ERR_OK;
}

static enum err create(struct ctx *ctx, const struct entity *entity, const struct json *body,
                       int64_t *id, struct buf *out)
{
    struct record *record;
    enum err e = record_new(ctx, entity, &record);
    if (!e)
        e = record_set_json(ctx, record, body);
    if (!e)
        e = record_save(ctx, record, 0);
    if (e)
        return e;
    if (id)
        *id = record->now[SLOT_ID].integer;
    return out ? record_put_json(ctx, record, out) : ERR_OK;
}

enum err record_create_json(struct ctx *ctx, const struct entity *entity, const struct json *body,
                            int64_t *id, struct buf *out)
{
    enum err e = store_savepoint(ctx->tenant->store);
    if (e)
        return e;
    return store_savepoint_end(ctx->tenant->store, create(ctx, entity, body, id, out));
}

static enum err update(struct ctx *ctx, const struct entity *entity, int64_t id,
                       const struct json *body, int64_t version, struct buf *out)
{
    struct record *record;
    enum err e = record_load(ctx, entity, id, ROLE_UPDATE, &record);
    if (e)
        return e;
    if (version > 0 && record->old[SLOT_VERSION].integer != version)
        return record_version_error(ctx, entity, id, record->old[SLOT_VERSION].integer);
    e = record_set_json(ctx, record, body);
    if (!e)
        e = record_save(ctx, record, version);
    return e || !out ? e : record_put_json(ctx, record, out);
}

enum err record_update_json(struct ctx *ctx, const struct entity *entity, int64_t id,
                            const struct json *body, int64_t version, struct buf *out)
{
    enum err e = store_savepoint(ctx->tenant->store);
    if (e)
        return e;
    return store_savepoint_end(ctx->tenant->store, update(ctx, entity, id, body, version, out));
}
