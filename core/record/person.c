/* person - see person.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/person.h"

#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "hook/post.h"
#include "record/erase.h"
#include "record/field_kit.h"
#include "record/list.h"
#include "record/model.h"
#include "record/record_in.h"
#include "record/unmask.h"

#define PARTS_DEPTH 3

struct person {
    struct ctx *ctx;
    struct arena *arena;
    const struct entity *entity;
    int64_t id;
    struct json *doc, *related, *rows; /* rows: of the log that is read */
    int64_t seen[PERSON_ROWS_MAX + 1]; /* the person's own, and what is related */
    int seen_count;
    bool truncated;
};

/* --- encrypted values ---------------------------------------------------------------------------
 */

enum err person_unsealed(struct ctx *ctx, const struct entity *entity, int64_t id,
                         const char *reason, const struct json **out)
{
    struct json *all = json_new(ctx->arena, JSON_OBJECT);
    *out = NULL;
    for (int i = 0; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        struct buf plain = BUF_INIT;
        bool empty = false;
        if (!field->type->is_sealed)
            continue;
        enum err e = unmask_field(ctx, entity, id, slice_str(field->name), slice_str(reason),
                                  &plain, &empty);
        if (!e && !empty)
            json_add(ctx->arena, all, field->name,
                     json_new_str(ctx->arena, arena_slice(ctx->arena, buf_slice(&plain))));
        if (plain.at)
            crypto_wipe(plain.at, plain.len);
        buf_release(&plain);
        if (e)
            return e;
    }
    *out = all->count ? all : NULL;
    return ERR_OK;
}

/* --- records ------------------------------------------------------------------------------------
 */

/* As GET shows it, with the rights of the system. */
static enum err read_one(struct person *p, const struct entity *entity, int64_t id,
                         const struct json **out)
{
    struct buf text = BUF_INIT;
    int64_t version;
    enum err e =
        list_get(p->ctx, entity, id, (struct slice){0}, (struct slice){0}, &text, &version);
    if (!e)
        e = json_parse(p->arena, arena_slice(p->arena, buf_slice(&text)), out, NULL);
    buf_release(&text);
    return e;
}

static bool is_seen(struct person *p, int64_t id)
{
    for (int i = 0; i < p->seen_count; i++)
        if (p->seen[i] == id)
            return true;
    return false;
}

static struct json *list_of(struct person *p, struct json *object, const char *name)
{
    const struct json *found = json_get(object, name);
    if (found)
        return (struct json *)found; /* ours, made below */
    struct json *list = json_new(p->arena, JSON_ARRAY);
    json_add(p->arena, object, name, list);
    return list;
}

static enum err follow_all(struct person *p, const struct entity *entity, int64_t id, int depth);

static enum err take(struct person *p, const struct entity *entity, int64_t id, int depth)
{
    const struct json *record;
    if (is_seen(p, id))
        return ERR_OK;
    p->truncated |= p->seen_count > PERSON_ROWS_MAX;
    if (p->seen_count > PERSON_ROWS_MAX)
        return ERR_OK;
    p->seen[p->seen_count++] = id;
    enum err e = read_one(p, entity, id, &record);
    if (e) /* deleted, and about to be purged */
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    json_add(p->arena, list_of(p, p->related, entity->name), NULL, (struct json *)record);
    return depth < PARTS_DEPTH ? follow_all(p, entity, id, depth) : ERR_OK;
}

static enum err follow(struct person *p, const struct field *field, const struct entity *entity,
                       int64_t id, int depth)
{
    struct arena *a = p->arena;
    const struct entity *from = field->entity;
    int64_t *ids;
    int count = 0;
    const struct expr *at = expr_cmp(a, EXPR_EQ, from->columns[field->slot], value_int(id));
    if (field->type == &field_type_ref_any)
        at = expr_and(a, at,
                      expr_cmp(a, EXPR_EQ, from->columns[field->slot + 1],
                               value_text(slice_str(entity->name))));
    enum err e = record_ids(p->ctx, from->table, at, PERSON_ROWS_MAX + 1, &ids, &count);
    for (int i = 0; i < count && !e; i++)
        e = take(p, from, ids[i], depth + 1);
    return e;
}

/* Whatever points at the person; of that only what are its parts. */
static bool is_part(const struct field *field)
{
    return field->type == &field_type_ref && field->on_delete == ON_DELETE_CASCADE;
}

