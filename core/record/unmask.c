/* unmask - see unmask.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/unmask.h"

#include "auth/audit.h"
#include "base/text.h"
#include "record/field_kit.h"
#include "record/field_sealed.h"
#include "record/record_in.h"

static enum err sealed_field(struct ctx *ctx, const struct record *record, struct slice name,
                             const struct field **out)
{
    const struct field *field = entity_field(record->entity, name);
    enum role_access access = ROLE_WRITE;
    enum err e = ERR_OK;
    if (field && !ctx->as_system)
        e = rights_field_on(ctx, record->entity, field, ROLE_UNMASK, record->old, &access);
    if (e)
        return e;
    if (!field || access == ROLE_NONE)
        return field_bad(ctx, "field", "unknown_field", NULL);
    if (!field->type->is_sealed)
        return field_bad(ctx, "field", "not_masked", NULL);
    *out = field;
    return ERR_OK;
}

static enum err write_down(struct ctx *ctx, const struct record *record, const struct field *field,
                           struct slice reason)
{
    struct buf detail = BUF_INIT;
    buf_put_str(&detail, "{\"field\":");
    json_put_cstr(&detail, field->name);
    buf_put_str(&detail, ",\"reason\":");
    json_put_string(&detail, reason);
    buf_put_char(&detail, '}');
    enum err e = audit_put(ctx, "unmask", record->entity->name, record->now[SLOT_ID].integer,
                           buf_cstr(&detail));
    buf_release(&detail);
    return e;
}

enum err unmask_field(struct ctx *ctx, const struct entity *entity, int64_t id, struct slice name,
                      struct slice reason, struct buf *out, bool *empty)
{
    ASSERT(ctx && entity && out && empty);
    ASSERT(ctx->unit && store_in_tx(ctx->tenant->store));
    struct record *record;
    const struct field *field = NULL;
    enum err e = record_load(ctx, entity, id, ROLE_UNMASK, &record);
    if (!e)
        e = sealed_field(ctx, record, name, &field);
    if (e)
        return e;
    e = field_unseal(ctx, field, record->now, out);
    *empty = e == ERR_NOT_FOUND;
    if (e && !*empty)
        return e;
    return write_down(ctx, record, field, reason);
}

enum err unmask_copy(struct ctx *ctx, const struct record *from, const struct field *from_field,
                     struct record *to, const struct field *to_field)
{
    ASSERT(from_field->type->is_sealed && from_field->type == to_field->type);
    struct buf plain = BUF_INIT;
    struct value none[4] = {{0}};
    enum err e = field_unseal(ctx, from_field, from->now, &plain);
    if (e == ERR_NOT_FOUND) {
        e = record_set_values(ctx, to, to_field, none);
    } else if (!e) {
        struct json text = {.type = JSON_STRING,
                            .text = arena_slice(ctx->arena, buf_slice(&plain))};
        e = record_set(ctx, to, to_field, &text);
        crypto_wipe(plain.at, plain.len);
    }
    buf_release(&plain);
    return e;
}

bool unmask_has_sealed(const struct entity *entity)
{
    for (int i = SLOT_FIELDS; i < entity->fields_count; i++)
        if (entity->fields[i]->type->is_sealed)
            return true;
    return false;
}

/* --- sealing anew --- */

static enum err reseal_field(struct ctx *ctx, const struct field *field, struct value *values,
                             struct store_set *sets, int *count)
{
    const struct entity *entity = field->entity;
    struct value *at = &values[field->slot + FIELD_SEALED];
    int64_t current = 0;
    enum err e = vault_current(ctx->tenant, field->type->sealed_as, &current);
    if (e || at->type != VALUE_BLOB || vault_version(at->bytes) >= current)
        return e;
    struct buf plain = BUF_INIT;
    e = field_unseal(ctx, field, values, &plain);
    if (!e) {
        char *pending = arena_alloc(ctx->arena, plain.len + 1); /* its first byte is 0 */
        memcpy(pending + 1, plain.at, plain.len);
        *at = value_blob(slice_of(pending, plain.len + 1));
        e = field_seal(ctx, field, values);
        crypto_wipe(pending, plain.len + 1);
        crypto_wipe(plain.at, plain.len);
    }
    buf_release(&plain);
    for (int i = FIELD_SEALED; i <= FIELD_INDEX && !e; i++)
        sets[(*count)++] =
            (struct store_set){entity->columns[field->slot + i], values[field->slot + i], false};
    return e;
}

static enum err reseal_record(struct ctx *ctx, const struct entity *entity, int64_t id)
{
    struct value *values;
    struct store_set *sets = arena_array(ctx->arena, struct store_set, (size_t)entity->slots);
    int count = 0;
    enum err e = record_read(ctx, entity, record_has_id(ctx->arena, id), &values);
    for (int i = SLOT_FIELDS; i < entity->fields_count && !e; i++)
        if (entity->fields[i]->type->is_sealed)
            e = reseal_field(ctx, entity->fields[i], values, sets, &count);
    if (e || !count)
        return e;
    return store_update(ctx->tenant->store, entity->table, record_has_id(ctx->arena, id), sets,
                        count, NULL, NULL);
}

enum err unmask_reseal(struct ctx *ctx, const struct entity *entity, int64_t after, int limit,
                       int64_t *last)
{
    ASSERT(ctx && entity && last);
    ASSERT(limit > 0 && store_in_tx(ctx->tenant->store));
    int64_t *ids;
    int count = 0;
    const struct expr *where = expr_cmp(ctx->arena, EXPR_GT, "id", value_int(after));
    enum err e = record_ids(ctx, entity->table, where, limit, &ids, &count);
    for (int i = 0; i < count && !e; i++)
        e = reseal_record(ctx, entity, ids[i]);
    if (!e)
        *last = count == limit ? ids[count - 1] : 0;
    return e;
}
