/* tenant - making, listing, suspending and deleting companies.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <unistd.h>

#include "cli/print.h"

#define MOVE_TRIES   400
#define MOVE_WAIT_US 50000

#define TENANTS "/api/v1/operator/tenants"

/* "a,b , c" as a JSON array of strings. */
static const char *words_json(struct arena *arena, const char *words)
{
    if (!words)
        return NULL;
    struct buf b = BUF_INIT;
    struct slice rest = slice_str(words);
    buf_put_char(&b, '[');
    while (rest.len) {
        struct slice word = slice_trim(slice_split(&rest, ','));
        if (!word.len)
            continue;
        json_put_comma(&b);
        json_put_string(&b, word);
    }
    buf_put_char(&b, ']');
    const char *text = arena_str(arena, buf_slice(&b));
    buf_release(&b);
    return text;
}

static int tenant_call(struct cli *cli, enum http_method method, const char *path, const char *body,
                       struct client_answer *answer)
{
    struct client *client;
    int status = client_open(cli, &client);
    if (status)
        return status;
    status = client_call(client, method, path, NULL, body, answer);
    client_close(client);
    return status;
}

static const char *tenant_path_of(struct cli *cli)
{
    return arena_printf(cli_arena(cli), TENANTS "/%s", cli_arg(cli, 0));
}

static int run_create(struct cli *cli)
{
    struct arena *arena = cli_arena(cli);
    struct buf hosts = BUF_INIT;
    for (int i = 0; cli_option_at(cli, "host", i); i++)
        buf_printf(&hosts, "%s%s", i ? "," : "", cli_option_at(cli, "host", i));
    const char *body = print_json(
        arena, "name", cli_arg(cli, 0), ":hosts", words_json(arena, buf_cstr(&hosts)), "title",
        cli_option(cli, "title", NULL), "locale", cli_option(cli, "locale", NULL), "timezone",
        cli_option(cli, "timezone", NULL), "currency", cli_option(cli, "currency", NULL),
        ":plugins", words_json(arena, cli_option(cli, "plugins", NULL)), NULL);
    buf_release(&hosts);
    if (!cli_option(cli, "host", NULL))
        return cli_usage(cli, "tenant create needs --host");
    struct client_answer answer;
    int status = tenant_call(cli, HTTP_POST, TENANTS, body, &answer);
    if (!status && cli_json(cli))
        print_object(cli, &answer);
    else if (!status)
        printf("tenant %s created. Next: perigee user create %s LOGIN --role admin\n",
               cli_arg(cli, 0), cli_arg(cli, 0));
    return status;
}

static int run_list(struct cli *cli)
{
    static const struct print_column columns[] = {
        {"name", "NAME"},         {"title", "TITLE"},   {"state", "STATE"},
        {"hosts", "HOSTS"},       {"locale", "LOCALE"}, {"timezone", "TIME ZONE"},
        {"currency", "CURRENCY"}, {NULL, NULL},
    };
    struct client_answer answer;
    int status = tenant_call(cli, HTTP_GET, TENANTS, NULL, &answer);
    if (!status)
        print_items(cli, &answer, columns);
    return status;
}

static int run_show(struct cli *cli)
{
    struct client_answer answer;
    int status = tenant_call(cli, HTTP_GET, tenant_path_of(cli), NULL, &answer);
    if (!status)
        print_object(cli, &answer);
    return status;
}

static int set_state(struct cli *cli, const char *state)
{
    struct client_answer answer;
    const char *body = print_json(cli_arena(cli), "state", state, NULL);
    return tenant_call(cli, HTTP_PATCH, tenant_path_of(cli), body, &answer);
}

static int run_suspend(struct cli *cli)
{
    return set_state(cli, "suspended");
}

static int run_resume(struct cli *cli)
{
    return set_state(cli, "active");
}

