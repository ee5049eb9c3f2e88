/* list_bucket - days, weeks, months, quarters and years in the tenant's time zone.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "store/query.h"

/* BUCKET_NONE for another word. */
enum query_bucket list_bucket_parse(struct slice word);
/* The first day of the bucket that holds the day, and of the one after it. */
int64_t list_bucket_start(enum query_bucket bucket, int64_t day);
int64_t list_bucket_next(enum query_bucket bucket, int64_t start);
