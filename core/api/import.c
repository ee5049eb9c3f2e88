/* import - rows of table `import`; see import.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/import.h"
#include "auth/row.h"
#include "base/id.h"

static const char *const MODES[] = {
    [IMPORT_CREATE] = "create", [IMPORT_UPDATE] = "update", [IMPORT_UPSERT] = "upsert"};

const char *import_mode_name(enum importer_mode mode)
{
    return MODES[mode];
}

bool import_mode_find(struct slice name, enum importer_mode *out)
{
    for (int i = 0; i < 3; i++) {
        if (slice_is(name, MODES[i])) {
            *out = (enum importer_mode)i;
            return true;
        }
    }
    return false;
}

static const char *path_of(const struct tenant *tenant, struct arena *arena, int64_t id,
                           const char *ending)
{
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    return tenant_path(tenant, arena, "files", arena_printf(arena, "imports/%s%s", text, ending));
}

const char *import_path(const struct tenant *tenant, struct arena *arena, int64_t id)
{
    return path_of(tenant, arena, id, ".csv");
}

const char *import_reasons_path(const struct tenant *tenant, struct arena *arena, int64_t id)
{
    return path_of(tenant, arena, id, "-errors.csv");
}

struct importer_options import_options(const struct import *import)
{
    const char *match = import->match ? import->match : json_cstr(import->mapping, "match", NULL);
    return (struct importer_options){.mapping = import->mapping,
                                     .match = match,
                                     .mode = import->mode,
                                     .dry_run = import->dry_run,
                                     .keep_automation = true};
}

/* --- reading --- */

static enum err parse(struct ctx *ctx, const struct value *value, const struct json **out)
{
    *out = NULL;
    if (value->type == VALUE_NULL)
        return ERR_OK;
    return json_parse(ctx->arena, value->bytes, out, NULL) ? ERR_CORRUPT : ERR_OK;
}

static struct importer_counts counts_of(const struct json *json)
{
    return (struct importer_counts){.rows = json_int(json, "rows", 0),
                                    .created = json_int(json, "created", 0),
                                    .updated = json_int(json, "updated", 0),
                                    .skipped = json_int(json, "skipped", 0),
                                    .failed = json_int(json, "failed", 0)};
}

enum err import_read(struct ctx *ctx, int64_t id, struct import *out)
{
    static const char *const columns[] = {"entity", "mapping",    "options",   "state",
                                          "counts", "created_by", "created_at"};
    const struct json *options, *counts;
    struct expr where = row_eq("id", value_int(id));
    struct value v[7];
    struct import import = {.id = id};
    enum err e = row_read(ctx->tenant->store, ctx->arena, "import", columns, 7, &where, v);
    if (!e)
        e = parse(ctx, &v[1], &import.mapping);
    if (!e)
        e = parse(ctx, &v[2], &options);
    if (!e)
        e = parse(ctx, &v[4], &counts);
    if (e)
        return e;
    import.entity = row_text(&v[0]);
    import.state = row_text(&v[3]);
    if (!import.entity || !import.state)
        return ERR_CORRUPT;
    import.created_by = v[5].integer;
    import.created_at_ms = v[6].integer;
    import.job = json_int(options, "job", 0);
    import.lines = json_int(options, "lines", 0);
    import.name = json_cstr(options, "name", NULL);
    import.match = json_cstr(options, "match", NULL);
    import.error = json_cstr(options, "error", NULL);
    import.dry_run = json_bool(options, "dry_run", false);
    (void)import_mode_find(json_str(options, "mode", SLICE("create")), &import.mode);
    import.counts = counts_of(counts);
    import.undone = counts_of(json_get(options, "undone"));
    *out = import;
    return ERR_OK;
}

/* --- writing --- */

void import_put_counts(const struct importer_counts *counts, struct buf *out)
{
    buf_printf(out,
               "{\"rows\":%lld,\"created\":%lld,\"updated\":%lld,\"skipped\":%lld,"
               "\"failed\":%lld}",
               (long long)counts->rows, (long long)counts->created, (long long)counts->updated,
               (long long)counts->skipped, (long long)counts->failed);
}

