/* number - see number.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/number.h"

#include "base/limits.h"
#include "record/record_in.h"

static enum err is_taken(struct ctx *ctx, const struct field *field, struct slice text, bool *out)
{
    int64_t count;
    const struct expr *where =
        expr_and(ctx->arena, record_is_live(ctx->arena),
                 expr_cmp(ctx->arena, EXPR_EQ, field->column, value_text(text)));
    enum err e = store_count(ctx->tenant->store, field->entity->table, where, 1, &count);
    *out = !e && count > 0;
    return e;
}

static enum err fill(struct ctx *ctx, struct record *record, const struct field *field)
{
    const struct zone *zone = ctx->tenant->zone ? ctx->tenant->zone : zone_find("UTC");
    int64_t day = zone_day(zone, ctx->now_ms);
    struct slice counter = slice_str(field_number_counter(field, ctx->arena, day));
    for (int i = 0; i < NUMBER_TRIES_MAX; i++) {
        int64_t n;
        bool taken;
        enum err e = store_counter(ctx->tenant->store, counter, 0, 1, &n);
        if (e)
            return e;
        struct slice text = slice_str(field_number_text(field, ctx->arena, n, day));
        e = is_taken(ctx, field, text, &taken);
        if (e)
            return e;
        if (taken)
            continue;
        record_put(record, field->slot, value_text(text));
        return ERR_OK;
    }
    return err_say(&ctx->err, ERR_CONFLICT, "numbers_taken", NULL);
}

enum err number_fill(struct ctx *ctx, struct record *record)
{
    ASSERT(record->is_new);
    for (int i = SLOT_FIELDS; i < record->entity->fields_count; i++) {
        const struct field *field = record->entity->fields[i];
        if (!field_is(field, "autonumber") || !field_is_empty(field, record->now))
            continue;
        enum err e = fill(ctx, record, field);
        if (e)
            return e;
    }
    return ERR_OK;
}
