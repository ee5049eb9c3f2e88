/* importer - rows of a CSV file (or any row source) into records, resumable, undoable.
 *
 * The same importer serves the API and the command line. Rows go through record_save with all hooks.
 * Work is cut into batches of at most IMPORT_BATCH_ROWS so that a lent write turn stays short. What
 * each row did is kept in import_item: undo deletes what was created and restores what was changed
 * (unless changed again since: those are reported and left).
 *
 * Mapping: { "entity": "lead", "columns": { "Prospect ID": "x_prospect_id", "Country": { "field":
 * "region", "values": { "Select": null } }, "Skip me": null }, "constants": { "status": "new" },
 * "empty": ["Select", "NULL"], "match": "x_prospect_id", "dates": "M/D/YYYY", "encoding": "auto" }
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "document/csv.h"
#include "record/record.h"

struct importer_options {
    const struct json *mapping; /* NULL: columns matched by field name, label in any language, alias */
    const char *match;          /* field to find existing records by; NULL = create only */
    enum importer_mode { IMPORT_CREATE, IMPORT_UPDATE, IMPORT_UPSERT } mode;
    bool dry_run;               /* every batch is rolled back */
    bool keep_automation;       /* after_* follow-up automation on (default) */
};

struct importer_counts {
    int64_t rows, created, updated, skipped, failed;
};

struct importer;
/* Reads the header, resolves columns. Complaints (unknown target, used twice, missing match column)
 * in ctx->err. The source stays borrowed. */
MUST_USE enum err importer_new(struct ctx *ctx, const struct entity *entity, struct slice source,
                               const struct importer_options *options, struct importer **out);
void importer_free(struct importer *importer);
/* Records the import (table import) and its id; inside a write transaction. */
MUST_USE enum err importer_begin(struct ctx *ctx, struct importer *importer, int64_t *batch);
/* Imports the next rows inside the caller's write transaction until `rows` are done or `until_us`
 * (clock_mono_us) has passed; each row in a savepoint. *done at the end. Reasons of failed rows are
 * appended to `reasons` as CSV (original cells + "error" column; header first). The caller commits; a
 * resumed importer continues from what was committed. */
MUST_USE enum err importer_step(struct ctx *ctx, struct importer *importer, int rows,
                                int64_t until_us, struct buf *reasons, bool *done);
const struct importer_counts *importer_counts(const struct importer *importer);
/* One batch of undo inside a write transaction; *done at the end. */
MUST_USE enum err importer_undo(struct ctx *ctx, int64_t batch, int rows,
                                struct importer_counts *counts, bool *done);
