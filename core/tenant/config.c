/* config - one table of keys drives the file, the environment, the flags and the README.
 *
 * schemas/config.schema.json says the same for editors; a test holds the two together.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/config.h"

#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/jsonschema.h"
#include "base/limits.h"
#include "tenant/folder.h"

enum key_type { KEY_TEXT, KEY_LISTEN, KEY_FILE, KEY_LEVEL, KEY_INT, KEY_INT64, KEY_BOOL, KEY_LIST };

struct key {
    const char *name;
    enum key_type type;
    size_t at;            /* offset in struct config */
    const char *fallback; /* NULL = not set */
    int64_t least, most;  /* of numbers */
    const char *about;
};

#define AT(field) offsetof(struct config, field)

static const struct key keys[] = {
    {"listen", KEY_LISTEN, AT(listen), "127.0.0.1:8080", 0, 0,
     "Address and port for plain HTTP; port 0 lets the system choose. Put it on a public address "
     "only behind a proxy that does TLS."},
    {"tls_listen", KEY_LISTEN, AT(tls_listen), NULL, 0, 0,
     "Address and port for HTTPS; needs tls_cert and tls_key."},
    {"tls_cert", KEY_FILE, AT(tls_cert), NULL, 0, 0,
     "Certificate chain in PEM; a relative path starts at the data folder. SIGHUP rereads it."},
    {"tls_key", KEY_FILE, AT(tls_key), NULL, 0, 0,
     "Private key in PEM; a relative path starts at the data folder."},
    {"operator_listen", KEY_LISTEN, AT(operator_listen), NULL, 0, 0,
     "Address and port for operators: it serves /metrics and honours X-Perigee-Tenant, so keep it "
     "on loopback."},
    {"gateways", KEY_INT, AT(gateways), "0", 0, SLOTS_PER_ROLE_MAX,
     "Processes that speak HTTP; 0 means one per processor core."},
    {"workers", KEY_INT, AT(workers), "4", 1, SLOTS_PER_ROLE_MAX, "Processes that write."},
    {"runners", KEY_INT, AT(runners), "3", 1, SLOTS_PER_ROLE_MAX,
     "Processes for sign-in, jobs, imports, mail and all that may wait."},
    {"public_url", KEY_TEXT, AT(public_url), NULL, 0, 0,
     "How people reach the server, such as https://crm.example.com: the start of links in mails."},
    {"log_level", KEY_LEVEL, AT(log_level), "info", 0, 0,
     "The least that is logged: debug, info, warn or error."},
    {"access_log", KEY_BOOL, AT(access_log), "true", 0, 0, "One log line per request."},
    {"trusted_proxies", KEY_LIST, AT(trusted_proxies), "", 0, 0,
     "Addresses whose forwarded headers are believed."},
    {"outbound_private", KEY_LIST, AT(outbound_private), "", 0, 0,
     "Addresses, ranges (10.2.0.0/16) and host names inside the company's network that mail and "
     "plugins may reach; all but the public internet is refused otherwise."},
    {"outbound_ca", KEY_FILE, AT(outbound_ca), NULL, 0, 0,
     "Certificates in PEM that are trusted outbound instead of the system's; a relative path "
     "starts at the data folder."},
    {"audit_keep_days", KEY_INT, AT(audit_keep_days), "365", 180, 36500,
     "How long the audit log is kept; less than 180 days is refused, because the law asks for six "
     "months."},
    {"upload_bytes_max", KEY_INT64, AT(upload_bytes_max), "26214400", 65536, 1073741824,
     "The largest attachment."},
    {"import_bytes_max", KEY_INT64, AT(import_bytes_max), "209715200", 65536, 2147483648,
     "The largest import file."},
    {"conns_max", KEY_INT, AT(conns_max), "4096", 16, 65536, "Connections of one gateway."},
    {"conns_per_address_max", KEY_INT, AT(conns_per_address_max), "200", 1, 65536,
     "Connections of one address to one gateway."},
    {"streams_max", KEY_INT, AT(streams_max), "1024", 1, STREAMS_PER_GATEWAY_MAX,
     "Open streams of live events of one gateway."},
    {"streams_per_user_max", KEY_INT, AT(streams_per_user_max), "8", 1, 1000,
     "Open streams of live events of one user: windows of the console."},
    {"streams_per_tenant_max", KEY_INT, AT(streams_per_tenant_max), "500", 1, 100000,
     "Open streams of live events of one tenant."},
    {"jobs_per_user_max", KEY_INT, AT(jobs_per_user_max), "50", 1, 100000,
     "Unfinished jobs (imports, exports) that one user has started."},
    {"jobs_per_tenant_max", KEY_INT, AT(jobs_per_tenant_max), "1000", 1, 100000,
     "Unfinished jobs that the people of one tenant have started."},
    {"keys_per_user_max", KEY_INT, AT(keys_per_user_max), "20", 1, 1000,
     "API keys of one user that have not been revoked."},
    {"keys_per_tenant_max", KEY_INT, AT(keys_per_tenant_max), "200", 1, 10000,
     "API keys of one tenant that have not been revoked."},
    {"sessions_per_user_max", KEY_INT, AT(sessions_per_user_max), "50", 1, 1000,
     "Sessions of one user; with one more the oldest ends."},
    {"files_bytes_max", KEY_INT64, AT(files_bytes_max), "107374182400", 1, 1099511627776000,
     "Bytes of all attachments of one tenant."},
    {"rate_per_s", KEY_INT, AT(rate_per_s), "60", 1, 100000,
     "Requests per second of one key, and of one address before sign-in."},
    {"rate_burst", KEY_INT, AT(rate_burst), "120", 1, 100000, "How many of them at once."},
    {"signin_per_minute", KEY_INT, AT(signin_per_minute), "40", 1, 100000,
     "Attempts of one address to sign in, right ones too; those of three minutes may come at "
     "once."},
};
#define KEYS_COUNT (sizeof keys / sizeof *keys)

