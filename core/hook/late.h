/* late - the code of a plugin that overruns its time, told to the supervisor.
 *
 * A script that loops in Lua is ended by the watch of its own process. One that stays inside a C
 * function cannot be: the watch writes whose code it is into this piece of the shared page, from
 * its signal handler, and the supervisor, which reads it, kills the process and sets the code aside
 * (tenant/quarantine.h). While nothing is late nothing is written.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

#define LATE_HASH_LEN 64 /* hexadecimal SHA-256 of a plugin's Lua files */

/* Whose code: copied whole, so it holds no pointers. */
struct late_code {
    char tenant[NAME_BYTES_MAX + 1], plugin[NAME_BYTES_MAX + 1], hash[LATE_HASH_LEN + 1];
};

/* One writer: the process it belongs to. */
struct late {
    _Atomic int64_t since_us; /* monotonic; 0 = nothing is late; written after the rest */
    _Atomic int is_loading;   /* its files were being loaded, not one of its functions called */
    struct late_code code;
};

/* Where this process tells it, and the number that moves when what is set aside has changed. Both
 * lie on the shared page. Without it nothing is told. */
void late_share(struct late *mine, _Atomic uint32_t *marks);
/* Safe in a signal handler. */
void late_tell(const struct late_code *code, bool is_loading, int64_t now_us);
void late_over(void);
/* The number: VMs made under another one are made anew. 0 without a shared page. */
uint32_t late_marks(void);
void late_marks_move(void);
