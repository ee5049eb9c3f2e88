/* bucket - which day, week, month, quarter or year a value falls into; private to this folder.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "store/query.h"

/* The bucket that holds the value: its first day, or with a zone its first instant, in *low, and
 * where the next one begins in *high. */
void bucket_span(const struct zone *zone, enum query_bucket kind, int64_t value, int64_t *low,
                 int64_t *high);
/* The first day of the day's week (Monday), month, quarter or year. */
int64_t bucket_first_day(int64_t days, enum query_bucket kind);
