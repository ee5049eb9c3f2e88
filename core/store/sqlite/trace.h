/* trace - what is written, statement by statement, for tests/bench/limit to write it again; private
 * to this folder.
 *
 * Only where base/meter is awake. <folder>/trace holds, for each statement that was carried out,
 * its text with places and the same with values in them, each behind its length (32 bits of this
 * machine); text without places stands alone, the second being empty. What a savepoint took back is
 * taken out again.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <sqlite3.h>

#include "base/meter.h"

#ifdef PERIGEE_METER
/* The part of the meter that a statement belongs to. */
enum meter_part trace_part(sqlite3_stmt *handle);
void trace_done(sqlite3_stmt *handle); /* one that writes, carried out */
void trace_exec(const char *sql);
void trace_mark(int level); /* a savepoint of the engine is made for it */
void trace_back(int level); /* and rolled back */
#else
static inline enum meter_part trace_part(sqlite3_stmt *handle)
{
    (void)handle;
    return METER_REST;
}
static inline void trace_done(sqlite3_stmt *handle)
{
    (void)handle;
}
static inline void trace_exec(const char *sql)
{
    (void)sql;
}
static inline void trace_mark(int level)
{
    (void)level;
}
static inline void trace_back(int level)
{
    (void)level;
}
#endif