static enum err follow_all(struct person *p, const struct entity *entity, int64_t id, int depth)
{
    const struct model *model = p->ctx->model;
    enum err e = ERR_OK;
    for (int i = 0; i < entity->referrers_count && !e; i++) {
        const struct field *field = model_referrer(model, entity, i).field;
        if (field->type->columns == 1 && field->type->kind == KIND_REF &&
            (depth == 0 || is_part(field)))
            e = follow(p, field, entity, id, depth);
    }
    for (int i = 0; i < model->entities_count && !e && depth == 0; i++)
        for (int k = 0; k < model->entity_list[i]->fields_count && !e; k++)
            if (model->entity_list[i]->fields[k]->type == &field_type_ref_any)
                e = follow(p, model->entity_list[i]->fields[k], entity, id, depth);
    return e;
}

static enum err add_history(struct person *p)
{
    struct json *all = list_of(p, p->doc, "history");
    struct list_query page = {.entity = p->entity, .limit = LIST_MAX};
    enum err e = ERR_OK;
    do {
        struct buf text = BUF_INIT;
        const struct json *part = NULL;
        e = list_history(p->ctx, p->entity, p->id, &page, &text);
        if (!e)
            e = json_parse(p->arena, arena_slice(p->arena, buf_slice(&text)), &part, NULL);
        buf_release(&text);
        if (e)
            return e;
        json_each(item, json_get(part, "items"))
            json_add(p->arena, all, NULL, json_copy(p->arena, item));
        page.cursor = json_str(part, "next", SLICE(""));
    } while (page.cursor.len && all->count < PERSON_ROWS_MAX);
    p->truncated |= page.cursor.len > 0;
    return ERR_OK;
}

/* --- files, letters, the audit log --------------------------------------------------------------
 */

static struct json *text_of(struct person *p, const struct store_row *row, int column)
{
    if (store_row_is_null(row, column))
        return json_new(p->arena, JSON_NULL);
    return json_new_str(p->arena, arena_slice(p->arena, store_row_bytes(row, column)));
}

static struct json *id_of(struct person *p, const struct store_row *row, int column)
{
    char id[ID_TEXT_LEN + 1];
    id_text(store_row_int(row, column), id);
    return store_row_is_null(row, column)
               ? json_new(p->arena, JSON_NULL)
               : json_new_str(p->arena, slice_str(arena_strdup(p->arena, id)));
}

static struct json *time_of(struct person *p, const struct store_row *row, int column)
{
    char at[25];
    time_text(store_row_int(row, column), at);
    return store_row_is_null(row, column)
               ? json_new(p->arena, JSON_NULL)
               : json_new_str(p->arena, slice_str(arena_strdup(p->arena, at)));
}

static bool add_row(struct person *p, struct json *row)
{
    bool fits = p->rows->count < PERSON_ROWS_MAX;
    p->truncated |= !fits;
    if (fits)
        json_add(p->arena, p->rows, NULL, row);
    return fits;
}

static bool take_file(void *arg, const struct store_row *row)
{
    struct person *p = arg;
    struct json *file = json_new(p->arena, JSON_OBJECT);
    json_add(p->arena, file, "id", id_of(p, row, 0));
    json_add(p->arena, file, "name", text_of(p, row, 1));
    json_add(p->arena, file, "type", text_of(p, row, 2));
    json_add(p->arena, file, "bytes", json_new_int(p->arena, store_row_int(row, 3)));
    json_add(p->arena, file, "created_at", time_of(p, row, 4));
    json_add(p->arena, file, "entity", text_of(p, row, 5));
    json_add(p->arena, file, "record", id_of(p, row, 6));
    return add_row(p, file);
}

static enum err read_rows(struct person *p, const char *table, const char *const *columns,
                          const char *list, const struct expr *where, store_row_cb cb)
{
    struct query_column select[8];
    const struct query_order oldest = {.column = {0, columns[0]}};
    int count = 0;
    for (; columns[count]; count++) {
        ASSERT(count < 8);
        select[count] = (struct query_column){.column = {0, columns[count]}};
    }
    p->rows = list_of(p, p->doc, list);
    struct query query = {.table = table,
                          .select = select,
                          .select_count = count,
                          .where = where,
                          .order = &oldest,
                          .order_count = 1};
    return store_read(p->ctx->tenant->store, &query, cb, p);
}

static enum err add_files(struct person *p)
{
    static const char *const columns[] = {"id",         "name",   "type",   "bytes",
                                          "created_at", "entity", "record", NULL};
    struct value *ids = arena_array(p->arena, struct value, (size_t)p->seen_count + 1);
    const struct expr *any = expr_new(p->arena, EXPR_FALSE);
    for (int i = 0; i < p->seen_count; i++)
        ids[i] = value_int(p->seen[i]);
    for (int i = 0; i < p->seen_count; i += STORE_IN_MAX) {
        int left = p->seen_count - i, count = left < STORE_IN_MAX ? left : STORE_IN_MAX;
        any = expr_or(p->arena, any, expr_in(p->arena, "record", ids + i, count));
    }
    return read_rows(p, "file", columns, "files", any, take_file);
}

