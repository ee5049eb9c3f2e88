/* print - answers as tables for people, or as JSON.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "cli/client.h"

struct print_column {
    const char *name; /* member of each item */
    const char *heading;
};

/* {"items":[…]} as a table, columns aligned by display width; with --json the answer as it is. */
void print_items(struct cli *cli, const struct client_answer *answer,
                 const struct print_column *columns);
/* One object, a member a line; with --json as it is. */
void print_object(struct cli *cli, const struct client_answer *answer);
/* JSON text of an object from name/value pairs, ended by NULL; NULL values are left out. A name
 * beginning with ':' takes its value as JSON text, else it is a string. */
const char *print_json(struct arena *arena, ...);
/* The answer's bytes on standard output, from memory or from its file. */
int print_bytes(struct cli *cli, const struct client_answer *answer);
/* Everything that can be read from one descriptor into another. */
bool print_copy(int from, int to);
