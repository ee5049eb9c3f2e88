/* plugin_secret - see plugin_secret.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/plugin_secret.h"

#include <string.h>

#include "auth/vault.h"

#define SEALED "sealed"

static struct vault_place place_of(const char *plugin, const char *name)
{
    return (struct vault_place){VAULT_CONFIG, plugin, name, 0};
}

bool plugin_secret_is_sealed(const struct json *stored)
{
    return stored && stored->type == JSON_OBJECT && json_str(stored, SEALED, SLICE("")).len > 0;
}

enum err plugin_secret_seal(struct ctx *ctx, const char *plugin, const char *name,
                            struct slice value, const struct json **out)
{
    ASSERT(ctx && plugin && name && out);
    struct vault_place place = place_of(plugin, name);
    struct buf sealed = BUF_INIT, text = BUF_INIT;
    enum err e = vault_seal(ctx, &place, value, &sealed);
    if (!e) {
        crypto_put_base64url(&text, buf_slice(&sealed));
        struct json *object = json_new(ctx->arena, JSON_OBJECT);
        struct slice kept = arena_slice(ctx->arena, buf_slice(&text));
        json_add(ctx->arena, object, SEALED, json_new_str(ctx->arena, kept));
        *out = object;
    }
    buf_release(&sealed);
    buf_release(&text);
    return e;
}

static enum err open_stored(struct ctx *ctx, const char *plugin, const char *name,
                            const struct json *stored, struct buf *out, int64_t *version)
{
    struct vault_place place = place_of(plugin, name);
    struct buf sealed = BUF_INIT;
    enum err e = ERR_CORRUPT;
    if (crypto_parse_base64url(json_str(stored, SEALED, SLICE("")), &sealed)) {
        *version = vault_version(buf_slice(&sealed));
        e = vault_open(ctx, &place, buf_slice(&sealed), out);
    }
    buf_release(&sealed);
    return e;
}

enum err plugin_secret_open(struct ctx *ctx, const char *plugin, const char *name, struct buf *out)
{
    ASSERT(ctx && plugin && name && out);
    struct tenant_plugin *plugins;
    int count = 0;
    int64_t version;
    enum err e = tenant_plugins(ctx->tenant, ctx->arena, &plugins, &count);
    for (int i = 0; i < count && !e; i++) {
        const struct json *stored = json_get(plugins[i].config, name);
        if (strcmp(plugins[i].id, plugin) == 0 && plugin_secret_is_sealed(stored))
            return open_stored(ctx, plugin, name, stored, out, &version);
    }
    return e ? e : ERR_NOT_FOUND;
}

/* --- sealing anew --- */

static enum err reseal_one(struct ctx *ctx, const char *plugin, const struct json *stored,
                           const struct json **out)
{
    const char *name = arena_str(ctx->arena, stored->key);
    struct buf plain = BUF_INIT;
    int64_t version = 0, current = 0;
    enum err e = vault_current(ctx->tenant, VAULT_CONFIG, &current);
    if (!e && plugin_secret_is_sealed(stored))
        e = open_stored(ctx, plugin, name, stored, &plain, &version);
    else if (!e)
        buf_put_slice(&plain, stored->text);
    if (!e && (!version || version < current))
        e = plugin_secret_seal(ctx, plugin, name, buf_slice(&plain), out);
    if (plain.at)
        crypto_wipe(plain.at, plain.len);
    buf_release(&plain);
    return e;
}

static enum err reseal_plugin(struct ctx *ctx, const struct tenant_plugin *plugin,
                              plugin_secret_cb is_secret, void *arg)
{
    struct json *config = json_new(ctx->arena, JSON_OBJECT);
    bool moved = false;
    json_each(member, plugin->config)
    {
        const struct json *kept = member;
        bool plain = member->type == JSON_STRING && is_secret(arg, plugin->id, member->key);
        if (plain || plugin_secret_is_sealed(member)) {
            enum err e = reseal_one(ctx, plugin->id, member, &kept);
            if (e)
                return e;
        }
        moved = moved || kept != member;
        json_add(ctx->arena, config, arena_str(ctx->arena, member->key),
                 json_copy(ctx->arena, kept));
    }
    if (!moved)
        return ERR_OK;
    struct buf text = BUF_INIT;
    json_put(&text, config);
    enum err e = tenant_plugin_put(ctx->tenant, plugin->id, plugin->version, plugin->state,
                                   buf_slice(&text));
    buf_release(&text);
    return e;
}

enum err plugin_secret_reseal(struct ctx *ctx, plugin_secret_cb is_secret, void *arg)
{
    ASSERT(ctx && is_secret);
    struct tenant_plugin *plugins;
    int count = 0;
    enum err e = tenant_plugins(ctx->tenant, ctx->arena, &plugins, &count);
    for (int i = 0; i < count && !e; i++)
        e = reseal_plugin(ctx, &plugins[i], is_secret, arg);
    return e;
}
