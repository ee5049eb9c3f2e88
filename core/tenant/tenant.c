/* tenant - making a tenant's folder; its settings and plugins as stored.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/tenant.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/decimal.h"
#include "base/json.h"
#include "store/query.h"
#include "tenant/folder.h"
#include "tenant/system.h"
#include "tenant/why.h"

static const char *const folders[] = {"files", "custom", "backups", "tmp"};

/* --- making --- */

static enum err spec_check(const struct control_tenant *spec, const char **why)
{
    if (!control_name_is_valid(spec->name))
        return why_say(why, ERR_MALFORMED,
                       "\"%s\" is no tenant name: it starts with a small letter and goes on with "
                       "small letters, digits, - and _ (63 at most).",
                       spec->name);
    if (spec->timezone && !zone_find(spec->timezone))
        return why_say(why, ERR_MALFORMED, "There is no time zone called \"%s\".", spec->timezone);
    if (spec->currency && currency_digits(slice_str(spec->currency)) < 0)
        return why_say(why, ERR_MALFORMED, "There is no currency with the code \"%s\".",
                       spec->currency);
    if (spec->locale && strcmp(spec->locale, "zh-CN") != 0 && strcmp(spec->locale, "en") != 0)
        return why_say(why, ERR_MALFORMED, "The locale is zh-CN or en, not \"%s\".", spec->locale);
    return ERR_OK;
}

static void put_member(struct buf *b, const char *key, const char *text, const char *fallback)
{
    json_put_key(b, key);
    json_put_cstr(b, text ? text : fallback);
}

/* Signs page marks (record/cursor): a restart or another process must accept them. */
static enum err cursor_key_write(struct tenant *tenant)
{
    uint8_t secret[CRYPTO_KEY_LEN];
    struct buf b = BUF_INIT;
    crypto_random(secret, sizeof secret);
    buf_put_char(&b, '"');
    crypto_put_hex(&b, slice_of((const char *)secret, sizeof secret));
    buf_put_char(&b, '"');
    enum err e = tenant_setting_put(tenant, "cursor_key", buf_slice(&b));
    crypto_wipe(secret, sizeof secret);
    buf_release(&b);
    return e;
}

static enum err settings_write(struct store *store, const struct control_tenant *spec)
{
    struct buf b = BUF_INIT;
    buf_put_char(&b, '{');
    put_member(&b, "name", spec->name, NULL);
    put_member(&b, "title", spec->title, spec->name);
    put_member(&b, "locale", spec->locale, "zh-CN");
    put_member(&b, "timezone", spec->timezone, "Asia/Shanghai");
    put_member(&b, "currency", spec->currency, "CNY");
    buf_put_char(&b, '}');

    struct tenant self = {.store = store};
    enum err e = store_begin(store, true);
    if (e)
        goto out;
    e = tenant_setting_put(&self, "tenant", buf_slice(&b));
    if (!e)
        e = tenant_setting_put(&self, "security", SLICE("{\"passwords\":\"asvs\"}"));
    if (!e)
        e = cursor_key_write(&self);
    if (!e)
        e = store_commit(store);
    else
        store_rollback(store);
out:
    buf_release(&b);
    return e;
}

static enum err store_fill(const char *path, const struct control_tenant *spec)
{
    struct store_schema schema = {0};
    schema.tables = system_tables(&schema.tables_count);
    schema.hash = system_hash(schema.tables, schema.tables_count);

    struct store *store = NULL;
    enum err e = store_create(path);
    if (!e)
        e = store_open(path, STORE_OWNER, &store);
    if (!e)
        e = store_schema_apply(store, &schema);
    if (!e)
        e = settings_write(store, spec);
    if (!e)
        e = store_checkpoint(store, STORE_CHECKPOINT_TRUNCATE, NULL);
    store_close(store);
    return e;
}