static bool take_letter(void *arg, const struct store_row *row)
{
    struct person *p = arg;
    const struct json *body;
    struct json *letter = json_new(p->arena, JSON_OBJECT);
    if (json_parse(p->arena, arena_slice(p->arena, store_row_bytes(row, 1)), &body, NULL))
        return true;
    json_add(p->arena, letter, "id", id_of(p, row, 0));
    static const char *const members[] = {"to", "template", "subject", "text", NULL};
    for (const char *const *name = members; *name; name++)
        if (json_get(body, *name))
            json_add(p->arena, letter, *name, json_copy(p->arena, json_get(body, *name)));
    json_add(p->arena, letter, "state", text_of(p, row, 2));
    json_add(p->arena, letter, "created_at", time_of(p, row, 3));
    json_add(p->arena, letter, "finished_at", time_of(p, row, 4));
    return add_row(p, letter);
}

static enum err add_letters(struct person *p)
{
    static const char *const columns[] = {"id", "body", "state", "created_at", "finished_at", NULL};
    struct erased found;
    struct arena *a = p->arena;
    const struct expr *any = expr_new(a, EXPR_FALSE);
    enum err e = erase_needles_of(p->ctx, p->entity, p->id, &found);
    int addresses = 0;
    for (int i = 0; i < found.needles_count && !e; i++)
        if (strchr(found.needles[i].text, '@') && ++addresses <= PERSON_ADDRESSES_MAX)
            any = expr_or(
                a, any,
                expr_cmp(a, EXPR_CONTAINS, "body", value_text(slice_str(found.needles[i].text))));
    p->truncated |= addresses > PERSON_ADDRESSES_MAX;
    const struct expr *of_queue = expr_cmp(a, EXPR_EQ, "queue", value_text(SLICE(POST_QUEUE)));
    return e ? e : read_rows(p, "job", columns, "letters", expr_and(a, of_queue, any), take_letter);
}

static bool take_access(void *arg, const struct store_row *row)
{
    struct person *p = arg;
    struct json *access = json_new(p->arena, JSON_OBJECT);
    json_add(p->arena, access, "seq", json_new_int(p->arena, store_row_int(row, 0)));
    json_add(p->arena, access, "at", time_of(p, row, 1));
    json_add(p->arena, access, "actor", id_of(p, row, 2));
    json_add(p->arena, access, "action", text_of(p, row, 3));
    json_add(p->arena, access, "detail", text_of(p, row, 4));
    return add_row(p, access);
}

static enum err add_access(struct person *p)
{
    static const char *const columns[] = {"seq", "at", "actor", "action", "detail", NULL};
    struct arena *a = p->arena;
    const struct expr *of_it =
        expr_and(a, expr_cmp(a, EXPR_EQ, "entity", value_text(slice_str(p->entity->name))),
                 expr_cmp(a, EXPR_EQ, "record", value_int(p->id)));
    return read_rows(p, "audit", columns, "access", of_it, take_access);
}

/* --- the document -------------------------------------------------------------------------------
 */

enum err person_export(struct ctx *ctx, const struct entity *entity, int64_t id,
                       const struct json *sealed, const struct json **out)
{
    ASSERT(ctx && ctx->model && entity && out);
    struct arena *a = ctx->arena;
    struct person *p = arena_make(a, struct person);
    char at[25];
    bool before = ctx->as_system;
    *p = (struct person){.ctx = ctx, .arena = a, .entity = entity, .id = id};
    p->doc = json_new(a, JSON_OBJECT);
    p->related = json_new(a, JSON_OBJECT);
    p->seen[p->seen_count++] = id;
    ctx->as_system = true;
    time_text(ctx->now_ms, at);
    json_add(a, p->doc, "exported_at", json_new_str(a, slice_str(arena_strdup(a, at))));
    json_add(a, p->doc, "company",
             json_new_str(a, slice_str(ctx->tenant->title ? ctx->tenant->title : "")));
    json_add(a, p->doc, "entity", json_new_str(a, slice_str(entity->name)));
    const struct json *record = NULL;
    enum err e = read_one(p, entity, id, &record);
    if (!e) {
        json_add(a, p->doc, "record", (struct json *)record);
        json_add(a, p->doc, "sealed", sealed ? json_copy(a, sealed) : json_new(a, JSON_NULL));
        e = follow_all(p, entity, id, 0);
    }
    if (!e) {
        json_add(a, p->doc, "related", p->related);
        e = add_history(p);
    }
    if (!e)
        e = add_files(p);
    if (!e)
        e = add_letters(p);
    if (!e)
        e = add_access(p);
    ctx->as_system = before;
    json_add(a, p->doc, "truncated", json_new_bool(a, p->truncated));
    *out = p->doc;
    return e;
}
