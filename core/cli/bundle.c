/* bundle - a company's own plugins: packing a folder, deploying it, its history, the way back.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/bundle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/print.h"
#include "tenant/folder.h"
#include "tenant/pack.h"

#define PLUGINS "/api/v1/admin/plugins"

/* --- packing ------------------------------------------------------------------------------------
 */

static int read_folder(struct cli *cli, const char *folder, struct pack *pack, const char **id,
                       const char **version)
{
    struct arena *arena = cli_arena(cli);
    const struct json *manifest;
    const char *why = NULL;
    if (pack_folder(arena, folder, pack, &why))
        return cli_refuse(cli, "%s: %s", folder, why);
    if (json_parse(arena, pack_get(pack, "plugin.json"), &manifest, &why))
        return cli_refuse(cli, "%s/plugin.json: %s", folder, why);
    *id = json_cstr(manifest, "id", NULL);
    *version = json_cstr(manifest, "version", "0.0.0");
    if (!*id)
        return cli_refuse(cli, "%s/plugin.json: \"id\" is missing", folder);
    return CLI_OK;
}

static int write_pack(struct cli *cli, const struct pack *pack, const char *file)
{
    struct buf bytes = BUF_INIT;
    pack_write(pack, &bytes);
    const char *fresh = arena_printf(cli_arena(cli), "%s.new", file);
    (void)unlink(fresh);
    enum err e = folder_write(fresh, buf_slice(&bytes), 0644);
    if (!e && rename(fresh, file) != 0)
        e = folder_err(errno);
    buf_release(&bytes);
    if (!e)
        return CLI_OK;
    (void)unlink(fresh);
    return cli_refuse(cli, "%s: %s", file, err_text(e, LANG_EN));
}

static int run_pack(struct cli *cli)
{
    struct arena *arena = cli_arena(cli);
    struct pack pack;
    const char *id = NULL, *version = NULL;
    int status = read_folder(cli, cli_arg(cli, 0), &pack, &id, &version);
    if (status)
        return status;
    const char *file =
        cli_option(cli, "output", arena_printf(arena, "%s-%s" PACK_ENDING, id, version));
    status = write_pack(cli, &pack, file);
    if (status)
        return status;
    if (cli_json(cli))
        printf("%s\n", print_json(arena, "id", id, "version", version, "hash", pack.hash, "file",
                                  file, NULL));
    else
        printf("%s: %d files, %s\n", file, pack.count, pack.hash);
    return CLI_OK;
}

/* --- deploying ----------------------------------------------------------------------------------
 */

/* The pack's own bytes, from a folder or from a file that was packed before. */
static int read_source(struct cli *cli, const char *source, struct buf *bytes, const char **id)
{
    struct arena *arena = cli_arena(cli);
    struct pack pack;
    const char *why = NULL, *version;
    const struct json *manifest;
    if (folder_exists(arena_printf(arena, "%s/.", source))) {
        int status = read_folder(cli, source, &pack, id, &version);
        if (!status)
            pack_write(&pack, bytes);
        return status;
    }
    FILE *file = fopen(source, "rb");
    if (!file)
        return cli_refuse(cli, "%s: %s", source, strerror(errno));
    char block[65536];
    size_t n;
    while ((n = fread(block, 1, sizeof block, file)) > 0 && bytes->len <= PACK_ARCHIVE_BYTES_MAX)
        buf_put(bytes, block, n);
    bool failed = ferror(file) != 0;
    (void)fclose(file);
    if (failed)
        return cli_refuse(cli, "%s cannot be read", source);
    if (pack_read(arena, buf_slice(bytes), &pack, &why) ||
        json_parse(arena, pack_get(&pack, "plugin.json"), &manifest, &why))
        return cli_refuse(cli, "%s: %s", source, why);
    *id = json_cstr(manifest, "id", "?");
    return CLI_OK;
}

/* Requests find large bodies in the tenant's tmp/. */
static int put_body(struct cli *cli, const char *tenant, const struct buf *bytes, const char **path)
{
    struct arena *arena = cli_arena(cli);
    uint8_t random[8];
    struct buf hex = BUF_INIT;
    crypto_random(random, sizeof random);
    crypto_put_hex(&hex, slice_of((const char *)random, sizeof random));
    *path = arena_printf(arena, "%s/tenants/%s/tmp/body-%s", cli_data(cli), tenant, buf_cstr(&hex));
    buf_release(&hex);
    enum err e = folder_write(*path, buf_slice(bytes), 0600);
    if (e == ERR_NOT_FOUND)
        return cli_refuse(cli, "there is no tenant %s", tenant);
    return e ? cli_refuse(cli, "%s: %s", *path, err_text(e, LANG_EN)) : CLI_OK;
}

