/* field_dict - a value of a dictionary that the tenant edits; its options are set by the model.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

static enum err dict_declare(struct field *field, const struct json *doc, struct arena *arena,
                             const char **why)
{
    field->dictionary = json_cstr(doc, "dictionary", NULL);
    if (field->dictionary)
        return ERR_OK;
    *why = arena_printf(arena, "field \"%s\" needs \"dictionary\"", field->name);
    return ERR_MALFORMED;
}

const struct field_type field_type_dict = {
    .name = "dict",
    .kind = KIND_TEXT,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .declare = dict_declare,
    .parse = field_parse_option,
    .put = field_put_string,
    .put_text = field_put_plain,
    .operand = field_operand_option,
    .operators = FIELD_OPS_ORDER,
};
