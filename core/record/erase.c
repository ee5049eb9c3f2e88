/* erase - see erase.h: the records.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/erase_in.h"

#include <string.h>

#include "base/id.h"
#include "record/change.h"
#include "record/field_kit.h"
#include "record/model.h"
#include "record/record_in.h"
#include "record/rollup.h"
#include "record/search.h"
#include "record/staff.h"
#include "record/visit.h"

/* --- what is personal ---------------------------------------------------------------------------
 */

bool erase_is_personal(const struct field *field)
{
    static const char *const types[] = {"longtext", "richtext", "email", "phone", "url",
                                        "address",  "geo",      "json",  "file",  "files",
                                        "image",    "tags",     NULL};
    if (field->is_system || !field->type->columns || field->type->is_derived)
        return false;
    const struct json *said = json_get(field->declared, "personal");
    if (said)
        return said->type == JSON_BOOL && said->boolean;
    if (field->is_person || field->type->is_sealed)
        return true;
    struct slice declared = json_str(field->declared, "type", SLICE(""));
    for (const char *const *type = types; *type; type++)
        if (slice_is(declared, *type))
            return true;
    return false;
}

/* "13900139000" of "+8613900139000": how it stands in texts, with its country or without. */
static struct slice number_tail(struct slice s)
{
    if (slice_starts(s, SLICE("+86")))
        return slice_of(s.at + 3, s.len - 3);
    return slice_starts(s, SLICE("+")) ? slice_of(s.at + 1, s.len - 1) : s;
}

static void gather_value(struct erasing *x, const struct field *field, struct slice text)
{
    struct slice type = json_str(field->declared, "type", SLICE(""));
    if (field->is_person)
        erase_needle_add(x, text, true);
    else if (slice_is(type, "email"))
        erase_needle_add(x, text, false);
    else if (slice_is(type, "phone"))
        erase_needle_add(x, number_tail(text), false);
}

/* Addresses, numbers and names, before they are gone. */
static void gather(struct erasing *x, const struct record *record)
{
    const struct entity *entity = record->entity;
    for (int i = SLOT_FIELDS; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        const struct json *list;
        if (field->is_system || !field->type->columns || field_is_empty(field, record->now) ||
            record->now[field->slot].type != VALUE_TEXT)
            continue;
        struct slice text = record->now[field->slot].bytes;
        if (field->type->kind != KIND_LIST)
            gather_value(x, field, text);
        else if (json_parse(x->ctx->arena, text, &list, NULL) == ERR_OK)
            json_each(item, list) gather_value(x, field, item->text);
    }
}

/* --- one record ---------------------------------------------------------------------------------
 */

static enum err load(struct ctx *ctx, const struct entity *entity, int64_t id, struct record **out)
{
    struct value *values;
    enum err e = record_read(ctx, entity, record_has_id(ctx->arena, id), &values);
    if (!e)
        *out = record_wrap(ctx, entity, values);
    return e;
}

static enum err forget_changes(struct ctx *ctx, const struct entity *entity, int64_t id)
{
    const struct expr *of_it =
        expr_and(ctx->arena, expr_cmp(ctx->arena, EXPR_EQ, "entity", value_int(entity->n)),
                 expr_cmp(ctx->arena, EXPR_EQ, "record", value_int(id)));
    return store_redact(ctx->tenant->store, "change", "diff", of_it, NULL);
}

static enum err forget_around(struct erasing *x, const struct entity *entity, int64_t id)
{
    enum err e = forget_changes(x->ctx, entity, id);
    if (!e)
        e = erase_files_of(x, entity, id);
    return e ? e : erase_traces_of(x, entity, id);
}

static enum err drop(struct erasing *x, struct record *record)
{
    struct ctx *ctx = x->ctx;
    struct store *store = ctx->tenant->store;
    const struct entity *entity = record->entity;
    int64_t id = record->now[SLOT_ID].integer;
    enum err e = store_delete(store, entity->table, record_has_id(ctx->arena, id), NULL);
    if (!e && entity->has_search)
        e = store_tokens_put(store, entity->table, id, SLICE(""), SLICE(""));
    if (!e)
        e = visit_drop(ctx, entity, id);
    if (!e)
        e = change_put(ctx, record, CHANGE_PURGE, 0);
    if (!e && record->now[SLOT_DELETED_AT].type == VALUE_NULL)
        e = rollup_move(ctx, entity, record->old, NULL);
    x->out->records += !e;
    return e ? e : forget_around(x, entity, id);
}

