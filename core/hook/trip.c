/* trip - see trip.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hook/trip.h"

#include "base/limits.h"
#include "base/text.h"
#include "store/query.h"

#include <string.h>

static const char *const columns[] = {"name",     "errors",    "errors_at", "kills",
                                      "kills_at", "paused_at", "why",       "paused_by"};
enum {
    TRIP_NAME,
    TRIP_ERRORS,
    TRIP_ERRORS_AT,
    TRIP_KILLS,
    TRIP_KILLS_AT,
    TRIP_PAUSED_AT,
    TRIP_WHY,
    TRIP_PAUSED_BY,
    TRIP_COLUMNS
};

struct row {
    struct trip trip;
    int64_t errors_at_ms, kills_at_ms;
    bool is_there;
};

struct search {
    struct arena *arena;
    struct row row;
    bool (*cb)(void *arg, const struct trip *trip); /* NULL: only the first is taken */
    void *arg;
};

static bool take(void *arg, const struct store_row *row)
{
    struct search *search = arg;
    struct row *out = &search->row;
    out->is_there = true;
    out->trip.name = arena_str(search->arena, store_row_bytes(row, TRIP_NAME));
    out->trip.errors = (int)store_row_int(row, TRIP_ERRORS);
    out->trip.kills = (int)store_row_int(row, TRIP_KILLS);
    out->trip.paused_at_ms = store_row_int(row, TRIP_PAUSED_AT);
    out->trip.why = store_row_is_null(row, TRIP_WHY)
                        ? NULL
                        : arena_str(search->arena, store_row_bytes(row, TRIP_WHY));
    out->trip.paused_by = store_row_int(row, TRIP_PAUSED_BY);
    out->errors_at_ms = store_row_int(row, TRIP_ERRORS_AT);
    out->kills_at_ms = store_row_int(row, TRIP_KILLS_AT);
    return search->cb ? search->cb(search->arg, &out->trip) : false;
}

static enum err read_rows(struct ctx *ctx, const struct expr *where, struct search *search)
{
    struct query_column select[TRIP_COLUMNS] = {0};
    for (int i = 0; i < TRIP_COLUMNS; i++)
        select[i].column.column = columns[i];
    struct query_order order = {.column = {0, "name"}};
    struct query query = {.table = "trip",
                          .select = select,
                          .select_count = TRIP_COLUMNS,
                          .where = where,
                          .order = &order,
                          .order_count = 1,
                          .limit = search->cb ? TRIPS_LISTED_MAX : 1};
    search->arena = ctx->arena;
    return store_read(ctx->tenant->store, &query, take, search);
}

static enum err load(struct ctx *ctx, const char *name, struct row *out)
{
    struct search search = {0};
    const struct expr *where = expr_cmp(ctx->arena, EXPR_EQ, "name", value_text(slice_str(name)));
    enum err e = read_rows(ctx, where, &search);
    if (e)
        return e;
    *out = search.row;
    out->trip.name = name;
    return ERR_OK;
}

static enum err save(struct ctx *ctx, const struct row *row)
{
    const struct trip *trip = &row->trip;
    struct slice why = slice_str(trip->why ? trip->why : "");
    if (why.len > TRIP_WHY_BYTES_MAX) {
        why.len = TRIP_WHY_BYTES_MAX;
        while (why.len && !text_is_utf8(why))
            why.len--; /* cut inside a character */
    }
    struct store_set sets[] = {
        {"name", value_text(slice_str(trip->name)), false},
        {"errors", value_int(trip->errors), false},
        {"errors_at", value_int(row->errors_at_ms), false},
        {"kills", value_int(trip->kills), false},
        {"kills_at", value_int(row->kills_at_ms), false},
        {"paused_at", trip->paused_at_ms ? value_int(trip->paused_at_ms) : value_null(), false},
        {"why", trip->why ? value_text(why) : value_null(), false},
        {"paused_by", trip->paused_by ? value_int(trip->paused_by) : value_null(), false},
    };
    return store_put(ctx->tenant->store, "trip", sets, sizeof sets / sizeof *sets);
}

/* One more within the window, or the first of a new one. */
static int one_more(int count, int64_t *since_ms, int64_t now_ms)
{
    if (count > 0 && now_ms - *since_ms < TRIP_WINDOW_MS)
        return count + 1;
    *since_ms = now_ms;
    return 1;
}

