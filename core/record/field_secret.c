/* field_secret - needs field encryption, which is not there yet: declaring it is refused.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

const struct field_type field_type_secret = {
    .name = "secret",
    .kind = KIND_TEXT,
    .refused = "fields of type secret are kept encrypted, which this version cannot do yet",
};
