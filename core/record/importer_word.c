/* importer_word - the words people use for values: "市场活动" or "Event" where the value is event.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/json.h"
#include "base/text.h"
#include "record/field_kit.h"
#include "record/importer_in.h"
#include "record/model.h"

enum { SHOWN_MAX = 12 }; /* choices that a complaint names */

static struct slice folded(struct arena *arena, struct slice text)
{
    struct buf b = BUF_INIT;
    text_fold(&b, text);
    struct slice result = arena_slice(arena, buf_slice(&b));
    buf_release(&b);
    return result;
}

static const char *label_of(struct ctx *ctx, const struct field *field,
                            const struct field_option *option, enum lang lang)
{
    const char *own = json_cstr(option->labels, lang == LANG_EN ? "en" : "zh-CN", NULL);
    return own ? own
               : model_text_or(ctx->model, ctx->arena, lang, field->plugin, option->label, NULL,
                               option->value);
}

static bool is_called(struct ctx *ctx, const struct field *field, const struct field_option *option,
                      struct slice plain)
{
    if (slice_eq(plain, folded(ctx->arena, slice_str(option->value))))
        return true;
    for (int lang = 0; lang < LANG_COUNT; lang++) {
        const char *label = label_of(ctx, field, option, (enum lang)lang);
        if (slice_eq(plain, folded(ctx->arena, slice_trim(slice_str(label)))))
            return true;
    }
    return false;
}

static enum err complain(struct ctx *ctx, const struct field *field, struct slice text)
{
    struct buf shown = BUF_INIT;
    int count = 0;
    for (int i = 0; i < field->options_count && count <= SHOWN_MAX; i++) {
        if (!field->options[i].is_active)
            continue;
        if (count)
            buf_put_str(&shown, ctx->lang == LANG_EN ? ", " : "、");
        buf_put_str(&shown, count++ < SHOWN_MAX
                                ? label_of(ctx, field, &field->options[i], ctx->lang)
                                : "…");
    }
    enum err e =
        field_bad(ctx, field->name, "no_such_value", "\"value\":%s,\"values\":%s",
                  field_quoted(ctx->arena, text), field_quoted(ctx->arena, buf_slice(&shown)));
    buf_release(&shown);
    return e;
}

static enum err one_value(struct ctx *ctx, const struct field *field, struct slice text,
                          const struct json **out)
{
    text = slice_trim(text);
    const struct field_option *option = field_option_find(field, text);
    struct slice plain = option ? text : folded(ctx->arena, text);
    for (int i = 0; i < field->options_count && !option && plain.len; i++)
        if (field->options[i].is_active && is_called(ctx, field, &field->options[i], plain))
            option = &field->options[i];
    if ((!option || !option->is_active) && text.len)
        return complain(ctx, field, text);
    *out = json_new_str(ctx->arena, option ? slice_str(option->value) : text);
    return ERR_OK;
}

enum err importer_word(struct ctx *ctx, const struct field *field, const struct json **in)
{
    if (!field->options || (*in)->type != JSON_STRING)
        return ERR_OK;
    if (field->type->kind != KIND_LIST)
        return one_value(ctx, field, (*in)->text, in);
    struct json *list = json_new(ctx->arena, JSON_ARRAY);
    json_each(item, field_list_split(ctx->arena, *in))
    {
        const struct json *value = item;
        enum err e = item->type == JSON_STRING ? one_value(ctx, field, item->text, &value) : ERR_OK;
        if (e)
            return e;
        json_add(ctx->arena, list, NULL, json_new_str(ctx->arena, value->text));
    }
    *in = list;
    return ERR_OK;
}
