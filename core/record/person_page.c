/* person_page - what is held about a person as a page of HTML without scripts.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/text.h"
#include "record/model.h"
#include "record/person.h"

static void put_scalar(struct buf *out, const struct json *node)
{
    struct buf text = BUF_INIT;
    if (node->type == JSON_STRING)
        text_put_html(out, node->text);
    else if (node->type == JSON_NULL)
        buf_put_str(out, "–");
    else {
        json_put(&text, node);
        text_put_html(out, buf_slice(&text));
    }
    buf_release(&text);
}

/* The label of a member: of the entity's field, or of the document. */
static void put_label(struct ctx *ctx, const struct entity *entity, struct slice name,
                      struct buf *out)
{
    const struct field *field = entity ? entity_field(entity, name) : NULL;
    const char *text =
        field ? model_text_or(ctx->model, ctx->arena, ctx->lang, field->plugin, field->label, NULL,
                              field->name)
              : model_text_or(ctx->model, ctx->arena, ctx->lang, "core",
                              arena_printf(ctx->arena, "@person." SLICE_FMT, SLICE_ARG(name)), NULL,
                              arena_str(ctx->arena, name));
    text_put_html(out, slice_str(text));
}

static void put_node(struct ctx *ctx, const struct entity *entity, const struct json *node,
                     struct buf *out)
{
    if (node->type == JSON_OBJECT) {
        buf_put_str(out, "<table>");
        json_each(member, node)
        {
            buf_put_str(out, "<tr><th>");
            put_label(ctx, entity, member->key, out);
            buf_put_str(out, "</th><td>");
            put_node(ctx, NULL, member, out);
            buf_put_str(out, "</td></tr>\n");
        }
        buf_put_str(out, "</table>");
    } else if (node->type == JSON_ARRAY) {
        json_each(item, node)
        {
            buf_put_str(out, "<div>");
            put_node(ctx, entity, item, out);
            buf_put_str(out, "</div>\n");
        }
    } else {
        put_scalar(out, node);
    }
}

static void put_section(struct ctx *ctx, const struct entity *entity, const char *title,
                        const struct json *node, struct buf *out)
{
    if (!node || node->type == JSON_NULL || (node->type == JSON_ARRAY && !node->count))
        return;
    buf_put_str(out, "<h2>");
    put_label(ctx, NULL, slice_str(title), out);
    buf_put_str(out, "</h2>\n");
    put_node(ctx, entity, node, out);
}

static void put_related(struct ctx *ctx, const struct json *related, struct buf *out)
{
    json_each(list, related)
    {
        const struct entity *entity = model_entity(ctx->model, list->key);
        if (!entity)
            continue;
        buf_put_str(out, "<h2>");
        text_put_html(out,
                      slice_str(model_text_or(ctx->model, ctx->arena, ctx->lang, entity->plugin,
                                              arena_printf(ctx->arena, "@%s.plural", entity->name),
                                              NULL, entity->name)));
        buf_put_str(out, "</h2>\n");
        put_node(ctx, entity, list, out);
    }
}

void person_page(struct ctx *ctx, const struct json *person, struct buf *out)
{
    ASSERT(ctx && ctx->model && person && out);
    const struct entity *entity = model_entity(ctx->model, json_str(person, "entity", SLICE("")));
    buf_printf(out, "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"><title>",
               ctx->lang == LANG_EN ? "en" : "zh-CN");
    text_put_html(out, json_str(person, "company", SLICE("")));
    buf_put_str(out, "</title>\n<style>body{font-family:sans-serif;margin:2em}"
                     "table{border-collapse:collapse;margin:.3em 0}"
                     "th,td{border:1px solid #bbb;padding:.2em .5em;text-align:left;"
                     "vertical-align:top}</style></head><body>\n<h1>");
    text_put_html(out, json_str(person, "company", SLICE("")));
    buf_put_str(out, "</h1>\n<p>");
    text_put_html(out, json_str(person, "exported_at", SLICE("")));
    buf_put_str(out, "</p>\n");
    put_section(ctx, entity, "record", json_get(person, "record"), out);
    put_section(ctx, entity, "sealed", json_get(person, "sealed"), out);
    put_related(ctx, json_get(person, "related"), out);
    put_section(ctx, NULL, "history", json_get(person, "history"), out);
    put_section(ctx, NULL, "files", json_get(person, "files"), out);
    put_section(ctx, NULL, "letters", json_get(person, "letters"), out);
    put_section(ctx, NULL, "access", json_get(person, "access"), out);
    buf_put_str(out, "</body></html>\n");
}
