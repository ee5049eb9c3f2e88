/* operation - see operation.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/operation.h"

#include <string.h>

#include "base/text.h"
#include "base/tuning.h"

/* How an entity declares it, or NULL. */
static const struct json *declared(const struct entity *entity, const char *name)
{
    json_each(one, json_get(entity->declared, "actions"))
    {
        if (strcmp(json_cstr(one, "name", ""), name) == 0)
            return one;
    }
    return NULL;
}

struct search {
    struct slice asked;
    struct slice near;  /* the nearest so far; at NULL = none */
    int distance, most; /* how far the nearest is, and how far one may be */
    bool found;
};

static void look_at(struct search *search, struct slice known)
{
    int distance = text_nearness(search->asked, known, search->most);
    search->found = search->found || slice_eq(search->asked, known);
    if (distance < search->distance) { /* of a short word half of it at most */
        search->distance = distance;
        search->near = known;
    }
}

static void look(struct search *search, const struct json *names, const struct model_view *view)
{
    json_each(name, names)
    {
        if (name->type == JSON_STRING)
            look_at(search, name->text);
    }
    json_each(param, view ? json_get(view->body, "params") : NULL)
    {
        look_at(search, slice_str(json_cstr(param, "name", "")));
    }
}

enum err operation_check(struct ctx *ctx, const struct entity *entity, const char *name,
                         const struct json *params)
{
    ASSERT(ctx && entity);
    ASSERT(name);
    const struct json *action = declared(entity, name);
    const struct json *names = action ? json_get(action, "params") : NULL;
    enum err e = ERR_OK;
    if (!names || !params || params->type != JSON_OBJECT)
        return ERR_OK;
    const struct model_view *view = model_view(ctx->model, entity->name, "action", name);
    json_each(param, params)
    {
        struct search search = {.asked = param->key};
        search.most =
            param->key.len / 2 < JSONSCHEMA_NEAR ? (int)param->key.len / 2 : JSONSCHEMA_NEAR;
        search.distance = search.most + 1;
        look(&search, names, view);
        if (search.found)
            continue;
        const char *args = search.near.at ? arena_printf(ctx->arena, "{\"name\":\"" SLICE_FMT "\"}",
                                                         SLICE_ARG(search.near))
                                          : NULL;
        e = err_field(&ctx->err, arena_str(ctx->arena, param->key),
                      args ? "parameter_near" : "unknown_parameter", args);
    }
    return e;
}
