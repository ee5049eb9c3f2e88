/* bundle - a company's own plugins on the command line.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "cli/cli.h"

/* Packs a folder (or takes a file that was packed) and sends it to the tenant: one line on stdout,
 * or one on stderr with file:line of what does not fit. `perigee dev` does this on every save. */
int bundle_deploy(struct cli *cli, const char *tenant, const char *source, bool check_only);
