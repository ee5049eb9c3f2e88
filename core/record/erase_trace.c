/* erase_trace - see erase.h: what is found of a person outside of the records.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/id.h"
#include "base/text.h"
#include "base/tuning.h"
#include "hook/job.h"
#include "hook/outbox.h"
#include "hook/post.h"
#include "record/blob.h"
#include "record/erase_in.h"
#include "record/model.h"
#include "record/record_in.h"
#include "tenant/folder.h"

#define NEEDLE_BYTES_MIN 3

void erase_needle_add(struct erasing *x, struct slice text, bool is_name)
{
    struct erased *out = x->out;
    text = slice_trim(text);
    if (text.len < NEEDLE_BYTES_MIN || (is_name && text_chars(text) < 2))
        return;
    for (int i = 0; i < out->needles_count; i++)
        if (slice_is(text, out->needles[i].text))
            return;
    struct arena *a = x->ctx->arena;
    size_t count = (size_t)out->needles_count;
    if ((count & (count - 1)) == 0) /* full: it doubles */
        out->needles = arena_grow(a, out->needles, count * sizeof *out->needles,
                                  (count ? 2 * count : 1) * sizeof *out->needles);
    out->needles[out->needles_count++] = (struct erase_needle){arena_str(a, text), is_name};
}

bool erase_is_trace(const struct erased *erased, struct slice bytes)
{
    for (int i = 0; i < erased->needles_count; i++) {
        const char *text = erased->needles[i].text;
        if (bytes.len && memmem(bytes.at, bytes.len, text, strlen(text)))
            return true;
    }
    return false;
}

/* --- files --------------------------------------------------------------------------------------
 */

struct rows {
    struct erasing *x;
    struct arena *arena;
    const char **hashes;
    int count;
};

static bool take_hash(void *arg, const struct store_row *row)
{
    struct rows *rows = arg;
    struct slice hash = store_row_bytes(row, 0);
    if (hash.len != BLOB_HASH_LEN)
        return true;
    rows->hashes = arena_grow(rows->arena, rows->hashes, (size_t)rows->count * sizeof(char *),
                              ((size_t)rows->count + 1) * sizeof(char *));
    rows->hashes[rows->count++] = arena_str(rows->arena, hash);
    return true;
}

static enum err drop_files(struct ctx *ctx, const struct expr *where, struct erased *out)
{
    static const struct query_column columns[] = {{.column = {0, "hash"}}};
    struct query query = {.table = "file", .select = columns, .select_count = 1, .where = where};
    struct rows rows = {NULL, ctx->arena, out->hashes, out->hashes_count};
    enum err e = store_read(ctx->tenant->store, &query, take_hash, &rows);
    out->hashes = rows.hashes;
    out->hashes_count = rows.count;
    return e ? e : store_delete(ctx->tenant->store, "file", where, NULL);
}

enum err erase_files_of(struct erasing *x, const struct entity *entity, int64_t id)
{
    struct arena *a = x->ctx->arena;
    const struct expr *of_it =
        expr_and(a, expr_cmp(a, EXPR_EQ, "record", value_int(id)),
                 expr_cmp(a, EXPR_EQ, "entity", value_text(slice_str(entity->name))));
    return drop_files(x->ctx, of_it, x->out);
}

enum err erase_files(struct ctx *ctx, const int64_t *ids, int count, struct erased *out)
{
    enum err e = ERR_OK;
    for (int i = 0; i < count && !e; i++)
        e = drop_files(ctx, record_has_id(ctx->arena, ids[i]), out);
    return e;
}

enum err erase_bytes(struct ctx *ctx, const struct erased *erased)
{
    ASSERT(store_in_write(ctx->tenant->store));
    enum err e = ERR_OK;
    for (int i = 0; i < erased->hashes_count && !e; i++) {
        int64_t named = 0;
        const struct expr *same =
            expr_cmp(ctx->arena, EXPR_EQ, "hash", value_text(slice_str(erased->hashes[i])));
        e = store_count(ctx->tenant->store, "file", same, 1, &named);
        if (!e && !named && unlink(blob_path(ctx->tenant, ctx->arena, erased->hashes[i])) != 0 &&
            errno != ENOENT)
            e = folder_err(errno);
    }
    return e;
}

/* --- by the record ------------------------------------------------------------------------------
 */

/* The answers that wait to be given again may hold it; they are worth a day at most. */
static enum err forget_answers(struct ctx *ctx)
{
    const struct expr *all = expr_cmp(ctx->arena, EXPR_GTE, "at", value_int(0));
    return store_delete(ctx->tenant->store, "idem", all, NULL);
}

