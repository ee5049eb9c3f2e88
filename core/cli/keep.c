/* keep - backup, restore and check.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/keep.h"
#include "base/crypto.h"
#include "cli/keys.h"
#include "cli/print.h"
#include "tenant/folder.h"

static int backup_one(struct cli *cli, struct client *client, const char *tenant, const char *dir,
                      const char *passphrase)
{
    struct client_answer answer;
    int status = client_call(client, HTTP_POST, "/api/v1/operator/backup", tenant,
                             print_json(cli_arena(cli), "dir", dir, "passphrase", passphrase, NULL),
                             &answer);
    if (!status && cli_json(cli))
        print_object(cli, &answer);
    else if (!status)
        printf("%s: %s\n", tenant, json_cstr(answer.json, "path", ""));
    return status;
}

static int backup_all(struct cli *cli, struct client *client, const char *dir,
                      const char *passphrase)
{
    struct client_answer answer;
    int status = client_call(client, HTTP_GET, "/api/v1/operator/tenants", NULL, NULL, &answer);
    if (status)
        return status;
    json_each(item, json_get(answer.json, "items"))
    {
        int one = backup_one(cli, client, json_cstr(item, "name", ""), dir, passphrase);
        status = status ? status : one; /* one that fails does not keep the others from it */
    }
    return status;
}

static int run_backup(struct cli *cli)
{
    bool all = cli_flag(cli, "all");
    const char *dir = cli_arg(cli, all ? 0 : 1);
    if (!dir)
        return cli_usage(cli, "backup needs TENANT DIR, or --all DIR");
    struct client *client;
    const char *passphrase;
    int status = keys_passphrase(cli, &passphrase);
    if (!status)
        status = client_open(cli, &client);
    if (status)
        return status;
    dir = cli_path(cli, dir);
    status = all ? backup_all(cli, client, dir, passphrase)
                 : backup_one(cli, client, cli_arg(cli, 0), dir, passphrase);
    client_close(client);
    return status;
}

/* Every process lets go of a suspended tenant within a second. */
#define RESTORE_WAIT_US 1500000

/* Suspends a tenant that is served, so that another folder can take its place. */
static int restore_suspend(struct cli *cli, struct client *client, const char *path, bool *was)
{
    struct client_answer answer;
    *was = false;
    int status = client_call(client, HTTP_GET, "/api/v1/operator/tenants", NULL, NULL, &answer);
    if (status || client_is_local(client))
        return status; /* the folder lock is ours: nobody else has it open */
    json_each(item, json_get(answer.json, "items"))
    {
        const char *own = arena_printf(cli_arena(cli), "/api/v1/operator/tenants/%s",
                                       json_cstr(item, "name", ""));
        if (strcmp(own, path) == 0 && slice_is(json_str(item, "state", SLICE("")), "active"))
            *was = true;
    }
    if (!*was)
        return CLI_OK;
    status = client_call(client, HTTP_PATCH, path, NULL, "{\"state\":\"suspended\"}", &answer);
    if (!status)
        usleep(RESTORE_WAIT_US);
    return status;
}

/* Verifies and copies while the tenant still serves; the server then only changes folders. */
static int restore_stage(struct cli *cli, struct client *client, const char *name,
                         const char **staged)
{
    struct arena *arena = cli_arena(cli);
    struct keep_info info;
    const char *why = NULL;
    uint8_t random[8];
    struct buf hex = BUF_INIT;
    *staged = NULL;
    if (client_is_local(client))
        return CLI_OK;
    crypto_random(random, sizeof random);
    crypto_put_hex(&hex, slice_of((const char *)random, sizeof random));
    const char *fresh = arena_printf(arena, KEEP_FRESH "%s-%s", name, buf_cstr(&hex));
    buf_release(&hex);
    if (keep_stage(arena, cli_path(cli, cli_arg(cli, 1)),
                   arena_printf(arena, "%s/tenants/%s", cli_data(cli), fresh), &info, &why))
        return cli_refuse(cli, "%s", why ? why : "the backup cannot be read");
    *staged = fresh;
    return CLI_OK;
}

static void restore_unstage(struct cli *cli, const char *staged)
{
    const char *folder = arena_printf(cli_arena(cli), "%s/tenants/%s", cli_data(cli), staged);
    if (folder_remove(folder))
        fprintf(stderr, "perigee: %s could not be removed\n", folder);
}

