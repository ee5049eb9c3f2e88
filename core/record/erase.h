/* erase - what the store knows of one person is forgotten: records, and every trace of them.
 *
 * A record is erased with what deleting it would delete, and with records whose reference to it
 * says so ("on_erase"). Others that point at it stay: as they are, with a reference that reads as
 * empty ("keep"), or without their personal values ("redact"). Entries of append-only tables are
 * never taken away: law and sums need them; they lose their personal values, and the number that
 * points at the person points at nobody. What is personal in an entity is declared ("personal"), or
 * follows from the type: letters' addresses, phone numbers, long texts, files, sealed values.
 *
 * Traces are found by the record and by the person's addresses, numbers and name: letters,
 * deliveries, arguments and results of jobs, values that plugins keep, answers kept for
 * repetitions, reasons of imports and failures, notifications, saved views, and entities that are
 * nothing but traces ("traces": delivery logs). The log of changes keeps its rows and loses their
 * values. The audit log stays as it is: it names records by number.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/limits.h"
#include "record/record.h"

/* What a person may be found by in free text. */
struct erase_needle {
    const char *text;
    bool is_name; /* others may have the same: finds only what nobody waits for */
};

struct erased {
    int64_t records, redacted, kept; /* kept: that point at it and stay as they are */
    int64_t traces;                  /* rows of logs, jobs, kept values … */
    struct erase_needle *needles;    /* in the arena of the ctx */
    int needles_count;
    const char **hashes; /* bytes of files whose rows went */
    int hashes_count;
};

/* Inside a write transaction with a unit; no handler is asked. A user is not taken away, because
 * records name who made them: the account loses everything that tells who it was and ends.
 * ERR_NOT_FOUND; ERR_CONFLICT "too_many_referrers" beyond ERASE_RECORDS_MAX, for half of it would
 * not be forgotten; "last_admin" is the caller's to find out before. `out` may be NULL. */
MUST_USE enum err record_erase(struct ctx *ctx, const struct entity *entity, int64_t id,
                               struct erased *out);
/* Does any needle stand in these bytes? Names count with 3 bytes or more, so that one ideogram does
 * not find everything. */
bool erase_is_trace(const struct erased *erased, struct slice bytes);
/* In a write transaction: rows of files that hang on no record, by their ids; their bytes are added
 * to out->hashes. */
MUST_USE enum err erase_files(struct ctx *ctx, const int64_t *ids, int count, struct erased *out);
/* In a write transaction: takes the bytes away that no row names any more. The turn keeps uploads
 * of the same bytes from coming in between. */
MUST_USE enum err erase_bytes(struct ctx *ctx, const struct erased *erased);

/* Is what the field holds about a person? */
bool erase_is_personal(const struct field *field);
/* What this record's person is found by, without erasing anything. ERR_NOT_FOUND. */
MUST_USE enum err erase_needles_of(struct ctx *ctx, const struct entity *entity, int64_t id,
                                   struct erased *out);
