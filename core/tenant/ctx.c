/* ctx - a fresh unit of work and the names of its sources.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/ctx.h"

#include "base/clock.h"

void ctx_init(struct ctx *ctx, struct arena *arena)
{
    ASSERT(ctx);
    ASSERT(arena);
    *ctx = (struct ctx){.arena = arena, .lang = LANG_ZH, .now_ms = clock_now_ms()};
    err_info_init(&ctx->err, arena);
}

const char *ctx_source_name(enum ctx_source source)
{
    static const char *const names[] = {
        [CTX_API] = "api",   [CTX_UI] = "ui",   [CTX_IMPORT] = "import",
        [CTX_HOOK] = "hook", [CTX_JOB] = "job", [CTX_COMMAND] = "command",
    };
    ASSERT((size_t)source < sizeof names / sizeof *names);
    return names[source];
}
