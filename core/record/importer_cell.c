/* importer_cell - the text of a cell as a field's values: words for nothing, value lists, dates in
 * other orders, references by name.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/token.h"
#include "record/field_kit.h"
#include "record/importer_in.h"
#include "record/model.h"

/* --- dates --- */

/* Digits at the front, at most `most`; -1 if there is none. */
static int take_digits(struct slice *rest, int most)
{
    int n = 0, count = 0;
    while (rest->len && count < most && *rest->at >= '0' && *rest->at <= '9') {
        n = n * 10 + (*rest->at - '0');
        *rest = slice_of(rest->at + 1, rest->len - 1);
        count++;
    }
    return count ? n : -1;
}

static int *part_of(struct time_parts *parts, char letter)
{
    switch (letter) {
    case 'Y':
        return &parts->year;
    case 'M':
        return &parts->month;
    case 'D':
        return &parts->day;
    case 'H':
        return &parts->hour;
    case 'm':
        return &parts->minute;
    case 's':
        return &parts->second;
    default:
        return NULL;
    }
}

/* "M/D/YYYY HH:mm:ss" over "3/1/2017": a run of letters is a number, all else stands for itself.
 * The time of day may be missing. */
static bool read_date(const char *pattern, struct slice text, struct time_parts *out)
{
    struct slice rest = text;
    *out = (struct time_parts){0};
    for (const char *p = pattern; *p && rest.len;) {
        int *part = part_of(out, *p);
        int run = (int)strspn(p, (char[]){*p, '\0'});
        if (!part) {
            if (*rest.at != *p)
                return false;
            rest = slice_of(rest.at + 1, rest.len - 1);
            p++;
            continue;
        }
        *part = take_digits(&rest, *p == 'Y' && run > 2 ? 4 : 2);
        if (*part < 0)
            return false;
        if (*p == 'Y' && run <= 2)
            out->year += out->year < 70 ? 2000 : 1900;
        p += run;
    }
    struct date date = {out->year, out->month, out->day};
    return rest.len == 0 && date_is_valid(date) && out->hour < 24 && out->minute < 60 &&
           out->second < 60;
}

/* As the field types read it; the text itself where the pattern does not fit. */
static struct slice date_text_of(struct arena *arena, const struct field *field,
                                 const char *pattern, struct slice text)
{
    struct time_parts at;
    enum field_kind kind = field->type->kind;
    if (!pattern || (kind != KIND_DATE && kind != KIND_DATETIME) || !read_date(pattern, text, &at))
        return text;
    if (kind == KIND_DATE)
        return slice_str(arena_printf(arena, "%04d-%02d-%02d", at.year, at.month, at.day));
    return slice_str(arena_printf(arena, "%04d-%02d-%02d %02d:%02d:%02d", at.year, at.month, at.day,
                                  at.hour, at.minute, at.second));
}

/* --- references --- */

static const struct expr *named(struct arena *arena, const struct field *field, struct slice text)
{
    const struct expr *equal = expr_cmp(arena, EXPR_EQ, field->column, value_text(text));
    struct buf key = BUF_INIT;
    if (!field->sort_column)
        return equal;
    token_sort_key(&key, text, field->is_person); /* that column has an index */
    struct value sort = value_text(arena_slice(arena, buf_slice(&key)));
    buf_release(&key);
    return expr_and(arena, expr_cmp(arena, EXPR_EQ, field->sort_column, sort), equal);
}

/* Never by an encrypted field: what a file has of that are masks. */
static enum err find_by(struct ctx *ctx, const struct entity *target, const struct field *field,
                        struct slice text, int64_t *id, bool *ambiguous)
{
    int64_t *ids;
    int count = 0;
    if (!field || field->type->kind != KIND_TEXT || field->type->is_sealed)
        return ERR_OK;
    const struct expr *where =
        expr_and(ctx->arena, named(ctx->arena, field, text), record_is_live(ctx->arena));
    enum err e = record_ids(ctx, target->table, where, 2, &ids, &count);
    *ambiguous = count > 1;
    if (!e && count == 1)
        *id = ids[0];
    return e;
}

static enum err make_target(struct ctx *ctx, const struct importer *importer,
                            const struct entity *target, struct slice text, int64_t *id)
{
    struct record *record;
    struct json title = {.type = JSON_STRING, .text = text};
    enum err e = record_new(ctx, target, &record);
    if (!e)
        e = record_set(ctx, record, target->title_field, &title);
    if (!e)
        e = record_save(ctx, record, 0);
    if (!e)
        e = importer_made(ctx, importer, record);
    if (!e)
        *id = record->now[SLOT_ID].integer;
    return e;
}

