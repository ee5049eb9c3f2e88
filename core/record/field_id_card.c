/* field_id_card - the number of a Chinese identity card (GB 11643-1999), kept encrypted.
 *
 * Seventeen digits (region, date of birth, sequence) and a check character by ISO 7064 MOD 11-2.
 * Everybody sees "110***********002X".
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/clock.h"
#include "record/field_kit.h"

#define DIGITS     17
#define SHOWN_HEAD 3
#define SHOWN_TAIL 4

static int number_at(struct slice s, size_t from, size_t count)
{
    int n = 0;
    for (size_t i = from; i < from + count; i++)
        n = n * 10 + (s.at[i] - '0');
    return n;
}

static bool is_id_card(struct slice s)
{
    static const int weights[DIGITS] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    int sum = 0;
    if (s.len != DIGITS + 1)
        return false;
    for (size_t i = 0; i < DIGITS; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        sum += (s.at[i] - '0') * weights[i];
    }
    struct date born = {number_at(s, 6, 4), number_at(s, 10, 2), number_at(s, 12, 2)};
    return s.at[0] != '0' && born.year >= 1800 && date_is_valid(born) &&
           s.at[DIGITS] == "10X98765432"[sum % 11];
}

static struct slice mask_of(struct arena *arena, struct slice plain)
{
    char *mask = arena_str(arena, plain);
    memset(mask + SHOWN_HEAD, '*', plain.len - SHOWN_HEAD - SHOWN_TAIL);
    return slice_of(mask, plain.len);
}

static enum err id_card_parse(struct ctx *ctx, const struct field *field, const char *path,
                              const struct json *in, struct value *out)
{
    struct slice s;
    if (!field_source_text(ctx->arena, in, &s))
        return field_bad(ctx, path, "bad_id_card", NULL);
    s = field_compact(ctx->arena, s);
    if (s.len == 0) {
        *out = value_null();
        return ERR_OK;
    }
    if (!is_id_card(s))
        return field_bad(ctx, path, "bad_id_card", NULL);
    return field_sealed_values(ctx, field, s, mask_of(ctx->arena, s), out);
}

const struct field_type field_type_id_card = {
    .name = "id_card",
    .kind = KIND_TEXT,
    .columns = 3,
    .suffixes = {"", "x", "h"},
    .stores = {VALUE_TEXT, VALUE_BLOB, VALUE_BLOB},
    .is_sealed = true,
    .sealed_as = VAULT_ID_CARD,
    .parse = id_card_parse,
    .put = field_put_string,
    .put_text = field_put_plain,
    .operand = field_sealed_operand,
    .operators = FIELD_OPS_SAME,
};
