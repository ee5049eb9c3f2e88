/* importer_map - which column goes where.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/limits.h"
#include "base/text.h"
#include "record/field_kit.h"
#include "record/importer_in.h"
#include "record/model.h"

/* --- names --- */

/* Folded, without what people put between words: "Lead Source" and lead_source are the same. */
static struct slice plain_name(struct arena *arena, struct slice name)
{
    struct buf folded = BUF_INIT;
    text_fold(&folded, name);
    char *to = arena_alloc(arena, folded.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < folded.len; i++)
        if (!strchr(" _-./", folded.at[i]))
            to[n++] = folded.at[i];
    buf_release(&folded);
    return slice_of(to, n);
}

static bool is_same_name(struct arena *arena, struct slice plain, struct slice other)
{
    return slice_eq(plain, plain_name(arena, other));
}

static bool has_alias(struct arena *arena, const struct field *field, struct slice plain)
{
    struct slice rest = slice_str(field->import_alias);
    while (rest.len)
        if (is_same_name(arena, plain, slice_split(&rest, ',')))
            return true;
    return false;
}

static bool has_label(struct arena *arena, const struct model *model, const struct field *field,
                      struct slice plain)
{
    for (int lang = 0; lang < LANG_COUNT && field->label; lang++) {
        const char *text =
            model_text(model, arena, (enum lang)lang, field->plugin, field->label, NULL);
        if (text && is_same_name(arena, plain, slice_str(text)))
            return true;
    }
    return false;
}

/* Rounds from the surest sign to the weakest. */
static const struct field *guess(const struct importer *importer, struct slice heading)
{
    const struct entity *entity = importer->entity;
    struct arena *arena = importer->arena;
    struct slice plain = plain_name(arena, heading);
    for (int round = 0; round < 3 && plain.len; round++) {
        for (int i = 0; i < entity->fields_count; i++) {
            const struct field *field = entity->fields[i];
            if ((round == 0 && is_same_name(arena, plain, slice_str(field->name))) ||
                (round == 1 && has_label(arena, importer->model, field, plain)) ||
                (round == 2 && has_alias(arena, field, plain)))
                return field;
        }
    }
    return NULL;
}

/* --- targets --- */

/* Roles are given by administration alone; a department's path follows its parent. */
static bool is_importable(const struct field *field)
{
    const struct entity *entity = field->entity;
    if (field->slot == SLOT_CREATED_AT || field->slot == SLOT_CREATED_BY)
        return true;
    if (field->is_system)
        return !field->is_readonly;
    if (entity->is_system)
        return strcmp(field->name, "roles") != 0 && strcmp(field->name, "path") != 0;
    if (field->type == &field_type_autonumber)
        return true;
    return !field->is_readonly && !field->type->is_derived && field->type->columns > 0;
}

static enum err may_write(struct ctx *ctx, const struct importer *importer,
                          const struct field *field, bool *out)
{
    enum role_action action = importer->options.mode == IMPORT_UPDATE ? ROLE_UPDATE : ROLE_CREATE;
    struct rights_field right;
    *out = true;
    if (ctx->as_system || field->is_readonly)
        return ERR_OK;
    enum err e = rights_field(ctx, importer->entity, field, action, &right);
    *out = !e && right.access == ROLE_WRITE;
    return e;
}

static enum err add_column(struct ctx *ctx, struct importer *importer, struct import_column column)
{
    for (int i = 0; i < importer->columns_count; i++)
        if (importer->columns[i].field == column.field)
            return field_bad(ctx, column.heading, "used_twice", "\"field\":\"%s\"",
                             column.field->name);
    bool is_key = importer->match == column.field && column.field->slot == SLOT_ID;
    bool allowed = false;
    if (!is_key && !is_importable(column.field))
        return field_bad(ctx, column.heading, "read_only", "\"field\":\"%s\"", column.field->name);
    enum err e = may_write(ctx, importer, column.field, &allowed);
    if (!e && !allowed && !is_key)
        e = field_bad(ctx, column.heading, "forbidden", "\"field\":\"%s\"", column.field->name);
    if (e)
        return e;
    /* Who signs in as what, and who may at all, is administration's to change. */
    if (column.field->entity->is_system && column.field->is_readonly && !ctx->as_system)
        column.only_new = true;
    /* When and by whom a record was made is told with it and changes no more. */
    if (column.field->slot == SLOT_CREATED_AT || column.field->slot == SLOT_CREATED_BY)
        column.only_new = true;
    ASSERT(importer->columns_count < importer->columns_cap);
    importer->columns[importer->columns_count++] = column;
    return ERR_OK;
}

static enum err find_target(struct ctx *ctx, const struct importer *importer, const char *heading,
                            struct slice name, const struct field **out)
{
    *out = entity_field(importer->entity, name);
    if (*out)
        return ERR_OK;
    return field_bad(ctx, heading, "unknown_target", "\"field\":%s",
                     field_quoted(ctx->arena, name));
}

static int find_heading(const struct importer *importer, struct slice name)
{
    for (int i = 0; i < importer->header_count; i++)
        if (slice_eq(slice_trim(importer->header[i]), slice_trim(name)))
            return i;
    return -1;
}

/* "field", {"field": …} or null. */
static enum err map_one(struct ctx *ctx, struct importer *importer, int cell, const char *heading,
                        const struct json *target)
{
    struct import_column column = {.cell = cell, .heading = heading};
    struct slice name =
        target->type == JSON_STRING ? target->text : json_str(target, "field", SLICE(""));
    if (target->type == JSON_NULL)
        return ERR_OK;
    enum err e = find_target(ctx, importer, heading, name, &column.field);
    if (e)
        return e;
    column.values = json_get(target, "values");
    column.dates = json_cstr(target, "dates", json_cstr(importer->options.mapping, "dates", NULL));
    column.prefix = json_str(target, "prefix", SLICE(""));
    column.currency = json_str(target, "currency", SLICE(""));
    column.create_missing = json_bool(target, "create_missing", false);
    return add_column(ctx, importer, column);
}

