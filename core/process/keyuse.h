/* keyuse - how often API keys ask, counted in the gateway and told to the owner now and then.
 *
 * A request only adds to a number in memory. Every KEY_USE_MS what has come together goes to the
 * owner as one note for each key; what was counted since is lost with the process.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <stdint.h>

#define KEY_USE_MS 5000 /* between two notes of one key */

struct forward;

struct key_use {
    int64_t calls, refused, limited; /* limited: refused because of the rate */
};

/* One answer to a key. Where another key has its place in the table, that one is told at once. */
void keyuse_count(struct forward *forward, const char *tenant, int64_t key, int status);
void keyuse_flush(struct forward *forward);
