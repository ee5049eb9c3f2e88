/* field_secret - any text, kept encrypted; everybody sees "********".
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#define MASK "********"

static enum err secret_parse(struct ctx *ctx, const struct field *field, const char *path,
                             const struct json *in, struct value *out)
{
    struct slice s;
    if (!field_source_text(ctx->arena, in, &s))
        return field_bad(ctx, path, "not_a_text", NULL);
    enum err e = field_check_length(ctx, field, path, s);
    if (e)
        return e;
    if (s.len == 0) {
        *out = value_null();
        return ERR_OK;
    }
    if (slice_is(s, MASK)) /* what an answer showed, sent back for another record */
        return field_bad(ctx, path, "masked_value", NULL);
    return field_sealed_values(ctx, field, s, SLICE(MASK), out);
}

const struct field_type field_type_secret = {
    .name = "secret",
    .kind = KIND_TEXT,
    .columns = 3,
    .suffixes = {"", "x", "h"},
    .stores = {VALUE_TEXT, VALUE_BLOB, VALUE_BLOB},
    .is_sealed = true,
    .sealed_as = VAULT_SECRET,
    .parse = secret_parse,
    .put = field_put_string,
    .put_text = field_put_plain,
    .operand = field_sealed_operand,
    .operators = FIELD_OPS_SAME,
};
