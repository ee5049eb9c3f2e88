/* data - import and export.
 *
 * The same importer and exporter as the API's: the file goes into the tenant's tmp/, the work is a
 * job, and this command waits for it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "cli/print.h"

#define IMPORTS "/api/v1/imports"

/* Copies a file to where requests find their bodies. */
static int copy_in(struct cli *cli, const char *file, const char **out)
{
    struct arena *arena = cli_arena(cli);
    uint8_t random[8];
    crypto_random(random, sizeof(random));
    struct buf hex = BUF_INIT;
    crypto_put_hex(&hex, slice_of((const char *)random, sizeof(random)));
    const char *path = arena_printf(arena, "%s/tenants/%s/tmp/body-%s", cli_data(cli),
                                    cli_arg(cli, 0), buf_cstr(&hex));
    buf_release(&hex);
    int from = open(file, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return cli_refuse(cli, "%s: %s", file, strerror(errno));
    int to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0) {
        close(from);
        return errno == ENOENT ? cli_refuse(cli, "there is no tenant %s", cli_arg(cli, 0))
                               : cli_refuse(cli, "%s: %s", path, strerror(errno));
    }
    bool ok = print_copy(from, to);
    close(from);
    if (close(to) != 0 || !ok) {
        unlink(path);
        return cli_refuse(cli, "%s could not be copied: %s", file, strerror(errno));
    }
    *out = path;
    return CLI_OK;
}

static int read_file(struct cli *cli, const char *file, const char **out)
{
    const struct json *doc;
    const char *why = NULL;
    enum err e = json_load(cli_arena(cli), file, &doc, &why);
    if (e)
        return cli_refuse(cli, "%s: %s", file, why ? why : err_text(e, LANG_EN));
    struct buf b = BUF_INIT;
    json_put(&b, doc);
    *out = arena_str(cli_arena(cli), buf_slice(&b));
    buf_release(&b);
    return CLI_OK;
}

static void print_counts(const struct json *import)
{
    const struct json *counts = json_get(import, "counts");
    printf("created %lld, updated %lld, skipped %lld, failed %lld\n",
           (long long)json_int(counts, "created", 0), (long long)json_int(counts, "updated", 0),
           (long long)json_int(counts, "skipped", 0), (long long)json_int(counts, "failed", 0));
}

/* What a request gave, into a file of whoever asked. */
static int save_bytes(struct cli *cli, const struct client_answer *answer, const char *file)
{
    int to = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int from = answer->file_path ? open(answer->file_path, O_RDONLY | O_CLOEXEC) : -1;
    bool ok = to >= 0;
    if (ok && from >= 0)
        ok = print_copy(from, to);
    else if (ok)
        ok = write(to, answer->body.at, answer->body.len) == (ssize_t)answer->body.len;
    if (from >= 0)
        close(from);
    if (to >= 0)
        ok = close(to) == 0 && ok;
    return ok ? CLI_OK : cli_refuse(cli, "%s could not be written: %s", file, strerror(errno));
}

/* The reasons of failed rows, beside where the command was called. */
static int write_reasons(struct cli *cli, struct client *client, const char *id)
{
    struct client_answer answer;
    const char *path = arena_printf(cli_arena(cli), IMPORTS "/%s/errors.csv", id);
    const char *file = arena_printf(cli_arena(cli), "import-%s-errors.csv", id);
    int status = client_call(client, HTTP_GET, path, cli_arg(cli, 0), NULL, &answer);
    if (!status)
        status = save_bytes(cli, &answer, file);
    if (!status && !cli_json(cli))
        printf("reasons: %s\n", file);
    return status;
}

static int import_finish(struct cli *cli, struct client *client, const char *id)
{
    struct client_answer answer;
    const char *path = arena_printf(cli_arena(cli), IMPORTS "/%s", id);
    int status = client_wait(client, path, cli_arg(cli, 0), &answer);
    if (status) {
        fprintf(stderr, "The import goes on by itself while a server runs; ask %s.\n", path);
        return status;
    }
    if (cli_json(cli))
        print_object(cli, &answer);
    else
        print_counts(answer.json);
    bool is_dry = cli_flag(cli, "dry-run");
    if (is_dry && !cli_json(cli))
        printf("a dry run: nothing was changed\n");
    if (slice_is(json_str(answer.json, "state", SLICE("")), "failed"))
        return cli_refuse(cli, "the import stopped: %s", json_cstr(answer.json, "error", "?"));
    if (json_int(json_get(answer.json, "counts"), "failed", 0) > 0)
        status = write_reasons(cli, client, id);
    if (!is_dry && !cli_json(cli))
        printf("batch: %s\n", id);
    return status;
}

/* What nobody would otherwise notice: columns that fit no field. */
static void print_left_out(const struct json *import)
{
    const struct json *names = json_get(import, "left_out");
    const char *before = "left out, as they fit no field: ";
    json_each(name, names)
    {
        printf("%s%s", before, name->text.at);
        before = ", ";
    }
    if (names && names->count)
        printf("\n");
}

