/* id - 64-bit time-ordered identifiers and their text.
 *
 * 42 bits of milliseconds since 2020-01-01T00:00:00Z, 10 bits of node, 11 bits of sequence; always
 * positive. No two living processes share a node number; a process never mints below the last
 * millisecond its slot published, so ids do not repeat when the clock steps back.
 * Text form: 13 characters of Crockford base32, upper case, sorts like the number. It exists only
 * at the edge (HTTP, files, logs).
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/err.h"
#include "base/slice.h"

#define ID_TEXT_LEN 13

/* Sets this process's node (0..1023) and the last millisecond its slot published (UTC, 0 = none):
 * ids begin after it. */
void id_init(int node, int64_t floor_ms);
/* The next id; strictly greater than any this process gave before. */
int64_t id_next(void);
/* The last millisecond used, to be published by the slot. */
int64_t id_last_ms(void);
int64_t id_time_ms(int64_t id); /* UTC ms at which it was minted */
void id_text(int64_t id, char out[ID_TEXT_LEN + 1]);
/* Accepts lower case and the Crockford look-alikes (O→0, I L→1). false if not 13 valid characters.
 */
bool id_parse(struct slice text, int64_t *out);