/* Keys that came under a passphrase are taken in when the tenant is served again. */
static int restore_keys(struct cli *cli, struct client *client, const char *name, bool locked,
                        const char *passphrase)
{
    struct client_answer answer;
    if (passphrase)
        return client_call(client, HTTP_POST, "/api/v1/operator/keys/rewrap", name,
                           print_json(cli_arena(cli), "passphrase", passphrase, NULL), &answer);
    if (locked)
        fprintf(stderr,
                "perigee: the encrypted fields of %s cannot be read here: their keys are under "
                "another master key. `perigee keys rewrap %s` takes in the keys of a backup made "
                "with --key-passphrase-stdin.\n",
                name, name);
    return CLI_OK;
}

/* `tenant` as the backup calls it, restored as `name`. */
static int restore(struct cli *cli, const char *tenant, const char *name)
{
    struct client *client;
    const char *passphrase;
    int status = keys_passphrase(cli, &passphrase);
    if (!status)
        status = client_open(cli, &client);
    if (status)
        return status;
    struct client_answer answer, kept;
    bool was_active = false;
    const char *path = arena_printf(cli_arena(cli), "/api/v1/operator/tenants/%s", name);
    const char *staged = NULL;
    status = restore_stage(cli, client, name, &staged);
    if (!status)
        status = restore_suspend(cli, client, path, &was_active);
    if (!status)
        status = client_call(client, HTTP_POST, "/api/v1/operator/restore", NULL,
                             print_json(cli_arena(cli), "tenant", tenant, "as", name, "path",
                                        cli_path(cli, cli_arg(cli, 1)), "host",
                                        cli_option(cli, "host", NULL), "staged", staged, NULL),
                             &answer);
    if (status && staged)
        restore_unstage(cli, staged);
    if (was_active) { /* served again, restored or as it was */
        int resumed = client_call(client, HTTP_PATCH, path, NULL, "{\"state\":\"active\"}", &kept);
        status = status ? status : resumed;
    }
    if (!status)
        printf("tenant %s restored\n", name);
    if (!status)
        status = restore_keys(cli, client, name, json_bool(answer.json, "keys_locked", false),
                              passphrase);
    client_close(client);
    return status;
}

static int run_restore(struct cli *cli)
{
    return restore(cli, cli_arg(cli, 0), cli_option(cli, "as", cli_arg(cli, 0)));
}

/* Unlike a restore, an import never takes the place of a tenant that is there. */
static int import_is_new(struct cli *cli)
{
    struct client *client;
    struct client_answer answer;
    int status = client_open(cli, &client);
    if (status)
        return status;
    status = client_call(client, HTTP_GET, "/api/v1/operator/tenants", NULL, NULL, &answer);
    client_close(client);
    if (status)
        return status;
    json_each(item, json_get(answer.json, "items"))
    {
        if (slice_is(json_str(item, "name", SLICE("")), cli_arg(cli, 0)))
            return cli_refuse(cli, "there is a tenant %s already; `perigee restore` replaces one",
                              cli_arg(cli, 0));
    }
    return CLI_OK;
}

static int run_import_tenant(struct cli *cli)
{
    const struct json *manifest;
    const char *path = arena_printf(cli_arena(cli), "%s/manifest.json", cli_arg(cli, 1));
    if (json_load(cli_arena(cli), path, &manifest, NULL))
        return cli_refuse(cli, "%s is no exported tenant", cli_arg(cli, 1));
    int status = import_is_new(cli);
    if (status)
        return status;
    return restore(cli, json_cstr(json_get(manifest, "tenant"), "name", ""), cli_arg(cli, 0));
}

#define ERASE "/api/v1/operator/erase"

static int erase_record(struct cli *cli, struct client *client, const char *body)
{
    struct client_answer answer;
    int status = client_call(client, HTTP_POST, ERASE, cli_arg(cli, 0), body, &answer);
    if (!status && cli_json(cli))
        print_object(cli, &answer);
    else if (!status)
        printf("%s %s of %s is forgotten\n", cli_arg(cli, 1), cli_arg(cli, 2), cli_arg(cli, 0));
    return status;
}

static int run_erase(struct cli *cli)
{
    struct client *client;
    const char *sure = cli_option(cli, "yes", NULL);
    if (!sure || !slice_is(slice_str(sure), cli_arg(cli, 2)))
        return cli_usage(cli, "this cannot be undone: repeat the id with --yes %s",
                         cli_arg(cli, 2));
    const char *body =
        print_json(cli_arena(cli), "entity", cli_arg(cli, 1), "record", cli_arg(cli, 2), NULL);
    int status = client_open(cli, &client);
    if (status)
        return status;
    status = erase_record(cli, client, body);
    client_close(client);
    return status;
}

