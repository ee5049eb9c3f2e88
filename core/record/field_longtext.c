/* field_longtext - text of many lines; line ends become \n.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/limits.h"

static enum err longtext_parse(struct ctx *ctx, const struct field *field, const char *path,
                               const struct json *in, struct value *out)
{
    struct slice s;

    if (!field_source_text(ctx->arena, in, &s))
        return field_bad(ctx, path, "not_a_text", NULL);
    char *to = arena_alloc(ctx->arena, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == '\r') {
            to[n++] = '\n';
            i += i + 1 < s.len && s.at[i + 1] == '\n';
        } else if (c == '\n' || c == '\t' || (unsigned char)c >= ' ') {
            to[n++] = c;
        }
    }
    struct slice kept = slice_trim(slice_of(to, n));
    if (kept.len > LONGTEXT_BYTES_MAX)
        return field_bad(ctx, path, "too_long", "\"max\":%d", field->length_max);
    enum err e = field_check_length(ctx, field, path, kept);
    if (e)
        return e;
    *out = kept.len ? value_text(kept) : value_null();
    return ERR_OK;
}

const struct field_type field_type_longtext = {
    .name = "longtext",
    .kind = KIND_TEXT,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .is_searchable = true,
    .parse = longtext_parse,
    .put = field_put_string,
    .put_text = field_put_plain,
    .operand = field_operand_parse,
    .operators =
        FIELD_OP(NULL) | FIELD_OP(CONTAINS) | FIELD_OP(PREFIX) | FIELD_OP(EQ) | FIELD_OP(NE),
};
