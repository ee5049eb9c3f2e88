/* lane - one tenant's queue in its worker.
 *
 * SPDX-License-Identifier: MIT
 */
#include "process/lane.h"

#include <stdlib.h>
#include <string.h>

void lanes_init(struct lanes *lanes)
{
    *lanes = (struct lanes){0};
    map_init(&lanes->by_name, NULL);
}

struct lane *lanes_get(struct lanes *lanes, const char *name)
{
    struct lane *lane = map_get(&lanes->by_name, slice_str(name));
    if (lane)
        return lane;
    lane = calloc(1, sizeof(*lane));
    ASSERT_MEMORY(lane);
    lane->name = strdup(name);
    ASSERT_MEMORY(lane->name);
    map_put(&lanes->by_name, slice_str(lane->name), lane);
    if (lanes->count == lanes->cap) {
        lanes->cap = lanes->cap ? lanes->cap * 2 : 16;
        lanes->order = realloc(lanes->order, (size_t)lanes->cap * sizeof(struct lane *));
        ASSERT_MEMORY(lanes->order);
    }
    lanes->order[lanes->count++] = lane;
    return lane;
}

bool lane_is_ready(const struct lane *lane)
{
    if (lane->lent)
        return false;
    return lane->first || lane->loans || lane->notes_count || lane->is_leaving;
}

struct lane *lanes_next(struct lanes *lanes)
{
    for (int i = 0; i < lanes->count; i++) {
        lanes->at = (lanes->at + 1) % lanes->count;
        if (lane_is_ready(lanes->order[lanes->at]))
            return lanes->order[lanes->at];
    }
    return NULL;
}

void lane_push(struct lanes *lanes, struct lane *lane, struct work *work)
{
    work->next = NULL;
    if (lane->last)
        lane->last->next = work;
    else
        lane->first = work;
    lane->last = work;
    lane->queued++;
    lanes->queued++;
}

struct work *lane_pop(struct lanes *lanes, struct lane *lane)
{
    struct work *work = lane->first;
    if (!work)
        return NULL;
    lane->first = work->next;
    if (!lane->first)
        lane->last = NULL;
    work->next = NULL;
    lane->queued--;
    lanes->queued--;
    return work;
}

void lane_cancel(struct lane *lane, const struct work_peer *peer, uint64_t tag)
{
    for (struct work *work = lane->first; work; work = work->next)
        if (work->peer == peer && work->tag == tag)
            work->is_cancelled = true;
}

void lane_ask(struct lane *lane, struct work_peer *peer, uint64_t tag)
{
    struct lane_loan *loan = calloc(1, sizeof(*loan));
    ASSERT_MEMORY(loan);
    loan->peer = peer;
    loan->tag = tag;
    struct lane_loan **end = &lane->loans;
    while (*end)
        end = &(*end)->next;
    *end = loan;
}

static void lane_forget_peer(struct lane *lane, const struct work_peer *peer)
{
    if (lane->lent && lane->lent->peer == peer) {
        free(lane->lent); /* its death gives the turn back; the store rolled back with it */
        lane->lent = NULL;
        lane->is_dirty = true; /* it may have committed first */
        lane->is_moved = true;
    }
    struct lane_loan **at = &lane->loans;
    while (*at) {
        struct lane_loan *loan = *at;
        if (loan->peer == peer) {
            *at = loan->next;
            free(loan);
        } else {
            at = &loan->next;
        }
    }
    for (struct work *work = lane->first; work; work = work->next)
        if (work->peer == peer)
            work->is_cancelled = true;
}

void lanes_forget_peer(struct lanes *lanes, const struct work_peer *peer)
{
    for (int i = 0; i < lanes->count; i++)
        lane_forget_peer(lanes->order[i], peer);
}