/* --- a record that stays without what is personal -----------------------------------------------
 */

/* What has to be there is there, and says nothing. */
static struct value blank_of(struct ctx *ctx, const struct field *field, int64_t id)
{
    char text[ID_TEXT_LEN + 1];
    if (!field->is_required)
        return value_null();
    if (field->type->kind == KIND_LIST)
        return value_text(SLICE("[]"));
    if (!field->is_unique)
        return value_text(SLICE("-"));
    id_text(id, text);
    return value_text(slice_str(arena_strdup(ctx->arena, text)));
}

static void blank(struct ctx *ctx, struct record *record)
{
    const struct entity *entity = record->entity;
    for (int i = SLOT_FIELDS; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        if (!erase_is_personal(field) || field_is_empty(field, record->now))
            continue;
        for (int k = 0; k < field->type->columns; k++)
            record->now[field->slot + k] = value_null();
        if (field->type->stores[0] == VALUE_TEXT && !field->type->is_sealed)
            record->now[field->slot] = blank_of(ctx, field, record->now[SLOT_ID].integer);
        if (field->sort_column)
            record->now[field->sort_slot] = value_null();
    }
}

static enum err redact_entry(struct erasing *x, const struct record *record)
{
    struct ctx *ctx = x->ctx;
    const struct entity *entity = record->entity;
    const struct expr *it = record_has_id(ctx->arena, record->now[SLOT_ID].integer);
    enum err e = ERR_OK;
    for (int i = SLOT_FIELDS; i < entity->fields_count && !e; i++) {
        const struct field *field = entity->fields[i];
        if (!erase_is_personal(field))
            continue;
        for (int k = 0; k < field->type->columns && !e; k++)
            e = store_redact(ctx->tenant->store, entity->table, entity->columns[field->slot + k],
                             it, NULL);
        if (!e && field->sort_column)
            e = store_redact(ctx->tenant->store, entity->table, field->sort_column, it, NULL);
    }
    return e;
}

static enum err redact_row(struct erasing *x, struct record *record)
{
    struct ctx *ctx = x->ctx;
    const struct entity *entity = record->entity;
    struct store_set *sets = arena_array(ctx->arena, struct store_set, (size_t)entity->slots);
    int64_t id = record->now[SLOT_ID].integer;
    struct buf tokens = BUF_INIT;
    int count = 0;
    blank(ctx, record);
    record->now[SLOT_VERSION] = value_int(record->now[SLOT_VERSION].integer + 1);
    record->now[SLOT_UPDATED_AT] = value_int(ctx->now_ms);
    for (int i = 0; i < entity->slots; i++)
        if (!value_equal(&record->old[i], &record->now[i]))
            sets[count++] = (struct store_set){entity->columns[i], record->now[i], false};
    enum err e = store_update(ctx->tenant->store, entity->table, record_has_id(ctx->arena, id),
                              sets, count, NULL, NULL);
    if (!e && entity->has_search) {
        search_tokens_of(ctx->arena, entity, record->now, &tokens);
        e = store_tokens_put(ctx->tenant->store, entity->table, id, SLICE(""), buf_slice(&tokens));
    }
    buf_release(&tokens);
    record->old = record->now; /* the log says that it changed, and nothing of what it was */
    return e ? e : change_put(ctx, record, CHANGE_UPDATE, 0);
}

static enum err redact(struct erasing *x, struct record *record)
{
    enum err e = record->entity->is_append_only ? redact_entry(x, record) : redact_row(x, record);
    x->out->redacted += !e;
    return e ? e : forget_around(x, record->entity, record->now[SLOT_ID].integer);
}

/* --- who points at it ---------------------------------------------------------------------------
 */

enum fate { FATE_KEEP, FATE_REDACT, FATE_ERASE };

