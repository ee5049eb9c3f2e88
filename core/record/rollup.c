/* rollup - see rollup.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/rollup.h"

#include "base/decimal.h"
#include "record/filter.h"
#include "record/model.h"
#include "record/record_in.h"

/* One roll-up that a child takes part in. */
struct part {
    const struct field *field; /* of the parent */
    const struct field_rollup *rollup;
    const struct field *by, *of; /* of the child; of NULL for counts */
    int column;                  /* which of of's slots is measured: money by its base amount */
};

static void part_init(struct part *part, const struct field *field, const struct entity *child)
{
    part->field = field;
    part->rollup = field_rollup_of(field);
    part->by = entity_field(child, slice_str(part->rollup->by));
    part->of = part->rollup->of ? entity_field(child, slice_str(part->rollup->of)) : NULL;
    part->column = part->of && part->of->type->kind == KIND_MONEY ? 2 : 0;
    ASSERT(part->by);
}

/* --- what one child contributes --- */

struct share {
    int64_t parent; /* 0 = none */
    int64_t amount; /* of a count 1 */
    bool is_filled; /* the measured field has a value */
};

static enum err share_of(struct ctx *ctx, const struct part *part, const struct value *values,
                         struct share *out)
{
    bool counts = true;
    *out = (struct share){0};
    if (!values || values[part->by->slot].type != VALUE_INT)
        return ERR_OK;
    if (part->rollup->where) {
        enum err e = filter_matches(ctx, part->by->entity, part->rollup->where, values, &counts);
        if (e || !counts)
            return e;
    }
    const struct value *measured = part->of ? &values[part->of->slot + part->column] : NULL;
    out->parent = values[part->by->slot].integer;
    out->amount = measured ? measured->integer : 1;
    out->is_filled = !measured || measured->type == VALUE_INT;
    return ERR_OK;
}

/* --- writing the parent --- */

#define SETS_MAX 16 /* of one statement: four for an amount */

/* What a save moves on one parent goes into one statement. */
struct moves {
    const struct entity *entity; /* NULL = nothing waits */
    int64_t parent;
    struct store_set sets[SETS_MAX];
    int count;
};

static enum err moves_write(struct ctx *ctx, struct moves *moves)
{
    if (!moves->entity)
        return ERR_OK;
    enum err e = store_update(ctx->tenant->store, moves->entity->table,
                              record_has_id(ctx->arena, moves->parent), moves->sets, moves->count,
                              NULL, NULL);
    *moves = (struct moves){0};
    return e;
}

static enum err parent_update(struct ctx *ctx, struct moves *moves, const struct part *part,
                              int64_t parent, const struct store_set *sets, int count)
{
    const struct entity *entity = part->field->entity;
    bool fits =
        moves->entity == entity && moves->parent == parent && moves->count + count <= SETS_MAX;
    enum err e = fits ? ERR_OK : moves_write(ctx, moves);
    moves->entity = entity;
    moves->parent = parent;
    for (int i = 0; i < count; i++)
        moves->sets[moves->count++] = sets[i];
    return e;
}

/* Money stands in the tenant's currency: amount, currency, base amount, rate 1. */
static int money_sets(const struct ctx *ctx, const struct field *field, struct value amount,
                      bool add, struct store_set *sets)
{
    const char *const *columns = field->entity->columns + field->slot;
    const char *own = ctx->tenant->currency ? ctx->tenant->currency : "CNY";
    bool is_null = amount.type == VALUE_NULL;
    enum store_how how = add ? STORE_ADD : STORE_SET;
    sets[0] = (struct store_set){columns[0], amount, how};
    if (field->type->columns < 4)
        return 1;
    sets[1] = (struct store_set){columns[1], is_null ? value_null() : value_text(slice_str(own)),
                                 STORE_SET};
    sets[2] = (struct store_set){columns[2], amount, how};
    sets[3] =
        (struct store_set){columns[3], is_null ? value_null() : value_int(1000000), STORE_SET};
    return 4;
}

static enum err parent_add(struct ctx *ctx, struct moves *moves, const struct part *part,
                           int64_t parent, int64_t by)
{
    struct store_set sets[4];
    if (by == 0)
        return ERR_OK;
    int count = money_sets(ctx, part->field, value_int(by), true, sets);
    return parent_update(ctx, moves, part, parent, sets, count);
}

/* --- least, greatest, and working out anew --- */

static bool take_value(void *arg, const struct store_row *row)
{
    struct value v = store_row_value(row, 0);
    *(struct value *)arg = v.type == VALUE_INT ? v : value_null();
    return false;
}

static enum err measure(struct ctx *ctx, const struct part *part, int64_t parent, struct value *out)
{
    const struct entity *child = part->by->entity;
    struct filter_joins joins = {0};
    struct filter_scope scope = {
        .entity = child, .joins = &joins, .as_rule = true, .name = "where"};
    const struct expr *where = NULL;
    enum err e = ERR_OK;
    if (part->rollup->where)
        e = filter_compile(ctx, &scope, part->rollup->where, &where);
    if (e)
        return e;
    where = expr_and(ctx->arena, where,
                     expr_cmp(ctx->arena, EXPR_EQ, part->by->column, value_int(parent)));
    struct query_column select = {.measure = part->rollup->op};
    select.column.column =
        part->of ? child->columns[part->of->slot + part->column] : child->columns[SLOT_ID];
    struct query query = {.table = child->table,
                          .select = &select,
                          .select_count = 1,
                          .joins = joins.items,
                          .joins_count = joins.count,
                          .where = expr_and(ctx->arena, where, record_is_live(ctx->arena))};
    *out = value_null();
    return store_read(ctx->tenant->store, &query, take_value, out);
}

