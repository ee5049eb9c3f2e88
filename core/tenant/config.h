/* config - data/perigee.json: how this server runs.
 *
 * Checked against schemas/config.schema.json; PERIGEE_<KEY> in the environment and flags override
 * it. Every limit of limits.h that may be tuned is a key with a floor and a ceiling.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

struct config {
    const char *data;                            /* folder, absolute */
    const char *home;                            /* folder that holds plugins/ and schemas/ */
    const char *listen;                          /* "127.0.0.1:8080"; NULL = none */
    const char *tls_listen, *tls_cert, *tls_key; /* NULL = none */
    const char *operator_listen; /* honours X-Perigee-Tenant and serves /metrics; NULL = none */
    int gateways, workers, runners;
    const char *public_url; /* for links in mails; NULL = not set */
    const char *log_level;  /* debug, info, warn, error */
    bool access_log;
    const char **trusted_proxies;  /* addresses whose forwarded headers count; NULL-terminated */
    const char **outbound_private; /* exceptions of outbound/guard.h; NULL-terminated */
    const char *outbound_ca;       /* trusted outbound instead of the system's; NULL = those */
    int audit_keep_days;           /* ≥ 180 */
    int64_t upload_bytes_max, import_bytes_max;
    int conns_max, conns_per_address_max, rate_per_s, rate_burst, signin_per_minute;
    int streams_max, streams_per_user_max, streams_per_tenant_max;
    int jobs_per_user_max, jobs_per_tenant_max, keys_per_user_max, keys_per_tenant_max;
    int sessions_per_user_max;
    int64_t files_bytes_max;
};

#define CONFIG_FILE "perigee.json"

/* Reads the file below data (absent: defaults) and the environment. `why` is one clear sentence. */
MUST_USE enum err config_load(struct arena *arena, const char *data, const char *home,
                              struct config *out, const char **why);
/* One key from a flag, as text ("8", "true", "a,b"); "" unsets it. The same bounds apply. */
MUST_USE enum err config_set(struct arena *arena, struct config *config, const char *key,
                             const char *text, const char **why);
/* What keys need of each other; call when the flags are in: TLS without its certificate, nothing
 * to listen on. */
MUST_USE enum err config_check(const struct config *config, const char **why);
/* The folder with plugins/ and schemas/: $PERIGEE_HOME, ../share/perigee beside the binary, or the
 * source folder it was built from. */
const char *config_home(struct arena *arena);
/* The README that init lays beside the file: every key with its default and bounds. */
void config_readme(struct buf *out);
