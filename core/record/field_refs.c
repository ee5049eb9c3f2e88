/* field_refs - points to several records of another entity; kept as a JSON array of numbers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/id.h"

static enum err refs_parse(struct ctx *ctx, const struct field *field, const char *path,
                           const struct json *in, struct value *out)
{
    return field_list_parse(ctx, field, path, field_list_split(ctx->arena, in), field_parse_id,
                            out);
}

static void refs_put(const struct field *field, const struct value *values, struct buf *out)
{
    struct slice rest = values[0].bytes; /* "[1,2]", as list_parse wrote it */

    (void)field;
    buf_put_char(out, '[');
    rest = slice_of(rest.at + 1, rest.len - 2);
    while (rest.len) {
        int64_t id = 0;
        char text[ID_TEXT_LEN + 1];
        if (!slice_to_int(slice_split(&rest, ','), &id))
            continue;
        id_text(id, text);
        json_put_comma(out);
        json_put_cstr(out, text);
    }
    buf_put_char(out, ']');
}

static enum err refs_operand(struct ctx *ctx, const struct field *field, const struct json *in,
                             struct value *out, int *column)
{
    *column = 0;
    return field_parse_id(ctx, field, field->name, in, out);
}

const struct field_type field_type_refs = {
    .name = "refs",
    .kind = KIND_LIST,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .declare = field_declare_ref,
    .parse = refs_parse,
    .put = refs_put,
    .operand = refs_operand,
    .operators = FIELD_OPS_LIST,
};
