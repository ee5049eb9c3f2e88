/* meter - where the time of this process goes, part by part: for the yardsticks alone.
 *
 * Only a build with the option PERIGEE_METER (preset bench) has it, and there it sleeps unless
 * PERIGEE_METER names a folder. Then every moment belongs to one part, the one entered last and not
 * left yet; the sums stand in <folder>/meter.json, written anew with every commit. In all other
 * builds nothing of this remains.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <stdbool.h>

#define METER_PARTS(X)                                                                             \
    X(REST, "rest")     /* the file, cells, jobs */                                                \
    X(CORE, "core")     /* values, rights, checks, the model, texts of statements */               \
    X(LUA, "lua")       /* handlers and services themselves; counted: calls */                     \
    X(READ, "read")     /* statements that read */                                                 \
    X(WRITE, "write")   /* statements that write rows, and their indexes */                        \
    X(LOG, "log")       /* of them: the change log and what the import notes of itself */          \
    X(TOKENS, "tokens") /* of them: search tokens */                                               \
    X(MARK, "savepoint")                                                                           \
    X(COMMIT, "commit")

enum meter_part {
#define X(name, text) METER_##name,
    METER_PARTS(X)
#undef X
        METER_PARTS_COUNT
};

#ifdef PERIGEE_METER
/* The folder, or NULL: asleep. */
const char *meter_folder(void);
/* Gives the part that was entered before, for meter_leave. `counts`: as one more of it. */
enum meter_part meter_enter(enum meter_part part, bool counts);
void meter_leave(enum meter_part before);
void meter_write(void);
/* What happens until meter_resume belongs to nobody. */
void meter_pause(void);
void meter_resume(void);
#else
static inline enum meter_part meter_enter(enum meter_part part, bool counts)
{
    (void)counts;
    return part;
}
static inline void meter_leave(enum meter_part before)
{
    (void)before;
}
static inline void meter_write(void)
{
}
#endif
