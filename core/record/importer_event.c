/* importer_event - import.before_row: scripts see a row before it is mapped, and may refuse it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/id.h"
#include "record/importer_in.h"

/* The row as the file has it: heading → text. */
static struct json *row_of(struct arena *arena, const struct importer *importer,
                           const struct slice *cells, int count)
{
    struct json *row = json_new(arena, JSON_OBJECT);
    for (int i = 0; i < count && i < importer->header_count; i++)
        json_add(arena, row, arena_str(arena, importer->header[i]), json_new_str(arena, cells[i]));
    return row;
}

enum err importer_before_row(struct ctx *ctx, const struct importer *importer,
                             const struct slice *cells, int count)
{
    ASSERT(ctx && ctx->unit && importer);
    const struct hooks *hooks = ctx->unit->hooks;
    struct arena *arena = ctx->arena;
    if (!hook_wants(hooks, HOOK_EVENT_IMPORT_BEFORE_ROW, HOOK_EVENT))
        return ERR_OK;
    struct json *payload = json_new(arena, JSON_OBJECT);
    json_add(arena, payload, "entity", json_new_str(arena, slice_str(importer->entity->name)));
    json_add(arena, payload, "line", json_new_int(arena, csv_line(importer->csv)));
    json_add(arena, payload, "row", row_of(arena, importer, cells, count));
    struct event event = {.moment = HOOK_EVENT,
                          .entity = HOOK_EVENT_IMPORT_BEFORE_ROW,
                          .name = HOOK_EVENT_IMPORT_BEFORE_ROW,
                          .payload = payload,
                          .id = id_next()};
    return hook_fire(hooks, ctx, &event);
}
