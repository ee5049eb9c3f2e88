/* place - a data folder of its own for each test.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "tenant/tenants.h"

struct place {
    char folder[64]; /* below /tmp; gone at place_close */
    char data[80];
    struct arena *arena;
};

/* An empty temporary folder; `data` below it does not exist yet. */
void place_open(struct place *place);
void place_close(struct place *place);
/* control_init and one tenant per name, with the host "<name>.test". */
void place_fill(struct place *place, const char *const *names);
