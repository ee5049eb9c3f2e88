/* tenant - one company's folder as this process has it open.
 *
 * data/tenants/<name>/{tenant.db, files/, custom/, backups/, tmp/}. The layers above hang what they
 * build for a tenant (its model, its VM, its keys) into the slots, with the function that frees it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/clock.h"
#include "store/store.h"
#include "tenant/control.h"

struct tenant {
    const char *name, *title, *locale, *timezone, *currency,
        *folder; /* owned by the tenant's arena */
    const char *state;
    int worker;                 /* owning slot */
    struct arena *arena;        /* private */
    struct store *store;        /* open connection, owned */
    struct store_header header; /* as last read: caches compare with it */
    const struct zone *zone;
    void *model;          /* struct model *, of record/model */
    int64_t model_serial; /* unlike that of any model before it, which its address need not be */
    void (*model_free)(void *model);
    size_t (*model_bytes)(const void *model); /* what goes with it; NULL while there is no model */
    void *vm; /* struct vm *, of script/vm; workers and runners only */
    void (*vm_free)(void *vm);
    void *cache; /* struct actors *, of auth/actor */
    void (*cache_free)(void *cache);
    void *vault; /* struct vault *, of auth/vault; never on gateways */
    void (*vault_free)(void *vault);
    const int64_t *files_bytes_max; /* of the configuration, borrowed; NULL: no bound is known */
    const uint8_t *master; /* CRYPTO_KEY_LEN bytes, borrowed; NULL: this process holds no key */
    int64_t used_at_ms;    /* LRU */
    uint32_t pins;         /* in use by so many requests; never closed while > 0 */
    bool follows_settings; /* private: title and the like are as the setting "tenant" has them */
};

/* Creates folder and store, applies the system tables, writes settings ("tenant": what spec says;
 * "security": the password profile). No server needed; the caller holds the folder lock or is
 * worker 0, and enters the tenant into control.db. The folder appears whole or not at all.
 * ERR_CONFLICT where it is there, ERR_MALFORMED for a bad name, time zone, currency or locale. */
MUST_USE enum err tenant_create(const char *data, const struct control_tenant *spec,
                                const char **why);
/* Removes what creations that never ended have left. The caller holds the folder lock. */
MUST_USE enum err tenant_sweep(const char *data);
/* Reads the header into tenant->header, and title, locale, time zone and currency from the setting
 * "tenant" when the model has moved. Call at the start of each read transaction and turn. */
MUST_USE enum err tenant_refresh(struct tenant *tenant);
/* Absolute path below the tenant's folder, in the arena; name may be NULL. */
char *tenant_path(const struct tenant *tenant, struct arena *arena, const char *sub,
                  const char *name);
/* Something was erased: the owner of the store is to take it out of the file (store_scrub). */
#define TENANT_SCRUB "scrub"
/* Settings: one JSON value under a name. NULL if absent. */
MUST_USE enum err tenant_setting(struct tenant *tenant, struct arena *arena, const char *name,
                                 const struct json **out);
/* In a write turn; json is valid JSON text. */
MUST_USE enum err tenant_setting_put(struct tenant *tenant, const char *name, struct slice json);
/* Enabled plugins with their config, as stored (table plugin). */
struct tenant_plugin {
    const char *id, *version, *state; /* state: enabled, disabled */
    const struct json *config;
};
MUST_USE enum err tenant_plugins(struct tenant *tenant, struct arena *arena,
                                 struct tenant_plugin **out, int *count);
/* In a write turn: enables, disables or configures one; moves model_version. config: JSON object
 * text, or {NULL, 0} to keep what is stored. */
MUST_USE enum err tenant_plugin_put(struct tenant *tenant, const char *id, const char *version,
                                    const char *state, struct slice config);
