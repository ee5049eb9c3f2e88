/* unit - one unit of work: how deep its writes are nested, and the rights it asks for again and
 * again.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/id.h"
#include "base/limits.h"
#include "record/record_in.h"

struct unit_rights {
    const struct entity *entity;
    enum role_action action;
    const struct actor *actor;
    bool as_system;
    struct rights *rights;
    struct unit_rights *next;
};

void unit_begin(struct ctx *ctx, struct unit *unit, const struct hooks *hooks)
{
    ASSERT(ctx && unit);
    ASSERT(!ctx->unit); /* nested writes share the outermost unit */
    *unit = (struct unit){.hooks = hooks, .ctx = ctx};
    ctx->unit = unit;
}

void unit_end(struct ctx *ctx)
{
    ASSERT(ctx->unit);
    ASSERT(!ctx->unit->top);
    ctx->unit = NULL;
}

/* --- nesting --- */

static void put_frame(struct buf *b, const struct unit_frame *frame)
{
    char id[ID_TEXT_LEN + 1];
    if (b->len)
        buf_put_str(b, " < ");
    id_text(frame->id, id);
    buf_printf(b, "%s %s %s%s%s", frame->verb, frame->entity->name, id, frame->by ? " by " : "",
               frame->by ? frame->by : "");
}

/* "update task … by leads:follow_up < create lead …": innermost first. */
static enum err refuse(struct ctx *ctx, const struct unit_frame *frame, const char *code,
                       const char *sentence)
{
    struct buf chain = BUF_INIT;
    put_frame(&chain, frame);
    for (const struct unit_frame *f = ctx->unit->top; f; f = f->up)
        put_frame(&chain, f);
    ctx->err.detail = arena_printf(ctx->arena, "%s: %s", sentence, buf_cstr(&chain));
    buf_release(&chain);
    return err_say(&ctx->err, ERR_PLUGIN, code, NULL);
}

enum err unit_enter(struct ctx *ctx, struct unit_frame *frame)
{
    struct unit *unit = ctx->unit;
    ASSERT(unit); /* unit_begin comes first, so that no write passes the hooks by */
    ASSERT(store_in_tx(ctx->tenant->store));

    if (unit->spoiled)
        return unit->spoiled;
    frame->by = unit->handler;
    for (const struct unit_frame *f = unit->top; f; f = f->up)
        if (!f->is_settled && f->id == frame->id && f->entity == frame->entity)
            return refuse(ctx, frame, "hook_cycle", "a record that is being saved further up");
    if (unit->top && !unit->top->is_settled)
        return refuse(ctx, frame, "hook_write_early",
                      "before_* and validate handlers may not write other records");
    if (unit->depth >= HOOK_DEPTH_MAX)
        return unit->spoiled = refuse(ctx, frame, "hook_depth", "writes nested too deep");
    unit->writes = unit->top ? unit->writes + !frame->is_core : 0;
    if (unit->writes > HOOK_WRITES_MAX)
        return unit->spoiled = refuse(ctx, frame, "hook_writes", "too many nested writes");
    unit->saves += !unit->top;
    unit->depth++;
    frame->up = unit->top;
    unit->top = frame;
    return ERR_OK;
}

enum err unit_leave(struct ctx *ctx, struct unit_frame *frame, enum err e)
{
    struct unit *unit = ctx->unit;
    ASSERT(unit && unit->top == frame);
    unit->top = frame->up;
    unit->depth--;
    enum err spoiled = unit->spoiled;
    if (!unit->top)
        unit->spoiled = ERR_OK; /* the outermost write fails with it and is rolled back */
    return e ? e : spoiled;
}

/* --- rights --- */

enum err unit_rights(struct ctx *ctx, const struct entity *entity, enum role_action action,
                     struct rights **out)
{
    struct unit *unit = ctx->unit;
    struct ctx *base = unit ? unit->ctx : NULL;
    if (!base || base->actor != ctx->actor || base->as_system != ctx->as_system)
        return rights_make(ctx, entity, action, out);
    for (struct unit_rights *k = unit->kept; k; k = k->next) {
        if (k->entity != entity || k->action != action || k->actor != ctx->actor ||
            k->as_system != ctx->as_system)
            continue;
        *out = k->rights;
        return ERR_OK;
    }
    struct rights *rights;
    if (base != ctx && rights_make(base, entity, action, &rights))
        return rights_make(ctx, entity, action, out); /* says so where the caller looks */
    enum err e = base == ctx ? rights_make(ctx, entity, action, &rights) : ERR_OK;
    if (e)
        return e;
    struct unit_rights *k = arena_make(base->arena, struct unit_rights);
    *k = (struct unit_rights){entity, action, ctx->actor, ctx->as_system, rights, unit->kept};
    unit->kept = k;
    *out = rights;
    return ERR_OK;
}
