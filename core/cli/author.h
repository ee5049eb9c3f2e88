/* author - what the author of a plugin asks for; `perigee dev` does it on every save.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "cli/cli.h"

/* What goes wrong is printed as an answer, once: the log would say it again, with the scripts of
 * plugins that are none of the author's. */
void author_quiet(void);
/* Prints a line for each finding; tenant NULL: against what the plugin requires. CLI_REFUSED when
 * there are any. */
int author_check(struct cli *cli, const char *folder, const char *tenant);
/* Prints TAP; CLI_REFUSED when a case failed. junit NULL: no file. */
int author_test(struct cli *cli, const char *folder, const char *junit);
