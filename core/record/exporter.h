/* exporter - records to CSV (or JSON lines), by pages, with the caller's rights.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/list.h"

enum exporter_format { EXPORT_CSV, EXPORT_JSON };
/* Appends everything the query finds (no cap but memory: the callback takes chunks and may fail).
 */
typedef enum err (*exporter_cb)(void *arg, struct slice chunk);
MUST_USE enum err exporter_run(struct ctx *ctx, const struct list_query *query,
                               enum exporter_format format, exporter_cb cb, void *arg,
                               int64_t *rows);