static int run_delete(struct cli *cli)
{
    const char *sure = cli_option(cli, "yes", NULL);
    if (!sure || !slice_is(slice_str(sure), cli_arg(cli, 0)))
        return cli_usage(cli,
                         "this deletes the tenant and its files: repeat its name with --yes %s",
                         cli_arg(cli, 0));
    struct client_answer answer;
    return tenant_call(cli, HTTP_DELETE, tenant_path_of(cli), NULL, &answer);
}

/* The old worker finishes what waits and closes the store first: asked again until it is done. */
static int run_move(struct cli *cli)
{
    const char *to = cli_option(cli, "worker", NULL);
    int64_t worker;
    if (!to || !slice_to_int(slice_str(to), &worker))
        return cli_usage(cli, "tenant move needs --worker NUMBER");
    const char *path = arena_printf(cli_arena(cli), "%s/move", tenant_path_of(cli));
    const char *body = arena_printf(cli_arena(cli), "{\"worker\":%lld}", (long long)worker);
    for (int left = MOVE_TRIES; left > 0; left--) {
        struct client_answer answer;
        int status = tenant_call(cli, HTTP_POST, path, body, &answer);
        if (status || answer.status == 200) {
            if (!status && cli_json(cli))
                print_object(cli, &answer);
            return status;
        }
        usleep(MOVE_WAIT_US);
    }
    fprintf(stderr, "perigee: %s is still on its way: see `perigee tenant show %s`\n",
            cli_arg(cli, 0), cli_arg(cli, 0));
    return 1;
}

/* --set with JSON replaces the plan; {} gives back what everybody may. */
static int run_limits(struct cli *cli)
{
    struct client_answer answer;
    struct client *client;
    const char *plan = cli_option(cli, "set", NULL);
    int status = client_open(cli, &client);
    if (status)
        return status;
    status = client_call(client, plan ? HTTP_PUT : HTTP_GET, "/api/v1/operator/limits",
                         cli_arg(cli, 0), plan, &answer);
    client_close(client);
    if (!status)
        print_object(cli, &answer);
    return status;
}

static const struct cli_option LIMITS_OPTIONS[] = {
    {"set", "JSON", "the whole plan, as {\"transaction\":{\"cpu_ms\":20}}; {} takes it away",
     false},
    {NULL, NULL, NULL, false},
};

static const struct cli_option MOVE_OPTIONS[] = {
    {"worker", "NUMBER", "the worker it shall live on, from 0; the last is for slow ones", false},
    {NULL, NULL, NULL, false},
};

static const struct cli_option CREATE_OPTIONS[] = {
    {"host", "HOST", "host name it is served under", true},
    {"title", "TEXT", "name of the company", false},
    {"locale", "LANG", "zh-CN (default) or en", false},
    {"timezone", "ZONE", "default Asia/Shanghai", false},
    {"currency", "CODE", "default CNY", false},
    {"plugins", "A,B,C", "plugins to enable beside the core", false},
    {NULL, NULL, NULL, false},
};

static const struct cli_option DELETE_OPTIONS[] = {
    {"yes", "NAME", "the tenant's name once more", false},
    {NULL, NULL, NULL, false},
};

const struct cli_command CLI_TENANT[] = {
    {"tenant create", "NAME", "create a tenant", 1, 1, CREATE_OPTIONS, run_create},
    {"tenant list", "", "list tenants", 0, 0, NULL, run_list},
    {"tenant show", "NAME", "show one tenant", 1, 1, NULL, run_show},
    {"tenant suspend", "NAME", "stop serving a tenant", 1, 1, NULL, run_suspend},
    {"tenant resume", "NAME", "serve it again", 1, 1, NULL, run_resume},
    {"tenant limits", "NAME", "show or lower what its plugins may use", 1, 1, LIMITS_OPTIONS,
     run_limits},
    {"tenant move", "NAME", "let another worker write for a tenant", 1, 1, MOVE_OPTIONS, run_move},
    {"tenant delete", "NAME", "delete a tenant and its files", 1, 1, DELETE_OPTIONS, run_delete},
    {NULL, NULL, NULL, 0, 0, NULL, NULL},
};
