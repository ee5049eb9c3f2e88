/* exporter - records to CSV, a sheet or JSON lines, by pages, with the caller's rights.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "document/xlsx.h"
#include "record/list.h"

enum exporter_format { EXPORT_CSV, EXPORT_JSON, EXPORT_XLSX };
/* Appends everything the query finds (no cap but memory: the callback takes chunks and may fail).
 */
typedef enum err (*exporter_cb)(void *arg, struct slice chunk);
MUST_USE enum err exporter_run(struct ctx *ctx, const struct list_query *query,
                               enum exporter_format format, exporter_cb cb, void *arg,
                               int64_t *rows);
/* The same into a sheet: numbers, days and instants (in the tenant's zone) as such, ids and the
 * rest as texts. The callback gets an empty chunk after each page. ERR_TOO_LARGE: more rows, or
 * longer texts, than a sheet can hold. */
MUST_USE enum err exporter_run_sheet(struct ctx *ctx, const struct list_query *query,
                                     struct xlsx *sheet, exporter_cb cb, void *arg, int64_t *rows);
