/* warm - models that stand ready before anybody asks for them.
 *
 * The first model of a set of plugins, and what its scripts register, take longer than all the rest
 * of a first answer. So a process that has just begun makes that of the company with the largest
 * store, of those that it may serve, while it has nothing else to do: who comes first, and
 * everybody with the same plugins, finds it. No company stays open for it, and nothing that is
 * theirs is run.
 * It is kept as every model that no open company has (MODEL_IMAGES_IDLE_MAX).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/app.h"

struct warm; /* private */

/* The app stays the caller's. */
struct warm *warm_new(struct app *app);
/* One company in each call, or before them who it is to be, or a look whether what all processes
 * share is there yet (shelf_is_filling); false: that was all. It takes as long as a first request,
 * so let others have their turn in between. */
bool warm_step(struct warm *warm);
void warm_free(struct warm *warm); /* NULL is fine */
