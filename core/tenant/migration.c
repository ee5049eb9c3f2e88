/* migration - see migration.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/migration.h"

#include "base/clock.h"
#include "store/query.h"
#include "tenant/tree.h"

#define NUMBER_DIGITS 3

bool migration_is_done(const struct migration *migration)
{
    return migration->state && strcmp(migration->state, "done") == 0;
}

/* "002_split_name.lua" → 2; 0 for what is named otherwise. */
static int64_t number_of(struct slice name)
{
    int64_t no = 0;
    bool fits = name.len > NUMBER_DIGITS + 5 && name.at[NUMBER_DIGITS] == '_' &&
                slice_to_int(slice_of(name.at, NUMBER_DIGITS), &no);
    return fits && no > 0 ? no : 0;
}

static enum err refuse(struct arena *arena, const struct plugin *plugin, const char *name,
                       const char *what, const char **why)
{
    *why = arena_printf(arena, "%s/migrations/%s: %s", plugin->id, name, what);
    return ERR_MALFORMED;
}

struct found {
    struct arena *arena;
    struct migration *items;
    int count;
};

static bool take(void *arg, const struct store_row *row)
{
    struct found *found = arg;
    for (int i = 0; i < found->count; i++) {
        struct migration *m = &found->items[i];
        if (m->no != store_row_int(row, 0))
            continue;
        m->state = arena_str(found->arena, store_row_bytes(row, 1));
        m->rows = store_row_int(row, 2);
        m->cursor = store_row_int(row, 3);
    }
    return true;
}

static enum err read_states(struct tenant *tenant, struct found *found, const char *plugin)
{
    static const struct query_column columns[] = {{.column = {0, "no"}},
                                                  {.column = {0, "state"}},
                                                  {.column = {0, "done"}},
                                                  {.column = {0, "cursor"}}};
    const struct expr where = {
        .op = EXPR_EQ, .column = {0, "plugin"}, .value = value_text(slice_str(plugin))};
    const struct query query = {
        .table = "migration", .select = columns, .select_count = 4, .where = &where};
    return store_read(tenant->store, &query, take, found);
}

enum err migration_list(struct tenant *tenant, struct arena *arena, const struct plugin *plugin,
                        struct migration **out, int *count, const char **why)
{
    ASSERT(tenant && plugin);
    ASSERT(out && count && why);
    const char **names = NULL;
    int n = 0;
    struct found found = {.arena = arena};
    *count = 0;
    enum err e =
        tree_names(arena, arena_printf(arena, "%s/migrations", plugin->folder), &names, &n);
    if (e == ERR_NOT_FOUND)
        return ERR_OK;
    if (e)
        return refuse(arena, plugin, "", "the folder cannot be read", why);
    found.items = arena_array(arena, struct migration, (size_t)n + 1);
    for (int i = 0; i < n; i++) {
        struct slice name = slice_str(names[i]);
        if (name.at[0] == '.' || !slice_ends(name, SLICE(".lua")))
            continue;
        int64_t no = number_of(name);
        if (!no)
            return refuse(arena, plugin, names[i],
                          "a migration is named by three digits, _ and what it does", why);
        if (found.count && found.items[found.count - 1].no == no)
            return refuse(arena, plugin, names[i], "its number is there already", why);
        name.len -= strlen(".lua");
        found.items[found.count++] = (struct migration){.no = no, .name = arena_str(arena, name)};
    }
    e = found.count ? read_states(tenant, &found, plugin->id) : ERR_OK;
    *out = found.items;
    *count = found.count;
    return e;
}

enum err migration_put(struct tenant *tenant, const struct plugin *plugin,
                       const struct migration *migration)
{
    ASSERT(store_in_tx(tenant->store));
    ASSERT(migration->state);
    const struct store_set sets[] = {
        {"plugin", value_text(slice_str(plugin->id)), false},
        {"no", value_int(migration->no), false},
        {"name", value_text(slice_str(migration->name)), false},
        {"version", value_text(slice_str(plugin->version)), false},
        {"state", value_text(slice_str(migration->state)), false},
        {"done", value_int(migration->rows), false},
        {"cursor", value_int(migration->cursor), false},
        {"at", value_int(clock_now_ms()), false},
    };
    return store_put(tenant->store, "migration", sets, 8);
}

enum err migration_skip(struct tenant *tenant, struct arena *arena, const struct plugin *plugin)
{
    struct migration *all = NULL;
    int count = 0;
    const char *why = NULL;
    enum err e = migration_list(tenant, arena, plugin, &all, &count, &why);
    for (int i = 0; i < count && !e; i++) {
        all[i].state = "done";
        e = migration_put(tenant, plugin, &all[i]);
    }
    return e;
}