/* Everything under a name no tenant can have; the rename at the end makes it one. */
static enum err folder_fill(const char *fresh, const struct control_tenant *spec)
{
    char path[FOLDER_PATH_MAX];
    enum err e = folder_make(fresh);
    for (size_t i = 0; i < sizeof folders / sizeof *folders && !e; i++) {
        folder_join(path, fresh, folders[i]);
        e = folder_make(path);
    }
    folder_join(path, fresh, "tenant.db");
    if (!e)
        e = store_fill(path, spec);
    return e ? e : folder_sync(fresh);
}

enum err tenant_create(const char *data, const struct control_tenant *spec, const char **why)
{
    ASSERT(data && spec);
    ASSERT(spec->name);
    enum err e = spec_check(spec, why);
    if (e)
        return e;

    char tenants[FOLDER_PATH_MAX], path[FOLDER_PATH_MAX], fresh[FOLDER_PATH_MAX];
    folder_join(tenants, data, "tenants");
    folder_join(path, tenants, spec->name);
    if (folder_exists(path))
        return why_say(why, ERR_CONFLICT, "The folder %s is already there.", path);

    char name[NAME_MAX];
    uint32_t random;
    crypto_random(&random, sizeof random);
    (void)snprintf(name, sizeof name, ".new-%s-%08x", spec->name, random);
    folder_join(fresh, tenants, name);
    e = folder_fill(fresh, spec);
    if (!e && rename(fresh, path) != 0)
        e = folder_err(errno);
    if (!e)
        e = folder_sync(tenants);
    if (!e)
        return ERR_OK;

    enum err cleared = folder_remove(fresh);
    return why_say(why, e, "The folder of %s cannot be made: %s%s", spec->name,
                   err_text(e, LANG_EN), cleared ? " What was begun could not be removed." : "");
}

enum err tenant_sweep(const char *data)
{
    char tenants[FOLDER_PATH_MAX];
    folder_join(tenants, data, "tenants");
    return folder_remove_prefixed(tenants, ".new-");
}

/* --- reading --- */

/* Keeps what is there where the setting says the same, so that changes cost memory and not reads.
 */
static void follow_text(struct arena *arena, const char **now, const struct json *setting,
                        const char *key)
{
    const char *text = json_cstr(setting, key, NULL);
    if (text && (!*now || strcmp(*now, text) != 0))
        *now = arena_strdup(arena, text);
}

/* What the company has set goes before what control.db says it was made with. */
static enum err follow_settings(struct tenant *tenant)
{
    const struct json *setting = NULL;
    struct arena *arena = arena_new();
    enum err e = tenant_setting(tenant, arena, "tenant", &setting);
    if (!e && setting) {
        follow_text(tenant->arena, &tenant->title, setting, "title");
        follow_text(tenant->arena, &tenant->locale, setting, "locale");
        follow_text(tenant->arena, &tenant->timezone, setting, "timezone");
        follow_text(tenant->arena, &tenant->currency, setting, "currency");
        const struct zone *zone = tenant->timezone ? zone_find(tenant->timezone) : NULL;
        tenant->zone = zone ? zone : tenant->zone;
    }
    arena_free(arena);
    return e;
}

enum err tenant_refresh(struct tenant *tenant)
{
    ASSERT(tenant);
    ASSERT(tenant->store);
    int64_t before = tenant->header.model_version;
    enum err e = store_header_read(tenant->store, &tenant->header);
    bool moved = tenant->header.model_version != before || !tenant->follows_settings;
    if (e || !moved || !tenant->arena)
        return e;
    e = follow_settings(tenant);
    tenant->follows_settings = !e;
    return e;
}

char *tenant_path(const struct tenant *tenant, struct arena *arena, const char *sub,
                  const char *name)
{
    ASSERT(tenant && arena);
    ASSERT(sub);
    if (!name)
        return arena_printf(arena, "%s/%s", tenant->folder, sub);
    return arena_printf(arena, "%s/%s/%s", tenant->folder, sub, name);
}

struct found {
    struct arena *arena;
    char *text;
    size_t len;
};

static bool take_text(void *arg, const struct store_row *row)
{
    struct found *found = arg;
    struct slice text = store_row_bytes(row, 0);
    found->text = arena_str(found->arena, text);
    found->len = text.len;
    return false;
}

