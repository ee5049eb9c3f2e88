/* limits - every bound of the core, with its reason.
 *
 * No bare number elsewhere could be called a limit. They stand by theme in limits_*.h, which this
 * file includes; relations between them are asserted below. Each has a test at the limit and one
 * beyond, which names it (scripts/lint asks); numbers that refuse nothing stand in tuning.h.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/limits_hook.h"
#include "base/limits_http.h"
#include "base/limits_identity.h"
#include "base/limits_outbound.h"
#include "base/limits_query.h"
#include "base/limits_script.h"
#include "base/limits_store.h"
#include "base/tuning.h"

/* Memory; time zone files, only to stop what is broken; JSON. */
#define ARENA_BLOCK_BYTES     8192        /* the first block; a plain request fits */
#define ARENA_SMALL_BYTES     1024        /* the first block of what every open tenant keeps */
#define ARENA_BLOCK_BYTES_MAX (256 << 10) /* blocks double up to here */
#define BUF_BYTES_MAX         (1 << 30)   /* beyond is a defect: callers bound their input */
#define ZONE_FILE_BYTES_MAX   65536
#define ZONE_TRANSITIONS_MAX  4096
#define WORKTIME_RANGES_MAX   8    /* of one day in a business calendar */
#define WORKTIME_SPECIALS_MAX 2000 /* days that differ from their weekday */
#define WORKTIME_REACH_DAYS   3660 /* how far a deadline is looked for */
#define WORKTIME_LISTED_MAX   1000 /* stretches a script is given at once */
#define JSON_DEPTH_MAX        32
#define JSON_FILE_BYTES_MAX   (16 << 20) /* a file of metadata or settings */
#define JSONSCHEMA_FAULTS_MAX 20
#define ERR_FIELDS_MAX        64   /* complaints listed in one answer */
#define LOG_LINE_MAX          4096 /* atomic enough for pipes (PIPE_BUF) */

_Static_assert(ARENA_BLOCK_BYTES <= ARENA_BLOCK_BYTES_MAX, "blocks only grow");
_Static_assert(BODY_INLINE_BYTES_MAX <= BODY_JSON_BYTES_MAX, "spooling starts below the JSON cap");
_Static_assert(BODY_ANONYMOUS_BYTES_MAX <= BODY_INLINE_BYTES_MAX, "nobody's body is never spooled");
_Static_assert(CONNS_PER_ADDRESS_MAX <= HANDSHAKES_BURST, "an address may open all it may hold");
_Static_assert(ANSWER_INLINE_BYTES_MAX < FRAME_BYTES_MAX, "an inline answer fits a frame");
_Static_assert(TOKEN_SPELL_CHARS <= TOKEN_WORD_MAX, "initials fit a token");
_Static_assert(LIST_BYTES_MAX <= ANSWER_INLINE_BYTES_MAX, "a page is no file");
_Static_assert(LIST_DEFAULT <= LIST_MAX, "the default page is a legal page");
_Static_assert(TURN_RUN_US < TURN_LOAN_US, "a loan may last longer than a turn");
_Static_assert(PACK_BYTES_MAX + PACK_FILES_MAX * 1024 + 1024 <= PACK_ARCHIVE_BYTES_MAX,
               "an archive holds the largest pack");
_Static_assert(6 * CERTAIN_BYTES_MAX <= STORE_VALUE_BYTES_MAX, "a store takes it as JSON, escaped");
_Static_assert(PACK_ARCHIVE_BYTES_MAX <= UPLOAD_BYTES_MAX, "a pack is an upload");
