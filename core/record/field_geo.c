/* field_geo - a place on the map: {"lat": 31.2304, "lng": 121.4737}, kept as integers of 10^-7
 * degree.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/decimal.h"

#define GEO_SCALE 7
#define GEO_ONE   10000000 /* 10^GEO_SCALE */

static bool degrees(struct arena *arena, const struct json *in, int64_t most, int64_t *out)
{
    struct slice s;
    return in && field_source_text(arena, in, &s) && decimal_parse(slice_trim(s), GEO_SCALE, out) &&
           *out >= -most * GEO_ONE && *out <= most * GEO_ONE;
}

static enum err geo_parse(struct ctx *ctx, const struct field *field, const char *path,
                          const struct json *in, struct value *out)
{
    int64_t lat, lng;

    (void)field;
    if (!degrees(ctx->arena, json_get(in, "lat"), 90, &lat) ||
        !degrees(ctx->arena, json_get(in, "lng"), 180, &lng) || in->count != 2)
        return field_bad(ctx, path, "bad_geo", NULL);
    out[0] = value_int(lat);
    out[1] = value_int(lng);
    return ERR_OK;
}

static void geo_put(const struct field *field, const struct value *values, struct buf *out)
{
    (void)field;
    buf_put_str(out, "{\"lat\":");
    decimal_put(out, values[0].integer, GEO_SCALE);
    buf_put_str(out, ",\"lng\":");
    decimal_put(out, values[1].integer, GEO_SCALE);
    buf_put_char(out, '}');
}

const struct field_type field_type_geo = {
    .name = "geo",
    .kind = KIND_JSON,
    .columns = 2,
    .suffixes = {"", "g"},
    .stores = {VALUE_INT, VALUE_INT},
    .parse = geo_parse,
    .put = geo_put,
    .operand = field_operand_parse,
    .operators = FIELD_OP(NULL),
};
