/* user - the accounts of a tenant.
 *
 * A password is read from standard input, or made up and printed once: it never stands on a command
 * line, which others can see.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "cli/print.h"

#define USERS "/api/v1/admin/users"

/* One line of standard input without its end. NULL: nothing came. */
static const char *read_password(struct arena *arena)
{
    char line[PASSWORD_BYTES_MAX + 3];
    if (!fgets(line, sizeof(line), stdin))
        return NULL;
    struct slice text = slice_str(line);
    while (text.len && (text.at[text.len - 1] == '\n' || text.at[text.len - 1] == '\r'))
        text.len--;
    const char *password = arena_str(arena, text);
    crypto_wipe(line, sizeof(line));
    return password;
}

static const char *make_password(struct arena *arena)
{
    uint8_t bytes[12];
    crypto_random(bytes, sizeof(bytes));
    struct buf b = BUF_INIT;
    crypto_put_base64url(&b, slice_of((const char *)bytes, sizeof(bytes)));
    const char *password = arena_str(arena, buf_slice(&b));
    buf_release(&b);
    return password;
}

static int password_of(struct cli *cli, const char **out, bool *made)
{
    *made = !cli_flag(cli, "password-stdin");
    *out = *made ? make_password(cli_arena(cli)) : read_password(cli_arena(cli));
    return *out ? CLI_OK : cli_usage(cli, "no password came on standard input");
}

/* What was answered, for --json, with the password that was made up in it; for people that alone.
 */
static void print_made(struct cli *cli, struct client_answer *answer, const char *password)
{
    if (!cli_json(cli)) {
        if (password)
            printf("password: %s\n", password);
        return;
    }
    struct arena *arena = cli_arena(cli);
    struct json *all = answer->json ? json_copy(arena, answer->json) : json_new(arena, JSON_OBJECT);
    if (password)
        json_add(arena, all, "password", json_new_str(arena, slice_str(password)));
    struct buf text = BUF_INIT;
    json_put(&text, all);
    printf("%.*s\n", SLICE_ARG(buf_slice(&text)));
    buf_release(&text);
}

static const char *roles_json(struct cli *cli)
{
    struct buf b = BUF_INIT;
    buf_put_char(&b, '[');
    for (int i = 0; cli_option_at(cli, "role", i); i++) {
        json_put_comma(&b);
        json_put_cstr(&b, cli_option_at(cli, "role", i));
    }
    buf_put_char(&b, ']');
    const char *text = arena_str(cli_arena(cli), buf_slice(&b));
    buf_release(&b);
    return text;
}

static int run_create(struct cli *cli)
{
    const char *password;
    bool made;
    int status = password_of(cli, &password, &made);
    struct client *client;
    if (!status)
        status = client_open(cli, &client);
    if (status)
        return status;
    const char *body = print_json(
        cli_arena(cli), "login", cli_arg(cli, 1), "name", cli_option(cli, "name", NULL), "email",
        cli_option(cli, "email", NULL), "password", password, ":roles", roles_json(cli), NULL);
    struct client_answer answer;
    status = client_call(client, HTTP_POST, USERS, cli_arg(cli, 0), body, &answer);
    client_close(client);
    if (status)
        return status;
    if (!cli_json(cli))
        printf("user %s created\n", cli_arg(cli, 1));
    print_made(cli, &answer, made ? password : NULL);
    return CLI_OK;
}

/* All pages as one answer. */
static int users_read(struct cli *cli, struct client *client, struct client_answer *answer)
{
    struct arena *arena = cli_arena(cli);
    struct json *items = json_new(arena, JSON_ARRAY);
    const char *path = USERS "?limit=200";
    while (path) {
        int status = client_call(client, HTTP_GET, path, cli_arg(cli, 0), NULL, answer);
        if (status)
            return status;
        json_each(item, json_get(answer->json, "items"))
            json_add(arena, items, NULL, json_copy(arena, item));
        const char *next = json_cstr(answer->json, "next", NULL);
        path = next ? arena_printf(arena, USERS "?limit=200&cursor=%s", next) : NULL;
    }
    struct json *all = json_new(arena, JSON_OBJECT);
    json_add(arena, all, "items", items);
    struct buf text = BUF_INIT;
    json_put(&text, all);
    answer->json = all;
    answer->body = arena_slice(arena, buf_slice(&text));
    buf_release(&text);
    return CLI_OK;
}

static int run_list(struct cli *cli)
{
    static const struct print_column columns[] = {
        {"login", "LOGIN"},   {"name", "NAME"}, {"roles", "ROLES"},
        {"active", "ACTIVE"}, {"id", "ID"},     {NULL, NULL},
    };
    struct client *client;
    int status = client_open(cli, &client);
    if (status)
        return status;
    struct client_answer answer;
    status = users_read(cli, client, &answer);
    if (!status)
        print_items(cli, &answer, columns);
    client_close(client);
    return status;
}