static int run_person(struct cli *cli)
{
    struct client *client;
    struct client_answer answer;
    const char *body =
        print_json(cli_arena(cli), "entity", cli_arg(cli, 1), "record", cli_arg(cli, 2), NULL);
    if (cli_flag(cli, "html"))
        body = arena_printf(cli_arena(cli), "%.*s,\"html\":true}", (int)strlen(body) - 1, body);
    int status = client_open(cli, &client);
    if (status)
        return status;
    status =
        client_call(client, HTTP_POST, "/api/v1/operator/person", cli_arg(cli, 0), body, &answer);
    if (!status)
        status = print_bytes(cli, &answer);
    client_close(client);
    return status;
}

static const struct cli_option PERSON_OPTIONS[] = {
    {"html", NULL, "a page to read instead of JSON", false},
    {NULL, NULL, NULL, false},
};

static const struct cli_option ERASE_OPTIONS[] = {
    {"yes", "ID", "the record's id once more", false},
    {NULL, NULL, NULL, false},
};

/* A line for each thing that was looked at, what is wrong behind it. */
static void print_checks(const struct json *checks)
{
    json_each(check, checks)
    {
        bool ok = json_bool(check, "ok", false);
        printf("%-8s %s", ok ? "ok" : "BROKEN", json_cstr(check, "name", "?"));
        int64_t records = json_int(check, "records", -1), broken = json_int(check, "broken", 0);
        if (records >= 0 && broken)
            printf(", %lld of %lld records", (long long)broken, (long long)records);
        else if (records >= 0)
            printf(", %lld records", (long long)records);
        const char *detail = json_cstr(check, "detail", NULL);
        printf("%s%s\n", detail ? ": " : "", detail ? detail : "");
    }
}

static int run_check(struct cli *cli)
{
    struct client *client;
    int status = client_open(cli, &client);
    if (status)
        return status;
    struct client_answer answer;
    status =
        client_call(client, HTTP_POST, "/api/v1/operator/check", cli_arg(cli, 0), "{}", &answer);
    client_close(client);
    if (status)
        return status;
    if (cli_json(cli))
        print_object(cli, &answer);
    else
        print_checks(json_get(answer.json, "checks"));
    return json_bool(answer.json, "ok", false) ? CLI_OK : CLI_REFUSED;
}

#define KEY_OPTION                                                                                 \
    {                                                                                              \
        KEYS_OPTION, NULL, "a passphrase on standard input opens the keys elsewhere", false        \
    }

static const struct cli_option BACKUP_OPTIONS[] = {
    KEY_OPTION,
    {"all", NULL, "every tenant", false},
    {NULL, NULL, NULL, false},
};

static const struct cli_option EXPORT_OPTIONS[] = {
    KEY_OPTION,
    {NULL, NULL, NULL, false},
};

static const struct cli_option RESTORE_OPTIONS[] = {
    KEY_OPTION,
    {"as", "NAME", "restore under another name", false},
    {"host", "HOST", "host name of the restored tenant (needed with --as)", false},
    {NULL, NULL, NULL, false},
};

static const struct cli_option IMPORT_OPTIONS[] = {
    KEY_OPTION,
    {"host", "HOST", "host name it is served under here", false},
    {NULL, NULL, NULL, false},
};

const struct cli_command CLI_KEEP[] = {
    {"backup", "[TENANT] DIR", "write a verified copy while serving", 1, 2, BACKUP_OPTIONS,
     run_backup},
    {"restore", "TENANT PATH", "restore a backup, verified before it replaces anything", 2, 2,
     RESTORE_OPTIONS, run_restore},
    {"tenant export", "NAME DIR", "write the tenant as a folder that can be carried elsewhere", 2,
     2, EXPORT_OPTIONS, run_backup},
    {"tenant import", "NAME PATH", "take in a tenant that was exported elsewhere", 2, 2,
     IMPORT_OPTIONS, run_import_tenant},
    {"erase", "TENANT ENTITY ID", "forget a record for good, also in backups restored later", 3, 3,
     ERASE_OPTIONS, run_erase},
    {"person", "TENANT ENTITY ID", "write everything that is held about a person", 3, 3,
     PERSON_OPTIONS, run_person},
    {"check", "TENANT", "verify structure, audit chain, counters and what plugins promise", 1, 1,
     NULL, run_check},
    {NULL, NULL, NULL, 0, 0, NULL, NULL},
};
