/* record_check - phase 2 of a save: computed fields, lists of values, what is required, the flow of
 * states, references. Complaints are collected, so that a person sees all of them at once.
 *
 * What was missing before a rule existed does not stop a later change of something else: a required
 * field is asked for when the record is made, when the field is emptied, and when its condition
 * begins to hold.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"
#include "record/filter.h"
#include "record/model.h"
#include "record/record_in.h"
#include "record/staff.h"

static enum err worse(enum err a, enum err b)
{
    return a && a != ERR_VALIDATION ? a : (b ? b : a);
}

/* --- computed --- */

static bool is_due(const struct record *record, const struct field *field)
{
    const char *const *deps = NULL;
    field_computed_fn(field, &deps);
    if (record->is_new || !deps || !deps[0])
        return true;
    for (; *deps; deps++) {
        const struct field *dep = entity_field(record->entity, slice_str(*deps));
        if (dep && dep->type->columns && record_field_changed(record, dep))
            return true;
    }
    return false;
}

static enum err compute(struct ctx *ctx, struct record *record)
{
    const struct record_computed *computed = ctx->unit->computed;
    if (!computed)
        return ERR_OK;
    for (int i = SLOT_FIELDS; i < record->entity->fields_count; i++) {
        const struct field *field = record->entity->fields[i];
        if (!field_is(field, "computed") || !is_due(record, field))
            continue;
        enum err e = computed->run(ctx, field, record, computed->arg);
        if (e)
            return e;
    }
    return ERR_OK;
}

/* --- lists of values --- */

/* Handlers set raw values: what is not in the list must not get in that way. */
static enum err check_option(struct ctx *ctx, const struct record *record,
                             const struct field *field)
{
    if (!field->options || field->type->kind != KIND_TEXT || field->type->columns != 1 ||
        field_is_empty(field, record->now) || !record_field_changed(record, field))
        return ERR_OK;
    if (field_option_find(field, record->now[field->slot].bytes))
        return ERR_OK;
    return field_bad(ctx, field->name, "not_in_list", NULL);
}

/* --- required --- */

static enum err is_asked(struct ctx *ctx, const struct record *record, const struct field *field,
                         const struct value *values, bool *out)
{
    *out = field->is_required;
    if (*out || !field->required_when)
        return ERR_OK;
    return filter_matches(ctx, record->entity, field->required_when, values, out);
}

static enum err check_required(struct ctx *ctx, const struct record *record,
                               const struct field *field)
{
    bool now, before = false;
    if ((!field->is_required && !field->required_when) || field->type->is_derived ||
        !field_is_empty(field, record->now))
        return ERR_OK;
    enum err e = is_asked(ctx, record, field, record->now, &now);
    if (!e && now && record->old && field_is_empty(field, record->old))
        e = is_asked(ctx, record, field, record->old, &before);
    if (e || !now || before)
        return e;
    return field_bad(ctx, field->name, "required", NULL);
}

/* --- states --- */

/* A state as the caller reads it, in quotes; without one: that there is none yet. */
static const char *state_quoted(struct ctx *ctx, const struct field *field, struct slice state)
{
    const struct field_option *option = field_option_find(field, state);
    if (option)
        return field_quoted(ctx->arena, slice_str(field_option_label(ctx, field, option)));
    if (state.len)
        return field_quoted(ctx->arena, state); /* one that the plugin declares no longer */
    const char *none =
        model_text_or(ctx->model, ctx->arena, ctx->lang, "core", "@state_none", NULL, "");
    return field_quoted(ctx->arena, slice_str(none));
}

static enum err check_step(struct ctx *ctx, const struct record *record, const struct field *field,
                           const char *const *required)
{
    enum err failed = ERR_OK;
    for (; required && *required; required++) {
        const struct field *other = entity_field(record->entity, slice_str(*required));
        if (!other || !field_is_empty(other, record->now) || other->is_required)
            continue; /* what is always required has been asked for already */
        failed = field_bad(ctx, other->name, "required_for_state", "\"state\":%s",
                           state_quoted(ctx, field, record->now[field->slot].bytes));
    }
    return failed;
}

/* History comes in whatever state it is in: an import may begin anywhere, but not leave out what
 * that state asks for. */
static enum err check_state(struct ctx *ctx, const struct record *record, const struct field *field)
{
    const char *const *required = NULL;
    if (!field_is(field, "state") || !record_field_changed(record, field))
        return ERR_OK;
    struct slice from = {NULL, 0}, to = record->now[field->slot].bytes;
    if (record->old && !field_is_empty(field, record->old))
        from = record->old[field->slot].bytes;
    if (field_is_empty(field, record->now))
        return field_bad(ctx, field->name, "required", NULL);
    bool begins = !from.at && ctx->source == CTX_IMPORT;
    if (!field_state_allows(field, from, to, &required) && !begins)
        return field_bad(ctx, field->name, "bad_transition", "\"from\":%s,\"to\":%s",
                         state_quoted(ctx, field, from), state_quoted(ctx, field, to));
    return check_step(ctx, record, field, required);
}

enum err record_check(struct ctx *ctx, struct record *record)
{
    enum err failed = record_follow_owner(ctx, record);
    if (!failed)
        failed = staff_defaults(ctx, record);
    if (!failed)
        failed = compute(ctx, record);
    if (failed)
        return failed;
    for (int i = SLOT_FIELDS; i < record->entity->fields_count; i++) {
        const struct field *field = record->entity->fields[i];
        if (field->type->columns == 0)
            continue;
        failed = worse(failed, check_option(ctx, record, field));
        failed = worse(failed, check_required(ctx, record, field));
        failed = worse(failed, check_state(ctx, record, field));
        if (failed && failed != ERR_VALIDATION)
            return failed;
    }
    return worse(failed, record_check_refs(ctx, record));
}
