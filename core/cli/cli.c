/* cli - finds the command, parses its options, prints help.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cli/cli.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "process/slot.h"

struct cli {
    struct arena *arena;
    const struct cli_command *command;
    const char *data;
    bool json;
    const char *args[CLI_VALUES_MAX];
    int args_count;
    struct {
        const struct cli_option *option;
        const char *value;
    } given[CLI_VALUES_MAX];
    int given_count;
};

static const struct cli_option COMMON[] = {
    {"data", "DIR", "data folder (default ./data, or PERIGEE_DATA)", false},
    {"json", NULL, "print data as JSON", false},
    {"help", NULL, "this help", false},
    {NULL, NULL, NULL, false},
};

static const struct cli_command *const FAMILIES[] = {CLI_SERVER, CLI_TENANT, CLI_USER, CLI_PLUGIN,
                                                     CLI_AUTHOR, CLI_TYPES,  CLI_DEV,  CLI_BUNDLE,
                                                     CLI_DATA,   CLI_KEEP,   CLI_KEYS, CLI_UPGRADE};
#define FAMILIES_COUNT ((int)(sizeof(FAMILIES) / sizeof(FAMILIES[0])))

struct arena *cli_arena(struct cli *cli)
{
    return cli->arena;
}

const char *cli_data(struct cli *cli)
{
    return cli->data;
}

bool cli_json(struct cli *cli)
{
    return cli->json;
}

const char *cli_arg(struct cli *cli, int n)
{
    return n < cli->args_count ? cli->args[n] : NULL;
}

const char *cli_option_at(struct cli *cli, const char *name, int n)
{
    for (int i = 0; i < cli->given_count; i++)
        if (strcmp(cli->given[i].option->name, name) == 0 && n-- == 0)
            return cli->given[i].value;
    return NULL;
}

const char *cli_option(struct cli *cli, const char *name, const char *fallback)
{
    const char *value = cli_option_at(cli, name, 0);
    return value ? value : fallback;
}

bool cli_flag(struct cli *cli, const char *name)
{
    return cli_option_at(cli, name, 0) != NULL;
}

static void say(const char *fmt, va_list args)
{
    fputs("perigee: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
}

int cli_refuse(struct cli *cli, const char *fmt, ...)
{
    (void)cli;
    va_list args;
    va_start(args, fmt);
    say(fmt, args);
    va_end(args);
    return CLI_REFUSED;
}

int cli_usage(struct cli *cli, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(fmt, args);
    va_end(args);
    if (cli && cli->command)
        fprintf(stderr, "usage: perigee %s %s\n", cli->command->name, cli->command->args);
    return CLI_USAGE;
}

/* --- help ---------------------------------------------------------------------------------------
 */

static void help_options(const struct cli_option *options)
{
    for (; options && options->name; options++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s%s%s", options->name, options->value ? " " : "",
                 options->value ? options->value : "");
        printf("  %-28s %s%s\n", left, options->help, options->repeats ? " (may be repeated)" : "");
    }
}

static int help_command(const struct cli_command *command)
{
    printf("usage: perigee %s %s\n\n%s\n\n", command->name, command->args, command->help);
    help_options(command->options);
    help_options(COMMON);
    return CLI_OK;
}

/* Commands whose names begin with the word; NULL: all. */
static void help_list(FILE *out, const char *word)
{
    for (int f = 0; f < FAMILIES_COUNT; f++)
        for (const struct cli_command *c = FAMILIES[f]; c->name; c++) {
            char left[64];
            struct slice rest = slice_str(c->name);
            if (word && !slice_is(slice_split(&rest, ' '), word))
                continue;
            snprintf(left, sizeof(left), "%s %s", c->name, c->args);
            fprintf(out, "  %-44s %s\n", left, c->help);
        }
}

static bool is_group(const char *word)
{
    for (int f = 0; f < FAMILIES_COUNT; f++)
        for (const struct cli_command *c = FAMILIES[f]; c->name; c++) {
            struct slice rest = slice_str(c->name);
            if (slice_is(slice_split(&rest, ' '), word))
                return true;
        }
    return false;
}

/* "perigee plugin" alone, with --help, or with a word behind it that no command has. */
static int help_unknown(int argc, char **argv)
{
    const char *word = argv[1], *more = argc > 2 && argv[2][0] != '-' ? argv[2] : NULL;
    bool group = is_group(word);
    if (group && argc > 2 && strcmp(argv[2], "--help") == 0) {
        printf("usage: perigee %s COMMAND [ARGUMENT ...] [--OPTION VALUE ...]\n\n", word);
        help_list(stdout, word);
        printf("\nperigee %s COMMAND --help says more.\n", word);
        return CLI_OK;
    }
    fprintf(stderr, "perigee: there is no command \"%s%s%s\"", word, more ? " " : "",
            more ? more : "");
    fputs(group ? ". There are:\n" : "; `perigee --help` lists them\n", stderr);
    if (group)
        help_list(stderr, word);
    return CLI_USAGE;
}

static int help_all(FILE *out)
{
    fputs("usage: perigee COMMAND [ARGUMENT ...] [--OPTION VALUE ...]\n\n", out);
    help_list(out, NULL);
    fputs("\nperigee COMMAND --help says more. Version " PERIGEE_VERSION ".\n", out);
    return out == stdout ? CLI_OK : CLI_USAGE;
}

