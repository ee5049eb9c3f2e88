/* upgrade - bringing every tenant to this release, or only saying what would happen.
 *
 * --rehearse works on backups: each tenant is copied, taken through its migrations and its scripts
 * loaded, and the copy is thrown away. So it may run beside the old release that still serves; what
 * would break is listed with file and line, and nothing has been switched. What is wrong in the
 * release that serves already is told apart from that: nobody has to mend it for the upgrade.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include "api/keep.h"
#include "api/upgrade.h"
#include "base/crypto.h"
#include "cli/print.h"
#include "tenant/folder.h"

#define TENANTS "/api/v1/operator/tenants"

struct upgrade {
    struct cli *cli;
    struct client *client;
    struct config config; /* of the release that is tried */
    struct buf report;    /* JSON items */
    int broken;
};

static int list_tenants(struct upgrade *u, struct client_answer *answer)
{
    return client_call(u->client, HTTP_GET, TENANTS, NULL, NULL, answer);
}

static bool is_meant(struct upgrade *u, const char *name)
{
    const char *wanted = cli_arg(u->cli, 0);
    return !wanted || strcmp(wanted, name) == 0;
}

/* --- rehearsing ---------------------------------------------------------------------------------
 */

static const char *fresh_folder(struct upgrade *u, const char *name)
{
    struct arena *arena = cli_arena(u->cli);
    uint8_t random[8];
    struct buf hex = BUF_INIT;
    crypto_random(random, sizeof random);
    crypto_put_hex(&hex, slice_of((const char *)random, sizeof random));
    const char *path = arena_printf(arena, "%s/tenants/" KEEP_FRESH "%s-%s", cli_data(u->cli), name,
                                    buf_cstr(&hex));
    buf_release(&hex);
    return path;
}

static void print_broken(struct upgrade *u, const char *name, struct slice report)
{
    const struct json *doc = NULL;
    if (json_parse(cli_arena(u->cli), report, &doc, NULL))
        return;
    const struct json *broken = json_get(doc, "broken"), *ran = json_get(doc, "migrations");
    int count = 0;
    json_each(item, broken) count += !json_bool(item, "before", false);
    u->broken += count;
    if (cli_json(u->cli))
        return;
    printf("%s: %s, %d migrations, %lld records\n", name, count ? "breaks" : "ok",
           ran ? ran->count : 0, (long long)json_int(doc, "rows", 0));
    json_each(item, broken) if (!json_bool(item, "before", false))
        printf("  %s\n", json_cstr(item, "why", ""));
    json_each(item, broken) if (json_bool(item, "before", false))
        printf("  so already: %s\n", json_cstr(item, "why", ""));
}

/* One tenant: a backup by who serves it, a copy of that, and the copy through it all. */
static int rehearse_one(struct upgrade *u, const char *name)
{
    struct arena *arena = cli_arena(u->cli);
    struct client_answer answer;
    struct keep_info info;
    const char *why = NULL, *work = fresh_folder(u, name);
    const char *copy = arena_printf(arena, "%s/copy", work);
    int status = client_call(u->client, HTTP_POST, "/api/v1/operator/backup", name,
                             print_json(arena, "dir", work, NULL), &answer);
    if (!status) {
        struct buf report = BUF_INIT;
        enum err e = keep_stage(arena, json_cstr(answer.json, "path", ""), copy, &info, &why);
        if (!e)
            e = folder_make(arena_printf(arena, "%s/backups", copy));
        if (!e)
            e = upgrade_rehearse(&u->config, json_cstr(answer.json, "home", NULL), arena, copy,
                                 &info.tenant, &report, &why);
        if (e)
            status = cli_refuse(u->cli, "%s: %s", name, why ? why : err_text(e, LANG_EN));
        else
            print_broken(u, name, buf_slice(&report));
        if (!e && u->report.len)
            buf_put_char(&u->report, ',');
        if (!e)
            buf_put_slice(&u->report, buf_slice(&report));
        buf_release(&report);
    }
    if (folder_remove(work))
        fprintf(stderr, "perigee: %s could not be removed\n", work);
    return status;
}

