/* field_autonumber - a running number with text and date parts: "LD-202601-00042".
 *
 *   "pattern": "LD-{yyyy}{mm}-{counter:5}", "reset": "never" | "yearly" | "monthly" | "daily"
 *
 * Parts: {yyyy} {yy} {mm} {dd} {counter} {counter:N} (N digits at least). The number is allocated
 * in the transaction by the record layer, from the counter named for the field and its period.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/clock.h"
#include "base/limits.h"
#include "record/entity.h"

enum number_reset { RESET_NEVER, RESET_YEARLY, RESET_MONTHLY, RESET_DAILY };

struct number_pattern {
    const char *text;
    enum number_reset reset;
};

/* The part at the front of `rest` ("{mm}"), without its braces; empty when it is plain text. */
static struct slice take_part(struct slice *rest)
{
    ptrdiff_t end = *rest->at == '{' ? slice_find(*rest, SLICE("}")) : -1;
    if (end < 0)
        return slice_of("", 0);
    struct slice part = slice_of(rest->at + 1, (size_t)end - 1);
    *rest = slice_of(rest->at + end + 1, rest->len - (size_t)end - 1);
    return part;
}

static bool put_part(struct buf *b, struct slice part, int64_t counter, struct date d)
{
    struct slice width = part;
    struct slice name = slice_split(&width, ':');
    int64_t digits = 1;

    if (slice_is(name, "yyyy"))
        buf_printf(b, "%04d", d.year);
    else if (slice_is(name, "yy"))
        buf_printf(b, "%02d", d.year % 100);
    else if (slice_is(name, "mm"))
        buf_printf(b, "%02d", d.month);
    else if (slice_is(name, "dd"))
        buf_printf(b, "%02d", d.day);
    else if (slice_is(name, "counter") &&
             (!width.len || (slice_to_int(width, &digits) && digits > 0 && digits <= 18)))
        buf_printf(b, "%0*lld", (int)digits, (long long)counter);
    else
        return false;
    return true;
}

static bool put_pattern(struct buf *b, const char *pattern, int64_t counter, int64_t day)
{
    struct slice rest = slice_str(pattern);
    struct date d = date_from_days(day);

    while (rest.len) {
        struct slice part = take_part(&rest);
        if (part.len) {
            if (!put_part(b, part, counter, d))
                return false;
            continue;
        }
        buf_put_char(b, *rest.at);
        rest = slice_of(rest.at + 1, rest.len - 1);
    }
    return true;
}

static enum err autonumber_declare(struct field *field, const struct json *doc, struct arena *arena,
                                   const char **why)
{
    struct number_pattern *data = arena_make(arena, struct number_pattern);
    struct slice reset = json_str(doc, "reset", SLICE("never"));
    struct buf b = BUF_INIT;

    data->text = json_cstr(doc, "pattern", "{counter}");
    data->reset = slice_is(reset, "daily")     ? RESET_DAILY
                  : slice_is(reset, "monthly") ? RESET_MONTHLY
                  : slice_is(reset, "yearly")  ? RESET_YEARLY
                                               : RESET_NEVER;
    bool ok = put_pattern(&b, data->text, INT64_MAX, 0) && strstr(data->text, "{counter");
    bool is_long = b.len > NUMBER_BYTES_MAX;
    buf_release(&b);
    field->data = data;
    if (ok && is_long) {
        *why =
            arena_printf(arena, "the pattern of field \"%s\" makes numbers of more than %d bytes",
                         field->name, NUMBER_BYTES_MAX);
        return ERR_MALFORMED;
    }
    if (ok)
        return ERR_OK;
    *why = arena_printf(arena,
                        "the pattern \"%s\" of field \"%s\" needs {counter} and may hold {yyyy} "
                        "{yy} {mm} {dd}",
                        data->text, field->name);
    return ERR_MALFORMED;
}

const char *field_number_text(const struct field *field, struct arena *arena, int64_t counter,
                              int64_t day)
{
    const struct number_pattern *data = field->data;
    struct buf b = BUF_INIT;

    ASSERT(data);
    if (!put_pattern(&b, data->text, counter, day))
        BUG("a checked pattern can be written");
    const char *text = arena_str(arena, buf_slice(&b));
    buf_release(&b);
    return text;
}

const char *field_number_counter(const struct field *field, struct arena *arena, int64_t day)
{
    const struct number_pattern *data = field->data;
    struct date d = date_from_days(day);

    ASSERT(data);
    switch (data->reset) {
    case RESET_YEARLY:
        return arena_printf(arena, "number.%d.%04d", field->n, d.year);
    case RESET_MONTHLY:
        return arena_printf(arena, "number.%d.%04d-%02d", field->n, d.year, d.month);
    case RESET_DAILY:
        return arena_printf(arena, "number.%d.%04d-%02d-%02d", field->n, d.year, d.month, d.day);
    case RESET_NEVER:
        break;
    }
    return arena_printf(arena, "number.%d", field->n);
}

const struct field_type field_type_autonumber = {
    .name = "autonumber",
    .kind = KIND_TEXT,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .is_derived = true,
    .is_searchable = true,
    .declare = autonumber_declare,
    .parse = field_text_parse,
    .put = field_put_string,
    .put_text = field_put_plain,
    .operand = field_operand_parse,
    .operators = FIELD_OPS_TEXT,
};
