/* number - see number.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/number.h"

#include "record/record_in.h"

enum err number_search(struct ctx *ctx, int64_t from, number_taken_cb is_taken, void *arg,
                       int64_t *out)
{
    int64_t taken = from, free = 0;
    for (int64_t step = 1; !free; step *= 2) {
        bool found = false;
        ASSERT(taken <= INT64_MAX - step);
        enum err e = is_taken(ctx, arg, taken + step, &found);
        if (e)
            return e;
        *(found ? &taken : &free) = taken + step;
    }
    while (free - taken > 1) {
        int64_t middle = taken + (free - taken) / 2;
        bool found = false;
        enum err e = is_taken(ctx, arg, middle, &found);
        if (e)
            return e;
        *(found ? &taken : &free) = middle;
    }
    *out = free;
    return ERR_OK;
}

struct numbering {
    const struct field *field;
    int64_t day;
};

static enum err is_taken(struct ctx *ctx, void *arg, int64_t n, bool *out)
{
    const struct numbering *numbering = arg;
    const struct field *field = numbering->field;
    const char *text = field_number_text(field, ctx->arena, n, numbering->day);
    int64_t count = 0;
    const struct expr *where =
        expr_and(ctx->arena, record_is_live(ctx->arena),
                 expr_cmp(ctx->arena, EXPR_EQ, field->column, value_text(slice_str(text))));
    enum err e = store_count(ctx->tenant->store, field->entity->table, where, 1, &count);
    *out = count > 0;
    return e;
}

static enum err fill(struct ctx *ctx, struct record *record, const struct field *field)
{
    const struct zone *zone = ctx->tenant->zone ? ctx->tenant->zone : zone_find("UTC");
    struct numbering numbering = {field, zone_day(zone, ctx->now_ms)};
    struct store *store = ctx->tenant->store;
    struct slice counter = slice_str(field_number_counter(field, ctx->arena, numbering.day));
    int64_t n, free = 0;
    bool taken = false;
    enum err e = store_counter(store, counter, 0, 1, &n);
    if (!e)
        e = is_taken(ctx, &numbering, n, &taken);
    if (!e && taken)
        e = number_search(ctx, n, is_taken, &numbering, &free);
    if (!e && taken)
        e = store_counter(store, counter, 0, free - n, &n);
    if (e)
        return e;
    const char *text = field_number_text(field, ctx->arena, n, numbering.day);
    record_put(record, field->slot, value_text(slice_str(text)));
    return ERR_OK;
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