/* --- for good -----------------------------------------------------------------------------------
 */

static int upgrade_one(struct upgrade *u, const char *name)
{
    struct client_answer answer;
    int status = client_call(u->client, HTTP_POST, "/api/v1/operator/upgrade", name, "{}", &answer);
    if (status) {
        fprintf(stderr,
                "perigee: %s stays as it was; mend it and run this again. A bundle that fits only "
                "this release comes behind it: plugin disable, upgrade, plugin deploy\n",
                name);
        return status;
    }
    const struct json *ran = json_get(answer.json, "migrations");
    if (!cli_json(u->cli))
        printf("%s: %d migrations, %lld records%s%s\n", name, ran ? ran->count : 0,
               (long long)json_int(answer.json, "rows", 0),
               json_cstr(answer.json, "backup", NULL) ? ", backup " : "",
               json_cstr(answer.json, "backup", ""));
    if (u->report.len)
        buf_put_char(&u->report, ',');
    buf_put_slice(&u->report, answer.body);
    return CLI_OK;
}

/* One tenant that fails does not keep the others from being done. */
static int each_tenant(struct upgrade *u, int (*one)(struct upgrade *u, const char *name))
{
    struct client_answer answer;
    int status = list_tenants(u, &answer), found = 0;
    if (status)
        return status;
    json_each(item, json_get(answer.json, "items"))
    {
        const char *name = json_cstr(item, "name", "");
        bool is_active = slice_is(json_str(item, "state", SLICE("")), "active");
        if (!is_meant(u, name) || (!is_active && !cli_arg(u->cli, 0)))
            continue;
        int now = one(u, name);
        status = status ? status : now;
        found++;
    }
    if (cli_arg(u->cli, 0) && !found)
        return cli_refuse(u->cli, "there is no tenant %s", cli_arg(u->cli, 0));
    return status;
}

static int open_release(struct upgrade *u)
{
    struct arena *arena = cli_arena(u->cli);
    const char *why = NULL;
    const char *home = cli_option(u->cli, "home", NULL);
    home = home ? cli_path(u->cli, home) : config_home(arena);
    if (!folder_exists(arena_printf(arena, "%s/plugins", home)))
        return cli_refuse(u->cli, "%s has no folder plugins/", home);
    if (config_load(arena, cli_data(u->cli), home, &u->config, &why))
        return cli_refuse(u->cli, "%s", why);
    return CLI_OK;
}

static int run_upgrade(struct cli *cli)
{
    struct upgrade u = {.cli = cli};
    bool rehearses = cli_flag(cli, "rehearse");
    if (cli_option(cli, "home", NULL) && !rehearses)
        return cli_usage(cli, "--home is for --rehearse");
    int status = rehearses ? open_release(&u) : CLI_OK;
    if (!status)
        status = client_open(cli, &u.client);
    if (status)
        return status;
    status = each_tenant(&u, rehearses ? rehearse_one : upgrade_one);
    client_close(u.client);
    if (cli_json(cli))
        printf("{\"items\":[%s]}\n", buf_cstr(&u.report));
    buf_release(&u.report);
    return status ? status : u.broken ? CLI_REFUSED : CLI_OK;
}

static const struct cli_option UPGRADE_OPTIONS[] = {
    {"rehearse", NULL, "only say what would break; works on copies", false},
    {"home", "DIR", "with --rehearse: the release to try (default: this one)", false},
    {NULL, NULL, NULL, false},
};

const struct cli_command CLI_UPGRADE[] = {
    {"upgrade", "[TENANT]", "run the migrations of this release, or rehearse it", 0, 1,
     UPGRADE_OPTIONS, run_upgrade},
    {NULL, NULL, NULL, 0, 0, NULL, NULL},
};