_Static_assert(UPLOAD_BYTES_MAX == 26214400 && IMPORT_BYTES_MAX == 209715200, "as the table says");
_Static_assert(CONNS_MAX == 4096 && CONNS_PER_ADDRESS_MAX == 200, "as the table says");
_Static_assert(STREAMS_PER_GATEWAY == 1024 && STREAMS_PER_USER == 8, "as the table says");
_Static_assert(STREAMS_PER_TENANT == 500, "as the table says");
_Static_assert(JOBS_PER_USER == 50 && JOBS_PER_TENANT == 1000, "as the table says");
_Static_assert(KEYS_PER_USER == 20 && KEYS_PER_TENANT == 200, "as the table says");
_Static_assert(SESSIONS_PER_USER == 50 && FILES_BYTES == 107374182400, "as the table says");
_Static_assert(SIGNIN_PER_MINUTE == 40, "as the table says");
_Static_assert(RATE_PER_S == 60 && RATE_BURST == 120, "as the table says");

static enum err say(struct arena *arena, const char **why, const char *fmt, ...) PRINTF_LIKE(3, 4);
static enum err say(struct arena *arena, const char **why, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (why)
        *why = arena_vprintf(arena, fmt, args);
    va_end(args);
    return ERR_MALFORMED;
}

/* "ADDR:PORT" with an IPv4 address, a bracketed IPv6 address or a name. */
static bool listen_is_valid(struct slice s)
{
    size_t colon = s.len;
    while (colon > 0 && s.at[colon - 1] != ':')
        colon--;
    if (colon < 2)
        return false;
    struct slice host = slice_of(s.at, colon - 1);
    int64_t port = -1;
    if (!slice_to_int(slice_of(s.at + colon, s.len - colon), &port) || port < 0 || port > 65535)
        return false;
    bool bracketed = host.at[0] == '[';
    if (bracketed)
        return host.len > 2 && host.at[host.len - 1] == ']';
    for (size_t i = 0; i < host.len; i++)
        if (!isalnum((unsigned char)host.at[i]) && host.at[i] != '.' && host.at[i] != '-')
            return false;
    return true;
}

static bool level_is_valid(struct slice s)
{
    return slice_is(s, "debug") || slice_is(s, "info") || slice_is(s, "warn") ||
           slice_is(s, "error");
}

static const char **list_make(struct arena *arena, struct slice text)
{
    size_t most = 2;
    for (size_t i = 0; i < text.len; i++)
        most += text.at[i] == ',';
    const char **list = arena_array(arena, const char *, most);
    int n = 0;
    while (text.len > 0) {
        struct slice item = slice_trim(slice_split(&text, ','));
        if (item.len > 0)
            list[n++] = arena_str(arena, item);
    }
    return list;
}

static enum err set_number(struct arena *arena, const struct key *key, struct slice text,
                           void *field, const char **why)
{
    int64_t n;
    if (!slice_to_int(text, &n) || n < key->least || n > key->most)
        return say(arena, why, "%s must be a whole number from %lld to %lld, not \"" SLICE_FMT "\"",
                   key->name, (long long)key->least, (long long)key->most, SLICE_ARG(text));
    if (key->type == KEY_INT)
        *(int *)field = (int)n;
    else
        *(int64_t *)field = n;
    return ERR_OK;
}

