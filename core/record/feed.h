/* feed - the tenant's change log as one actor may see it: the feed for integrations, live events.
 *
 * Who may not read the entity, or not this record as it is now, does not learn that it changed.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/limits.h"
#include "record/entity.h"

struct feed_item {
    int64_t seq, at, record, version;
    const struct entity *entity;
    struct slice op;
    int64_t actor;       /* who did it, or 0 */
    struct slice source; /* "api", "import" … */
    struct slice diff;   /* of feed_walk: as change.h says; else empty */
    bool is_seen;        /* of feed_read: the actor may see the record now; else nothing of it is
                          * shown */
};

struct feed {
    struct feed_item items[CHANGES_MAX];
    int count;
    int64_t last; /* the seq to go on from */
    bool is_full; /* there may be more behind it */
};

/* What follows seq `since`, oldest first, at most limit (≤ CHANGES_MAX); judged by the rights of
 * ctx->actor. Lives in ctx->arena. Inside a read transaction. */
MUST_USE enum err feed_read(struct ctx *ctx, int64_t since, int limit, struct feed **out);
/* What the core itself or a plugin reads: whoever may see it, with the diff of each. With an entity
 * only that one's: others are walked past, nothing of them is kept, and `last` moves with them. One
 * call looks at CHANGES_WALK_MAX rows at most and keeps few bytes more than CHANGES_BYTES_MAX, so
 * it may give less than the limit, or nothing, though there is more: is_full says so. Lives in
 * `arena`, which may be dropped before that of ctx. */
struct feed_walk {
    int64_t since;
    int limit;                   /* ≤ CHANGES_MAX */
    const struct entity *entity; /* NULL: all, also of entities that are no more */
};
MUST_USE enum err feed_walk(struct ctx *ctx, struct arena *arena, const struct feed_walk *walk,
                            struct feed **out);
/* The seq of the newest change, 0 when there is none. */
MUST_USE enum err feed_newest(struct ctx *ctx, int64_t *out);
/* {"items":[{"seq","at","entity","id","op","version"}],"next": the seq to go on from,"newest": that
 * of the newest change}. With an entity as feed_walk has it: the end is where next is newest. */
MUST_USE enum err feed_list(struct ctx *ctx, const struct feed_walk *walk, struct buf *out);
/* {"seq","entity","id","op","version"}: what a live event says, without values. */
void feed_put_event(const struct feed_item *item, struct buf *out);
