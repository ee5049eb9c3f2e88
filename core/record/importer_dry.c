/* importer_dry - what the rows of a dry run would have left behind.
 *
 * Each step of a dry run is rolled back, so the store forgets its rows. Kept here are the values by
 * which a later row would have met them: of the field that rows are matched by and of what must be
 * unique. Running numbers are not among them: each step draws the same ones again.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/limits.h"
#include "record/field_kit.h"
#include "record/field_sealed.h"
#include "record/importer_in.h"

static void put_value(struct buf *b, const struct value *value)
{
    if (value->type == VALUE_INT)
        buf_printf(b, "%lld", (long long)value->integer);
    else
        buf_put_bytes(b, value->bytes);
}

static struct slice key_end(struct arena *arena, struct buf *b)
{
    struct slice key = arena_slice(arena, buf_slice(b));
    buf_release(b);
    return key;
}

static struct slice field_key(struct arena *arena, const struct field *field,
                              const struct value *value)
{
    struct buf b = BUF_INIT;
    buf_printf(&b, "f%d ", field->n);
    put_value(&b, value);
    return key_end(arena, &b);
}

/* Empty: this record has no value there, and nothing clashes with it. */
static struct slice index_key(struct arena *arena, const struct record *record, int at)
{
    const struct entity_index *index = &record->entity->indexes[at];
    struct buf b = BUF_INIT;
    buf_printf(&b, "i%d ", at);
    for (int i = 0; i < index->fields_count; i++) {
        const char *name = index->fields[i] + (*index->fields[i] == '-');
        const struct field *field = entity_field(record->entity, slice_str(name));
        if (!field || field_is(field, "autonumber") || field_is_empty(field, record->now)) {
            buf_release(&b);
            return (struct slice){0};
        }
        put_value(&b, field_equal_value(field, record->now));
        buf_put_char(&b, 0);
    }
    return key_end(arena, &b);
}

static bool is_kept(const struct importer *importer, const struct field *field)
{
    bool matched = field == importer->match && field->type->kind != KIND_LIST;
    return (matched || field->is_unique) && !field_is(field, "autonumber") &&
           field->slot != SLOT_ID;
}

static int64_t *find(const struct importer *importer, struct slice key)
{
    return key.len ? map_get(&importer->dry, key) : NULL;
}

int64_t importer_dry_find(struct ctx *ctx, const struct importer *importer,
                          const struct field *field, const struct value *value)
{
    if (!importer->options.dry_run || !is_kept(importer, field))
        return 0;
    const int64_t *id = find(importer, field_key(ctx->arena, field, value));
    return id ? *id : 0;
}

enum err importer_dry_check(struct ctx *ctx, const struct importer *importer,
                            const struct record *record)
{
    const struct entity *entity = record->entity;
    enum err failed = ERR_OK;
    if (!importer->options.dry_run)
        return ERR_OK;
    for (int i = SLOT_FIELDS; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        if (!field->is_unique || !is_kept(importer, field) || field_is_empty(field, record->now))
            continue;
        const int64_t *id =
            find(importer, field_key(ctx->arena, field, field_equal_value(field, record->now)));
        if (id && *id != record->now[SLOT_ID].integer)
            failed = err_field(&ctx->err, field->name, "not_unique", NULL);
    }
    for (int i = 0; i < entity->indexes_count; i++) {
        const struct entity_index *index = &entity->indexes[i];
        const int64_t *id = index->unique ? find(importer, index_key(ctx->arena, record, i)) : NULL;
        if (id && *id != record->now[SLOT_ID].integer)
            failed = err_field(&ctx->err, index->fields[0] + (*index->fields[0] == '-'),
                               "not_unique", NULL);
    }
    return failed;
}

static void keep(struct importer *importer, struct slice key, int64_t id)
{
    if (!key.len || importer->dry_count >= IMPORT_DRY_KEYS_MAX || find(importer, key))
        return;
    int64_t *kept = arena_make(importer->arena, int64_t);
    *kept = id;
    (void)map_put(&importer->dry, arena_slice(importer->arena, key), kept);
    importer->dry_count++;
}

void importer_dry_keep(struct ctx *ctx, struct importer *importer, const struct record *record)
{
    const struct entity *entity = record->entity;
    int64_t id = record->now[SLOT_ID].integer;
    if (!importer->options.dry_run)
        return;
    for (int i = SLOT_FIELDS; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        if (is_kept(importer, field) && !field_is_empty(field, record->now))
            keep(importer, field_key(ctx->arena, field, field_equal_value(field, record->now)), id);
    }
    for (int i = 0; i < entity->indexes_count; i++)
        if (entity->indexes[i].unique)
            keep(importer, index_key(ctx->arena, record, i), id);
}
