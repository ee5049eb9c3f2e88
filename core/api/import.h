/* import - one import as it is stored, shared by its routes and by the job that carries it out.
 *
 * Row of table `import`; its file lies at files/imports/<id>.csv, the failed rows with their
 * reasons beside it. What has no column of its own stands in `options`.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/json.h"
#include "record/importer.h"

#define IMPORT_UPLOADED "uploaded"
#define IMPORT_MAPPED   "mapped"
#define IMPORT_QUEUED   "queued"
#define IMPORT_RUNNING  "running"
#define IMPORT_DONE     "done"
#define IMPORT_FAILED   "failed"
#define IMPORT_UNDOING  "undoing"
#define IMPORT_UNDONE   "undone"

struct import {
    int64_t id, created_by, created_at_ms; /* created_by 0 = the operator */
    int64_t job;                           /* the one that runs it, or the last; 0 = none yet */
    int64_t lines;                         /* of the file, for progress */
    const char *entity, *state, *name;     /* name of the uploaded file, or NULL */
    const char *match, *error;             /* or NULL */
    enum importer_mode mode;
    bool dry_run;
    const struct json *mapping; /* NULL: by name and label */
    struct importer_counts counts, undone;
    const char *left_out; /* only once it is mapped: headings that become nothing, as JSON */
};

const char *import_mode_name(enum importer_mode mode);
bool import_mode_find(struct slice name, enum importer_mode *out);
const char *import_path(const struct tenant *tenant, struct arena *arena, int64_t id);
const char *import_reasons_path(const struct tenant *tenant, struct arena *arena, int64_t id);
/* ERR_NOT_FOUND. No rights are asked. */
MUST_USE enum err import_read(struct ctx *ctx, int64_t id, struct import *out);
/* In a write turn. */
MUST_USE enum err import_insert(struct ctx *ctx, const struct import *import);
/* In a write turn: entity, state, mapping and options; how far it came is the importer's to keep.
 */
MUST_USE enum err import_update(struct ctx *ctx, const struct import *import);
/* The same, and it stands at the beginning again with these counts. */
MUST_USE enum err import_restart(struct ctx *ctx, const struct import *import);
void import_put_counts(const struct importer_counts *counts, struct buf *out);
/* What the importer is told. */
struct importer_options import_options(const struct import *import);