static enum err refresh(struct ctx *ctx, struct moves *moves, const struct part *part,
                        int64_t parent)
{
    struct store_set sets[4];
    struct value amount;
    bool is_itself = part->field->entity == part->by->entity; /* what waits may be measured */
    enum err e = is_itself ? moves_write(ctx, moves) : ERR_OK;
    if (!e)
        e = measure(ctx, part, parent, &amount);
    if (e)
        return e;
    return parent_update(ctx, moves, part, parent, sets,
                         money_sets(ctx, part->field, amount, false, sets));
}

/* One more value among others. */
static enum err parent_stretch(struct ctx *ctx, struct moves *moves, const struct part *part,
                               const struct share *is)
{
    bool is_most = part->rollup->op == MEASURE_MAX;
    struct store_set set = {.column = part->field->entity->columns[part->field->slot],
                            .value = value_int(is->amount),
                            .how = is_most ? STORE_MOST : STORE_LEAST};
    return parent_update(ctx, moves, part, is->parent, &set, 1);
}

enum err rollup_refresh(struct ctx *ctx, const struct field *field, int64_t parent)
{
    ASSERT(field_is(field, "rollup"));
    struct part part;
    const struct entity *child = model_entity(ctx->model, slice_str(field_rollup_of(field)->from));
    ASSERT(child);
    struct moves moves = {0};
    part_init(&part, field, child);
    enum err e = refresh(ctx, &moves, &part, parent);
    return e ? e : moves_write(ctx, &moves);
}

/* --- moving --- */

static enum err move_sum(struct ctx *ctx, struct moves *moves, const struct part *part,
                         const struct share *was, const struct share *is)
{
    int64_t before = was->parent && was->is_filled ? was->amount : 0;
    int64_t after = is->parent && is->is_filled ? is->amount : 0;
    if (was->parent == is->parent) {
        int64_t by;
        if (!decimal_add(after, -before, &by))
            return err_say(&ctx->err, ERR_VALIDATION, "too_large", NULL);
        return is->parent ? parent_add(ctx, moves, part, is->parent, by) : ERR_OK;
    }
    enum err e = was->parent ? parent_add(ctx, moves, part, was->parent, -before) : ERR_OK;
    if (!e && is->parent)
        e = parent_add(ctx, moves, part, is->parent, after);
    return e;
}

static enum err move_extreme(struct ctx *ctx, struct moves *moves, const struct part *part,
                             const struct share *was, const struct share *is)
{
    bool same =
        was->parent == is->parent && was->is_filled == is->is_filled && was->amount == is->amount;
    if (same)
        return ERR_OK;
    bool is_more = !was->parent && is->parent && is->is_filled && part->field->type->columns == 1;
    if (is_more)
        return parent_stretch(ctx, moves, part, is);
    enum err e = was->parent ? refresh(ctx, moves, part, was->parent) : ERR_OK;
    if (!e && is->parent && is->parent != was->parent)
        e = refresh(ctx, moves, part, is->parent);
    return e;
}

static enum err move_part(struct ctx *ctx, struct moves *moves, const struct part *part,
                          const struct value *was_values, const struct value *is_values)
{
    struct share was, is;
    enum err e = share_of(ctx, part, was_values, &was);
    if (!e)
        e = share_of(ctx, part, is_values, &is);
    if (e || (!was.parent && !is.parent))
        return e;
    bool is_sum = part->rollup->op == MEASURE_COUNT || part->rollup->op == MEASURE_SUM;
    return is_sum ? move_sum(ctx, moves, part, &was, &is)
                  : move_extreme(ctx, moves, part, &was, &is);
}

bool rollup_follows(const struct ctx *ctx, const struct entity *entity)
{
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *by = entity->fields[i];
        const struct entity *parent = by->type->is_ref ? model_ref(ctx->model, by) : NULL;
        for (int k = SLOT_FIELDS; parent && k < parent->fields_count; k++) {
            const struct field *field = parent->fields[k];
            if (field_is(field, "rollup") &&
                strcmp(field_rollup_of(field)->from, entity->name) == 0)
                return true;
        }
    }
    return false;
}

enum err rollup_move(struct ctx *ctx, const struct entity *entity, const struct value *was,
                     const struct value *is)
{
    struct moves moves = {0};
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *by = entity->fields[i];
        const struct entity *parent = by->type->is_ref ? model_ref(ctx->model, by) : NULL;
        for (int k = SLOT_FIELDS; parent && k < parent->fields_count; k++) {
            const struct field *field = parent->fields[k];
            if (!field_is(field, "rollup"))
                continue;
            const struct field_rollup *rollup = field_rollup_of(field);
            if (strcmp(rollup->from, entity->name) != 0 || strcmp(rollup->by, by->name) != 0)
                continue;
            struct part part;
            part_init(&part, field, entity);
            enum err e = move_part(ctx, &moves, &part, was, is);
            if (e)
                return e;
        }
    }
    return moves_write(ctx, &moves);
}
