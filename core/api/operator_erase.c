/* operator_erase - a record is forgotten for good, also in copies that are brought back later.
 *
 * The operator's way in; api/erasing.c does it, and api/privacy.c is the company's own.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "api/erasing.h"
#include "api/handlers.h"
#include "base/id.h"
#include "store/query.h"
#include "tenant/erasures.h"

struct target {
    const char *entity;
    int64_t record;
};

static enum err read_target(struct call *call, struct target *out)
{
    static const char *const members[] = {"entity", "record", NULL};
    const struct json *body;
    struct err_info *err = &call->ctx->err;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    out->entity = json_cstr(body, "entity", "");
    if (!*out->entity || strlen(out->entity) > NAME_BYTES_MAX)
        e = err_field(err, "entity", *out->entity ? "unknown_entity" : "required", NULL);
    if (!id_parse(json_str(body, "record", SLICE("")), &out->record))
        e = err_field(err, "record", "bad_ref", NULL);
    return e;
}

static enum err look_up(struct call *call, const struct target *target)
{
    struct ctx *ctx = call->ctx;
    const struct entity *entity = model_entity(ctx->model, slice_str(target->entity));
    int64_t found = 0;
    if (!entity)
        return err_field(&ctx->err, "entity", "unknown_entity", NULL);
    const struct expr *is_it = expr_cmp(ctx->arena, EXPR_EQ, "id", value_int(target->record));
    enum err e = store_count(ctx->tenant->store, entity->table, is_it, 1, &found);
    return e || found ? e : ERR_NOT_FOUND;
}

/* Has this very record been erased before? Then there is nothing left to do. */
static enum err was_erased(struct call *call, const struct target *target, bool *out)
{
    struct ctx *ctx = call->ctx;
    return erasures_has(ctx->arena, call->app->config->data, ctx->tenant->name, target->entity,
                        target->record, out);
}

enum err operator_erase(struct call *call)
{
    struct target target;
    bool before = false;
    enum err e = read_target(call, &target);
    if (!e)
        e = look_up(call, &target);
    if (e == ERR_NOT_FOUND && was_erased(call, &target, &before) == ERR_OK && before) {
        buf_put_str(&call->resp->body, "{\"erased\":true,\"before\":true}");
        return ERR_OK;
    }
    if (e)
        return e;
    const struct erasing_order order = {model_entity(call->ctx->model, slice_str(target.entity)),
                                        target.record, NULL};
    return erasing_run(call, &order);
}
