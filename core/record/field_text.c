/* field_text - text on one line; with "multiple" a list of them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

enum err field_text_parse(struct ctx *ctx, const struct field *field, const char *path,
                          const struct json *in, struct value *out)
{
    struct slice s;

    if (!field_source_text(ctx->arena, in, &s))
        return field_bad(ctx, path, "not_a_text", NULL);
    s = field_one_line(ctx->arena, s);
    enum err e = field_check_length(ctx, field, path, s);
    if (e)
        return e;
    *out = s.len ? value_text(s) : value_null();
    return ERR_OK;
}

/* The operand stays as it was typed: it may be part of a text. */
static enum err text_operand(struct ctx *ctx, const struct field *field, const struct json *in,
                             struct value *out, int *column)
{
    struct slice s;

    *column = 0;
    if (!field_source_text(ctx->arena, in, &s))
        return field_bad(ctx, field->name, "not_a_text", NULL);
    *out = value_text(s);
    return ERR_OK;
}

static enum err list_parse(struct ctx *ctx, const struct field *field, const char *path,
                           const struct json *in, struct value *out)
{
    return field_list_parse(ctx, field, path, in, field_text_parse, out);
}

static const struct field_type list = {
    .name = "text",
    .kind = KIND_LIST,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .is_searchable = true,
    .parse = list_parse,
    .put = field_put_json,
    .put_text = field_put_list_text,
    .operand = text_operand,
    .operators = FIELD_OPS_LIST,
};

const struct field_type field_type_text = {
    .name = "text",
    .kind = KIND_TEXT,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .is_searchable = true,
    .parse = field_text_parse,
    .put = field_put_string,
    .put_text = field_put_plain,
    .operand = text_operand,
    .operators = FIELD_OPS_TEXT,
    .many = &list,
};