/* Deliveries, also dead letters, carry the record as it was. What other systems were told before
 * cannot be called back. */
static enum err forget_deliveries(struct erasing *x, const struct entity *entity, int64_t id)
{
    struct ctx *ctx = x->ctx;
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    const char *end = arena_printf(ctx->arena, "@%s/%s", entity->name, text);
    const char *member = arena_printf(ctx->arena, "\"record\":%lld", (long long)id);
    const struct expr *stream =
        expr_cmp(ctx->arena, EXPR_CONTAINS, "stream", value_text(slice_str(end)));
    const struct expr *body =
        expr_cmp(ctx->arena, EXPR_CONTAINS, "body", value_text(slice_str(member)));
    const struct expr *queue =
        expr_cmp(ctx->arena, EXPR_EQ, "queue", value_text(SLICE(OUTBOX_QUEUE)));
    const struct expr *of_it = expr_and(ctx->arena, queue, expr_or(ctx->arena, stream, body));
    return store_delete(ctx->tenant->store, "job", of_it, NULL);
}

static enum err forget_imports(struct erasing *x, int64_t id)
{
    struct ctx *ctx = x->ctx;
    struct store_set sets[] = {{"before", value_null(), false}, {"reason", value_null(), false}};
    const struct expr *of_it = expr_cmp(ctx->arena, EXPR_EQ, "record", value_int(id));
    return store_update(ctx->tenant->store, "import_item", of_it, sets, 2, NULL, NULL);
}

static enum err forget_told(struct erasing *x, const struct expr *where)
{
    const struct entity *entity = model_entity(x->ctx->model, SLICE("notification"));
    int64_t changed = 0;
    enum err e = store_delete(x->ctx->tenant->store, entity->table, where, &changed);
    x->out->traces += changed;
    return e;
}

static const char *column(const struct entity *entity, const char *field)
{
    return entity_field(entity, slice_str(field))->column;
}

enum err erase_traces_of(struct erasing *x, const struct entity *entity, int64_t id)
{
    struct arena *a = x->ctx->arena;
    const struct entity *told = model_entity(x->ctx->model, SLICE("notification"));
    ASSERT(told);
    const struct field *about = entity_field(told, SLICE("about"));
    enum err e = forget_deliveries(x, entity, id);
    if (!e)
        e = forget_imports(x, id);
    if (!e)
        e = forget_told(x,
                        expr_and(a, expr_cmp(a, EXPR_EQ, told->columns[about->slot], value_int(id)),
                                 expr_cmp(a, EXPR_EQ, told->columns[about->slot + 1],
                                          value_text(slice_str(entity->name)))));
    return e;
}

/* --- by what a person is called -----------------------------------------------------------------
 */

/* A few needles at a time: one look at a table finds all of them. */
struct sought {
    const char *texts[ERASE_NEEDLES_AT_ONCE];
    int count;
};

static const struct expr *holds(struct arena *a, const char *name, const struct sought *sought)
{
    const struct expr *any = NULL;
    for (int i = 0; i < sought->count; i++)
        any = expr_or(a, any,
                      expr_cmp(a, EXPR_CONTAINS, name, value_text(slice_str(sought->texts[i]))));
    return any;
}

static enum err drop_rows(struct erasing *x, const char *table, const struct expr *where)
{
    int64_t changed = 0;
    enum err e = store_delete(x->ctx->tenant->store, table, where, &changed);
    x->out->traces += changed;
    return e;
}

static enum err empty_column(struct erasing *x, const char *table, const char *name,
                             const struct expr *where)
{
    int64_t changed = 0;
    const struct store_set set = {name, value_null(), false};
    enum err e = store_update(x->ctx->tenant->store, table, where, &set, 1, &changed, NULL);
    x->out->traces += changed;
    return e;
}

/* What has ended is a log. What waits is given up where it is a letter to that address or has that
 * number among its arguments; one that only shares the name goes on. What runs this very moment
 * ends as it would have: its row is found by the next erasure, and letters forget what they said.
 */
static enum err forget_jobs(struct erasing *x, const struct sought *t, bool is_name)
{
    struct arena *a = x->ctx->arena;
    const struct expr *any = expr_or(a, expr_or(a, holds(a, "body", t), holds(a, "result", t)),
                                     expr_or(a, holds(a, "dedupe", t), holds(a, "stream", t)));
    static const char *const over[] = {"done", "dead", "cancelled"};
    struct value states[3];
    for (int i = 0; i < 3; i++)
        states[i] = value_text(slice_str(over[i]));
    const struct expr *ended = expr_in(a, "state", states, 3);
    const struct expr *idle =
        expr_and(a, expr_cmp(a, EXPR_NE, "state", value_text(SLICE("leased"))),
                 expr_cmp(a, EXPR_NE, "state", value_text(SLICE("stopping"))));
    return drop_rows(x, "job", expr_and(a, is_name ? ended : idle, any));
}

