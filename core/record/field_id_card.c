/* field_id_card - needs field encryption, which is not there yet: declaring it is refused.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

const struct field_type field_type_id_card = {
    .name = "id_card",
    .kind = KIND_TEXT,
    .refused = "fields of type id_card are kept encrypted, which this version cannot do yet",
};
