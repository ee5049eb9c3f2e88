/* dev - working on a bundle: what is saved is checked, tested and deployed; and a line of Lua.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/author.h"
#include "cli/bundle.h"
#include "cli/print.h"
#include "tenant/folder.h"

/* --- dev ----------------------------------------------------------------------------------------
 */

#define WATCHED    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE)
#define SETTLED_MS 100 /* an editor writes several files, or one in several steps */

static volatile sig_atomic_t stopped;

static void on_stop(int number)
{
    (void)number;
    stopped = 1;
}

/* In a process of its own: what a round opens and keeps ends with it. */
static int apart(struct cli *cli, int (*run)(struct cli *cli, const char *folder))
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int status = run(cli, cli_arg(cli, 1));
        (void)fflush(NULL);
        _exit(status);
    }
    int how = 0;
    while (child > 0 && waitpid(child, &how, 0) < 0)
        if (errno != EINTR)
            return CLI_REFUSED;
    return child > 0 && WIFEXITED(how) ? WEXITSTATUS(how) : CLI_REFUSED;
}

static int check(struct cli *cli, const char *folder)
{
    return author_check(cli, folder, cli_arg(cli, 0));
}

static int try_out(struct cli *cli, const char *folder)
{
    return author_test(cli, folder, NULL);
}

static int deploy(struct cli *cli, const char *folder)
{
    return bundle_deploy(cli, cli_arg(cli, 0), folder, false);
}

/* The first that fails is the last: what is active stays so. */
static void go_round(struct cli *cli)
{
    bool ok = !apart(cli, check) && !apart(cli, try_out) && !apart(cli, deploy);
    printf("%s\n", ok ? "-- active; waiting for the next change" : "-- not deployed; waiting");
    (void)fflush(stdout);
}

static void watch(struct cli *cli, int fd, const char *folder)
{
    static const char *const parts[] = {"entities",     "views",    "roles", "reports",
                                        "dictionaries", "events",   "i18n",  "migrations",
                                        "tests",        "templates"};
    (void)inotify_add_watch(fd, folder, WATCHED);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        (void)inotify_add_watch(fd, arena_printf(cli_arena(cli), "%s/%s", folder, parts[i]),
                                WATCHED); /* one that is not there has nothing to watch */
}

/* Has something that counts changed? Editors write files beside that begin with a dot or end in ~.
 */
static bool take_events(int fd)
{
    _Alignas(struct inotify_event) char block[8192];
    bool counts = false;
    ssize_t n = read(fd, block, sizeof block);
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *event = (const void *)(block + at);
        const char *name = event->len ? event->name : "";
        size_t len = strlen(name);
        counts = counts || (len > 0 && name[0] != '.' && name[len - 1] != '~');
        at += (ssize_t)(sizeof *event + event->len);
    }
    return counts;
}

static int run_dev(struct cli *cli)
{
    const char *folder = cli_arg(cli, 1);
    struct sigaction action = {.sa_handler = on_stop};
    if (!folder_exists(arena_printf(cli_arena(cli), "%s/plugin.json", folder)))
        return cli_refuse(cli, "%s has no plugin.json", folder);
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0)
        return cli_refuse(cli, "files cannot be watched: %s", strerror(errno));
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    watch(cli, fd, folder);
    go_round(cli);
    bool changed = false;
    while (!stopped) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int ready = poll(&wait, 1, changed ? SETTLED_MS : -1);
        if (ready > 0) {
            changed = take_events(fd) || changed;
        } else if (ready == 0 && changed) {
            changed = false;
            watch(cli, fd, folder); /* folders may have come */
            go_round(cli);
        }
    }
    (void)close(fd);
    return CLI_OK;
}

/* --- repl ---------------------------------------------------------------------------------------
 */

static int run_line(struct cli *cli, struct client *client, const char *line)
{
    struct client_answer answer;
    const char *body =
        print_json(cli_arena(cli), "code", line, "plugin", cli_option(cli, "plugin", NULL),
                   ":write", cli_flag(cli, "write") ? "true" : "false", NULL);
    int status =
        client_call(client, HTTP_POST, "/api/v1/operator/repl", cli_arg(cli, 0), body, &answer);
    if (!status)
        fputs(json_cstr(answer.json, "shown", ""), stdout);
    (void)fflush(stdout);
    return status;
}

static int run_repl(struct cli *cli)
{
    struct client *client;
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    author_quiet();
    bool asks = isatty(STDIN_FILENO);
    int status = client_open(cli, &client), failed = CLI_OK;
    if (status)
        return status;
    if (asks)
        printf("%s, %s. An empty line ends.\n", cli_arg(cli, 0),
               cli_flag(cli, "write") ? "WRITING" : "nothing is kept");
    for (;;) {
        if (asks)
            fputs("> ", stdout);
        (void)fflush(stdout);
        n = getline(&line, &room, stdin);
        if (n > 0 && line[n - 1] == '\n')
            line[--n] = 0;
        if (n <= 0)
            break;
        status = run_line(cli, client, line);
        failed = status ? status : failed;
    }
    free(line);
    client_close(client);
    return asks ? CLI_OK : failed;
}

static const struct cli_option REPL_OPTIONS[] = {
    {"write", NULL, "keep what is written; else all of it is rolled back", false},
    {"plugin", "ID", "see what this plugin sees (default: core)", false},
    {NULL, NULL, NULL, false},
};

const struct cli_command CLI_DEV[] = {
    {"dev", "TENANT FOLDER", "check, test and deploy a bundle on every save", 2, 2, NULL, run_dev},
    {"repl", "TENANT", "run lines of Lua in a tenant, from the terminal or a pipe", 1, 1,
     REPL_OPTIONS, run_repl},
    {NULL, NULL, NULL, 0, 0, NULL, NULL},
};
