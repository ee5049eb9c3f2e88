/* field_rating - stars: 0 to "max" (5 unless said otherwise).
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

static enum err rating_declare(struct field *field, const struct json *doc, struct arena *arena,
                               const char **why)
{
    int64_t max = json_int(doc, "max", 5);

    if (max < 1 || max > FIELD_RATING_MAX) {
        *why = arena_printf(arena, "max of the rating \"%s\" must be 1 to %d", field->name,
                            FIELD_RATING_MAX);
        return ERR_MALFORMED;
    }
    field->min = 0;
    field->max = max;
    return ERR_OK;
}

const struct field_type field_type_rating = {
    .name = "rating",
    .kind = KIND_INT,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_INT},
    .declare = rating_declare,
    .parse = field_int_parse,
    .put = field_int_put,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_ORDER,
};
