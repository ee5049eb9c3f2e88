/* field_color - "#1a5fd0"; "#fff" is written out.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c;
    if (c >= 'A' && c <= 'F')
        return c + 32;
    return c >= 'a' && c <= 'f' ? c : -1;
}

static enum err color_parse(struct ctx *ctx, const struct field *field, const char *path,
                            const struct json *in, struct value *out)
{
    char text[8] = "#";

    (void)field;
    struct slice s = in->type == JSON_STRING ? slice_trim(in->text) : slice_of("", 0);
    if (in->type == JSON_STRING && s.len == 0) {
        *out = value_null();
        return ERR_OK;
    }
    if ((s.len != 4 && s.len != 7) || s.at[0] != '#')
        return field_bad(ctx, path, "bad_color", NULL);
    for (size_t i = 0; i < 6; i++) {
        int digit = hex_digit(s.at[1 + (s.len == 4 ? i / 2 : i)]);
        if (digit < 0)
            return field_bad(ctx, path, "bad_color", NULL);
        text[1 + i] = (char)digit;
    }
    *out = value_text(arena_slice(ctx->arena, slice_of(text, 7)));
    return ERR_OK;
}

const struct field_type field_type_color = {
    .name = "color",
    .kind = KIND_TEXT,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .parse = color_parse,
    .put = field_put_string,
    .put_text = field_put_plain,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_SAME,
};
