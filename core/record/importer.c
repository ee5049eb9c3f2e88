/* importer - see importer.h: the file, the steps, and where they stand.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/actor.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "record/importer_in.h"
#include "record/model.h"

/* --- beginning --- */

static enum err read_header(struct ctx *ctx, struct importer *importer)
{
    enum err e = csv_new(importer->source, &importer->csv);
    if (e)
        return err_say(&ctx->err, e, "bad_csv", NULL);
    e = csv_next(importer->csv, importer->arena, &importer->header, &importer->header_count);
    if (e)
        return err_say(&ctx->err, e, "bad_csv", NULL);
    if (importer->header_count == 0 || importer->header_count > IMPORT_COLUMNS_MAX)
        return err_say(&ctx->err, ERR_MALFORMED, "bad_csv_header", NULL);
    importer->first_offset = csv_offset(importer->csv);
    importer->first_line = csv_offset_line(importer->csv);
    return ERR_OK;
}

enum err importer_new(struct ctx *ctx, const struct entity *entity, struct slice source,
                      const struct importer_options *options, struct importer **out)
{
    ASSERT(ctx && ctx->model && entity);
    ASSERT(options && out);
    enum err e = rights_action(ctx, entity, ROLE_IMPORT);
    if (e)
        return e;
    struct arena *arena = arena_new();
    struct importer *importer = arena_make(arena, struct importer);
    importer->arena = arena;
    importer->model = ctx->model;
    importer->model_serial = ctx->model->serial;
    importer->entity = entity;
    importer->options = *options;
    importer->options.match = arena_strdup(arena, options->match);
    if (options->mapping)
        importer->options.mapping = json_copy(arena, options->mapping);
    importer->source = source;
    importer->pass = 1;
    map_init(&importer->dry, arena);
    importer->row_arena = arena_new();
    importer->refs_arena = arena_new();
    e = read_header(ctx, importer);
    if (!e)
        e = importer_map(ctx, importer);
    if (e)
        importer_free(importer);
    else
        *out = importer;
    return e;
}

void importer_free(struct importer *importer)
{
    if (!importer)
        return;
    csv_free(importer->csv);
    arena_free(importer->row_arena);
    arena_free(importer->refs_arena);
    arena_free(importer->arena);
}

const struct importer_counts *importer_counts(const struct importer *importer)
{
    return &importer->counts;
}

int importer_progress(const struct importer *importer)
{
    if (importer->pass > 2 || importer->source.len == 0)
        return 100;
    int64_t percent = csv_offset(importer->csv) * 100 / (int64_t)importer->source.len;
    int share = importer->has_late && !importer->options.dry_run ? 2 : 1;
    return (int)(percent + (importer->pass - 1) * 100) / share;
}

/* --- where it stands --- */

static void put_counts(const struct importer *importer, int64_t line, struct buf *b)
{
    const struct importer_counts *c = &importer->counts;
    buf_printf(b,
               "{\"rows\":%lld,\"created\":%lld,\"updated\":%lld,\"skipped\":%lld,"
               "\"failed\":%lld,\"line\":%lld,\"pass\":%d}",
               (long long)c->rows, (long long)c->created, (long long)c->updated,
               (long long)c->skipped, (long long)c->failed, (long long)line, importer->pass);
}

static enum err keep_progress(struct ctx *ctx, struct importer *importer)
{
    struct buf counts = BUF_INIT;
    put_counts(importer, csv_offset_line(importer->csv), &counts);
    struct store_set sets[] = {
        {"state", value_text(slice_str(importer->pass > 2 ? "done" : "running")), false},
        {"counts", value_text(buf_slice(&counts)), false},
        {"cursor", value_int(csv_offset(importer->csv)), false},
    };
    enum err e = store_update(ctx->tenant->store, "import",
                              record_has_id(ctx->arena, importer->batch), sets, 3, NULL, NULL);
    buf_release(&counts);
    return e;
}

struct progress {
    bool found;
    int64_t cursor;
    const char *counts;
    struct arena *arena;
};

static bool take_progress(void *arg, const struct store_row *row)
{
    struct progress *progress = arg;
    progress->found = true;
    progress->cursor = store_row_int(row, 0);
    progress->counts = arena_str(progress->arena, store_row_bytes(row, 1));
    return false;
}

/* What was committed counts, not what this process remembers: a step may have been rolled back. */
static enum err load_progress(struct ctx *ctx, struct importer *importer, int64_t batch)
{
    struct progress progress = {.arena = ctx->arena};
    const struct json *counts;
    struct query_column select[] = {{.column = {0, "cursor"}}, {.column = {0, "counts"}}};
    struct query query = {.table = "import",
                          .select = select,
                          .select_count = 2,
                          .where = record_has_id(ctx->arena, batch),
                          .limit = 1};
    enum err e = store_read(ctx->tenant->store, &query, take_progress, &progress);
    if (e)
        return e;
    if (!progress.found)
        return ERR_NOT_FOUND;
    struct slice text = *progress.counts ? slice_str(progress.counts) : SLICE("{}");
    if (json_parse(ctx->arena, text, &counts, NULL))
        return ERR_CORRUPT;
    if (progress.cursor < importer->first_offset) /* recorded, but not begun */
        progress.cursor = importer->first_offset;
    importer->counts = (struct importer_counts){
        .rows = json_int(counts, "rows", 0),
        .created = json_int(counts, "created", 0),
        .updated = json_int(counts, "updated", 0),
        .skipped = json_int(counts, "skipped", 0),
        .failed = json_int(counts, "failed", 0),
    };
    importer->pass = (int)json_int(counts, "pass", 1);
    if (!progress.cursor) /* no row was read yet */
        progress.cursor = importer->first_offset;
    if (progress.cursor != csv_offset(importer->csv))
        csv_seek(importer->csv, progress.cursor, json_int(counts, "line", importer->first_line));
    return ERR_OK;
}

