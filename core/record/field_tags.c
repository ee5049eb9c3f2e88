/* field_tags - free words, each once; "a, b、c" is read as three.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/text.h"

static enum err tag_parse(struct ctx *ctx, const struct field *field, const char *path,
                          const struct json *in, struct value *out)
{
    (void)field;
    if (in->type != JSON_STRING)
        return field_bad(ctx, path, "not_a_text", NULL);
    struct slice s = field_one_line(ctx->arena, in->text);
    if (text_chars(s) > FIELD_TAG_CHARS)
        return field_bad(ctx, path, "too_long", "\"max\":%d", FIELD_TAG_CHARS);
    *out = s.len ? value_text(s) : value_null();
    return ERR_OK;
}

static enum err tags_parse(struct ctx *ctx, const struct field *field, const char *path,
                           const struct json *in, struct value *out)
{
    return field_list_parse(ctx, field, path, field_list_split(ctx->arena, in), tag_parse, out);
}

static enum err tags_operand(struct ctx *ctx, const struct field *field, const struct json *in,
                             struct value *out, int *column)
{
    *column = 0;
    return tag_parse(ctx, field, field->name, in, out);
}

const struct field_type field_type_tags = {
    .name = "tags",
    .kind = KIND_LIST,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .is_searchable = true,
    .parse = tags_parse,
    .put = field_put_json,
    .put_text = field_put_list_text,
    .operand = tags_operand,
    .operators = FIELD_OPS_LIST,
};
