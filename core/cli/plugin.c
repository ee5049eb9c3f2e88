/* plugin - which plugins a tenant uses, and their settings.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "cli/print.h"

#define PLUGINS "/api/v1/admin/plugins"

static int plugin_call(struct cli *cli, enum http_method method, const char *path, const char *body,
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

/* What an administrator should know of it, in a few words. */
static const char *care(struct cli *cli, const struct json *item)
{
    struct arena *arena = cli_arena(cli);
    const struct json *warnings = json_get(item, "warnings");
    const char *id = json_cstr(item, "id", "");
    int64_t paused = json_int(item, "paused", 0);
    if (json_cstr(item, "why", NULL))
        return json_cstr(item, "why", "");
    if (json_bool(item, "set_aside", false))
        return arena_printf(arena,
                            "set aside: it had to be stopped together with its process. Deploy "
                            "other code, or release it: perigee plugin release %s %s",
                            cli_arg(cli, 0), id);
    if (paused)
        return arena_printf(arena, "%lld of its handlers and jobs are paused", (long long)paused);
    return warnings && warnings->count ? arena_str(arena, warnings->first->text) : "";
}

static int run_list(struct cli *cli)
{
    static const struct print_column columns[] = {
        {"id", "ID"},       {"title", "TITLE"}, {"version", "VERSION"},
        {"state", "STATE"}, {"why", "WHY"},     {NULL, NULL},
    };
    struct client_answer answer;
    int status = plugin_call(cli, HTTP_GET, PLUGINS, NULL, &answer);
    if (status)
        return status;
    if (!cli_json(cli)) {
        struct arena *arena = cli_arena(cli);
        struct json *shown = json_new(arena, JSON_OBJECT), *items = json_new(arena, JSON_ARRAY);
        json_each(item, json_get(answer.json, "items"))
        {
            struct json *copy = json_new(arena, JSON_OBJECT);
            json_each(member, item)
            {
                bool is_why = slice_is(member->key, "why");
                json_add(arena, copy, arena_str(arena, member->key),
                         is_why ? json_new_str(arena, slice_str(care(cli, item)))
                                : json_copy(arena, member));
            }
            json_add(arena, items, NULL, copy);
        }
        json_add(arena, shown, "items", items);
        answer.json = shown;
    }
    print_items(cli, &answer, columns);
    return CLI_OK;
}

static int set_state(struct cli *cli, const char *verb, const char *done)
{
    struct client_answer answer;
    const char *path = arena_printf(cli_arena(cli), PLUGINS "/%s/%s", cli_arg(cli, 1), verb);
    int status = plugin_call(cli, HTTP_POST, path, "{}", &answer);
    if (!status && cli_json(cli))
        print_object(cli, &answer);
    else if (!status)
        printf("%s: %s\n", done, cli_arg(cli, 1));
    return status;
}

static int run_enable(struct cli *cli)
{
    return set_state(cli, "enable", "enabled");
}

static int run_disable(struct cli *cli)
{
    return set_state(cli, "disable", "disabled, its data is kept");
}

static int run_release(struct cli *cli)
{
    struct client_answer answer;
    const char *path = arena_printf(cli_arena(cli), PLUGINS "/%s/release", cli_arg(cli, 1));
    int status = plugin_call(cli, HTTP_POST, path, "{}", &answer);
    if (!status && cli_json(cli))
        print_object(cli, &answer);
    else if (!status)
        printf(json_bool(answer.json, "released", false) ? "%s runs again\n"
                                                         : "nothing of %s was set aside\n",
               cli_arg(cli, 1));
    return status;
}

/* Without --set the settings are printed; each --set NAME=VALUE changes one. */
static int run_config(struct cli *cli)
{
    struct client_answer answer;
    struct arena *arena = cli_arena(cli);
    const char *path = arena_printf(arena, PLUGINS "/%s/config", cli_arg(cli, 1));
    if (!cli_option(cli, "set", NULL)) {
        int status = plugin_call(cli, HTTP_GET, path, NULL, &answer);
        if (!status)
            print_object(cli, &answer);
        return status;
    }
    struct buf b = BUF_INIT;
    buf_put_char(&b, '{');
    for (int i = 0; cli_option_at(cli, "set", i); i++) {
        struct slice value = slice_str(cli_option_at(cli, "set", i));
        if (slice_find(value, SLICE("=")) <= 0) {
            buf_release(&b);
            return cli_usage(cli, "--set is written NAME=VALUE, not %s", value.at);
        }
        struct slice name = slice_split(&value, '=');
        const struct json *parsed;
        json_put_comma(&b);
        json_put_string(&b, name);
        buf_put_char(&b, ':');
        if (json_parse(arena, value, &parsed, NULL))
            json_put_string(&b, value); /* not JSON: the text itself */
        else
            json_put(&b, parsed);
    }
    buf_put_char(&b, '}');
    int status = plugin_call(cli, HTTP_PUT, path, buf_cstr(&b), &answer);
    buf_release(&b);
    return status;
}

/* In the order they run; without ENTITY all of them. */
static int run_hooks(struct cli *cli)
{
    static const struct print_column columns[] = {
        {"entity", "ENTITY"}, {"moment", "MOMENT"}, {"place", "#"},     {"plugin", "PLUGIN"},
        {"id", "ID"},         {"where", "WHERE"},   {"calls", "CALLS"}, {"errors", "ERRORS"},
        {"kills", "KILLS"},   {"p95_us", "P95 US"}, {"dead", "DEAD"},   {"paused_at", "PAUSED"},
        {NULL, NULL},
    };
    struct client_answer answer;
    struct arena *arena = cli_arena(cli);
    const char *path = "/api/v1/admin/hooks";
    if (cli_arg(cli, 1))
        path = arena_printf(arena, "%s?entity=%s", path, cli_arg(cli, 1));
    if (cli_arg(cli, 2))
        path = arena_printf(arena, "%s&moment=%s", path, cli_arg(cli, 2));
    int status = plugin_call(cli, HTTP_GET, path, NULL, &answer);
    if (!status)
        print_items(cli, &answer, columns);
    return status;
}

static const struct cli_option CONFIG_OPTIONS[] = {
    {"set", "NAME=VALUE", "change one setting; the value is JSON or plain text", true},
    {NULL, NULL, NULL, false},
};

const struct cli_command CLI_PLUGIN[] = {
    {"plugin list", "TENANT", "list the plugins of a tenant", 1, 1, NULL, run_list},
    {"plugin enable", "TENANT PLUGIN", "enable a plugin", 2, 2, NULL, run_enable},
    {"plugin disable", "TENANT PLUGIN", "disable it; its data is kept", 2, 2, NULL, run_disable},
    {"plugin release", "TENANT PLUGIN", "let code run again that was set aside", 2, 2, NULL,
     run_release},
    {"plugin config", "TENANT PLUGIN", "show or change a plugin's settings", 2, 2, CONFIG_OPTIONS,
     run_config},
    {"hooks", "TENANT [ENTITY] [MOMENT]", "print which function runs when, in order", 1, 3, NULL,
     run_hooks},
    {NULL, NULL, NULL, 0, 0, NULL, NULL},
};