enum err tenant_setting(struct tenant *tenant, struct arena *arena, const char *name,
                        const struct json **out)
{
    ASSERT(tenant && arena);
    ASSERT(name && out);
    struct expr where = {
        .op = EXPR_EQ, .column = {0, "name"}, .value = value_text(slice_str(name))};
    struct query_column column = {.column = {0, "value"}};
    struct query query = {
        .table = "setting", .select = &column, .select_count = 1, .where = &where};
    struct found found = {.arena = arena};
    enum err e = store_read(tenant->store, &query, take_text, &found);
    if (e)
        return e;
    if (!found.text) {
        *out = NULL;
        return ERR_OK;
    }
    e = json_parse(arena, slice_of(found.text, found.len), out, NULL);
    return e ? ERR_CORRUPT : ERR_OK;
}

enum err tenant_setting_put(struct tenant *tenant, const char *name, struct slice json)
{
    ASSERT(tenant && name);
    ASSERT(store_in_tx(tenant->store));
    struct store_set sets[] = {
        {.column = "name", .value = value_text(slice_str(name))},
        {.column = "value", .value = value_text(json)},
        {.column = "updated_at", .value = value_int(clock_now_ms())},
    };
    return store_put(tenant->store, "setting", sets, 3);
}

/* --- plugins --- */

struct plugins_found {
    struct arena *arena;
    struct tenant_plugin *items;
    int count, cap;
    enum err e;
};

static bool take_plugin(void *arg, const struct store_row *row)
{
    struct plugins_found *found = arg;
    if (found->count == found->cap) {
        int cap = found->cap ? found->cap * 2 : 16;
        found->items =
            arena_grow(found->arena, found->items, (size_t)found->count * sizeof *found->items,
                       (size_t)cap * sizeof *found->items);
        found->cap = cap;
    }
    struct tenant_plugin *plugin = &found->items[found->count++];
    plugin->id = arena_str(found->arena, store_row_bytes(row, 0));
    plugin->version = arena_str(found->arena, store_row_bytes(row, 1));
    plugin->state = arena_str(found->arena, store_row_bytes(row, 2));
    found->e = json_parse(found->arena, arena_slice(found->arena, store_row_bytes(row, 3)),
                          &plugin->config, NULL);
    return found->e == ERR_OK;
}

enum err tenant_plugins(struct tenant *tenant, struct arena *arena, struct tenant_plugin **out,
                        int *count)
{
    ASSERT(tenant && arena);
    ASSERT(out && count);
    static const struct query_column columns[] = {
        {.column = {0, "id"}},
        {.column = {0, "version"}},
        {.column = {0, "state"}},
        {.column = {0, "config"}},
    };
    static const struct query_order by_id[] = {{.column = {0, "id"}}};
    struct query query = {
        .table = "plugin", .select = columns, .select_count = 4, .order = by_id, .order_count = 1};
    struct plugins_found found = {.arena = arena};
    enum err e = store_read(tenant->store, &query, take_plugin, &found);
    if (e)
        return e;
    if (found.e)
        return ERR_CORRUPT;
    *out = found.items;
    *count = found.count;
    return ERR_OK;
}

enum err tenant_plugin_put(struct tenant *tenant, const char *id, const char *version,
                           const char *state, struct slice config)
{
    ASSERT(tenant && id && version);
    ASSERT(!strcmp(state, "enabled") || !strcmp(state, "disabled"));
    ASSERT(store_in_tx(tenant->store));
    struct store_set sets[] = {
        {.column = "id", .value = value_text(slice_str(id))},
        {.column = "version", .value = value_text(slice_str(version))},
        {.column = "state", .value = value_text(slice_str(state))},
        {.column = "updated_at", .value = value_int(clock_now_ms())},
        {.column = "config", .value = value_text(config)},
    };
    enum err e = store_put(tenant->store, "plugin", sets, config.at ? 5 : 4);
    return e ? e : store_header_bump(tenant->store, true, false);
}
