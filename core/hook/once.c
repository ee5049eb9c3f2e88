/* once - see once.h: rows of table kv under "once:<plugin>", which is no plugin's own name there.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hook/once.h"

#include "base/limits.h"
#include "store/query.h"

static struct value owner(struct arena *arena, const char *plugin)
{
    return value_text(slice_str(arena_printf(arena, "once:%s", plugin)));
}

enum err once_is_done(struct ctx *ctx, const char *plugin, const char *key, bool *out)
{
    ASSERT(ctx && ctx->tenant && out);
    struct arena *arena = ctx->arena;
    int64_t count = 0;
    const struct expr *same =
        expr_and(arena, expr_cmp(arena, EXPR_EQ, "plugin", owner(arena, plugin)),
                 expr_cmp(arena, EXPR_EQ, "key", value_text(slice_str(key))));
    enum err e = store_count(ctx->tenant->store, "kv", same, 1, &count);
    *out = count > 0;
    return e;
}

enum err once_put(struct ctx *ctx, const char *plugin, const char *key)
{
    ASSERT(ctx && store_in_tx(ctx->tenant->store));
    struct store_set sets[] = {
        {"plugin", owner(ctx->arena, plugin), false},
        {"key", value_text(slice_str(key)), false},
        {"value", value_text(SLICE("true")), false},
        {"expires_at", value_int(ctx->now_ms + ONCE_KEEP_MS), false},
    };
    return store_insert(ctx->tenant->store, "kv", sets, sizeof sets / sizeof *sets, NULL);
}
