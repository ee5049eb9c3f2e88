/* keys - list, rotate and rewrap.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/keys.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "cli/print.h"

#define KEYS "/api/v1/operator/keys"

int keys_passphrase(struct cli *cli, const char **out)
{
    char line[PASSWORD_BYTES_MAX + 3];
    *out = NULL;
    if (!cli_flag(cli, KEYS_OPTION))
        return CLI_OK;
    if (!fgets(line, sizeof line, stdin))
        return cli_usage(cli, "no passphrase came on standard input");
    struct slice text = slice_str(line);
    while (text.len && (text.at[text.len - 1] == '\n' || text.at[text.len - 1] == '\r'))
        text.len--;
    *out = arena_str(cli_arena(cli), text);
    crypto_wipe(line, sizeof line);
    return **out ? CLI_OK : cli_usage(cli, "the passphrase is empty");
}

static int keys_call(struct cli *cli, enum http_method method, const char *path, const char *body,
                     struct client_answer *answer)
{
    struct client *client;
    int status = client_open(cli, &client);
    if (status)
        return status;
    status = client_call(client, method, path, cli_arg(cli, 0), body, answer);
    client_close(client);
    return status;
}

static const struct print_column COLUMNS[] = {
    {"class", "CLASS"}, {"kind", "KIND"},          {"version", "VERSION"},
    {"state", "STATE"}, {"created_at", "CREATED"}, {NULL, NULL},
};

static int run_list(struct cli *cli)
{
    struct client_answer answer;
    int status = keys_call(cli, HTTP_GET, KEYS, NULL, &answer);
    if (!status)
        print_items(cli, &answer, COLUMNS);
    return status;
}

static int run_rotate(struct cli *cli)
{
    struct client_answer answer;
    int status = keys_call(cli, HTTP_POST, KEYS "/rotate", "{}", &answer);
    if (!status && cli_json(cli))
        print_object(cli, &answer);
    else if (!status)
        printf("new keys for %s; what the old ones sealed is being sealed anew\n", cli_arg(cli, 0));
    return status;
}

static int run_rewrap(struct cli *cli)
{
    const char *passphrase;
    struct client_answer answer;
    int status = keys_passphrase(cli, &passphrase);
    if (!status && !passphrase)
        status = cli_usage(cli, "keys rewrap needs --" KEYS_OPTION);
    if (status)
        return status;
    status = keys_call(cli, HTTP_POST, KEYS "/rewrap",
                       print_json(cli_arena(cli), "passphrase", passphrase, NULL), &answer);
    if (!status)
        print_items(cli, &answer, COLUMNS);
    return status;
}

static const struct cli_option REWRAP_OPTIONS[] = {
    {KEYS_OPTION, NULL, "the passphrase of the backup, on standard input", false},
    {NULL, NULL, NULL, false},
};

const struct cli_command CLI_KEYS[] = {
    {"keys list", "TENANT", "the keys of encrypted fields", 1, 1, NULL, run_list},
    {"keys rotate", "TENANT", "make new ones and seal everything anew", 1, 1, NULL, run_rotate},
    {"keys rewrap", "TENANT", "take in keys that came under a passphrase", 1, 1, REWRAP_OPTIONS,
     run_rewrap},
    {NULL, NULL, NULL, 0, 0, NULL, NULL},
};