static enum err keep_worst(enum err failed, enum err e)
{
    return e ? e : failed;
}

static enum err map_declared(struct ctx *ctx, struct importer *importer, const struct json *columns)
{
    enum err failed = ERR_OK;
    json_each(target, columns)
    {
        const char *heading = target->key.at;
        int cell = find_heading(importer, target->key);
        if (cell < 0) {
            failed = field_bad(ctx, heading, "missing_column", NULL);
            continue;
        }
        if (target->type != JSON_ARRAY) {
            failed = keep_worst(failed, map_one(ctx, importer, cell, heading, target));
            continue;
        }
        json_each(one, target) failed =
            keep_worst(failed, map_one(ctx, importer, cell, heading, one));
    }
    return failed;
}

static enum err map_guessed(struct ctx *ctx, struct importer *importer)
{
    for (int i = 0; i < importer->header_count; i++) {
        const struct field *field = guess(importer, importer->header[i]);
        bool is_key = field && field == importer->match;
        if (!field || (!is_key && !is_importable(field)))
            continue; /* such as our own export's version and updated_at */
        struct import_column column = {
            .cell = i,
            .heading = arena_str(importer->arena, importer->header[i]),
            .field = field,
            .dates = json_cstr(importer->options.mapping, "dates", NULL),
        };
        enum err e = add_column(ctx, importer, column);
        if (e)
            return e;
    }
    if (importer->columns_count == 0)
        return field_bad(ctx, "", "no_column_fits", NULL);
    return ERR_OK;
}

static enum err map_constants(struct ctx *ctx, struct importer *importer,
                              const struct json *constants)
{
    enum err failed = ERR_OK;
    json_each(value, constants)
    {
        const struct json *from = json_get(value, "from");
        struct import_column column = {.cell = -1,
                                       .heading = value->key.at,
                                       .constant = value,
                                       .prefix = json_str(value, "prefix", SLICE("")),
                                       .only_new = true};
        enum err e = find_target(ctx, importer, column.heading, value->key, &column.field);
        if (!e && from) {
            column.constant = NULL;
            column.cell = find_heading(importer, from->text);
            if (column.cell < 0)
                e = field_bad(ctx, column.heading, "missing_column", "\"column\":%s",
                              field_quoted(ctx->arena, from->text));
        }
        failed = keep_worst(failed, e ? e : add_column(ctx, importer, column));
    }
    return failed;
}

/* --- the rest --- */

static enum err map_late(struct ctx *ctx, struct importer *importer, const struct json *names)
{
    json_each(name, names)
    {
        bool found = false;
        for (int i = 0; i < importer->columns_count; i++) {
            if (!slice_is(name->text, importer->columns[i].field->name))
                continue;
            found = importer->columns[i].is_late = importer->has_late = true;
        }
        if (!found)
            return field_bad(ctx, "second_pass", "missing_column", NULL);
    }
    return ERR_OK;
}

static enum err find_match(struct ctx *ctx, struct importer *importer)
{
    const char *name = importer->options.match
                           ? importer->options.match
                           : json_cstr(importer->options.mapping, "match", NULL);
    importer->options.match = name;
    if (!name && importer->options.mode == IMPORT_UPDATE)
        return field_bad(ctx, "match", "required", NULL);
    if (!name)
        return ERR_OK;
    importer->match = entity_field(importer->entity, slice_str(name));
    if (!importer->match || importer->match->type->columns == 0)
        return field_bad(ctx, "match", "unknown_target", "\"field\":%s",
                         field_quoted(ctx->arena, slice_str(name)));
    return ERR_OK;
}

static enum err find_match_column(struct ctx *ctx, struct importer *importer)
{
    for (int i = 0; i < importer->columns_count; i++)
        if (importer->columns[i].field == importer->match && importer->columns[i].cell >= 0)
            importer->match_column = &importer->columns[i];
    if (importer->match && !importer->match_column)
        return field_bad(ctx, "match", "missing_column", "\"field\":\"%s\"", importer->match->name);
    return ERR_OK;
}

void importer_put_left_out(const struct importer *importer, struct buf *out)
{
    buf_put_char(out, '[');
    for (int i = 0; i < importer->header_count; i++) {
        bool is_read = slice_trim(importer->header[i]).len == 0;
        for (int c = 0; c < importer->columns_count; c++)
            is_read = is_read || importer->columns[c].cell == i;
        if (is_read)
            continue;
        json_put_comma(out);
        json_put_string(out, importer->header[i]);
    }
    buf_put_char(out, ']');
}

enum err importer_map(struct ctx *ctx, struct importer *importer)
{
    const struct json *mapping = importer->options.mapping;
    const struct json *columns = json_get(mapping, "columns");
    const struct json *constants = json_get(mapping, "constants");
    int targets = importer->header_count + (constants ? constants->count : 0);
    json_each(target, columns) targets += target->count + 1;
    importer->columns_cap = targets;
    importer->columns = arena_array(importer->arena, struct import_column, (size_t)targets + 1);
    importer->empty = json_get(mapping, "empty");

    enum err e = find_match(ctx, importer);
    if (e)
        return e;
    e = columns ? map_declared(ctx, importer, columns) : map_guessed(ctx, importer);
    e = keep_worst(e, map_constants(ctx, importer, constants));
    if (e)
        return e;
    e = map_late(ctx, importer, json_get(mapping, "second_pass"));
    return e ? e : find_match_column(ctx, importer);
}
