/* deploy - see deploy.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/deploy.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/log.h"
#include "store/query.h"
#include "tenant/folder.h"

const char *deploy_folder(const struct tenant *tenant, struct arena *arena, const char *plugin,
                          const char *hash)
{
    ASSERT(strlen(hash) == PACK_HASH_LEN);
    return tenant_path(tenant, arena, "custom", arena_printf(arena, "%s/%s", plugin, hash));
}

enum err deploy_keep(struct tenant *tenant, struct arena *arena, const char *plugin,
                     const struct pack *pack, bool *fresh)
{
    ASSERT(tenant && pack && fresh);
    const char *folder = deploy_folder(tenant, arena, plugin, pack->hash);
    *fresh = false;
    if (folder_exists(folder))
        return ERR_OK;
    enum err e = folder_make(tenant_path(tenant, arena, "custom", plugin));
    if (!e)
        e = pack_unpack(pack, folder);
    if (e == ERR_CONFLICT)
        return ERR_OK; /* somebody else deploys the same */
    *fresh = !e;
    return e;
}

bool deploy_is_kept(const struct tenant *tenant, struct arena *arena, const char *plugin,
                    const char *hash)
{
    return folder_exists(deploy_folder(tenant, arena, plugin, hash));
}

void deploy_drop(struct tenant *tenant, struct arena *arena, const char *plugin, const char *hash)
{
    const char *folder = deploy_folder(tenant, arena, plugin, hash);
    if (folder_remove(folder))
        log_error("%s could not be removed", folder);
}

enum err deploy_put(struct tenant *tenant, struct deploy *deploy)
{
    ASSERT(store_in_tx(tenant->store));
    deploy->id = id_next();
    deploy->at_ms = clock_now_ms();
    const struct store_set sets[] = {
        {"id", value_int(deploy->id), false},
        {"plugin", value_text(slice_str(deploy->plugin)), false},
        {"hash", value_text(slice_str(deploy->hash)), false},
        {"version", value_text(slice_str(deploy->version)), false},
        {"at", value_int(deploy->at_ms), false},
        {"actor", deploy->actor ? value_int(deploy->actor) : value_null(), false},
        {"action", value_text(slice_str(deploy->action)), false},
        {"bytes", value_int(deploy->bytes), false},
        {"files", value_int(deploy->files), false},
        {"before", deploy->before ? value_text(slice_str(deploy->before)) : value_null(), false},
    };
    return store_insert(tenant->store, "deploy", sets, 10, NULL);
}

struct found {
    struct tenant *tenant;
    struct arena *arena;
    struct deploy *items;
    int count, cap;
};

static bool take(void *arg, const struct store_row *row)
{
    struct found *found = arg;
    struct arena *arena = found->arena;
    if (found->count == found->cap) {
        int cap = found->cap ? found->cap * 2 : 32;
        found->items = arena_grow(arena, found->items, (size_t)found->count * sizeof *found->items,
                                  (size_t)cap * sizeof *found->items);
        found->cap = cap;
    }
    struct deploy *deploy = &found->items[found->count++];
    deploy->id = store_row_int(row, 0);
    deploy->plugin = arena_str(arena, store_row_bytes(row, 1));
    deploy->hash = arena_str(arena, store_row_bytes(row, 2));
    deploy->version = arena_str(arena, store_row_bytes(row, 3));
    deploy->at_ms = store_row_int(row, 4);
    deploy->actor = store_row_int(row, 5);
    deploy->action = arena_str(arena, store_row_bytes(row, 6));
    deploy->bytes = store_row_int(row, 7);
    deploy->files = store_row_int(row, 8);
    if (!store_row_is_null(row, 9))
        deploy->before = arena_str(arena, store_row_bytes(row, 9));
    return true;
}

enum err deploy_list(struct tenant *tenant, struct arena *arena, const char *plugin,
                     struct deploy **out, int *count)
{
    static const struct query_column columns[] = {
        {.column = {0, "id"}},      {.column = {0, "plugin"}}, {.column = {0, "hash"}},
        {.column = {0, "version"}}, {.column = {0, "at"}},     {.column = {0, "actor"}},
        {.column = {0, "action"}},  {.column = {0, "bytes"}},  {.column = {0, "files"}},
        {.column = {0, "before"}},
    };
    static const struct query_order newest[] = {{.column = {0, "id"}, .descending = true}};
    const struct query query = {
        .table = "deploy",
        .select = columns,
        .select_count = 10,
        .where = expr_cmp(arena, EXPR_EQ, "plugin", value_text(slice_str(plugin))),
        .order = newest,
        .order_count = 1};
    struct found found = {.tenant = tenant, .arena = arena};
    enum err e = store_read(tenant->store, &query, take, &found);
    if (e)
        return e;
    for (int i = 0; i < found.count; i++)
        found.items[i].is_kept =
            strlen(found.items[i].hash) == PACK_HASH_LEN &&
            folder_exists(deploy_folder(tenant, arena, plugin, found.items[i].hash));
    *out = found.items;
    *count = found.count;
    return ERR_OK;
}

/* Is it among the newest DEPLOYS_KEPT different ones? */
static bool is_recent(const struct deploy *all, int count, const char *hash)
{
    int different = 0;
    for (int i = 0; i < count && different < DEPLOYS_KEPT; i++) {
        bool again = false;
        for (int k = 0; k < i && !again; k++)
            again = strcmp(all[k].hash, all[i].hash) == 0;
        if (again)
            continue;
        if (strcmp(all[i].hash, hash) == 0)
            return true;
        different++;
    }
    return false;
}

enum err deploy_prune(struct tenant *tenant, struct arena *arena, const char *plugin,
                      const char *active)
{
    struct deploy *all;
    int count, names_count;
    const char **names;
    enum err e = deploy_list(tenant, arena, plugin, &all, &count);
    if (!e)
        e = folder_names(arena, tenant_path(tenant, arena, "custom", plugin), &names, &names_count);
    for (int i = 0; !e && i < names_count; i++) {
        if (strlen(names[i]) != PACK_HASH_LEN || strcmp(names[i], active) == 0 ||
            is_recent(all, count, names[i]))
            continue;
        bool was_active = false; /* what no line tells of is somebody's deploy that still runs */
        for (int k = 0; k < count && !was_active; k++)
            was_active = strcmp(all[k].hash, names[i]) == 0;
        if (was_active)
            e = folder_remove(deploy_folder(tenant, arena, plugin, names[i]));
    }
    return e;
}