/* The id of a login, by the list's filter. */
static int user_find(struct cli *cli, struct client *client, const char **id)
{
    struct client_answer answer;
    const char *path = arena_printf(cli_arena(cli), USERS "?login=%s", cli_arg(cli, 1));
    int status = client_call(client, HTTP_GET, path, cli_arg(cli, 0), NULL, &answer);
    if (status)
        return status;
    const struct json *item = json_at(json_get(answer.json, "items"), 0);
    if (!item)
        return cli_refuse(cli, "%s has no user %s", cli_arg(cli, 0), cli_arg(cli, 1));
    *id = json_cstr(item, "id", "");
    return CLI_OK;
}

static int change_and_show(struct cli *cli, enum http_method method, const char *suffix,
                           const char *body, struct client_answer *answer)
{
    struct client *client;
    const char *id = NULL;
    int status = client_open(cli, &client);
    if (status)
        return status;
    status = user_find(cli, client, &id);
    if (!status)
        status =
            client_call(client, method, arena_printf(cli_arena(cli), USERS "/%s%s", id, suffix),
                        cli_arg(cli, 0), body, answer);
    client_close(client);
    return status;
}

static int change_user(struct cli *cli, enum http_method method, const char *suffix,
                       const char *body)
{
    struct client_answer answer;
    return change_and_show(cli, method, suffix, body, &answer);
}

static int run_disable(struct cli *cli)
{
    return change_user(cli, HTTP_PATCH, "", "{\"active\":false}");
}

static int run_enable(struct cli *cli)
{
    return change_user(cli, HTTP_PATCH, "", "{\"active\":true}");
}

/* For who shall choose the new password: nobody else ever knows it. */
static int reset_link(struct cli *cli)
{
    struct client_answer answer;
    int status = change_and_show(cli, HTTP_POST, "/password-link", "{}", &answer);
    if (status)
        return status;
    if (cli_json(cli)) {
        print_object(cli, &answer);
        return CLI_OK;
    }
    printf("link: %s\ntoken: %s\ngood once, until %s\n", json_cstr(answer.json, "link", ""),
           json_cstr(answer.json, "token", ""), json_cstr(answer.json, "expires_at", ""));
    return CLI_OK;
}

static int run_reset_mfa(struct cli *cli)
{
    return change_user(cli, HTTP_DELETE, "/mfa", NULL);
}

static int run_reset_password(struct cli *cli)
{
    const char *password;
    bool made;
    if (cli_flag(cli, "link"))
        return cli_flag(cli, "password-stdin")
                   ? cli_usage(cli, "--link and --password-stdin exclude each other")
                   : reset_link(cli);
    int status = password_of(cli, &password, &made);
    if (status)
        return status;
    struct client_answer answer;
    status = change_and_show(cli, HTTP_POST, "/password",
                             print_json(cli_arena(cli), "password", password, NULL), &answer);
    if (!status && made)
        print_made(cli, &answer, password);
    return status;
}

static const struct cli_option CREATE_OPTIONS[] = {
    {"name", "TEXT", "full name", false},
    {"email", "ADDRESS", "e-mail address", false},
    {"role", "ROLE", "a role, such as admin or sales", true},
    {"password-stdin", NULL, "read the password from standard input (else one is made up)", false},
    {NULL, NULL, NULL, false},
};

static const struct cli_option RESET_OPTIONS[] = {
    {"link", NULL, "print a link that is good once instead; the user chooses the password", false},
    {"password-stdin", NULL, "read the password from standard input (else one is made up)", false},
    {NULL, NULL, NULL, false},
};

const struct cli_command CLI_USER[] = {
    {"user create", "TENANT LOGIN", "create a user", 2, 2, CREATE_OPTIONS, run_create},
    {"user list", "TENANT", "list the users of a tenant", 1, 1, NULL, run_list},
    {"user disable", "TENANT LOGIN", "end a user's sessions and keep them out", 2, 2, NULL,
     run_disable},
    {"user enable", "TENANT LOGIN", "let a disabled user in again", 2, 2, NULL, run_enable},
    {"user reset-password", "TENANT LOGIN", "set a new password", 2, 2, RESET_OPTIONS,
     run_reset_password},
    {"user reset-mfa", "TENANT LOGIN", "take away a lost second factor", 2, 2, NULL, run_reset_mfa},
    {NULL, NULL, NULL, 0, 0, NULL, NULL},
};
