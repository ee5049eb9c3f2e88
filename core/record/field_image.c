/* field_image - a picture: the id of a stored file that is an image.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

const struct field_type field_type_image = {
    .name = "image",
    .kind = KIND_REF,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_INT},
    .parse = field_parse_id,
    .put = field_put_id,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_SAME,
};
