/* snapshot - see snapshot.h: {"now": {column: value}, "old": {column: value}}; bytes are
 * {"bytes": "<base64url>"}. Without "old" the record was made.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/snapshot.h"

#include "base/crypto.h"
#include "record/record_in.h"

static struct json *node_of(struct arena *arena, const struct value *value)
{
    struct buf text = BUF_INIT;
    struct json *node;
    switch (value->type) {
    case VALUE_NULL:
        return json_new(arena, JSON_NULL);
    case VALUE_INT:
        return json_new_int(arena, value->integer);
    case VALUE_TEXT:
        return json_new_str(arena, value->bytes);
    case VALUE_BLOB:
        break;
    }
    node = json_new(arena, JSON_OBJECT);
    crypto_put_base64url(&text, value->bytes);
    json_add(arena, node, "bytes", json_new_str(arena, arena_slice(arena, buf_slice(&text))));
    buf_release(&text);
    return node;
}

struct json *snapshot_make(struct arena *arena, const struct record *record)
{
    ASSERT(arena && record);
    const struct entity *entity = record->entity;
    struct json *now = json_new(arena, JSON_OBJECT), *old = json_new(arena, JSON_OBJECT);
    struct json *snapshot = json_new(arena, JSON_OBJECT);
    for (int i = 0; i < entity->slots; i++) {
        if (record->now[i].type != VALUE_NULL)
            json_add(arena, now, entity->columns[i], node_of(arena, &record->now[i]));
        if (!record->is_new && !value_equal(&record->now[i], &record->old[i]))
            json_add(arena, old, entity->columns[i], node_of(arena, &record->old[i]));
    }
    json_add(arena, snapshot, "now", now);
    if (!record->is_new)
        json_add(arena, snapshot, "old", old);
    return snapshot;
}

static enum err value_of(struct arena *arena, const struct json *node, struct value *out)
{
    struct buf bytes = BUF_INIT;
    *out = value_null();
    switch (node->type) {
    case JSON_NULL:
        return ERR_OK;
    case JSON_INT:
        *out = value_int(node->integer);
        return ERR_OK;
    case JSON_STRING:
        *out = value_text(node->text);
        return ERR_OK;
    default:
        break;
    }
    if (!crypto_parse_base64url(json_str(node, "bytes", SLICE("")), &bytes)) {
        buf_release(&bytes);
        return ERR_CORRUPT;
    }
    *out = value_blob(arena_slice(arena, buf_slice(&bytes)));
    buf_release(&bytes);
    return ERR_OK;
}

static enum err read_values(struct arena *arena, const struct entity *entity,
                            const struct json *tree, struct value *values)
{
    enum err e = ERR_OK;
    for (int i = 0; i < entity->slots && !e; i++) {
        const struct json *node = json_get(tree, entity->columns[i]);
        if (node)
            e = value_of(arena, node, &values[i]);
    }
    return e;
}

enum err snapshot_open(struct ctx *ctx, const struct entity *entity, const struct json *snapshot,
                       struct record **out)
{
    ASSERT(ctx && entity && out);
    size_t slots = (size_t)entity->slots;
    const struct json *now = json_get(snapshot, "now"), *old = json_get(snapshot, "old");
    struct value *values = arena_array(ctx->arena, struct value, slots);
    if (!now)
        return ERR_CORRUPT;
    enum err e = read_values(ctx->arena, entity, now, values);
    if (e)
        return e;
    struct record *record = record_wrap(ctx, entity, values); /* old is as now */
    record->phase = RECORD_SAVED;
    record->is_new = old == NULL;
    if (old)
        e = read_values(ctx->arena, entity, old, record->old);
    else
        record->old = NULL;
    if (!e)
        *out = record;
    return e;
}