static enum err set_text(struct arena *arena, struct config *config, const struct key *key,
                         struct slice text, const char **field, const char **why)
{
    if (text.len == 0) {
        *field = NULL;
        return ERR_OK;
    }
    if (key->type == KEY_LISTEN && !listen_is_valid(text))
        return say(arena, why, "%s must be ADDRESS:PORT, not \"" SLICE_FMT "\"", key->name,
                   SLICE_ARG(text));
    if (key->type == KEY_LEVEL && !level_is_valid(text))
        return say(arena, why, "%s must be debug, info, warn or error, not \"" SLICE_FMT "\"",
                   key->name, SLICE_ARG(text));
    if (key->type == KEY_FILE && text.at[0] != '/')
        *field = arena_printf(arena, "%s/" SLICE_FMT, config->data, SLICE_ARG(text));
    else
        *field = arena_str(arena, text);
    return ERR_OK;
}

static enum err set(struct arena *arena, struct config *config, const struct key *key,
                    struct slice text, const char **why)
{
    void *field = (char *)config + key->at;
    switch (key->type) {
    case KEY_INT:
    case KEY_INT64:
        return set_number(arena, key, text, field, why);
    case KEY_BOOL:
        if (!slice_is(text, "true") && !slice_is(text, "false"))
            return say(arena, why, "%s must be true or false, not \"" SLICE_FMT "\"", key->name,
                       SLICE_ARG(text));
        *(bool *)field = slice_is(text, "true");
        return ERR_OK;
    case KEY_LIST:
        *(const char ***)field = list_make(arena, text);
        return ERR_OK;
    case KEY_TEXT:
    case KEY_LISTEN:
    case KEY_FILE:
    case KEY_LEVEL:
        break;
    }
    return set_text(arena, config, key, text, field, why);
}

static const struct key *key_find(struct slice name)
{
    for (size_t i = 0; i < KEYS_COUNT; i++)
        if (slice_is(name, keys[i].name))
            return &keys[i];
    return NULL;
}

/* A JSON value as the text that a flag would give. */
static struct slice text_of(struct arena *arena, const struct json *value)
{
    if (value->type == JSON_STRING)
        return value->text;
    if (value->type == JSON_NULL)
        return SLICE("");
    struct buf b = BUF_INIT;
    if (value->type == JSON_ARRAY) {
        json_each(item, value)
        {
            buf_put_slice(&b, item->text);
            buf_put_char(&b, ',');
        }
    } else {
        json_put(&b, value);
    }
    struct slice text = arena_slice(arena, buf_slice(&b));
    buf_release(&b);
    return text;
}

static enum err schema_check(struct arena *arena, const char *home, const char *path,
                             const struct json *doc, const char **why)
{
    const struct json *schema;
    const char *schema_path = arena_printf(arena, "%s/schemas/config.schema.json", home);
    enum err e = json_load(arena, schema_path, &schema, why);
    if (e == ERR_NOT_FOUND)
        return say(arena, why,
                   "%s is missing: point PERIGEE_HOME at the folder with schemas/ and "
                   "plugins/",
                   schema_path);
    if (e)
        return e;
    const struct jsonschema_fault *fault = jsonschema_check(arena, schema, doc);
    if (fault)
        return say(arena, why, "%s:%d: %s%s%s", path, fault->line, fault->pointer,
                   fault->pointer[0] ? " " : "", fault->what);
    return ERR_OK;
}

static enum err file_apply(struct arena *arena, struct config *config, const char **why)
{
    const char *path = arena_printf(arena, "%s/" CONFIG_FILE, config->data);
    const struct json *doc;
    const char *detail = NULL;
    enum err e = json_load(arena, path, &doc, &detail);
    if (e == ERR_NOT_FOUND)
        return ERR_OK; /* the defaults are a whole configuration */
    if (e) {
        (void)say(arena, why, "%s: %s", path, detail ? detail : err_text(e, LANG_EN));
        return e;
    }
    e = schema_check(arena, config->home, path, doc, why);
    if (e)
        return e;
    json_each(member, doc)
    {
        const struct key *key = key_find(member->key);
        if (!key)
            return say(arena, why, "%s:%d: unknown key \"" SLICE_FMT "\"", path, member->line,
                       SLICE_ARG(member->key));
        e = set(arena, config, key, text_of(arena, member), &detail);
        if (e) {
            (void)say(arena, why, "%s:%d: %s", path, member->line, detail);
            return e;
        }
    }
    return ERR_OK;
}

