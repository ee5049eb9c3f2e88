/* field_kit - see field_kit.h: complaints, ranges, lists and ids.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

#include "base/decimal.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/text.h"

enum err field_bad(struct ctx *ctx, const char *path, const char *code, const char *fmt, ...)
{
    const char *args = NULL;

    if (fmt) {
        va_list list;
        va_start(list, fmt);
        args = arena_printf(ctx->arena, "{%s}", arena_vprintf(ctx->arena, fmt, list));
        va_end(list);
    }
    return err_field(&ctx->err, path, code, args);
}

const char *field_quoted(struct arena *arena, struct slice text)
{
    struct buf b = BUF_INIT;
    json_put_string(&b, text_is_utf8(text) ? text : SLICE(""));
    const char *quoted = arena_str(arena, buf_slice(&b));
    buf_release(&b);
    return quoted;
}

bool field_source_text(struct arena *arena, const struct json *in, struct slice *out)
{
    if (in->type == JSON_STRING || in->type == JSON_REAL)
        *out = in->text;
    else if (in->type == JSON_INT)
        *out = slice_str(arena_printf(arena, "%lld", (long long)in->integer));
    else
        return false;
    return true;
}

enum err field_check_range(struct ctx *ctx, const struct field *field, const char *path, int64_t n,
                           int scale)
{
    bool small = n < field->min;
    if (!small && n <= field->max)
        return ERR_OK;

    struct buf b = BUF_INIT;
    decimal_put(&b, small ? field->min : field->max, scale);
    enum err e = field_bad(ctx, path, small ? "too_small" : "too_large", "\"%s\":\"%s\"",
                           small ? "min" : "max", buf_cstr(&b));
    buf_release(&b);
    return e;
}

enum err field_check_length(struct ctx *ctx, const struct field *field, const char *path,
                            struct slice s)
{
    size_t chars = text_chars(s);
    if (field->length_max && chars > (size_t)field->length_max)
        return field_bad(ctx, path, "too_long", "\"max\":%d", field->length_max);
    if (chars && chars < (size_t)field->length_min) /* empty is none */
        return field_bad(ctx, path, "too_short", "\"min\":%d", field->length_min);
    return ERR_OK;
}

struct slice field_one_line(struct arena *arena, struct slice s)
{
    char *to = arena_alloc(arena, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c <= ' ' || c == 0x7f) {
            if (n > 0 && to[n - 1] != ' ')
                to[n++] = ' ';
        } else {
            to[n++] = (char)c;
        }
    }
    if (n > 0 && to[n - 1] == ' ')
        n--;
    to[n] = 0;
    return slice_of(to, n);
}

struct field_type *field_variant(struct arena *arena, const struct field_type *of, const char *name,
                                 int columns)
{
    struct field_type *type = arena_make(arena, struct field_type);

    *type = *of;
    type->name = name;
    type->columns = columns;
    type->is_derived = true;
    type->is_ref = false; /* nobody may point at a value that is only worked out */
    type->is_searchable = false;
    type->declare = NULL;
    type->many = NULL;
    return type;
}

enum err field_operand_parse(struct ctx *ctx, const struct field *field, const struct json *in,
                             struct value *out, int *column)
{
    struct value values[4] = {{0}};

    *column = 0;
    enum err e = field->type->parse(ctx, field, field->name, in, values);
    if (e)
        return e;
    *out = values[0];
    return ERR_OK;
}

/* --- lists --- */

static bool list_holds(const struct value *items, int count, const struct value *one)
{
    for (int i = 0; i < count; i++)
        if (value_equal(&items[i], one))
            return true;
    return false;
}

static struct value list_value(struct arena *arena, const struct value *items, int count)
{
    struct buf b = BUF_INIT;

    buf_put_char(&b, '[');
    for (int i = 0; i < count; i++) {
        json_put_comma(&b);
        if (items[i].type == VALUE_INT)
            json_put_int(&b, items[i].integer);
        else
            json_put_string(&b, items[i].bytes);
    }
    buf_put_char(&b, ']');
    struct value out = value_text(arena_slice(arena, buf_slice(&b)));
    buf_release(&b);
    return out;
}

