/* record_set - values into a record: from a client's JSON with its rights, or raw from handlers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/limits.h"
#include "base/text.h"
#include "record/field_kit.h"
#include "record/field_sealed.h"
#include "record/filter.h"
#include "record/record_in.h"

void record_put(struct record *record, int slot, struct value value)
{
    if (value_equal(&record->now[slot], &value))
        return;
    record->now[slot] = value;
    record->changed[slot] = 1;
}

bool record_field_changed(const struct record *record, const struct field *field)
{
    if (record->is_new || !record->old)
        return !field_is_empty(field, record->now);
    return !field_equal(field, record->old, record->now);
}

bool record_differs(const struct record *record)
{
    for (int i = 0; record->old && i < record->entity->slots; i++)
        if (!value_equal(&record->old[i], &record->now[i]))
            return true;
    return record->old == NULL;
}

/* --- raw --- */

static enum err check_open(struct ctx *ctx, const struct record *record, const struct field *field)
{
    if (record->phase == RECORD_OPEN)
        return ERR_OK;
    ctx->err.detail = arena_printf(ctx->arena,
                                   "\"%s\" of %s cannot be set any more: only before_* handlers "
                                   "change the record",
                                   field->name, record->entity->name);
    return err_say(&ctx->err, ERR_PLUGIN, "record_read_only", NULL);
}

/* What nobody may set by hand: identity, and what only deleting moves. */
static bool is_untouchable(const struct field *field)
{
    return field->slot == SLOT_ID || field->slot == SLOT_VERSION ||
           field->slot == SLOT_DELETED_AT || field->slot == SLOT_DELETE_BATCH ||
           field->type->columns == 0 || field_is(field, "rollup");
}

/* Sealing makes other bytes each time; what tells equal values is their index. */
static bool holds_already(const struct record *record, const struct field *field,
                          const struct value *values)
{
    return values[FIELD_INDEX].type == VALUE_BLOB &&
           value_equal(&values[FIELD_INDEX], field_equal_value(field, record->now));
}

enum err record_set_values(struct ctx *ctx, struct record *record, const struct field *field,
                           const struct value *values)
{
    ASSERT(field->entity == record->entity);
    enum err e = check_open(ctx, record, field);
    if (e)
        return e;
    if (is_untouchable(field))
        return field_bad(ctx, field->name, "read_only", NULL);
    bool is_empty = values[0].type == VALUE_NULL;
    for (int i = 0; i < field->type->columns && !is_empty; i++)
        if (values[i].type != VALUE_NULL && values[i].type != field->type->stores[i])
            return field_bad(ctx, field->name, "wrong_type", "\"type\":\"%s\"", field->type->name);
    bool same = true;
    if (field->type->is_sealed && holds_already(record, field, values))
        return ERR_OK;
    for (int i = 0; i < field->type->columns; i++)
        same = same && value_equal(&record->now[field->slot + i], &values[i]);
    for (int i = 0; i < field->type->columns && !same; i++)
        record->now[field->slot + i] = is_empty ? value_null() : value_copy(ctx->arena, &values[i]);
    memset(record->changed + field->slot, 1, (size_t)field->type->columns);
    return ERR_OK;
}

/* A client that sends back what it was given changes nothing. */
static bool is_unchanged(struct ctx *ctx, const struct record *record, const struct field *field,
                         const struct json *in)
{
    struct buf text = BUF_INIT;
    const struct json *now = NULL;
    if (field->type->columns == 0 || record->is_new)
        return false;
    field_put(field, record->now, &text);
    enum err e = json_parse(ctx->arena, arena_slice(ctx->arena, buf_slice(&text)), &now, NULL);
    buf_release(&text);
    return !e && json_equal(now, in);
}

static enum err set_at(struct ctx *ctx, struct record *record, const struct field *field,
                       const char *path, const struct json *in)
{
    struct value values[4] = {{0}};
    if (field->type->is_sealed && is_unchanged(ctx, record, field, in))
        return ERR_OK; /* the mask, sent back */
    if (in->type != JSON_NULL) {
        enum err e = field->type->parse(ctx, field, path, in, values);
        if (e)
            return e;
    }
    return record_set_values(ctx, record, field, values);
}

enum err record_set(struct ctx *ctx, struct record *record, const struct field *field,
                    const struct json *value)
{
    ASSERT(value);
    if (is_untouchable(field))
        return field_bad(ctx, field->name, "read_only", NULL);
    return set_at(ctx, record, field, field->name, value);
}

/* --- a client's object --- */

/* The most the actor may do with the field of this record. */
static enum err access_to(struct ctx *ctx, struct rights *rights, const struct record *record,
                          const struct field *field, enum role_access *out)
{
    const struct value *values = record->old ? record->old : record->now;
    struct rights_field right;
    bool holds = true;
    enum err e = rights_make_field(rights, field, &right);
    if (!e && right.only_when)
        e = filter_matches_expr(ctx, record->entity, right.only_when, values, &holds);
    if (e)
        return e;
    *out = holds ? right.access : ROLE_READ_ONLY;
    return ERR_OK;
}

static enum err check_writable(struct ctx *ctx, struct rights *rights, struct record *record,
                               const struct field *field, const struct json *in)
{
    enum role_access access;
    bool locked = field->is_readonly || field->type->is_derived || is_untouchable(field);
    enum err e = access_to(ctx, rights, record, field, &access);
    if (!e && access != ROLE_NONE && !locked && field->readonly_when && record->old)
        e = filter_matches(ctx, record->entity, field->readonly_when, record->old, &locked);
    if (e)
        return e;
    if (access == ROLE_NONE)
        return field_bad(ctx, field->name, "unknown_field", NULL);
    if (access == ROLE_WRITE && !locked)
        return ERR_OK;
    if (is_unchanged(ctx, record, field, in))
        return ERR_NOT_FOUND; /* nothing to set */
    return field_bad(ctx, field->name, locked ? "read_only" : "forbidden", NULL);
}

static enum err set_member(struct ctx *ctx, struct rights *rights, struct record *record,
                           const struct json *in)
{
    const struct field *field = entity_field(record->entity, in->key);
    if (!field) {
        const char *name = arena_str(ctx->arena, text_head(in->key, NAME_BYTES_MAX));
        return field_bad(ctx, name, "unknown_field", NULL);
    }
    enum err e = check_writable(ctx, rights, record, field, in);
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    return e ? e : set_at(ctx, record, field, field->name, in);
}

enum err record_set_json(struct ctx *ctx, struct record *record, const struct json *body)
{
    struct rights *rights;
    enum err failed = ERR_OK;
    if (!body || body->type != JSON_OBJECT)
        return err_say(&ctx->err, ERR_MALFORMED, NULL, NULL);
    enum err e =
        unit_rights(ctx, record->entity, record->is_new ? ROLE_CREATE : ROLE_UPDATE, &rights);
    if (e)
        return e;
    json_each(in, body)
    {
        if (slice_is(in->key, "version") || (slice_is(in->key, "id") && !record->is_new))
            continue; /* conditions of the request, not values */
        e = set_member(ctx, rights, record, in);
        if (e && e != ERR_VALIDATION)
            return e;
        failed = e ? e : failed;
    }
    return failed;
}
