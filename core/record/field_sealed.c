/* field_sealed - what the encrypted types share: masks, sealing at the save, blind indexes.
 *
 * Between being set and being saved a value is plain in the memory of one unit of work, behind a
 * byte 0 that no sealed value begins with. The mask is what every reader gets, scripts included.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_sealed.h"

#include <string.h>

#include "record/entity.h"
#include "record/field_kit.h"

#define PENDING 0 /* the first byte of a value that is not sealed yet */

static struct vault_place place_of(const struct field *field, int64_t record)
{
    return (struct vault_place){field->type->sealed_as, field->entity->table, field->column,
                                record};
}

const char *field_equal_column(const struct field *field)
{
    return field->type->is_sealed ? field->entity->columns[field->slot + FIELD_INDEX]
                                  : field->column;
}

const struct value *field_equal_value(const struct field *field, const struct value *values)
{
    return &values[field->slot + (field->type->is_sealed ? FIELD_INDEX : 0)];
}

int field_shown_columns(const struct field *field)
{
    return field->type->is_sealed ? 1 : field->type->columns;
}

static struct value index_value(struct ctx *ctx, const uint8_t index[VAULT_INDEX_LEN])
{
    return value_blob(arena_slice(ctx->arena, slice_of((const char *)index, VAULT_INDEX_LEN)));
}

enum err field_sealed_values(struct ctx *ctx, const struct field *field, struct slice plain,
                             struct slice mask, struct value *out)
{
    uint8_t index[VAULT_INDEX_LEN];
    struct vault_place place = place_of(field, 0);
    char *pending = arena_alloc(ctx->arena, plain.len + 1);
    enum err e = vault_index(ctx, &place, plain, index);
    if (e && e != ERR_NOT_FOUND) /* no value of this kind is stored yet */
        return e;
    pending[0] = PENDING;
    memcpy(pending + 1, plain.at, plain.len);
    out[0] = value_text(mask);
    out[FIELD_SEALED] = value_blob(slice_of(pending, plain.len + 1));
    out[FIELD_INDEX] = e ? value_null() : index_value(ctx, index);
    return ERR_OK;
}

/* What no value has: the operand while nothing is stored. */
static const uint8_t no_index[VAULT_INDEX_LEN];

enum err field_sealed_operand(struct ctx *ctx, const struct field *field, const struct json *in,
                              struct value *out, int *column)
{
    struct value values[3] = {{0}};
    enum err e = field->type->parse(ctx, field, field->name, in, values);
    if (e)
        return e;
    *column = FIELD_INDEX;
    *out =
        values[FIELD_INDEX].type == VALUE_NULL ? index_value(ctx, no_index) : values[FIELD_INDEX];
    return ERR_OK;
}

static bool is_pending(const struct value *value)
{
    return value->type == VALUE_BLOB && value->bytes.len > 0 && value->bytes.at[0] == PENDING;
}

enum err field_seal(struct ctx *ctx, const struct field *field, struct value *values)
{
    ASSERT(field->type->is_sealed);
    struct value *at = &values[field->slot + FIELD_SEALED];
    struct vault_place place = place_of(field, values[SLOT_ID].integer);
    uint8_t index[VAULT_INDEX_LEN];
    struct buf sealed = BUF_INIT;
    if (!is_pending(at))
        return ERR_OK;
    struct slice plain = slice_of(at->bytes.at + 1, at->bytes.len - 1);
    enum err e = vault_index(ctx, &place, plain, index);
    if (!e)
        e = vault_seal(ctx, &place, plain, &sealed);
    if (!e) {
        *at = value_blob(arena_slice(ctx->arena, buf_slice(&sealed)));
        values[field->slot + FIELD_INDEX] = index_value(ctx, index);
    }
    buf_release(&sealed);
    return e;
}

enum err field_unseal(struct ctx *ctx, const struct field *field, const struct value *values,
                      struct buf *out)
{
    ASSERT(field->type->is_sealed);
    const struct value *at = &values[field->slot + FIELD_SEALED];
    if (at->type != VALUE_BLOB)
        return ERR_NOT_FOUND;
    if (is_pending(at)) {
        buf_put(out, at->bytes.at + 1, at->bytes.len - 1);
        return ERR_OK;
    }
    struct vault_place place = place_of(field, values[SLOT_ID].integer);
    return vault_open(ctx, &place, at->bytes, out);
}

/* --- as stored --- */

static void put_blob(struct buf *out, const char *name, const struct value *value)
{
    struct buf text = BUF_INIT;
    crypto_put_base64url(&text, value->bytes);
    json_put_key(out, name);
    json_put_string(out, buf_slice(&text));
    buf_release(&text);
}

void field_put_kept(const struct field *field, const struct value *values, struct buf *out)
{
    const struct value *at = values + field->slot;
    ASSERT(field->type->is_sealed && !is_pending(&at[FIELD_SEALED]));
    if (at[0].type == VALUE_NULL) {
        buf_put_str(out, "null");
        return;
    }
    buf_put_str(out, "{\"mask\":");
    json_put_string(out, at[0].bytes);
    put_blob(out, "sealed", &at[FIELD_SEALED]);
    put_blob(out, "index", &at[FIELD_INDEX]);
    buf_put_char(out, '}');
}

static bool get_blob(struct arena *arena, const struct json *in, const char *name,
                     struct value *out)
{
    struct buf bytes = BUF_INIT;
    bool ok = crypto_parse_base64url(json_str(in, name, SLICE("")), &bytes) && bytes.len > 0;
    if (ok)
        *out = value_blob(arena_slice(arena, buf_slice(&bytes)));
    buf_release(&bytes);
    return ok;
}

bool field_parse_kept(struct ctx *ctx, const struct json *in, struct value out[3])
{
    out[0] = out[FIELD_SEALED] = out[FIELD_INDEX] = value_null();
    if (in->type == JSON_NULL)
        return true;
    out[0] = value_text(json_str(in, "mask", SLICE("")));
    return out[0].bytes.len > 0 && get_blob(ctx->arena, in, "sealed", &out[FIELD_SEALED]) &&
           get_blob(ctx->arena, in, "index", &out[FIELD_INDEX]) &&
           vault_version(out[FIELD_SEALED].bytes) > 0;
}

struct slice field_compact(struct arena *arena, struct slice s)
{
    char *to = arena_alloc(arena, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        if (c == ' ' || c == '-' || c == '\t')
            continue;
        to[n++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    to[n] = 0;
    return slice_of(to, n);
}