static enum err forget_reasons(struct erasing *x, const struct sought *t)
{
    struct arena *a = x->ctx->arena;
    enum err e = empty_column(x, "import_item", "reason", holds(a, "reason", t));
    if (!e)
        e = empty_column(x, "trip", "why", holds(a, "why", t));
    if (!e)
        e = empty_column(x, "schedule", "last_error", holds(a, "last_error", t));
    return e ? e : drop_rows(x, "view", holds(a, "body", t));
}

/* Rows of entities that are nothing but traces: delivery logs, snapshots. */
static enum err forget_trace_rows(struct erasing *x, const struct entity *entity,
                                  const struct sought *t)
{
    struct arena *a = x->ctx->arena;
    const struct expr *any = NULL;
    for (int i = SLOT_FIELDS; i < entity->fields_count; i++) {
        const struct field *field = entity->fields[i];
        if (!field->is_system && field->type->columns == 1 && field->type->stores[0] == VALUE_TEXT)
            any = expr_or(a, any, holds(a, entity->columns[field->slot], t));
    }
    int64_t *ids, last = 0;
    int count = 0;
    enum err e = ERR_OK;
    while (any && !e) {
        const struct expr *next = expr_cmp(a, EXPR_GT, "id", value_int(last));
        e = record_ids(x->ctx, entity->table, expr_and(a, any, next), REFERRERS_MAX, &ids, &count);
        for (int i = 0; i < count && !e; i++)
            e = erase_trace(x, entity, ids[i]);
        if (count < REFERRERS_MAX)
            break;
        last = ids[count - 1];
    }
    return e;
}

static enum err forget_all_trace_rows(struct erasing *x, const struct sought *t)
{
    const struct model *model = x->ctx->model;
    enum err e = ERR_OK;
    for (int i = 0; i < model->entities_count && !e; i++)
        if (json_bool(model->entity_list[i]->declared, "traces", false))
            e = forget_trace_rows(x, model->entity_list[i], t);
    return e;
}

/* Names and the rest apart: names find less. */
static enum err forget_needles(struct erasing *x, const struct sought *t, bool is_name)
{
    struct arena *a = x->ctx->arena;
    const struct entity *told = model_entity(x->ctx->model, SLICE("notification"));
    enum err e = forget_jobs(x, t, is_name);
    if (!e)
        e = forget_told(
            x, expr_or(a, holds(a, column(told, "title"), t), holds(a, column(told, "body"), t)));
    if (!e && !is_name)
        e = drop_rows(x, "kv", expr_or(a, holds(a, "key", t), holds(a, "value", t)));
    if (!e)
        e = forget_reasons(x, t);
    return e ? e : forget_all_trace_rows(x, t);
}

static enum err forget_all_needles(struct erasing *x, bool is_name)
{
    struct sought sought = {.count = 0};
    enum err e = ERR_OK;
    for (int i = 0; i < x->out->needles_count && !e; i++) {
        if (x->out->needles[i].is_name != is_name)
            continue;
        sought.texts[sought.count++] = x->out->needles[i].text;
        if (sought.count < ERASE_NEEDLES_AT_ONCE)
            continue;
        e = forget_needles(x, &sought, is_name);
        sought.count = 0;
    }
    return e || !sought.count ? e : forget_needles(x, &sought, is_name);
}

/* The records themselves are needles in logs of deliveries: those name records by their ids. */
static enum err forget_logs(struct erasing *x, int known)
{
    enum err e = ERR_OK;
    for (int i = 0; i < known && !e; i += ERASE_NEEDLES_AT_ONCE) {
        struct sought sought = {.count = 0};
        for (int k = i; k < known && sought.count < ERASE_NEEDLES_AT_ONCE; k++) {
            char text[ID_TEXT_LEN + 1];
            id_text(x->seen[k].id, text);
            sought.texts[sought.count++] = arena_strdup(x->ctx->arena, text);
        }
        e = forget_all_trace_rows(x, &sought);
    }
    return e;
}

enum err erase_traces(struct erasing *x)
{
    int known = x->seen_count;
    enum err e = forget_answers(x->ctx);
    if (!e)
        e = forget_all_needles(x, false);
    if (!e)
        e = forget_all_needles(x, true);
    return e ? e : forget_logs(x, known);
}