/* --- parsing ------------------------------------------------------------------------------------
 */

/* Words of the command's name that argv begins with; 0 if it is another command. */
static int name_words(const char *name, int argc, char **argv)
{
    struct slice rest = slice_str(name);
    int words = 0;
    while (rest.len) {
        struct slice word = slice_split(&rest, ' ');
        if (words + 1 >= argc || !slice_is(word, argv[words + 1]))
            return 0;
        words++;
    }
    return words;
}

static const struct cli_command *command_find(int argc, char **argv, int *words)
{
    const struct cli_command *best = NULL;
    *words = 0;
    for (int f = 0; f < FAMILIES_COUNT; f++)
        for (const struct cli_command *c = FAMILIES[f]; c->name; c++) {
            int n = name_words(c->name, argc, argv);
            if (n > *words) {
                *words = n;
                best = c;
            }
        }
    return best;
}

static const struct cli_option *option_find(const struct cli_option *options, struct slice name)
{
    for (; options && options->name; options++)
        if (slice_is(name, options->name))
            return options;
    return NULL;
}

static int parse_option(struct cli *cli, int argc, char **argv, int *at)
{
    struct slice rest = slice_str(argv[*at] + 2);
    bool has_value = slice_find(rest, SLICE("=")) >= 0;
    struct slice name = slice_split(&rest, '=');
    const struct cli_option *option = option_find(cli->command->options, name);
    if (!option)
        option = option_find(COMMON, name);
    if (!option)
        return cli_usage(cli, "unknown option --%.*s", SLICE_ARG(name));
    const char *value = "";
    if (option->value) {
        if (!has_value && *at + 1 >= argc)
            return cli_usage(cli, "--%s needs a value", option->name);
        value = has_value ? rest.at : argv[++*at];
    } else if (has_value) {
        return cli_usage(cli, "--%s takes no value", option->name);
    }
    if (!option->repeats && cli_option_at(cli, option->name, 0))
        return cli_usage(cli, "--%s is given twice", option->name);
    if (cli->given_count == CLI_VALUES_MAX)
        return cli_usage(cli, "too many options");
    cli->given[cli->given_count].option = option;
    cli->given[cli->given_count++].value = value;
    return CLI_OK;
}

static int parse(struct cli *cli, int argc, char **argv, int at)
{
    bool only_args = false;
    for (; at < argc; at++) {
        int status = CLI_OK;
        if (!only_args && strcmp(argv[at], "--") == 0)
            only_args = true;
        else if (!only_args && strncmp(argv[at], "--", 2) == 0)
            status = parse_option(cli, argc, argv, &at);
        else if (cli->args_count == cli->command->args_max)
            status = cli_usage(cli, "too many arguments: %s", argv[at]);
        else
            cli->args[cli->args_count++] = argv[at];
        if (status)
            return status;
    }
    if (!cli_flag(cli, "help") && cli->args_count < cli->command->args_min)
        return cli_usage(cli, "%s needs %s", cli->command->name, cli->command->args);
    return CLI_OK;
}

const char *cli_path(struct cli *cli, const char *path)
{
    char cwd[PATH_MAX];
    if (path[0] == '/' || !getcwd(cwd, sizeof(cwd)))
        return path;
    return arena_printf(cli->arena, "%s/%s", cwd, path);
}

static const char *data_folder(struct cli *cli)
{
    const char *data = getenv("PERIGEE_DATA");
    return cli_path(cli, cli_option(cli, "data", data && *data ? data : "data"));
}

static int child_main(int argc, char **argv)
{
    int index = argc == 4 ? (int)strtol(argv[3], NULL, 10) : -1;
    if (index >= 0 && index < SLOTS_PER_ROLE_MAX) {
        if (strcmp(argv[2], "gateway") == 0)
            return gateway_main(index);
        if (strcmp(argv[2], "worker") == 0)
            return worker_main(index);
        if (strcmp(argv[2], "runner") == 0)
            return runner_main(index);
    }
    fputs("perigee: children are started by `perigee serve` only\n", stderr);
    return CLI_USAGE;
}

int cli_main(int argc, char **argv)
{
    /* Where a file may not grow (ulimit -f, RLIMIT_FSIZE), that is an error of one write. */
    signal(SIGXFSZ, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "child") == 0)
        return child_main(argc, argv);
    if (argc < 2)
        return help_all(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return help_all(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        puts("perigee " PERIGEE_VERSION);
        return CLI_OK;
    }
    log_init(STDERR_FILENO, LOG_WARN, "command");
    struct cli cli = {.arena = arena_new()};
    int words = 0;
    cli.command = command_find(argc, argv, &words);
    int status;
    if (!cli.command) {
        status = help_unknown(argc, argv);
    } else {
        status = parse(&cli, argc, argv, words + 1);
    }
    bool runs = cli.command && status == CLI_OK;
    if (runs && cli_flag(&cli, "help")) {
        status = help_command(cli.command);
    } else if (runs) {
        cli.data = data_folder(&cli);
        cli.json = cli_flag(&cli, "json");
        status = cli.command->run(&cli);
    }
    /* What nobody has been told is no success. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == CLI_OK)
        status = cli_refuse(&cli, "the output could not be written");
    arena_free(cli.arena);
    return status;
}
