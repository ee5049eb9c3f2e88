/* lane - what one worker holds of one tenant: waiting requests, notes, loans of the write turn.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/hash.h"
#include "process/work.h"

struct lane_loan {
    struct work_peer *peer;
    uint64_t tag;
    struct lane_loan *next;
};

struct lane {
    char *name; /* owned; "" = work without a tenant */
    struct work *first, *last;
    int queued;
    struct buf notes; /* one after another, each as bytes */
    int notes_count;
    struct lane_loan *loans; /* asked, in order; owned */
    struct lane_loan *lent;  /* the turn is away; owned */
    int64_t lent_at_us;
    bool is_wanted;      /* the borrower has been told that requests wait */
    int64_t woken_at_ms; /* when the tenant's next job is due, as runners were told last */
    int64_t model_told;  /* version of the model that runners were told of */
    bool is_dirty;       /* committed since the last checkpoint */
    bool is_moved;       /* gateways have not been told yet */
    bool is_stale;       /* written to since the last sweep */
    bool is_leaving;     /* draining, to be given to another worker */
    bool has_left;       /* closed here; nothing is done until the board names the new owner */
    int leaving_to;
    int64_t window_at_ms, window_us; /* run time of units in this window */
    int window_units;
    int blobs_at;          /* the folder of blobs that was swept last */
    int turns;             /* since the WAL was looked at, loans included */
    int64_t restart_at_ms; /* monotonic: the WAL is begun anew no sooner */
    int64_t active_at_ms;  /* monotonic: the last turn or loan */
};

struct lanes {
    struct map by_name;
    struct lane **order; /* the round; owned */
    int count, cap, at;
    int queued; /* requests over all lanes */
};

void lanes_init(struct lanes *lanes);
struct lane *lanes_get(struct lanes *lanes, const char *name); /* made on first use */
struct lane *
lanes_next(struct lanes *lanes); /* the next of the round that can do something; NULL */
void lane_push(struct lanes *lanes, struct lane *lane, struct work *work);
struct work *lane_pop(struct lanes *lanes, struct lane *lane); /* NULL when empty */
void lane_cancel(struct lane *lane, const struct work_peer *peer, uint64_t tag);
void lane_ask(struct lane *lane, struct work_peer *peer, uint64_t tag);
/* Takes away what a closed peer had asked for or borrowed. */
void lanes_forget_peer(struct lanes *lanes, const struct work_peer *peer);
bool lane_is_ready(const struct lane *lane); /* has a turn to run or to lend */
