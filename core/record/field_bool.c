/* field_bool - yes or no.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

/* Words that tables of other programs use. */
static const char *const yes_words[] = {"true", "yes", "y", "1", "是", "on"};
static const char *const no_words[] = {"false", "no", "n", "0", "否", "off"};

static enum err bool_parse(struct ctx *ctx, const struct field *field, const char *path,
                           const struct json *in, struct value *out)
{
    (void)field;
    if (in->type == JSON_BOOL) {
        *out = value_int(in->boolean);
        return ERR_OK;
    }
    if (in->type == JSON_INT && (in->integer == 0 || in->integer == 1)) {
        *out = value_int(in->integer);
        return ERR_OK;
    }
    if (in->type != JSON_STRING)
        return field_bad(ctx, path, "not_a_bool", NULL);
    struct slice s = slice_trim(in->text);
    if (s.len == 0) {
        *out = value_null();
        return ERR_OK;
    }
    for (size_t i = 0; i < sizeof(yes_words) / sizeof *yes_words; i++) {
        bool yes = slice_eq_nocase(s, slice_str(yes_words[i]));
        if (yes || slice_eq_nocase(s, slice_str(no_words[i]))) {
            *out = value_int(yes);
            return ERR_OK;
        }
    }
    return field_bad(ctx, path, "not_a_bool", NULL);
}

static void bool_put(const struct field *field, const struct value *values, struct buf *out)
{
    (void)field;
    json_put_bool(out, values[0].integer != 0);
}

const struct field_type field_type_bool = {
    .name = "bool",
    .kind = KIND_BOOL,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_INT},
    .parse = bool_parse,
    .put = bool_put,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_SAME,
};
