/* limit - see limit.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/limit.h"

#include <string.h>

#include "base/arena.h"
#include "base/text.h"

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

struct shown {
    const char *name;
    int64_t value; /* as a plan has it */
};

#define SHOWN_COUNT 8

static void show(const struct limit *limit, struct shown out[SHOWN_COUNT])
{
    const struct shown all[SHOWN_COUNT] = {
        {"cpu_ms", limit->cpu_us / MILLISECOND_US},
        {"unit_cpu_ms", limit->unit_cpu_us / MILLISECOND_US},
        {"wall_ms", limit->wall_us / MILLISECOND_US},
        {"heap_kb", limit->heap_bytes / KILOBYTE},
        {"reads", limit->reads},
        {"writes", limit->writes},
        {"rows", limit->rows},
        {"http", limit->http},
    };
    memcpy(out, all, sizeof all);
}

void limit_put(struct buf *out, const struct limit limits[LIMIT_KINDS])
{
    buf_put_char(out, '{');
    for (int i = 0; i < LIMIT_KINDS; i++) {
        struct shown all[SHOWN_COUNT];
        show(&limits[i], all);
        json_put_key(out, limit_kind_name((enum limit_kind)i));
        buf_put_char(out, '{');
        for (int k = 0; k < SHOWN_COUNT; k++) {
            if (!all[k].value)
                continue;
            json_put_key(out, all[k].name);
            json_put_int(out, all[k].value);
        }
        buf_put_char(out, '}');
    }
    buf_put_char(out, '}');
}

static void check_one(struct err_info *err, const char *kind, const struct shown *all,
                      const struct json *member)
{
    const char *path = arena_printf(err->arena, "%s.%.*s", kind,
                                    SLICE_ARG(text_head(member->key, NAME_BYTES_MAX)));
    int64_t highest = 0;
    for (int i = 0; i < SHOWN_COUNT; i++)
        if (slice_is(member->key, all[i].name))
            highest = all[i].value;
    if (!highest)
        (void)err_field(err, path, "unknown_field", NULL);
    else if (member->type != JSON_INT)
        (void)err_field(err, path, "not_a_number", NULL);
    else if (member->integer < 1)
        (void)err_field(err, path, "too_small", "{\"min\":1}");
    else if (member->integer > highest)
        (void)err_field(err, path, "too_large",
                        arena_printf(err->arena, "{\"max\":%lld}", (long long)highest));
}

enum err limit_check(struct err_info *err, const struct json *plan)
{
    ASSERT(err && plan);
    json_each(own, plan)
    {
        int kind = 0;
        while (kind < LIMIT_KINDS && !slice_is(own->key, limit_kind_name((enum limit_kind)kind)))
            kind++;
        if (kind == LIMIT_KINDS || own->type != JSON_OBJECT) {
            (void)err_field(err, arena_str(err->arena, text_head(own->key, NAME_BYTES_MAX)),
                            kind == LIMIT_KINDS ? "unknown_field" : "not_an_object", NULL);
            continue;
        }
        struct shown all[SHOWN_COUNT];
        show(&table[kind], all);
        json_each(member, own) check_one(err, limit_kind_name((enum limit_kind)kind), all, member);
    }
    return err->count ? ERR_VALIDATION : ERR_OK;
}