static void print_deploy(struct cli *cli, const struct client_answer *answer, const char *verb)
{
    if (cli_json(cli)) {
        print_object(cli, answer);
        return;
    }
    printf("%s %s %s (%.12s)\n", verb, json_cstr(answer->json, "id", "?"),
           json_cstr(answer->json, "version", "?"), json_cstr(answer->json, "hash", "?"));
    json_each(warning, json_get(answer->json, "warnings"))
        printf("warning: " SLICE_FMT "\n", SLICE_ARG(warning->text));
}

int bundle_deploy(struct cli *cli, const char *tenant, const char *source, bool check_only)
{
    struct arena *arena = cli_arena(cli);
    struct buf bytes = BUF_INIT;
    struct client *client = NULL;
    struct client_answer answer;
    const char *id = NULL, *path = NULL;
    int status = read_source(cli, source, &bytes, &id);
    if (!status)
        status = client_open(cli, &client);
    if (!status)
        status = put_body(cli, tenant, &bytes, &path);
    if (!status) {
        const char *target =
            arena_printf(arena, PLUGINS "/%s/deploys%s", id, check_only ? "?check=true" : "");
        status = client_upload(client, target, tenant, "application/x-tar", path, &answer);
        (void)unlink(path);
    }
    if (client)
        client_close(client);
    buf_release(&bytes);
    if (!status)
        print_deploy(cli, &answer, check_only ? "fits:" : "active:");
    return status;
}

static int run_deploy(struct cli *cli)
{
    return bundle_deploy(cli, cli_arg(cli, 0), cli_arg(cli, 1), cli_flag(cli, "check"));
}

/* --- history ------------------------------------------------------------------------------------
 */

static int run_rollback(struct cli *cli)
{
    struct client *client;
    struct client_answer answer;
    struct arena *arena = cli_arena(cli);
    int status = client_open(cli, &client);
    if (status)
        return status;
    const char *body = print_json(arena, "hash", cli_arg(cli, 2), NULL);
    status =
        client_call(client, HTTP_POST, arena_printf(arena, PLUGINS "/%s/rollback", cli_arg(cli, 1)),
                    cli_arg(cli, 0), body, &answer);
    client_close(client);
    if (!status)
        print_deploy(cli, &answer, "active:");
    return status;
}

static int run_deploys(struct cli *cli)
{
    static const struct print_column columns[] = {
        {"at", "AT"},         {"action", "ACTION"}, {"version", "VERSION"}, {"hash", "HASH"},
        {"active", "ACTIVE"}, {"kept", "KEPT"},     {NULL, NULL},
    };
    struct client *client;
    struct client_answer answer;
    int status = client_open(cli, &client);
    if (status)
        return status;
    status = client_call(client, HTTP_GET,
                         arena_printf(cli_arena(cli), PLUGINS "/%s/deploys", cli_arg(cli, 1)),
                         cli_arg(cli, 0), NULL, &answer);
    client_close(client);
    if (!status)
        print_items(cli, &answer, columns);
    return status;
}

static const struct cli_option PACK_OPTIONS[] = {
    {"output", "FILE", "where to write it (default: <id>-<version>" PACK_ENDING ")", false},
    {NULL, NULL, NULL, false},
};
static const struct cli_option DEPLOY_OPTIONS[] = {
    {"check", NULL, "only say whether it would fit", false},
    {NULL, NULL, NULL, false},
};

const struct cli_command CLI_BUNDLE[] = {
    {"plugin pack", "FOLDER", "make one file of a plugin's folder", 1, 1, PACK_OPTIONS, run_pack},
    {"plugin deploy", "TENANT FOLDER|FILE", "check a bundle and make it active", 2, 2,
     DEPLOY_OPTIONS, run_deploy},
    {"plugin rollback", "TENANT PLUGIN [HASH]", "go back to an earlier deploy", 2, 3, NULL,
     run_rollback},
    {"plugin deploys", "TENANT PLUGIN", "what was active of a bundle, and when", 2, 2, NULL,
     run_deploys},
    {NULL, NULL, NULL, 0, 0, NULL, NULL},
};
