/* control - the register of tenants in control.db.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/control.h"

#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "store/query.h"
#include "tenant/why.h"

#define HOST_BYTES_MAX 253 /* RFC 1035 section 2.3.4 */

/* --- names --- */

bool control_name_is_valid(const char *name)
{
    if (!name || name[0] < 'a' || name[0] > 'z')
        return false;
    size_t n = strlen(name);
    return n <= NAME_BYTES_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

bool control_host_is_valid(const char *host)
{
    size_t n = host ? strlen(host) : 0;
    if (n == 0 || n > HOST_BYTES_MAX)
        return false;
    if (host[0] == '[') /* an IPv6 address */
        return n > 3 && host[n - 1] == ']' && strspn(host + 1, "0123456789abcdef:.") == n - 2;
    if (strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-.") != n)
        return false;
    struct slice rest = slice_of(host, n);
    do {
        bool more = memchr(rest.at, '.', rest.len) != NULL;
        struct slice label = slice_split(&rest, '.');
        if (label.len == 0 || label.len > NAME_BYTES_MAX || label.at[0] == '-' ||
            label.at[label.len - 1] == '-' || (more && rest.len == 0))
            return false;
    } while (rest.len > 0);
    return true;
}

/* --- reading --- */

struct listing {
    struct arena *arena;
    struct control_tenant *items;
    int count, cap;
    const char **hosts; /* of all tenants, one run each */
    int64_t *owners;
    int hosts_count, hosts_cap;
};

static const char *text_at(struct arena *arena, const struct store_row *row, int column)
{
    return store_row_is_null(row, column) ? NULL : arena_str(arena, store_row_bytes(row, column));
}

static bool take_tenant(void *arg, const struct store_row *row)
{
    struct listing *l = arg;
    if (l->count == l->cap) {
        int cap = l->cap ? l->cap * 2 : 16;
        l->items = arena_grow(l->arena, l->items, (size_t)l->count * sizeof *l->items,
                              (size_t)cap * sizeof *l->items);
        l->cap = cap;
    }
    l->items[l->count++] = (struct control_tenant){
        .id = store_row_int(row, 0),
        .name = text_at(l->arena, row, 1),
        .title = text_at(l->arena, row, 2),
        .locale = text_at(l->arena, row, 3),
        .timezone = text_at(l->arena, row, 4),
        .currency = text_at(l->arena, row, 5),
        .state = text_at(l->arena, row, 6),
        .parked_why = text_at(l->arena, row, 7),
        .worker = (int)store_row_int(row, 8),
        .created_at_ms = store_row_int(row, 9),
    };
    return true;
}

static bool take_host(void *arg, const struct store_row *row)
{
    struct listing *l = arg;
    if (l->hosts_count == l->hosts_cap) {
        int cap = l->hosts_cap ? l->hosts_cap * 2 : 16;
        size_t used = (size_t)l->hosts_count;
        l->hosts =
            arena_grow(l->arena, l->hosts, used * sizeof *l->hosts, (size_t)cap * sizeof *l->hosts);
        l->owners = arena_grow(l->arena, l->owners, used * sizeof *l->owners,
                               (size_t)cap * sizeof *l->owners);
        l->hosts_cap = cap;
    }
    l->hosts[l->hosts_count] = text_at(l->arena, row, 0);
    l->owners[l->hosts_count++] = store_row_int(row, 1);
    return true;
}

static enum err read_both(struct store *control, struct listing *l)
{
    static const struct query_column tenant_columns[] = {
        {.column = {0, "id"}},         {.column = {0, "name"}},       {.column = {0, "title"}},
        {.column = {0, "locale"}},     {.column = {0, "timezone"}},   {.column = {0, "currency"}},
        {.column = {0, "state"}},      {.column = {0, "parked_why"}}, {.column = {0, "worker"}},
        {.column = {0, "created_at"}},
    };
    static const struct query_column host_columns[] = {
        {.column = {0, "host"}},
        {.column = {0, "tenant"}},
    };
    static const struct query_order by_name[] = {{.column = {0, "name"}}};
    static const struct query_order by_tenant[] = {{.column = {0, "tenant"}},
                                                   {.column = {0, "host"}}};
    struct query tenants = {.table = "tenant",
                            .select = tenant_columns,
                            .select_count = 10,
                            .order = by_name,
                            .order_count = 1};
    struct query hosts = {.table = "host",
                          .select = host_columns,
                          .select_count = 2,
                          .order = by_tenant,
                          .order_count = 2};
    enum err e = store_read(control, &tenants, take_tenant, l);
    return e ? e : store_read(control, &hosts, take_host, l);
}

enum err control_list(struct store *control, struct arena *arena, struct control_tenant **out,
                      int *count)
{
    ASSERT(control && arena);
    ASSERT(out && count);

    bool mine = !store_in_tx(control);
    enum err e = mine ? store_begin(control, false) : ERR_OK; /* both tables of one moment */
    if (e)
        return e;
    struct listing l = {.arena = arena};
    e = read_both(control, &l);
    if (mine)
        store_rollback(control);
    if (e)
        return e;

    for (int i = 0; i < l.count; i++) {
        int n = 0;
        for (int h = 0; h < l.hosts_count; h++)
            n += l.owners[h] == l.items[i].id;
        const char **hosts = arena_array(arena, const char *, (size_t)n + 1);
        n = 0;
        for (int h = 0; h < l.hosts_count; h++)
            if (l.owners[h] == l.items[i].id)
                hosts[n++] = l.hosts[h];
        l.items[i].hosts = hosts;
    }
    *out = l.items;
    *count = l.count;
    return ERR_OK;
}

/* --- writing --- */

/* Ends what control_write_begin began: commits with the version moved, or rolls back. */
static enum err write_end(struct store *control, bool mine, enum err e)
{
    if (!e)
        e = store_header_bump(control, true, false);
    if (!mine)
        return e;
    if (!e)
        return store_commit(control);
    store_rollback(control);
    return e;
}

static enum err write_begin(struct store *control, bool *mine)
{
    *mine = !store_in_tx(control);
    return *mine ? store_begin(control, true) : ERR_OK;
}

static struct value text_or(const char *text, const char *fallback)
{
    return value_text(slice_str(text ? text : fallback));
}

static enum err insert_tenant(struct store *control, const struct control_tenant *t, int64_t id,
                              const char **why)
{
    struct store_set sets[] = {
        {.column = "id", .value = value_int(id)},
        {.column = "name", .value = text_or(t->name, "")},
        {.column = "title", .value = text_or(t->title, t->name)},
        {.column = "locale", .value = text_or(t->locale, "zh-CN")},
        {.column = "timezone", .value = text_or(t->timezone, "Asia/Shanghai")},
        {.column = "currency", .value = text_or(t->currency, "CNY")},
        {.column = "state", .value = text_or(t->state, "active")},
        {.column = "worker", .value = value_int(t->worker)},
        {.column = "created_at", .value = value_int(clock_now_ms())},
    };
    enum err e = store_insert(control, "tenant", sets, sizeof sets / sizeof *sets, NULL);
    if (e == ERR_CONFLICT)
        return why_say(why, e, "A tenant called %s is already there.", t->name);
    return e ? why_say(why, e, "control.db: %s", store_why(control)) : ERR_OK;
}

static enum err insert_hosts(struct store *control, const struct control_tenant *t, int64_t id,
                             const char **why)
{
    for (const char **host = t->hosts; host && *host; host++) {
        struct store_set sets[] = {
            {.column = "host", .value = value_text(slice_str(*host))},
            {.column = "tenant", .value = value_int(id)},
        };
        enum err e = store_insert(control, "host", sets, 2, NULL);
        if (e == ERR_CONFLICT)
            return why_say(why, e, "The host %s already belongs to a tenant.", *host);
        if (e)
            return why_say(why, e, "control.db: %s", store_why(control));
    }
    return ERR_OK;
}

enum err control_add(struct store *control, const struct control_tenant *tenant, const char **why)
{
    ASSERT(control && tenant);
    ASSERT(tenant->name);

    if (!control_name_is_valid(tenant->name))
        return why_say(why, ERR_MALFORMED,
                       "\"%s\" is no tenant name: it starts with a small letter and goes on with "
                       "small letters, digits, - and _ (63 at most).",
                       tenant->name);
    for (const char **host = tenant->hosts; host && *host; host++)
        if (!control_host_is_valid(*host))
            return why_say(why, ERR_MALFORMED,
                           "\"%s\" is no host name: write it in small letters and without a port.",
                           *host);
    bool mine;
    enum err e = write_begin(control, &mine);
    if (e)
        return why_say(why, e, "control.db: %s", store_why(control));
    int64_t id = tenant->id ? tenant->id : id_next();
    e = insert_tenant(control, tenant, id, why);
    if (!e)
        e = insert_hosts(control, tenant, id, why);
    return write_end(control, mine, e);
}

static enum err update_tenant(struct store *control, const char *name, const struct store_set *sets,
                              int count)
{
    bool mine;
    enum err e = write_begin(control, &mine);
    if (e)
        return e;
    struct expr where = {
        .op = EXPR_EQ, .column = {0, "name"}, .value = value_text(slice_str(name))};
    int64_t changed = 0;
    e = store_update(control, "tenant", &where, sets, count, &changed, NULL);
    if (!e && changed == 0)
        e = ERR_NOT_FOUND;
    return write_end(control, mine, e);
}

enum err control_set_state(struct store *control, const char *name, const char *state,
                           const char *why)
{
    ASSERT(control && name);
    ASSERT(state &&
           (!strcmp(state, "active") || !strcmp(state, "suspended") || !strcmp(state, "parked")));
    struct store_set sets[] = {
        {.column = "state", .value = value_text(slice_str(state))},
        {.column = "parked_why", .value = why ? value_text(slice_str(why)) : value_null()},
    };
    return update_tenant(control, name, sets, 2);
}

enum err control_place(struct store *control, const char *name, int worker)
{
    ASSERT(control && name);
    ASSERT(worker >= -1);
    struct store_set set = {.column = "worker", .value = value_int(worker)};
    return update_tenant(control, name, &set, 1);
}

static bool take_id(void *arg, const struct store_row *row)
{
    *(int64_t *)arg = store_row_int(row, 0);
    return false;
}

enum err control_remove(struct store *control, const char *name)
{
    ASSERT(control && name);
    bool mine;
    enum err e = write_begin(control, &mine);
    if (e)
        return e;

    int64_t id = 0;
    struct expr named = {
        .op = EXPR_EQ, .column = {0, "name"}, .value = value_text(slice_str(name))};
    struct query_column column = {.column = {0, "id"}};
    struct query query = {.table = "tenant", .select = &column, .select_count = 1, .where = &named};
    e = store_read(control, &query, take_id, &id);
    if (!e && id == 0)
        e = ERR_NOT_FOUND;
    struct expr owned = {.op = EXPR_EQ, .column = {0, "tenant"}, .value = value_int(id)};
    if (!e)
        e = store_delete(control, "host", &owned, NULL);
    if (!e)
        e = store_delete(control, "tenant", &named, NULL);
    return write_end(control, mine, e);
}