static enum fate fate_of(const struct field *field)
{
    struct slice said = json_str(field->declared, "on_erase", SLICE(""));
    if (field->entity->is_append_only)
        return FATE_REDACT; /* whatever is said: entries stay */
    if (slice_is(said, "erase"))
        return FATE_ERASE;
    if (slice_is(said, "redact"))
        return FATE_REDACT;
    if (slice_is(said, "keep"))
        return FATE_KEEP;
    return field->on_delete == ON_DELETE_CASCADE && field->type == &field_type_ref ? FATE_ERASE
                                                                                   : FATE_KEEP;
}

static bool has_personal(const struct entity *entity)
{
    for (int i = SLOT_FIELDS; i < entity->fields_count; i++)
        if (erase_is_personal(entity->fields[i]))
            return true;
    return false;
}

static bool is_seen(struct erasing *x, const struct entity *entity, int64_t id)
{
    for (int i = 0; i < x->seen_count; i++)
        if (x->seen[i].entity == entity && x->seen[i].id == id)
            return true;
    return false;
}

static enum err see(struct erasing *x, const struct entity *entity, int64_t id)
{
    if (x->seen_count == ERASE_RECORDS_MAX)
        return err_say(&x->ctx->err, ERR_CONFLICT, "too_many_referrers", NULL);
    x->seen[x->seen_count++] = (struct erase_seen){entity, id};
    return ERR_OK;
}

static enum err forget(struct erasing *x, const struct entity *entity, int64_t id, enum fate fate);

/* Rows of one field that point at it. */
static enum err follow(struct erasing *x, const struct field *field, const struct entity *entity,
                       int64_t id, enum fate above)
{
    struct ctx *ctx = x->ctx;
    struct arena *a = ctx->arena;
    const struct entity *from = field->entity;
    enum fate fate = fate_of(field);
    int64_t *ids;
    int count = 0;
    if (fate == FATE_ERASE && above == FATE_REDACT)
        fate = FATE_REDACT; /* parts of what stays stay too */
    const struct expr *at = expr_cmp(a, EXPR_EQ, from->columns[field->slot], value_int(id));
    if (field->type == &field_type_ref_any)
        at = expr_and(a, at,
                      expr_cmp(a, EXPR_EQ, from->columns[field->slot + 1],
                               value_text(slice_str(entity->name))));
    if (fate == FATE_KEEP) {
        int64_t kept = 0;
        enum err e = above == FATE_REDACT
                         ? ERR_OK
                         : store_count(ctx->tenant->store, from->table, at, COUNT_CAP, &kept);
        x->out->kept += kept;
        return e;
    }
    if (from->is_append_only && !has_personal(from))
        return ERR_OK; /* a ledger of numbers */
    enum err e = ERR_OK;
    int64_t last = 0;
    do {
        const struct expr *next = expr_cmp(a, EXPR_GT, "id", value_int(last));
        e = record_ids(ctx, from->table, expr_and(a, at, next), REFERRERS_MAX, &ids, &count);
        for (int i = 0; i < count && !e; i++)
            e = is_seen(x, from, ids[i]) ? ERR_OK : forget(x, from, ids[i], fate);
        last = count ? ids[count - 1] : 0;
    } while (!e && count == REFERRERS_MAX);
    return e;
}

static enum err follow_all(struct erasing *x, const struct entity *entity, int64_t id,
                           enum fate fate)
{
    const struct model *model = x->ctx->model;
    enum err e = ERR_OK;
    for (int i = 0; i < entity->referrers_count && !e; i++) {
        const struct field *field = model_referrer(model, entity, i).field;
        if (field->type->columns == 1 && field->type->kind == KIND_REF)
            e = follow(x, field, entity, id, fate);
    }
    for (int i = 0; i < model->entities_count && !e; i++)
        for (int k = 0; k < model->entity_list[i]->fields_count && !e; k++)
            if (model->entity_list[i]->fields[k]->type == &field_type_ref_any)
                e = follow(x, model->entity_list[i]->fields[k], entity, id, fate);
    return e;
}