static int import_map(struct cli *cli, struct client *client, const char *id)
{
    const char *mapping = NULL;
    const char *file = cli_option(cli, "map", NULL);
    int status = file ? read_file(cli, file, &mapping) : CLI_OK;
    if (status)
        return status;
    const char *match = cli_option(cli, "match", NULL);
    struct client_answer answer;
    status = client_call(
        client, HTTP_PUT, arena_printf(cli_arena(cli), IMPORTS "/%s/mapping", id), cli_arg(cli, 0),
        print_json(cli_arena(cli), "entity", cli_arg(cli, 1), ":mapping", mapping, "match", match,
                   "mode", cli_option(cli, "mode", match ? "upsert" : NULL), NULL),
        &answer);
    if (!status && !file && !cli_json(cli))
        print_left_out(answer.json);
    return status;
}

static int import_new(struct cli *cli, struct client *client)
{
    const char *body = NULL;
    struct client_answer answer;
    int status = copy_in(cli, cli_arg(cli, 2), &body);
    if (status)
        return status;
    const char *path = arena_printf(cli_arena(cli), IMPORTS "?entity=%s", cli_arg(cli, 1));
    status = client_upload(client, path, cli_arg(cli, 0), "text/csv", body, &answer);
    unlink(body); /* the import has taken it by another name, or refused it */
    if (status)
        return status;
    const char *id = json_cstr(answer.json, "id", "");
    status = import_map(cli, client, id);
    if (status)
        return status;
    const char *verb = cli_flag(cli, "dry-run") ? "dry-run" : "run";
    status =
        client_call(client, HTTP_POST, arena_printf(cli_arena(cli), IMPORTS "/%s/%s", id, verb),
                    cli_arg(cli, 0), "{}", &answer);
    return status ? status : import_finish(cli, client, id);
}

static int import_undo(struct cli *cli, struct client *client, const char *id)
{
    struct client_answer answer;
    int status =
        client_call(client, HTTP_POST, arena_printf(cli_arena(cli), IMPORTS "/%s/undo", id),
                    cli_arg(cli, 0), "{}", &answer);
    if (!status)
        status = client_wait(client, arena_printf(cli_arena(cli), IMPORTS "/%s", id),
                             cli_arg(cli, 0), &answer);
    if (status)
        return status;
    const struct json *undone = json_get(answer.json, "undone");
    printf("taken back %lld, left as changed since %lld\n",
           (long long)json_int(undone, "updated", 0), (long long)json_int(undone, "skipped", 0));
    return CLI_OK;
}

static int run_import(struct cli *cli)
{
    const char *undo = cli_option(cli, "undo", NULL);
    if (!undo && !cli_arg(cli, 2))
        return cli_usage(cli, "import needs TENANT ENTITY FILE (.csv or .xlsx), or --undo BATCH");
    struct client *client;
    int status = client_open(cli, &client);
    if (status)
        return status;
    status = undo ? import_undo(cli, client, undo) : import_new(cli, client);
    client_close(client);
    return status;
}

/* As --format says, else as the name of --output ends. */
static const char *export_format(struct cli *cli)
{
    struct slice file = slice_str(cli_option(cli, "output", ""));
    return cli_option(cli, "format", slice_ends(file, SLICE(".xlsx")) ? "xlsx" : "csv");
}

static int run_export(struct cli *cli)
{
    struct client *client;
    int status = client_open(cli, &client);
    if (status)
        return status;
    struct client_answer answer;
    const char *body =
        print_json(cli_arena(cli), "entity", cli_arg(cli, 1), "format", export_format(cli),
                   ":filter", cli_option(cli, "filter", NULL), NULL);
    status = client_call(client, HTTP_POST, "/api/v1/exports", cli_arg(cli, 0), body, &answer);
    if (!status)
        status = client_wait(
            client,
            arena_printf(cli_arena(cli), "/api/v1/jobs/%s", json_cstr(answer.json, "id", "")),
            cli_arg(cli, 0), &answer);
    const struct json *result = status ? NULL : json_get(answer.json, "result");
    if (!status && !json_get(result, "file"))
        status = cli_refuse(cli, "the export failed: %s", json_cstr(answer.json, "error", "?"));
    if (!status)
        status = client_call(
            client, HTTP_GET,
            arena_printf(cli_arena(cli), "/api/v1/files/%s", json_cstr(result, "file", "")),
            cli_arg(cli, 0), NULL, &answer);
    if (!status)
        status = cli_option(cli, "output", NULL)
                     ? save_bytes(cli, &answer, cli_option(cli, "output", NULL))
                     : print_bytes(cli, &answer);
    client_close(client);
    return status;
}

static const struct cli_option IMPORT_OPTIONS[] = {
    {"map", "FILE.json", "which column becomes which field (else matched by name and label)",
     false},
    {"match", "FIELD", "update the record that has the same value there", false},
    {"mode", "MODE", "create, update or upsert (default: upsert with --match, else create)", false},
    {"dry-run", NULL, "check every row, change nothing", false},
    {"undo", "BATCH", "take an import back", false},
    {NULL, NULL, NULL, false},
};

static const struct cli_option EXPORT_OPTIONS[] = {
    {"format", "FORMAT", "csv (default), xlsx or json", false},
    {"filter", "JSON", "only the records this filter matches", false},
    {"output", "FILE", "write there instead of to standard output", false},
    {NULL, NULL, NULL, false},
};

const struct cli_command CLI_DATA[] = {
    {"import", "TENANT [ENTITY FILE]", "import a CSV or Excel file", 1, 3, IMPORT_OPTIONS,
     run_import},
    {"export", "TENANT ENTITY", "write records to standard output", 2, 2, EXPORT_OPTIONS,
     run_export},
    {NULL, NULL, NULL, 0, 0, NULL, NULL},
};