enum err field_list_parse(struct ctx *ctx, const struct field *field, const char *path,
                          const struct json *in, field_item one, struct value *out)
{
    struct value items[FIELD_LIST_MAX];
    int count = 0;
    enum err failed = ERR_OK;
    bool is_array = in->type == JSON_ARRAY;

    if (is_array && in->count > FIELD_LIST_MAX)
        return field_bad(ctx, path, "too_many", "\"max\":%d", FIELD_LIST_MAX);
    int at = 0;
    for (const struct json *j = is_array ? in->first : in; j; j = is_array ? j->next : NULL) {
        const char *where = is_array ? arena_printf(ctx->arena, "%s[%d]", path, at++) : path;
        struct value v = value_null();
        enum err e = j->type == JSON_NULL ? field_bad(ctx, where, "required", NULL)
                                          : one(ctx, field, where, j, &v);
        if (e)
            failed = e;
        else if (v.type != VALUE_NULL && !list_holds(items, count, &v))
            items[count++] = v;
    }
    if (failed)
        return failed;
    *out = count ? list_value(ctx->arena, items, count) : value_null();
    return ERR_OK;
}

/* Bytes of the separator at the start of s, 0 if there is none. */
static size_t separator_len(struct slice s)
{
    static const char *const wide[] = {"，", "、", "；"};

    if (s.len && (*s.at == ',' || *s.at == ';' || *s.at == '|' || *s.at == '\n'))
        return 1;
    for (size_t i = 0; i < sizeof(wide) / sizeof *wide; i++)
        if (slice_starts(s, slice_str(wide[i])))
            return strlen(wide[i]);
    return 0;
}

const struct json *field_list_split(struct arena *arena, const struct json *in)
{
    if (in->type != JSON_STRING)
        return in;

    struct json *out = json_new(arena, JSON_ARRAY);
    struct slice rest = in->text;
    size_t from = 0;
    for (size_t i = 0; i <= rest.len;) {
        size_t gap = i < rest.len ? separator_len(slice_of(rest.at + i, rest.len - i)) : 1;
        if (gap == 0) {
            i++;
            continue;
        }
        struct slice item = slice_trim(slice_of(rest.at + from, i - from));
        if (item.len)
            json_add(arena, out, NULL, json_new_str(arena, item));
        i += gap;
        from = i;
    }
    return out;
}

void field_put_list_text(const struct field *field, const struct value *values, struct buf *out)
{
    struct arena *arena = arena_new();
    const struct json *list = NULL;

    (void)field;
    if (!json_parse(arena, values[0].bytes, &list, NULL)) {
        json_each(item, list)
        {
            struct slice s;
            if (item != list->first)
                buf_put_str(out, ", ");
            if (field_source_text(arena, item, &s))
                buf_put_slice(out, s);
        }
    }
    arena_free(arena);
}

/* --- writing --- */

void field_put_json(const struct field *field, const struct value *values, struct buf *out)
{
    (void)field;
    buf_put_slice(out, values[0].bytes);
}

void field_put_string(const struct field *field, const struct value *values, struct buf *out)
{
    (void)field;
    json_put_string(out, values[0].bytes);
}

void field_put_plain(const struct field *field, const struct value *values, struct buf *out)
{
    (void)field;
    buf_put_slice(out, values[0].bytes);
}

void field_put_id(const struct field *field, const struct value *values, struct buf *out)
{
    char text[ID_TEXT_LEN + 1];

    (void)field;
    id_text(values[0].integer, text);
    json_put_cstr(out, text);
}

enum err field_parse_id(struct ctx *ctx, const struct field *field, const char *path,
                        const struct json *in, struct value *out)
{
    int64_t id;

    if (in->type == JSON_OBJECT)
        in = json_get(in, "id");
    if (!in || in->type != JSON_STRING || !id_parse(slice_trim(in->text), &id) || id <= 0)
        return field_bad(ctx, path, "bad_ref", "\"entity\":\"%s\"",
                         field->ref_entity ? field->ref_entity : "");
    *out = value_int(id);
    return ERR_OK;
}
