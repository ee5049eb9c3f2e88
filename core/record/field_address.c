/* field_address - a postal address: {country, province, city, district, street, postcode, text}.
 *
 * Plain text is taken as "text", the address as one line.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

static const char *const parts[] = {"country", "province", "city", "district",
                                    "street",  "postcode", "text"};
#define PARTS_COUNT (sizeof(parts) / sizeof *parts)

static bool is_part(struct slice name)
{
    for (size_t i = 0; i < PARTS_COUNT; i++)
        if (slice_is(name, parts[i]))
            return true;
    return false;
}

static enum err check_members(struct ctx *ctx, const struct field *field, const char *path,
                              const struct json *in)
{
    json_each(member, in)
    {
        const char *where = arena_printf(ctx->arena, "%s." SLICE_FMT, path, SLICE_ARG(member->key));
        if (!is_part(member->key))
            return field_bad(ctx, where, "unknown_field", NULL);
        if (member->type != JSON_STRING && member->type != JSON_NULL)
            return field_bad(ctx, where, "not_a_text", NULL);
        enum err e = member->type == JSON_STRING
                         ? field_check_length(ctx, field, where, member->text)
                         : ERR_OK;
        if (e)
            return e;
    }
    return ERR_OK;
}

static enum err address_parse(struct ctx *ctx, const struct field *field, const char *path,
                              const struct json *in, struct value *out)
{
    if (in->type == JSON_STRING) {
        struct json *whole = json_new(ctx->arena, JSON_OBJECT);
        json_add(ctx->arena, whole, "text", json_new_str(ctx->arena, in->text));
        in = whole;
    }
    if (in->type != JSON_OBJECT)
        return field_bad(ctx, path, "bad_address", NULL);
    enum err e = check_members(ctx, field, path, in);
    if (e)
        return e;

    struct buf b = BUF_INIT;
    buf_put_char(&b, '{');
    for (size_t i = 0; i < PARTS_COUNT; i++) {
        struct slice s = field_one_line(ctx->arena, json_str(in, parts[i], SLICE("")));
        if (s.len == 0)
            continue;
        json_put_key(&b, parts[i]);
        json_put_string(&b, s);
    }
    buf_put_char(&b, '}');
    *out = b.len > 2 ? value_text(arena_slice(ctx->arena, buf_slice(&b))) : value_null();
    buf_release(&b);
    return ERR_OK;
}

static void address_put_text(const struct field *field, const struct value *values, struct buf *out)
{
    struct arena *arena = arena_new();
    const struct json *doc = NULL;
    bool first = true;

    (void)field;
    if (!json_parse(arena, values[0].bytes, &doc, NULL)) {
        for (size_t i = 0; i < PARTS_COUNT; i++) {
            struct slice s = json_str(doc, parts[i], SLICE(""));
            if (s.len == 0)
                continue;
            if (!first)
                buf_put_char(out, ' ');
            buf_put_slice(out, s);
            first = false;
        }
    }
    arena_free(arena);
}

static enum err address_operand(struct ctx *ctx, const struct field *field, const struct json *in,
                                struct value *out, int *column)
{
    *column = 0;
    if (in->type != JSON_STRING)
        return field_bad(ctx, field->name, "not_a_text", NULL);
    *out = value_text(in->text);
    return ERR_OK;
}

const struct field_type field_type_address = {
    .name = "address",
    .kind = KIND_JSON,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .is_searchable = true,
    .parse = address_parse,
    .put = field_put_json,
    .put_text = address_put_text,
    .operand = address_operand,
    .operators = FIELD_OP(NULL) | FIELD_OP(CONTAINS),
};
