/* record_file - a file that is named in a field hangs on that record from then on.
 *
 * A form uploads first and saves afterwards, so a new file hangs on nothing and only who uploaded
 * it may read it. Once a record names it, whoever may read the record may read the file. What hangs
 * on another record already, or was uploaded by somebody else, stays as it is: naming a file gives
 * nobody a right to it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/actor.h"
#include "record/field_kit.h"
#include "record/record_in.h"

static enum err hang(struct ctx *ctx, const struct record *record, int64_t file)
{
    struct arena *arena = ctx->arena;
    struct store_set sets[] = {
        {.column = "entity", .value = value_text(slice_str(record->entity->name))},
        {.column = "record", .value = record->now[SLOT_ID]}};
    const struct expr *where = expr_and(arena, expr_cmp(arena, EXPR_EQ, "id", value_int(file)),
                                        expr_cmp(arena, EXPR_NULL, "record", value_null()));
    if (!ctx->as_system)
        where = expr_and(
            arena, where,
            expr_cmp(arena, EXPR_EQ, "created_by", value_int(ctx->actor ? ctx->actor->user : 0)));
    return store_update(ctx->tenant->store, "file", where, sets, 2, NULL, NULL);
}

static enum err hang_list(struct ctx *ctx, const struct record *record, struct slice text)
{
    const struct json *list;
    enum err e = json_parse(ctx->arena, text, &list, NULL);
    if (e)
        return e;
    json_each(item, list)
    {
        e = item->type == JSON_INT ? hang(ctx, record, item->integer) : ERR_OK;
        if (e)
            return e;
    }
    return ERR_OK;
}

enum err record_files(struct ctx *ctx, const struct record *record)
{
    for (int i = SLOT_FIELDS; i < record->entity->fields_count; i++) {
        const struct field *field = record->entity->fields[i];
        if (field->type->columns == 0 || !record->changed[field->slot])
            continue;
        bool is_one = field_is(field, "file") || field_is(field, "image");
        if (!is_one && !field_is(field, "files"))
            continue;
        const struct value *value = &record->now[field->slot];
        enum err e = ERR_OK;
        if (is_one && value->type == VALUE_INT)
            e = hang(ctx, record, value->integer);
        else if (!is_one && value->type == VALUE_TEXT)
            e = hang_list(ctx, record, value->bytes);
        if (e)
            return e;
    }
    return ERR_OK;
}
