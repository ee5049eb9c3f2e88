/* limit - see limit.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/limit.h"

#define MILLISECOND_US 1000
#define KILOBYTE       1024

static const struct limit table[LIMIT_KINDS] = {
    [LIMIT_TRANSACTION] = {.cpu_us = SCRIPT_CPU_US_MAX,
                           .unit_cpu_us = SCRIPT_UNIT_CPU_US_MAX,
                           .heap_bytes = SCRIPT_HEAP_BYTES_MAX,
                           .reads = SCRIPT_READS_MAX,
                           .writes = HOOK_WRITES_MAX,
                           .rows = SCRIPT_ROWS_MAX},
    [LIMIT_ROUTE] = {.cpu_us = SCRIPT_ROUTE_CPU_US_MAX,
                     .unit_cpu_us = SCRIPT_ROUTE_CPU_US_MAX,
                     .wall_us = SCRIPT_ROUTE_WALL_US_MAX,
                     .heap_bytes = SCRIPT_ROUTE_HEAP_BYTES_MAX,
                     .reads = SCRIPT_READS_MAX,
                     .writes = SCRIPT_ROUTE_WRITES_MAX,
                     .rows = SCRIPT_ROWS_MAX,
                     .http = SCRIPT_ROUTE_HTTP_MAX},
    [LIMIT_JOB] = {.cpu_us = SCRIPT_JOB_CPU_US_MAX,
                   .unit_cpu_us = SCRIPT_JOB_CPU_US_MAX,
                   .wall_us = SCRIPT_JOB_WALL_US_MAX,
                   .heap_bytes = SCRIPT_JOB_HEAP_BYTES_MAX,
                   .reads = SCRIPT_JOB_READS_MAX,
                   .writes = SCRIPT_JOB_WRITES_MAX,
                   .rows = SCRIPT_JOB_ROWS_MAX,
                   .http = SCRIPT_JOB_HTTP_MAX},
    [LIMIT_LOAD] = {.cpu_us = SCRIPT_LOAD_CPU_US_MAX,
                    .unit_cpu_us = SCRIPT_LOAD_CPU_US_MAX,
                    .wall_us = SCRIPT_LOAD_WALL_US_MAX,
                    .heap_bytes = SCRIPT_LOAD_HEAP_BYTES_MAX},
};

const char *limit_kind_name(enum limit_kind kind)
{
    static const char *const names[] = {[LIMIT_TRANSACTION] = "transaction",
                                        [LIMIT_ROUTE] = "route",
                                        [LIMIT_JOB] = "job",
                                        [LIMIT_LOAD] = "load"};
    ASSERT(kind < LIMIT_KINDS);
    return names[kind];
}

/* The plan's number in our unit, where it is lower than what holds. */
static int64_t lower(const struct json *plan, const char *name, int64_t now, int64_t unit)
{
    int64_t wanted = json_int(plan, name, 0);
    return wanted > 0 && wanted < now / unit ? wanted * unit : now;
}

void limit_make(struct limit out[LIMIT_KINDS], const struct json *plan)
{
    for (int i = 0; i < LIMIT_KINDS; i++) {
        const struct json *own = plan ? json_get(plan, limit_kind_name((enum limit_kind)i)) : NULL;
        struct limit *limit = &out[i];
        *limit = table[i];
        if (!own || own->type != JSON_OBJECT)
            continue;
        limit->cpu_us = lower(own, "cpu_ms", limit->cpu_us, MILLISECOND_US);
        limit->unit_cpu_us = lower(own, "unit_cpu_ms", limit->unit_cpu_us, MILLISECOND_US);
        limit->wall_us = lower(own, "wall_ms", limit->wall_us, MILLISECOND_US);
        limit->heap_bytes = lower(own, "heap_kb", limit->heap_bytes, KILOBYTE);
        limit->reads = (int)lower(own, "reads", limit->reads, 1);
        limit->writes = (int)lower(own, "writes", limit->writes, 1);
        limit->rows = (int)lower(own, "rows", limit->rows, 1);
        limit->http = (int)lower(own, "http", limit->http, 1);
    }
}
