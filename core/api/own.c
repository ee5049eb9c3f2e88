/* own - what a person keeps with the account: favourites and the like, whatever the console likes
 * to remember, as one JSON object. It is nobody else's to see and no part of the user's record.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "api/body.h"
#include "api/handlers.h"
#include "auth/row.h"

enum err own_get(struct call *call)
{
    static const char *const columns[] = {"settings"};
    struct expr where[3];
    struct value value;
    if (!call->ctx->actor)
        return ERR_UNAUTHENTICATED;
    enum err e = row_read(call->ctx->tenant->store, call->ctx->arena, "user", columns, 1,
                          row_live(where, "id", value_int(call->ctx->actor->user)), &value);
    if (e)
        return e;
    const char *text = row_text(&value);
    buf_put_str(&call->resp->body, text ? text : "{}");
    return ERR_OK;
}

static enum err write(struct call *call, void *arg)
{
    const char *text = arg;
    struct expr where[3];
    int64_t changed = 0;
    struct store_set set = {.column = "settings", .value = value_text(slice_str(text))};
    enum err e = store_update(call->ctx->tenant->store, "user",
                              row_live(where, "id", value_int(call->ctx->actor->user)), &set, 1,
                              &changed, NULL);
    if (e)
        return e;
    buf_clear(&call->resp->body);
    buf_put_str(&call->resp->body, text);
    return changed ? ERR_OK : ERR_NOT_FOUND;
}

enum err own_put(struct call *call)
{
    const struct json *body;
    if (!call->ctx->actor || !actor_in_scope(call->ctx->actor, "user", "update"))
        return ERR_FORBIDDEN;
    enum err e = call_object(call, &body);
    if (e)
        return e;
    const char *text = body_json(call->ctx->arena, body);
    if (strlen(text) > OWN_SETTINGS_BYTES_MAX) {
        body_bad(call, "settings", "too_long", "\"max\":%d", OWN_SETTINGS_BYTES_MAX);
        return body_done(call);
    }
    return call_write(call, write, (void *)text);
}