enum err trip_count(struct ctx *ctx, const char *name, enum trip_how how, const char *why,
                    bool *paused)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(name && paused);

    struct row row;
    *paused = false;
    enum err e = load(ctx, name, &row);
    if (e)
        return e;
    if (how == TRIP_KILL)
        row.trip.kills = one_more(row.trip.kills, &row.kills_at_ms, ctx->now_ms);
    else
        row.trip.errors = one_more(row.trip.errors, &row.errors_at_ms, ctx->now_ms);
    row.trip.why = why;
    bool too_many = row.trip.kills >= TRIP_KILLS_MAX || row.trip.errors >= TRIP_ERRORS_MAX;
    bool now = too_many && !row.trip.paused_at_ms;
    if (now)
        row.trip.paused_at_ms = ctx->now_ms;
    e = save(ctx, &row);
    if (!e)
        *paused = now;
    return e;
}

enum err trip_succeeded(struct ctx *ctx, const char *name)
{
    ASSERT(ctx && ctx->tenant && name);
    struct row row;
    enum err e = load(ctx, name, &row);
    if (e || !row.is_there || row.trip.errors == 0)
        return e;
    row.trip.errors = 0;
    return save(ctx, &row);
}

enum err trip_pause(struct ctx *ctx, const char *name, int64_t by, const char *why)
{
    ASSERT(ctx && ctx->tenant && name);
    struct row row;
    enum err e = load(ctx, name, &row);
    if (e || row.trip.paused_at_ms)
        return e;
    row.trip.paused_at_ms = ctx->now_ms;
    row.trip.paused_by = by;
    row.trip.why = why;
    return save(ctx, &row);
}

enum err trip_resume(struct ctx *ctx, const char *name)
{
    ASSERT(ctx && ctx->tenant && name);
    const struct expr *where = expr_cmp(ctx->arena, EXPR_EQ, "name", value_text(slice_str(name)));
    return store_delete(ctx->tenant->store, "trip", where, NULL);
}

static const struct expr *parts_of(struct arena *a, const char *name)
{
    const char *first = arena_printf(a, "%s:", name), *behind = arena_printf(a, "%s;", name);
    return expr_and(a, expr_cmp(a, EXPR_GT, "name", value_text(slice_str(first))),
                    expr_cmp(a, EXPR_LT, "name", value_text(slice_str(behind))));
}

enum err trip_resume_parts(struct ctx *ctx, const char *name)
{
    ASSERT(ctx && ctx->tenant && name);
    return store_delete(ctx->tenant->store, "trip", parts_of(ctx->arena, name), NULL);
}

enum err trip_tidy_parts(struct ctx *ctx, const char *name)
{
    ASSERT(ctx && ctx->tenant && name);
    struct arena *a = ctx->arena;
    const struct value since = value_int(ctx->now_ms - TRIP_WINDOW_MS);
    const struct expr *old = expr_and(a, expr_cmp(a, EXPR_LT, "errors_at", since),
                                      expr_cmp(a, EXPR_LT, "kills_at", since));
    old = expr_and(a, old, expr_cmp(a, EXPR_NULL, "paused_at", value_null()));
    return store_delete(ctx->tenant->store, "trip", expr_and(a, parts_of(a, name), old), NULL);
}

const char *trip_part(const struct trip *trip, const char *name)
{
    size_t len = strlen(name);
    bool is_part = strncmp(trip->name, name, len) == 0 && trip->name[len] == ':';
    return is_part ? trip->name + len + 1 : NULL;
}

enum err trip_load(struct ctx *ctx, const char *name, struct trip *out)
{
    ASSERT(ctx && ctx->tenant);
    ASSERT(name && out);
    struct row row;
    enum err e = load(ctx, name, &row);
    if (!e)
        *out = row.trip;
    return e;
}

enum err trip_list(struct ctx *ctx, bool (*cb)(void *arg, const struct trip *trip), void *arg)
{
    ASSERT(ctx && ctx->tenant && cb);
    struct search search = {.cb = cb, .arg = arg};
    return read_rows(ctx, expr_cmp(ctx->arena, EXPR_NOT_NULL, "paused_at", value_null()), &search);
}
