/* bucket - which day, week, month, quarter or year a value falls into; private to this folder.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "store/query.h"

/* The greatest edge ≤ value in *low and the next one (INT64_MAX behind the last) in *high; false
 * before the first, with *high the first. `edges` are ascending int64 at any address. */
bool bucket_find(const char *edges, int count, int64_t value, int64_t *low, int64_t *high);
/* The first day of the day's week (Monday), month, quarter or year. */
int64_t bucket_first_day(int64_t days, enum query_bucket kind);
