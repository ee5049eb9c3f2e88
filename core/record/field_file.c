/* field_file - an attachment: the id of a stored file.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

const struct field_type field_type_file = {
    .name = "file",
    .kind = KIND_REF,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_INT},
    .parse = field_parse_id,
    .put = field_put_id,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_SAME,
};
