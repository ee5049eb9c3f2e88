/* importer_in - what the files of the importer share; private to this folder.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/importer.h"
#include "record/record_in.h"

struct import_column {
    int cell;            /* place in the row; -1 = the same for every row */
    const char *heading; /* as complaints name it */
    const struct field *field;
    const struct json *constant; /* cell -1 */
    const struct json *values;   /* cell → value, or NULL */
    const char *dates;           /* pattern, or NULL */
    struct slice prefix;         /* before the cell's text */
    struct slice currency;       /* of amounts written without one; empty = the tenant's */
    bool create_missing;
    bool is_late;  /* second pass */
    bool only_new; /* a constant, or what is settled when a record is made */
};

struct importer {
    struct arena *arena;
    const struct model *model; /* not followed once another has taken its place */
    int64_t model_serial;
    const struct entity *entity;
    struct importer_options options;
    struct slice source;
    struct csv *csv; /* owned */
    struct slice *header;
    int header_count;
    int64_t first_offset, first_line; /* behind the header */
    struct import_column *columns;
    int columns_count, columns_cap;
    const struct json *empty; /* words that stand for nothing */
    const struct field *match;
    const struct import_column *match_column;
    struct importer_counts counts;
    int64_t batch;
    int pass; /* 1 rows, 2 late columns, 3 done */
    bool has_late;
    struct arena *row_arena; /* dropped after each row */
    struct map refs;         /* "field\0text" → id, for one step; in refs_arena */
    struct arena *refs_arena;
    struct map dry; /* of a dry run: key → id of the row that was rolled back; in arena */
    int dry_count;
    bool (*is_wanted)(void *arg); /* NULL = nobody is asked */
    void *wanted_arg;
};

/* importer_map.c: columns, match and the rest of the mapping; complaints in ctx->err. */
MUST_USE enum err importer_map(struct ctx *ctx, struct importer *importer);
/* importer_cell.c: the cell's text as the field's values; nothing set for an empty cell
 * (*is_empty).
 */
MUST_USE enum err importer_cell(struct ctx *ctx, struct importer *importer,
                                const struct import_column *column, struct slice cell,
                                struct value out[4], bool *is_empty);
/* importer_word.c: what a cell calls a value, by itself or by its label in any language, becomes
 * the value; else complains "no_such_value", naming the choices. Does nothing to other fields. */
MUST_USE enum err importer_word(struct ctx *ctx, const struct field *field, const struct json **in);
/* importer_row.c: one row in its own savepoint. ERR_OK also when the row failed (it is counted and
 * its reason told); an error only when the whole step must stop. */
MUST_USE enum err importer_row(struct ctx *ctx, struct importer *importer, struct slice *cells,
                               int count, struct buf *reasons);
/* importer_event.c: fires import.before_row; ERR_VALIDATION when a script refuses the row. */
MUST_USE enum err importer_before_row(struct ctx *ctx, const struct importer *importer,
                                      const struct slice *cells, int count);
/* importer_dry.c: rows of earlier steps of a dry run, which the store has forgotten. All do nothing
 * when the import is none. The row that has the value in the field rows are matched by, or 0. */
int64_t importer_dry_find(struct ctx *ctx, const struct importer *importer,
                          const struct field *field, const struct value *value);
/* ERR_VALIDATION when one of them has a value that must be unique. */
MUST_USE enum err importer_dry_check(struct ctx *ctx, const struct importer *importer,
                                     const struct record *record);
void importer_dry_keep(struct ctx *ctx, struct importer *importer, const struct record *record);
/* A target that was made on the way: kept under a negative line (undo comes to it last) with its
 * entity as reason. */
MUST_USE enum err importer_made(struct ctx *ctx, const struct importer *importer,
                                const struct record *record);
/* A row that could not even be read. */
void importer_bad_row(struct importer *importer, const char *why, struct buf *reasons);
