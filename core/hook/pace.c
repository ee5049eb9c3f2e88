/* pace - see pace.h. Counters are values of the core (tenant/kv.h) that expire.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hook/pace.h"

#include "base/limits.h"
#include "tenant/kv.h"

#define PACE_PLUGIN "core"
#define PACE_DAY_MS (24LL * 3600 * 1000)

static const struct {
    const char *key, *zh, *en;
    int64_t most;
} kinds[PACE_KINDS] = {
    [PACE_RECORDS] = {"pace.records", "今天新建的记录已达上限。",
                      "has made as many records today as it may.", BUNDLE_RECORDS_PER_DAY},
    [PACE_NOTICES] = {"pace.notices", "今天发出的通知已达上限。",
                      "has told as many people today as it may.", BUNDLE_NOTICES_PER_DAY},
};

enum err pace_take(struct ctx *ctx, const char *plugin, enum pace what, int64_t count)
{
    ASSERT(ctx && plugin);
    ASSERT(what < PACE_KINDS && count >= 0);
    int64_t sum = 0;
    const char *key = arena_printf(ctx->arena, "%s:%s", kinds[what].key, plugin);
    enum err e = kv_add(ctx, PACE_PLUGIN, key, count, ctx->now_ms + PACE_DAY_MS, &sum);
    if (e || sum <= kinds[what].most)
        return e;
    e = kv_add(ctx, PACE_PLUGIN, key, -count, ctx->now_ms + PACE_DAY_MS, &sum);
    if (e)
        return e;
    return err_say(&ctx->err, ERR_TOO_MANY, "bundle_writes_too_much", "%s %s", plugin,
                   ctx->lang == LANG_ZH ? kinds[what].zh : kinds[what].en);
}
