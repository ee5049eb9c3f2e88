/* record_conflict - whose unique value it is: the store only says that there is one.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/id.h"
#include "record/field_sealed.h"
#include "record/record_in.h"

/* A live record other than this one where all these fields are equal; 0 = none. */
static enum err find_winner(struct ctx *ctx, const struct record *record, const struct expr *equal,
                            struct value **winner)
{
    struct arena *a = ctx->arena;
    const struct expr *where = expr_and(a, equal, record_is_live(a));
    where = expr_and(a, where, expr_cmp(a, EXPR_NE, "id", record->now[SLOT_ID]));
    *winner = NULL;
    enum err e = record_read(ctx, record->entity, where, winner);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* The id of what is there already is told only to who may see it. */
static enum err complain(struct ctx *ctx, const struct record *record, const char *field,
                         const struct value *winner)
{
    char id[ID_TEXT_LEN + 1];
    bool visible = false;
    enum err e = record_is_visible(ctx, record->entity, winner, &visible);
    if (e)
        return e;
    id_text(winner[SLOT_ID].integer, id);
    const char *args = visible ? arena_printf(ctx->arena, "{\"id\":\"%s\"}", id) : NULL;
    (void)err_field(&ctx->err, field, "not_unique", args);
    if (visible && !ctx->err.extra)
        ctx->err.extra = arena_printf(ctx->arena, "\"existing\":\"%s\"", id);
    return ERR_OK;
}

static const struct expr *equal_to(struct ctx *ctx, const struct record *record,
                                   const struct field *field)
{
    if (field_is_empty(field, record->now))
        return NULL;
    return expr_cmp(ctx->arena, EXPR_EQ, field_equal_column(field),
                    *field_equal_value(field, record->now));
}

static enum err ask_field(struct ctx *ctx, const struct record *record, const struct field *field,
                          bool *found)
{
    struct value *winner;
    const struct expr *equal = equal_to(ctx, record, field);
    if (!equal)
        return ERR_OK;
    enum err e = find_winner(ctx, record, equal, &winner);
    if (e || !winner)
        return e;
    *found = true;
    return complain(ctx, record, field->name, winner);
}

static enum err ask_index(struct ctx *ctx, const struct record *record,
                          const struct entity_index *index, bool *found)
{
    const struct expr *equal = NULL;
    struct value *winner;
    const char *first = index->fields[0] + (*index->fields[0] == '-');
    for (int i = 0; i < index->fields_count; i++) {
        const char *name = index->fields[i] + (*index->fields[i] == '-');
        const struct expr *one =
            equal_to(ctx, record, entity_field(record->entity, slice_str(name)));
        if (!one)
            return ERR_OK; /* empty values never clash */
        equal = expr_and(ctx->arena, equal, one);
    }
    enum err e = find_winner(ctx, record, equal, &winner);
    if (e || !winner)
        return e;
    *found = true;
    return complain(ctx, record, first, winner);
}

enum err record_conflict(struct ctx *ctx, const struct record *record)
{
    const struct entity *entity = record->entity;
    bool found = false;
    enum err e = ERR_OK;
    for (int i = SLOT_FIELDS; i < entity->fields_count && !e; i++) {
        const struct field *field = entity->fields[i];
        bool is_login = entity->is_system && strcmp(field->name, "login") == 0;
        if (field->is_unique || field_is(field, "autonumber") || is_login)
            e = ask_field(ctx, record, field, &found);
    }
    for (int i = 0; i < entity->indexes_count && !e; i++)
        if (entity->indexes[i].unique)
            e = ask_index(ctx, record, &entity->indexes[i], &found);
    if (e)
        return e;
    if (!found)
        ctx->err.detail = arena_strdup(ctx->arena, store_why(ctx->tenant->store));
    return ERR_CONFLICT;
}