static enum err find_target(struct ctx *ctx, const struct importer *importer,
                            const struct import_column *column, struct slice text, int64_t *id)
{
    const struct entity *target = model_ref(ctx->model, column->field);
    bool ambiguous = false;
    enum err e = ERR_OK;
    *id = 0;
    if (text.len == ID_TEXT_LEN && id_parse(text, id))
        return ERR_OK; /* whether it exists is checked with the record */
    if (target->is_system && strcmp(target->name, "user") == 0)
        e = find_by(ctx, target, entity_field(target, SLICE("login")), text, id, &ambiguous);
    if (!e && !*id)
        e = find_by(ctx, target, target->title_field, text, id, &ambiguous);
    for (int i = 0; !e && !*id && !ambiguous && i < target->fields_count; i++)
        if (target->fields[i]->is_unique)
            e = find_by(ctx, target, target->fields[i], text, id, &ambiguous);
    if (!e && ambiguous)
        return field_bad(ctx, column->field->name, "ambiguous", "\"entity\":\"%s\"", target->name);
    if (!e && !*id && column->create_missing && target->title_field)
        e = make_target(ctx, importer, target, text, id);
    if (!e && !*id)
        e = field_bad(ctx, column->field->name, "bad_ref", "\"entity\":\"%s\"", target->name);
    return e;
}

/* What was found in this step is not looked for again: an owner stands in thousands of rows. */
static enum err read_ref(struct ctx *ctx, struct importer *importer,
                         const struct import_column *column, struct slice text, struct value *out)
{
    int64_t id;
    const char *key =
        arena_printf(ctx->arena, "%s=" SLICE_FMT, column->field->name, SLICE_ARG(text));
    const int64_t *known = map_get(&importer->refs, slice_str(key));
    if (known) {
        *out = value_int(*known);
        return ERR_OK;
    }
    enum err e = find_target(ctx, importer, column, text, &id);
    if (e)
        return e;
    *out = value_int(id);
    if (column->create_missing)
        return ERR_OK; /* goes with the row if that is rolled back */
    int64_t *kept = arena_make(importer->refs_arena, int64_t);
    *kept = id;
    map_put(&importer->refs, slice_str(arena_strdup(importer->refs_arena, key)), kept);
    return ERR_OK;
}

/* --- the cell --- */

static const struct json *amount_of(struct arena *arena, struct slice currency, struct slice text)
{
    struct json *money = json_new(arena, JSON_OBJECT);
    json_add(arena, money, "amount", json_new_str(arena, text));
    json_add(arena, money, "currency", json_new_str(arena, currency));
    return money;
}

/* "12.00 USD", as an export writes it, names its currency itself. */
static const struct json *money_of(struct ctx *ctx, const struct import_column *column,
                                   const struct json *cell)
{
    struct slice rest = cell->text, amount = slice_split(&rest, ' ');
    bool is_code = column->field->type->kind == KIND_MONEY && rest.len == 3;
    for (size_t i = 0; i < rest.len; i++)
        is_code = is_code && rest.at[i] >= 'A' && rest.at[i] <= 'Z';
    if (is_code)
        return amount_of(ctx->arena, rest, amount);
    return column->currency.len ? amount_of(ctx->arena, column->currency, cell->text) : cell;
}

static bool is_empty_word(const struct json *words, struct slice text)
{
    if (text.len == 0)
        return true;
    json_each(word, words) if (word->type == JSON_STRING && slice_eq(word->text, text)) return true;
    return false;
}

/* Its own entry in "values", also written in other capitals. */
static const struct json *value_for(const struct json *values, struct slice text)
{
    const struct json *found = json_get_slice(values, text);
    if (found)
        return found;
    json_each(value, values) if (slice_eq_nocase(value->key, text)) return value;
    return NULL;
}

/* A cell of a json field holds a document, as an export writes it; other text is a text. */
static const struct json *document_of(struct ctx *ctx, const struct field *field,
                                      const struct json *cell)
{
    const struct json *document;
    bool is_document =
        field_is(field, "json") && cell->type == JSON_STRING &&
        (slice_starts(cell->text, SLICE("{")) || slice_starts(cell->text, SLICE("[")));
    if (is_document && json_parse(ctx->arena, cell->text, &document, NULL) == ERR_OK)
        return document;
    return cell;
}

enum err importer_cell(struct ctx *ctx, struct importer *importer,
                       const struct import_column *column, struct slice cell, struct value out[4],
                       bool *is_empty)
{
    const struct field *field = column->field;
    struct slice text = slice_trim(cell);
    struct json node = {.type = JSON_STRING};
    const struct json *in = column->constant;
    *is_empty = false;
    memset(out, 0, 4 * sizeof *out);
    if (!in && column->values)
        in = value_for(column->values, text);
    if (!in) {
        *is_empty = is_empty_word(importer->empty, text);
        if (*is_empty)
            return ERR_OK;
        if (column->prefix.len)
            text = slice_str(arena_printf(ctx->arena, SLICE_FMT SLICE_FMT,
                                          SLICE_ARG(column->prefix), SLICE_ARG(text)));
        node.text = date_text_of(ctx->arena, field, column->dates, text);
        in = money_of(ctx, column, &node);
    }
    *is_empty = in->type == JSON_NULL;
    if (*is_empty)
        return ERR_OK;
    if (field->type->is_ref && field->ref_at && in->type == JSON_STRING)
        return read_ref(ctx, importer, column, in->text, out);
    enum err e = importer_word(ctx, field, &in);
    if (e)
        return e;
    return field->type->parse(ctx, field, field->name, document_of(ctx, field, in), out);
}
