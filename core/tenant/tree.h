/* tree - the product's folders as this process knows them.
 *
 * A model follows from some three hundred files in <home>/plugins. Whether one has changed has to
 * be known whenever a company is opened, and asking for each took as long as opening its store.
 * Here an answer of the file system is remembered for as long as the kernel says that nothing has
 * changed in that folder (inotify(7)): then all of them are forgotten. What the kernel would not
 * tell of is asked for each time: folders elsewhere, links and what lies behind one, a file that
 * has several names, file systems that another machine writes to. A name that a file is given
 * elsewhere after it was asked for is not noticed, nor what is written through that.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <sys/stat.h>

#include "base/arena.h"
#include "base/err.h"

/* From here on what has changed in `root` until now is seen; in other folders, and before the first
 * call, nothing is remembered. NULL: the root is that of the call before. */
void tree_look(const char *root);
/* As folder_names. */
MUST_USE enum err tree_names(struct arena *arena, const char *path, const char ***out, int *count);
/* As stat(2), with its errno. */
MUST_USE int tree_stat(const char *path, struct stat *out);
/* The path without links and "..", as realpath(3) says it; one that is not there as it is given. */
const char *tree_real(struct arena *arena, const char *path);

/* Answers that are remembered now; for tests. */
int tree_count(void);
/* Forgets them and watches nothing any more. */
void tree_forget(void);
