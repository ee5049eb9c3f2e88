/* erasing - see erasing.h.
 *
 * Files that hang on no record (old exports, what was uploaded to be imported) are searched for the
 * person outside of the write turn, because there may be many; rows and bytes go inside of one. A
 * table that is packed (xlsx) cannot be searched for a text, so it goes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/erasing.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "api/admin.h"
#include "auth/audit.h"
#include "base/limits.h"
#include "record/blob.h"
#include "record/model.h"
#include "store/query.h"
#include "tenant/erasures.h"
#include "tenant/folder.h"

struct loose {
    int64_t id;
    const char *name, *hash;
};

struct forgetting {
    const struct erasing_order *order;
    struct erased erased;
    struct loose loose[ERASE_FILES_PAGE]; /* files that hang on no record: a page of them */
    int loose_count;
    struct arena *arena; /* of the page */
    int64_t gone[ERASE_FILES_PAGE];
    int gone_count;
};

/* --- the store ----------------------------------------------------------------------------------
 */

static enum err audit(struct ctx *ctx, const struct erasing_order *order)
{
    struct buf detail = BUF_INIT;
    buf_put_str(&detail, "{\"reason\":");
    json_put_cstr(&detail, order->reason);
    buf_put_char(&detail, '}');
    enum err e = audit_put(ctx, "record.erase", order->entity->name, order->record,
                           order->reason ? buf_cstr(&detail) : NULL);
    buf_release(&detail);
    return e;
}

static void answer(struct call *call, const struct erased *erased)
{
    struct buf *out = &call->resp->body;
    buf_clear(out);
    buf_printf(out,
               "{\"erased\":true,\"records\":%lld,\"redacted\":%lld,\"kept\":%lld,\"traces\":%lld}",
               (long long)erased->records, (long long)erased->redacted, (long long)erased->kept,
               (long long)erased->traces);
}

static enum err store_fn(struct call *call, void *arg)
{
    struct forgetting *x = arg;
    struct ctx *ctx = call->ctx;
    struct unit unit;
    bool before = ctx->as_system, admin = false;
    bool is_user = strcmp(x->order->entity->name, "user") == 0;
    enum err e = is_user ? admin_exists(call, &admin) : ERR_OK;
    if (e)
        return e;
    unit_begin(ctx, &unit, NULL); /* no handler is asked: it may not keep what must go */
    ctx->as_system = true;
    e = record_erase(ctx, x->order->entity, x->order->record, &x->erased);
    ctx->as_system = before;
    unit_end(ctx);
    if (!e && is_user)
        e = admin_remains(call, admin);
    if (!e)
        e = audit(ctx, x->order);
    if (!e)
        e = tenant_setting_put(ctx->tenant, TENANT_SCRUB, SLICE("true"));
    if (!e)
        answer(call, &x->erased);
    return e;
}

static enum err bytes_fn(struct ctx *ctx, void *arg)
{
    struct forgetting *x = arg;
    enum err e = erase_files(ctx, x->gone, x->gone_count, &x->erased);
    return e ? e : erase_bytes(ctx, &x->erased);
}

/* --- files that hang on no record ---------------------------------------------------------------
 */

static bool take_loose(void *arg, const struct store_row *row)
{
    struct forgetting *x = arg;
    x->loose[x->loose_count++] =
        (struct loose){store_row_int(row, 0), arena_str(x->arena, store_row_bytes(row, 1)),
                       arena_str(x->arena, store_row_bytes(row, 2))};
    return x->loose_count < ERASE_FILES_PAGE;
}

static enum err read_page(struct call *call, struct forgetting *x, int64_t from)
{
    static const struct query_column columns[] = {
        {.column = {0, "id"}}, {.column = {0, "name"}}, {.column = {0, "hash"}}};
    static const struct query_order oldest[] = {{.column = {0, "id"}}};
    const struct expr *loose =
        expr_and(x->arena, expr_cmp(x->arena, EXPR_NULL, "record", value_null()),
                 expr_cmp(x->arena, EXPR_GT, "id", value_int(from)));
    struct query query = {.table = "file",
                          .select = columns,
                          .select_count = 3,
                          .where = loose,
                          .order = oldest,
                          .order_count = 1};
    x->loose_count = 0;
    return store_read(call->ctx->tenant->store, &query, take_loose, x);
}

static bool holds_person(struct call *call, struct forgetting *x, const struct loose *one)
{
    struct slice bytes;
    if (slice_ends(slice_str(one->name), SLICE(".xlsx")))
        return true; /* packed */
    if (strlen(one->hash) != BLOB_HASH_LEN ||
        blob_map(x->arena, blob_path(call->ctx->tenant, x->arena, one->hash), &bytes))
        return false;
    return erase_is_trace(&x->erased, slice_str(one->name)) || erase_is_trace(&x->erased, bytes);
}

/* One page after the other, so that memory is bounded. */
static enum err forget_loose(struct call *call, struct forgetting *x)
{
    enum err e = ERR_OK;
    int64_t from = 0;
    do {
        x->arena = arena_new();
        x->gone_count = 0;
        e = read_page(call, x, from);
        for (int i = 0; i < x->loose_count && !e; i++)
            if (holds_person(call, x, &x->loose[i]))
                x->gone[x->gone_count++] = x->loose[i].id;
        from = x->loose_count ? x->loose[x->loose_count - 1].id : 0;
        arena_free(x->arena);
        if (!e && (x->gone_count || x->erased.hashes_count))
            e = app_write(call->app, call->ctx, bytes_fn, x);
        x->erased.hashes_count = 0;
    } while (!e && x->loose_count == ERASE_FILES_PAGE);
    return e;
}

/* Uploads of imports and the rows that failed. Their records can still be taken back. */
static enum err forget_imports(struct call *call, struct forgetting *x)
{
    struct ctx *ctx = call->ctx;
    const char **names = NULL, *place = tenant_path(ctx->tenant, ctx->arena, "files", "imports");
    int count = 0;
    if (!folder_exists(place))
        return ERR_OK;
    enum err e = folder_names(ctx->arena, place, &names, &count);
    for (int i = 0; i < count && !e; i++) {
        struct arena *arena = arena_new();
        const char *path = arena_printf(arena, "%s/%s", place, names[i]);
        struct slice bytes;
        if (blob_map(arena, path, &bytes) == ERR_OK && erase_is_trace(&x->erased, bytes) &&
            unlink(path) != 0)
            e = folder_err(errno);
        arena_free(arena);
    }
    return e;
}

/* --- the order of things ------------------------------------------------------------------------
 */

enum err erasing_run(struct call *call, const struct erasing_order *order)
{
    struct ctx *ctx = call->ctx;
    struct forgetting *x = arena_make(ctx->arena, struct forgetting);
    x->order = order;
    const struct erasure note = {ctx->now_ms, order->record, order->entity->name};
    enum err e = erasures_note(call->app->config->data, ctx->tenant->name, &note);
    if (!e)
        e = call_write(call, store_fn, x);
    if (!e)
        e = forget_loose(call, x);
    if (!e)
        e = forget_imports(call, x);
    if (!e) { /* beside a server its owner does it, soon (process/worker.c) */
        e = store_scrub(ctx->tenant->store);
        e = e == ERR_FORBIDDEN ? ERR_OK : e;
    }
    return e;
}
