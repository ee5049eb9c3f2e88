/* keys - the data keys of a tenant, and the passphrase they travel under.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "cli/cli.h"

#define KEYS_OPTION "key-passphrase-stdin"

/* One line of standard input where the option was given, else NULL. CLI_USAGE when none came. */
int keys_passphrase(struct cli *cli, const char **out);
