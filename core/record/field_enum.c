/* field_enum - one of the values the plugin declares; and what enum, multienum, state, dict share.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/limits.h"
#include "record/entity.h"
#include "record/model.h"

const struct field_option *field_option_find(const struct field *field, struct slice value)
{
    for (int i = 0; i < field->options_count; i++)
        if (slice_is(value, field->options[i].value))
            return &field->options[i];
    return NULL;
}

const char *field_option_label(struct ctx *ctx, const struct field *field,
                               const struct field_option *option)
{
    const char *own = json_cstr(option->labels, ctx->lang == LANG_EN ? "en" : "zh-CN", NULL);
    return own ? own
               : model_text_or(ctx->model, ctx->arena, ctx->lang, field->plugin, option->label,
                               NULL, option->value);
}

enum err field_parse_option(struct ctx *ctx, const struct field *field, const char *path,
                            const struct json *in, struct value *out)
{
    struct slice s;

    if (!field_source_text(ctx->arena, in, &s))
        return field_bad(ctx, path, "not_in_list", NULL);
    s = slice_trim(s);
    if (s.len == 0) {
        *out = value_null();
        return ERR_OK;
    }
    const struct field_option *option = field_option_find(field, s);
    if (!option || !option->is_active)
        return field_bad(ctx, path, "not_in_list", NULL);
    *out = value_text(slice_str(option->value));
    return ERR_OK;
}

/* Values that may no longer be chosen may still be looked for. */
enum err field_operand_option(struct ctx *ctx, const struct field *field, const struct json *in,
                              struct value *out, int *column)
{
    struct slice s;

    *column = 0;
    const struct field_option *option =
        field_source_text(ctx->arena, in, &s) ? field_option_find(field, slice_trim(s)) : NULL;
    if (!option)
        return field_bad(ctx, field->name, "not_in_list", NULL);
    *out = value_text(slice_str(option->value));
    return ERR_OK;
}

/* One item of "values": text, or {value, label, tone, active}. */
static enum err read_option(const struct field *field, const struct json *item,
                            struct field_option *out, struct arena *arena, const char **why)
{
    const char *value = item->type == JSON_STRING ? item->text.at : json_cstr(item, "value", NULL);

    if (!value || !*value) {
        *why = arena_printf(arena, "field \"%s\" has a value without a name", field->name);
        return ERR_MALFORMED;
    }
    out->value = value;
    out->label = json_cstr(
        item, "label", arena_printf(arena, "@%s.%s.%s", field->entity->name, field->name, value));
    out->tone = json_cstr(item, "tone", NULL);
    out->is_active = json_bool(item, "active", true);
    return ERR_OK;
}

enum err field_declare_options(struct field *field, const struct json *doc, struct arena *arena,
                               const char **why)
{
    const struct json *values = json_get(doc, "values");

    if (!values || values->type != JSON_ARRAY || values->count == 0 ||
        values->count > ENUM_VALUES_MAX) {
        *why = arena_printf(arena, "field \"%s\" needs \"values\", 1 to %d of them", field->name,
                            ENUM_VALUES_MAX);
        return ERR_MALFORMED;
    }
    struct field_option *options = arena_array(arena, struct field_option, (size_t)values->count);
    field->options = options;
    json_each(item, values)
    {
        struct field_option option = {0};
        enum err e = read_option(field, item, &option, arena, why);
        if (e)
            return e;
        if (field_option_find(field, slice_str(option.value))) {
            *why = arena_printf(arena, "field \"%s\" has the value \"%s\" twice", field->name,
                                option.value);
            return ERR_MALFORMED;
        }
        options[field->options_count++] = option;
    }
    return ERR_OK;
}

const struct field_type field_type_enum = {
    .name = "enum",
    .kind = KIND_TEXT,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .declare = field_declare_options,
    .parse = field_parse_option,
    .put = field_put_string,
    .put_text = field_put_plain,
    .operand = field_operand_option,
    .operators = FIELD_OPS_ORDER,
};
