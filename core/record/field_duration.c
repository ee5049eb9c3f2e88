/* field_duration - a length of time in whole seconds; also read from "1:30" and "1:30:00".
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

/* "h:mm" or "h:mm:ss"; hours may be many. */
static bool clock_parse(struct slice s, int64_t *out)
{
    int64_t hours, minutes, seconds = 0;
    struct slice rest = s;
    struct slice h = slice_split(&rest, ':');
    struct slice m = slice_split(&rest, ':');

    if (!slice_to_int(h, &hours) || !slice_to_int(m, &minutes) || hours < 0 || hours > 1000000 ||
        minutes < 0 || minutes > 59)
        return false;
    if (rest.len && (!slice_to_int(rest, &seconds) || seconds < 0 || seconds > 59))
        return false;
    *out = hours * 3600 + minutes * 60 + seconds;
    return true;
}

static enum err duration_parse(struct ctx *ctx, const struct field *field, const char *path,
                               const struct json *in, struct value *out)
{
    int64_t seconds;

    if (in->type == JSON_STRING && clock_parse(slice_trim(in->text), &seconds)) {
        enum err e = field_check_range(ctx, field, path, seconds, 0);
        if (e)
            return e;
        *out = value_int(seconds);
        return ERR_OK;
    }
    return field_int_parse(ctx, field, path, in, out);
}

const struct field_type field_type_duration = {
    .name = "duration",
    .kind = KIND_INT,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_INT},
    .parse = duration_parse,
    .put = field_int_put,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_ORDER,
};