static enum err forget(struct erasing *x, const struct entity *entity, int64_t id, enum fate fate)
{
    struct record *record;
    enum err e = see(x, entity, id);
    if (!e)
        e = load(x->ctx, entity, id, &record);
    if (e) /* gone meanwhile; the first one has to be there */
        return e == ERR_NOT_FOUND && x->seen_count > 1 ? ERR_OK : e;
    if (fate == FATE_ERASE)
        gather(x, record);
    if (entity->is_append_only)
        fate = FATE_REDACT;
    e = fate == FATE_ERASE ? drop(x, record) : redact(x, record);
    return e ? e : follow_all(x, entity, id, fate);
}

enum err erase_trace(struct erasing *x, const struct entity *entity, int64_t id)
{
    if (is_seen(x, entity, id))
        return ERR_OK;
    x->out->traces++;
    return forget(x, entity, id, FATE_ERASE);
}

/* --- users --------------------------------------------------------------------------------------
 */

static enum err forget_keys(struct ctx *ctx, int64_t user)
{
    static const char *const tables[] = {"session", "api_key", "password_past", "password_reset",
                                         NULL};
    const struct expr *its = expr_cmp(ctx->arena, EXPR_EQ, "user", value_int(user));
    enum err e = ERR_OK;
    for (const char *const *table = tables; *table && !e; table++)
        e = store_delete(ctx->tenant->store, *table, its, NULL);
    if (!e)
        e = store_delete(ctx->tenant->store, "draft",
                         expr_cmp(ctx->arena, EXPR_EQ, "actor", value_int(user)), NULL);
    return e ? e
             : store_delete(ctx->tenant->store, "view",
                            expr_cmp(ctx->arena, EXPR_EQ, "owner", value_int(user)), NULL);
}

static enum err forget_user(struct erasing *x, const struct entity *entity, int64_t id)
{
    struct ctx *ctx = x->ctx;
    struct record *record;
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    const struct store_set sets[] = {{"login", value_text(slice_str(text)), false},
                                     {"name", value_text(slice_str(text)), false},
                                     {"name_s", value_null(), false},
                                     {"email", value_null(), false},
                                     {"phone", value_null(), false},
                                     {"roles", value_text(SLICE("[]")), false},
                                     {"password", value_null(), false},
                                     {"mfa", value_null(), false},
                                     {"settings", value_null(), false},
                                     {"notify_mail", value_null(), false},
                                     {"active", value_int(0), false}};
    enum err e = see(x, entity, id);
    if (!e)
        e = load(ctx, entity, id, &record);
    if (e)
        return e;
    gather(x, record);
    e = redact_row(x, record); /* fields that plugins added, search, the log */
    if (!e)
        e = store_update(ctx->tenant->store, "user", record_has_id(ctx->arena, id), sets,
                         sizeof sets / sizeof *sets, NULL, NULL);
    if (!e)
        e = store_tokens_put(ctx->tenant->store, "user", id, SLICE(""), SLICE(""));
    if (!e)
        e = forget_keys(ctx, id);
    if (!e)
        e = forget_around(x, entity, id);
    if (!e)
        e = staff_moved(ctx, entity);
    x->out->redacted += !e;
    return e;
}

enum err erase_needles_of(struct ctx *ctx, const struct entity *entity, int64_t id,
                          struct erased *out)
{
    struct record *record;
    struct erasing *x = arena_make(ctx->arena, struct erasing);
    x->ctx = ctx;
    x->out = out;
    *out = (struct erased){0};
    enum err e = load(ctx, entity, id, &record);
    if (!e)
        gather(x, record);
    return e;
}

/* --- the way in ---------------------------------------------------------------------------------
 */

enum err record_erase(struct ctx *ctx, const struct entity *entity, int64_t id, struct erased *out)
{
    ASSERT(ctx && ctx->unit && ctx->model);
    ASSERT(entity && store_in_tx(ctx->tenant->store));
    struct erased own = {0};
    struct erasing *x = arena_make(ctx->arena, struct erasing);
    x->ctx = ctx;
    x->out = out ? out : &own;
    *x->out = (struct erased){0};
    bool is_user = entity->is_system && strcmp(entity->name, "user") == 0;
    enum err e = is_user ? forget_user(x, entity, id) : forget(x, entity, id, FATE_ERASE);
    return e ? e : erase_traces(x);
}
