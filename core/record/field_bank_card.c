/* field_bank_card - the number of a bank card (ISO/IEC 7812), kept encrypted.
 *
 * 12 to 19 digits of which the last is a check digit (Luhn). Everybody sees "**** **** **** 1234".
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#define DIGITS_MIN 12
#define DIGITS_MAX 19

static bool is_bank_card(struct slice s)
{
    int sum = 0;
    if (s.len < DIGITS_MIN || s.len > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[s.len - 1 - i];
        if (c < '0' || c > '9')
            return false;
        int digit = c - '0';
        if (i % 2)
            digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return sum > 0 && sum % 10 == 0;
}

static enum err bank_card_parse(struct ctx *ctx, const struct field *field, const char *path,
                                const struct json *in, struct value *out)
{
    struct slice s;
    if (!field_source_text(ctx->arena, in, &s))
        return field_bad(ctx, path, "bad_bank_card", NULL);
    s = field_compact(ctx->arena, s);
    if (s.len == 0) {
        *out = value_null();
        return ERR_OK;
    }
    if (!is_bank_card(s))
        return field_bad(ctx, path, "bad_bank_card", NULL);
    const char *mask = arena_printf(ctx->arena, "**** **** **** %s", s.at + s.len - 4);
    return field_sealed_values(ctx, field, s, slice_str(mask), out);
}

const struct field_type field_type_bank_card = {
    .name = "bank_card",
    .kind = KIND_TEXT,
    .columns = 3,
    .suffixes = {"", "x", "h"},
    .stores = {VALUE_TEXT, VALUE_BLOB, VALUE_BLOB},
    .is_sealed = true,
    .sealed_as = VAULT_BANK_CARD,
    .parse = bank_card_parse,
    .put = field_put_string,
    .put_text = field_put_plain,
    .operand = field_sealed_operand,
    .operators = FIELD_OPS_SAME,
};
