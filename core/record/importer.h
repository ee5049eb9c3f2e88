/* importer - rows of a CSV file into records, resumable, undoable.
 *
 * The same importer serves the API and the command line. Rows go through record_save with all hooks
 * (ctx->unit is the caller's). Work is cut into batches of at most IMPORT_BATCH_ROWS so that a lent
 * write turn stays short. What each row did is kept in import_item: undo deletes what was created
 * and restores what was changed (unless changed again since: those are reported and left).
 *
 * Mapping:
 *   { "columns": { "ProspectID": "prospect_id",         one target
 *                  "Code": ["code", "name"],            several
 *                  "Country": { "field": "region", "values": { "Select": null }, "dates":
 * "D.M.YYYY", "prefix": "No. ", "create_missing": true }, "Skip me": null }, "constants": {
 * "source": "import", "name": { "from": "ProspectID", "prefix": "Prospect " } }, "empty":
 * ["Select", "NULL"], "match": "prospect_id", "dates": "M/D/YYYY", "second_pass": ["parent"] }
 *
 * Columns that "columns" does not name are left out; without "columns" they are matched by field
 * name, label in any language, or import_alias. Constants are set when a record is created, never
 * when one is updated. An empty cell leaves an existing record's value alone. A value of a list of
 * choices is given as such or by its label in any language. A reference is given
 * as an id, a user's login, the target's exact title, or what one of its unique fields holds;
 * "create_missing" makes the target with that title. Fields of "second_pass" are set after all rows
 * are in, for references to later rows of the same file; a dry run leaves them out. created_at,
 * created_by and running numbers may be targets; the former two of records that are made alone, or
 * our own export taken in again would change when they were. A state may begin anywhere in its
 * flow. A user without a login gets one made of the name, and cannot sign in until a password is
 * set.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "document/csv.h"
#include "record/record.h"

struct importer_options {
    const struct json *mapping; /* NULL: columns matched as said above */
    const char *match; /* field to find existing records by; NULL = the mapping's, or create only */
    enum importer_mode { IMPORT_CREATE, IMPORT_UPDATE, IMPORT_UPSERT } mode;
    bool dry_run;         /* every batch is rolled back, nothing is kept */
    bool keep_automation; /* after_* handlers run */
};

struct importer_counts {
    int64_t rows, created, updated, skipped, failed;
};

struct importer;
/* Reads the header, resolves columns. Complaints (unknown_target, used_twice, missing_column,
 * read_only …) in ctx->err under the column's heading. The source stays borrowed; all else is
 * copied. Good as long as ctx->model stays the same. */
MUST_USE enum err importer_new(struct ctx *ctx, const struct entity *entity, struct slice source,
                               const struct importer_options *options, struct importer **out);
void importer_free(struct importer *importer); /* NULL is fine */
/* The headings of columns that become nothing, as a JSON array. */
void importer_put_left_out(const struct importer *importer, struct buf *out);
/* Inside a write transaction. *batch 0: records the import (table import) and gives its id; else
 * takes up that row: from the start when it has no counts yet, or where its last committed step
 * ended. ERR_NOT_FOUND. Not for dry runs. */
MUST_USE enum err importer_begin(struct ctx *ctx, struct importer *importer, int64_t *batch);
/* Imports the next rows inside the caller's write transaction until `rows` are done or `until_us`
 * (clock_mono_us; 0 = no bound) has passed; each row in a savepoint. *done at the end. Reasons of
 * failed rows are appended to `reasons` as CSV (original cells + "error" column; header first). The
 * caller commits; a step that was rolled back is simply called again. */
MUST_USE enum err importer_step(struct ctx *ctx, struct importer *importer, int rows,
                                int64_t until_us, struct buf *reasons, bool *done);
/* Asked between rows once a step has run for TURN_YIELD_US: true ends it, as until_us does. NULL:
 * nobody is asked. */
void importer_watch(struct importer *importer, bool (*is_wanted)(void *arg), void *arg);
const struct importer_counts *importer_counts(const struct importer *importer);
/* 0..100, by bytes read. */
int importer_progress(const struct importer *importer);
/* One batch of undo inside a write transaction; *done at the end. counts (added to): created =
 * taken away (also what create_missing made), updated = restored, skipped = left because they were
 * changed since, failed = refused.
 */
MUST_USE enum err importer_undo(struct ctx *ctx, int64_t batch, int rows,
                                struct importer_counts *counts, bool *done);
