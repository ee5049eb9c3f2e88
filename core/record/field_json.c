/* field_json - any JSON value, for what only a plugin understands.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/limits.h"

static enum err json_field_parse(struct ctx *ctx, const struct field *field, const char *path,
                                 const struct json *in, struct value *out)
{
    struct buf b = BUF_INIT;

    (void)field;
    json_put(&b, in);
    bool fits = b.len <= LONGTEXT_BYTES_MAX;
    if (fits)
        *out = value_text(arena_slice(ctx->arena, buf_slice(&b)));
    buf_release(&b);
    return fits ? ERR_OK : field_bad(ctx, path, "too_long", "\"max\":%d", LONGTEXT_BYTES_MAX);
}

const struct field_type field_type_json = {
    .name = "json",
    .kind = KIND_JSON,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .parse = json_field_parse,
    .put = field_put_json,
    .operand = field_operand_parse,
    .operators = FIELD_OP(NULL),
};