static enum err environment_apply(struct arena *arena, struct config *config, const char **why)
{
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        char name[64] = "PERIGEE_";
        size_t n = strlen(name);
        for (const char *at = keys[i].name; *at; at++)
            name[n++] = (char)toupper((unsigned char)*at);
        name[n] = '\0';
        const char *text = getenv(name);
        const char *detail;
        if (!text)
            continue;
        enum err e = set(arena, config, &keys[i], slice_str(text), &detail);
        if (e) {
            (void)say(arena, why, "%s in the environment: %s", name, detail);
            return e;
        }
    }
    return ERR_OK;
}

static const char *absolute(struct arena *arena, const char *path)
{
    char full[PATH_MAX];
    if (realpath(path, full))
        return arena_strdup(arena, full);
    if (path[0] != '/' && getcwd(full, sizeof full))
        return arena_printf(arena, "%s/%s", full, path);
    return arena_strdup(arena, path);
}

static void gateways_settle(struct config *config)
{
    if (config->gateways > 0)
        return;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    config->gateways = cores < 1 ? 1 : cores > SLOTS_PER_ROLE_MAX ? SLOTS_PER_ROLE_MAX : (int)cores;
}

enum err config_load(struct arena *arena, const char *data, const char *home, struct config *out,
                     const char **why)
{
    ASSERT(arena && data && out);
    ASSERT(home);

    struct config config = {.data = absolute(arena, data), .home = absolute(arena, home)};
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        enum err e = set(arena, &config, &keys[i], slice_str(keys[i].fallback), why);
        ASSERT(!e);
    }
    enum err e = file_apply(arena, &config, why);
    if (!e)
        e = environment_apply(arena, &config, why);
    if (e)
        return e;
    gateways_settle(&config);
    *out = config;
    return ERR_OK;
}

enum err config_set(struct arena *arena, struct config *config, const char *key, const char *text,
                    const char **why)
{
    ASSERT(arena && config);
    ASSERT(key && text);
    const struct key *found = key_find(slice_str(key));
    if (!found)
        return say(arena, why, "unknown key \"%s\"", key);
    enum err e = set(arena, config, found, slice_str(text), why);
    if (!e)
        gateways_settle(config);
    return e;
}

enum err config_check(const struct config *config, const char **why)
{
    ASSERT(config && why);
    *why = NULL;
    if (config->tls_listen && (!config->tls_cert || !config->tls_key))
        *why = "tls_listen needs tls_cert and tls_key";
    else if (!config->listen && !config->tls_listen && !config->operator_listen)
        *why = "there is nothing to listen on: set listen or tls_listen";
    return *why ? ERR_MALFORMED : ERR_OK;
}

static bool is_home(const char *folder)
{
    char path[FOLDER_PATH_MAX];
    folder_join(path, folder, "schemas");
    return folder_exists(path);
}

const char *config_home(struct arena *arena)
{
    ASSERT(arena);
    const char *home = getenv("PERIGEE_HOME");
    if (home && *home)
        return absolute(arena, home);

    char binary[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", binary, sizeof binary - 1);
    if (n > 0) {
        binary[n] = '\0';
        char *slash = strrchr(binary, '/');
        ASSERT(slash);
        *slash = '\0';
        const char *installed = arena_printf(arena, "%s/../share/perigee", binary);
        if (is_home(installed))
            return absolute(arena, installed);
    }
    return arena_strdup(arena, PERIGEE_SOURCE_DIR);
}

void config_readme(struct buf *out)
{
    buf_put_str(out,
                "This is a Perigee data folder. Copy it whole, or not at all.\n\n"
                "  control.db     tenants, hosts, operators\n"
                "  master.key     wraps the keys of encrypted fields: secret, and irreplaceable\n"
                "  perigee.json   the configuration, explained below\n"
                "  tenants/NAME/  one company each: tenant.db, files/, custom/, backups/, tmp/\n"
                "  run/           sockets of a running server\n\n"
                "Keys of perigee.json. Each can be overridden by the environment (gateways by\n"
                "PERIGEE_GATEWAYS) and most by a flag of `perigee serve`. A key left out has its\n"
                "default. SIGHUP makes a running server read them again, and the certificate;\n"
                "addresses to listen on, numbers of processes and where the certificate lies\n"
                "count when it starts.\n");
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        const struct key *key = &keys[i];
        buf_printf(out, "\n  %s\n      %s\n      default: %s", key->name, key->about,
                   key->fallback && *key->fallback ? key->fallback : "not set");
        if (key->type == KEY_INT || key->type == KEY_INT64)
            buf_printf(out, ", from %lld to %lld", (long long)key->least, (long long)key->most);
        buf_put_char(out, '\n');
    }
}