static void put_text(struct buf *out, const char *key, const char *text)
{
    if (!text)
        return;
    json_put_key(out, key);
    json_put_cstr(out, text);
}

static struct slice options_text(struct arena *arena, const struct import *import)
{
    struct buf b = BUF_INIT;
    buf_printf(&b, "{\"job\":%lld,\"lines\":%lld,\"dry_run\":%s", (long long)import->job,
               (long long)import->lines, import->dry_run ? "true" : "false");
    put_text(&b, "mode", import_mode_name(import->mode));
    put_text(&b, "match", import->match);
    put_text(&b, "name", import->name);
    put_text(&b, "error", import->error);
    json_put_key(&b, "undone");
    import_put_counts(&import->undone, &b);
    buf_put_char(&b, '}');
    struct slice text = arena_slice(arena, buf_slice(&b));
    buf_release(&b);
    return text;
}

static struct slice mapping_text(struct arena *arena, const struct json *mapping)
{
    struct buf b = BUF_INIT;
    json_put(&b, mapping);
    struct slice text = arena_slice(arena, buf_slice(&b));
    buf_release(&b);
    return text;
}

static struct slice counts_text(struct arena *arena, const struct importer_counts *counts)
{
    struct buf b = BUF_INIT;
    import_put_counts(counts, &b);
    struct slice text = arena_slice(arena, buf_slice(&b));
    buf_release(&b);
    return text;
}

#define IMPORT_SETS 4

static void fill_sets(struct ctx *ctx, const struct import *import, struct store_set *sets)
{
    struct arena *arena = ctx->arena;
    struct value mapping = value_null();
    if (import->mapping)
        mapping = value_text(mapping_text(arena, import->mapping));
    sets[0] = (struct store_set){"entity", value_text(slice_str(import->entity)), false};
    sets[1] = (struct store_set){"state", value_text(slice_str(import->state)), false};
    sets[2] = (struct store_set){"options", value_text(options_text(arena, import)), false};
    sets[3] = (struct store_set){"mapping", mapping, false};
}

/* Counts, and no place yet. */
static void fill_start(struct ctx *ctx, const struct import *import, struct store_set *sets)
{
    struct slice counts = counts_text(ctx->arena, &import->counts);
    sets[0] = (struct store_set){"counts", value_text(counts), false};
    sets[1] = (struct store_set){"cursor", value_null(), false};
}

enum err import_insert(struct ctx *ctx, const struct import *import)
{
    ASSERT(store_in_tx(ctx->tenant->store));
    struct store_set sets[IMPORT_SETS + 5] = {
        {"id", value_int(import->id), false},
        {"created_at", value_int(import->created_at_ms), false},
        {"created_by", import->created_by ? value_int(import->created_by) : value_null(), false},
    };
    fill_sets(ctx, import, sets + 3);
    fill_start(ctx, import, sets + 3 + IMPORT_SETS);
    return store_insert(ctx->tenant->store, "import", sets, IMPORT_SETS + 5, NULL);
}

static enum err update(struct ctx *ctx, const struct import *import, bool restart)
{
    ASSERT(store_in_tx(ctx->tenant->store));
    struct store_set sets[IMPORT_SETS + 2];
    struct expr where = row_eq("id", value_int(import->id));
    fill_sets(ctx, import, sets);
    fill_start(ctx, import, sets + IMPORT_SETS);
    return store_update(ctx->tenant->store, "import", &where, sets,
                        restart ? IMPORT_SETS + 2 : IMPORT_SETS, NULL, NULL);
}

enum err import_update(struct ctx *ctx, const struct import *import)
{
    return update(ctx, import, false);
}

enum err import_restart(struct ctx *ctx, const struct import *import)
{
    return update(ctx, import, true);
}
