/* cli - the command line: which command, which options, what help.
 *
 * Every command exits 0 on success, 1 on a refused operation, 2 on wrong usage, prints errors as
 * one clear line on stderr, and `--json` where its output is data.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

#define CLI_OPTIONS_MAX 16
#define CLI_VALUES_MAX  32

enum cli_exit { CLI_OK = 0, CLI_REFUSED = 1, CLI_USAGE = 2 };

struct cli_option {
    const char *name;  /* "host": given as --host VALUE or --host=VALUE */
    const char *value; /* name of the value in the help, or NULL for a flag */
    const char *help;
    bool repeats;
};

struct cli; /* a command line as parsed */

struct cli_command {
    const char *name; /* "tenant create" */
    const char *args; /* "NAME", "TENANT ENTITY FILE" */
    const char *help; /* one sentence */
    int args_min, args_max;
    const struct cli_option *options; /* ended by a NULL name; NULL none */
    int (*run)(struct cli *cli);
};

/* Each family's table, ended by a NULL name. */
extern const struct cli_command CLI_SERVER[], CLI_TENANT[], CLI_USER[], CLI_PLUGIN[], CLI_AUTHOR[],
    CLI_TYPES[], CLI_DEV[], CLI_BUNDLE[], CLI_UPGRADE[], CLI_DATA[], CLI_KEEP[], CLI_KEYS[];

int cli_main(int argc, char **argv);

struct arena *cli_arena(struct cli *cli);
const char *cli_data(struct cli *cli);       /* the data folder */
bool cli_json(struct cli *cli);              /* --json was given */
const char *cli_arg(struct cli *cli, int n); /* NULL beyond the last */
const char *cli_option(struct cli *cli, const char *name, const char *fallback);
bool cli_flag(struct cli *cli, const char *name);
/* The n-th value of a repeated option, or NULL. */
const char *cli_option_at(struct cli *cli, const char *name, int n);
/* An absolute path: what the command line names lies where it was called, servers stand elsewhere.
 */
const char *cli_path(struct cli *cli, const char *path);
/* One line on stderr; gives CLI_REFUSED or CLI_USAGE. */
int cli_refuse(struct cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);
int cli_usage(struct cli *cli, const char *fmt, ...) PRINTF_LIKE(2, 3);
