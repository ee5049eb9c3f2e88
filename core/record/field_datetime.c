/* field_datetime - an instant, kept as UTC milliseconds, shown as RFC 3339.
 *
 * RFC 3339 with an offset is that instant; "2026-01-31 09:30", "2026-01-31T09:30:00" and
 * "2026-01-31" are local time of the tenant.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/clock.h"

static const struct zone *home_zone(const struct ctx *ctx)
{
    return ctx->tenant && ctx->tenant->zone ? ctx->tenant->zone : zone_find("UTC");
}

/* Two digits at s[at], -1 if they are not. */
static int two_digits(struct slice s, size_t at)
{
    if (at + 2 > s.len || s.at[at] < '0' || s.at[at] > '9' || s.at[at + 1] < '0' ||
        s.at[at + 1] > '9')
        return -1;
    return (s.at[at] - '0') * 10 + (s.at[at + 1] - '0');
}

static bool local_parse(const struct zone *zone, struct slice s, int64_t *out)
{
    int64_t days;

    if (s.len < 10 || !date_parse(slice_of(s.at, 10), &days))
        return false;
    struct date d = date_from_days(days);
    struct time_parts local = {.year = d.year, .month = d.month, .day = d.day};
    if (s.len > 10) {
        if ((s.at[10] != ' ' && s.at[10] != 'T') || (s.len != 16 && s.len != 19) ||
            s.at[13] != ':' || (s.len == 19 && s.at[16] != ':'))
            return false;
        local.hour = two_digits(s, 11);
        local.minute = two_digits(s, 14);
        local.second = s.len == 19 ? two_digits(s, 17) : 0;
        if (local.hour < 0 || local.hour > 23 || local.minute < 0 || local.minute > 59 ||
            local.second < 0 || local.second > 59)
            return false;
    }
    *out = zone_to_utc_ms(zone, &local);
    return true;
}

static enum err datetime_parse(struct ctx *ctx, const struct field *field, const char *path,
                               const struct json *in, struct value *out)
{
    int64_t ms;

    if (in->type != JSON_STRING)
        return field_bad(ctx, path, "bad_datetime", NULL);
    struct slice s = slice_trim(in->text);
    if (s.len == 0) {
        *out = value_null();
        return ERR_OK;
    }
    if (!time_parse(s, &ms) && !local_parse(home_zone(ctx), s, &ms))
        return field_bad(ctx, path, "bad_datetime", NULL);
    if (ms < field->min || ms > field->max)
        return field_bad(ctx, path, "bad_datetime", NULL);
    *out = value_int(ms);
    return ERR_OK;
}

static void datetime_put_text(const struct field *field, const struct value *values,
                              struct buf *out)
{
    char text[25];

    (void)field;
    time_text(values[0].integer, text);
    buf_put_str(out, text);
}

static void datetime_put(const struct field *field, const struct value *values, struct buf *out)
{
    buf_put_char(out, '"');
    datetime_put_text(field, values, out);
    buf_put_char(out, '"');
}

const struct field_type field_type_datetime = {
    .name = "datetime",
    .kind = KIND_DATETIME,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_INT},
    .parse = datetime_parse,
    .put = datetime_put,
    .put_text = datetime_put_text,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_TIME,
};
