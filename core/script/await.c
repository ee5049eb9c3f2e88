/* await - see await.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/await.h"

#include <string.h>

#include "base/clock.h"

#define PLACE_US 20000000 /* no longer without a word: a job's lease lasts a minute */

static struct await *all; /* of this process */

static bool has_room(const char *tenant)
{
    int mine = 0, count = 0;
    for (const struct await *one = all; one; one = one->next) {
        count += one->has_place && !one->is_over;
        mine += one->has_place && !one->is_over && strcmp(one->tenant, tenant) == 0;
    }
    return mine < AWAIT_TENANT_MAX && count < AWAIT_MAX;
}

struct await *await_new(const char *tenant)
{
    struct arena *arena = arena_new();
    struct await *await = arena_make(arena, struct await);
    size_t n = strlen(tenant);
    ASSERT(n < sizeof await->tenant);
    *await = (struct await){.arena = arena, .since_us = clock_mono_us()};
    memcpy(await->tenant, tenant, n + 1);
    await->has_place = has_room(tenant);
    await->next = all;
    all = await;
    return await;
}

enum err await_call(struct await *await, struct arena *arena, const struct fetch *fetch,
                    const char **why)
{
    ASSERT(await->has_place && !await->flight && !await->is_over);
    await->e = fetch_begin(await->arena, fetch, &await->flight, &await->why);
    if (await->e == ERR_MALFORMED) {
        *why = arena_strdup(arena, await->why);
        return ERR_MALFORMED;
    }
    await->is_over = !await->flight;
    return ERR_OK;
}

bool await_look(struct await *await)
{
    if (await->is_over)
        return true;
    if (!await->has_place)
        return has_room(await->tenant) || clock_mono_us() - await->since_us > PLACE_US;
    if (!fetch_look(await->flight))
        return false;
    await->e = fetch_end(await->flight, await->arena, &await->answer, &await->ms, &await->why);
    await->flight = NULL;
    await->is_over = true;
    return true;
}

void await_free(struct await *await)
{
    struct await **link = &all;
    while (*link != await)
        link = &(*link)->next;
    *link = await->next;
    if (await->flight)
        fetch_drop(await->flight);
    arena_free(await->arena);
}