enum err importer_begin(struct ctx *ctx, struct importer *importer, int64_t *batch)
{
    ASSERT(importer && batch);
    ASSERT(!importer->options.dry_run);
    struct buf mapping = BUF_INIT, counts = BUF_INIT;
    if (*batch) {
        importer->batch = *batch;
        return load_progress(ctx, importer, *batch);
    }
    int64_t id = id_next(), actor = ctx->actor ? ctx->actor->user : 0;
    if (importer->options.mapping)
        json_put(&mapping, importer->options.mapping);
    put_counts(importer, importer->first_line, &counts);
    struct store_set sets[] = {
        {"id", value_int(id), false},
        {"entity", value_text(slice_str(importer->entity->name)), false},
        {"mapping", mapping.len ? value_text(buf_slice(&mapping)) : value_null(), false},
        {"state", value_text(SLICE("running")), false},
        {"counts", value_text(buf_slice(&counts)), false},
        {"cursor", value_int(importer->first_offset), false},
        {"created_by", actor ? value_int(actor) : value_null(), false},
        {"created_at", value_int(ctx->now_ms), false},
    };
    enum err e = store_insert(ctx->tenant->store, "import", sets, sizeof sets / sizeof *sets, NULL);
    buf_release(&mapping);
    buf_release(&counts);
    if (!e)
        *batch = importer->batch = id;
    return e;
}

/* --- steps --- */

static void next_pass(struct importer *importer)
{
    bool again = importer->pass == 1 && importer->has_late && !importer->options.dry_run;
    importer->pass = again ? 2 : 3;
    if (again)
        csv_seek(importer->csv, importer->first_offset, importer->first_line);
}

void importer_watch(struct importer *importer, bool (*is_wanted)(void *arg), void *arg)
{
    importer->is_wanted = is_wanted;
    importer->wanted_arg = arg;
}

static bool is_over(const struct importer *importer, int64_t begun_us, int64_t until_us)
{
    int64_t now_us = clock_mono_us();
    if (until_us && now_us >= until_us)
        return true;
    return importer->is_wanted && now_us - begun_us >= TURN_YIELD_US &&
           importer->is_wanted(importer->wanted_arg);
}

static enum err run_rows(struct ctx *ctx, struct importer *importer, int rows, int64_t until_us,
                         struct buf *reasons)
{
    int64_t begun_us = clock_mono_us();
    for (int n = 0; n < rows && importer->pass <= 2; n++) {
        struct slice *cells = NULL;
        int count = 0;
        if (n > 0 && is_over(importer, begun_us, until_us))
            break;
        arena_clear(importer->row_arena);
        enum err e = csv_next(importer->csv, importer->row_arena, &cells, &count);
        if (e == ERR_MALFORMED || e == ERR_TOO_LARGE) {
            if (importer->pass == 1)
                importer_bad_row(importer, csv_why(importer->csv), reasons);
            continue;
        }
        if (e)
            return e;
        if (count == 0) {
            next_pass(importer);
            continue;
        }
        e = importer_row(ctx, importer, cells, count, reasons);
        if (e)
            return e;
    }
    return ERR_OK;
}

enum err importer_step(struct ctx *ctx, struct importer *importer, int rows, int64_t until_us,
                       struct buf *reasons, bool *done)
{
    ASSERT(ctx && ctx->unit && importer);
    ASSERT(rows > 0 && reasons && done);
    struct store *store = ctx->tenant->store;
    bool dry = importer->options.dry_run;
    ASSERT(dry || importer->batch); /* importer_begin comes first */
    if (importer->model_serial != ctx->model->serial)
        return err_say(&ctx->err, ERR_BUSY, "model_changed", NULL);
    enum err e = dry ? store_savepoint(store) : load_progress(ctx, importer, importer->batch);
    if (e)
        return e;
    bool skipped = ctx->unit->skip_after;
    ctx->unit->skip_after = skipped || !importer->options.keep_automation;
    arena_clear(importer->refs_arena);
    map_init(&importer->refs, importer->refs_arena);
    e = run_rows(ctx, importer, rows, until_us, reasons);
    ctx->unit->skip_after = skipped;
    if (!e && !dry)
        e = keep_progress(ctx, importer);
    if (dry) /* hands ERR_BUSY on once everything has been taken back */
        e = e ? store_savepoint_end(store, e)
              : (store_savepoint_end(store, ERR_BUSY) == ERR_BUSY ? ERR_OK : ERR_IO);
    if (!e)
        *done = importer->pass > 2;
    return e;
}
