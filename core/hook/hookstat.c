/* hookstat - see hookstat.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hook/hookstat.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/limits.h"

#define NAME_BYTES (NAME_BYTES_MAX + 1 + HOOKSTAT_NAME_BYTES_MAX + 1)
#define BUCKETS    24 /* bucket i holds calls below 1 << i microseconds; the last one all others */

struct hookstat {
    _Atomic uint64_t hash; /* of the name; 0 = free */
    _Atomic int is_named;
    char name[NAME_BYTES]; /* "tenant/leads:score@lead.before_create" */
    _Atomic int64_t errors, kills, sum_us, most_us;
    _Atomic int most_reads, most_writes, most_rows;
    _Atomic int64_t calls[BUCKETS];
};

static struct hookstat *table;

size_t hookstat_bytes(void)
{
    return sizeof(struct hookstat) * HOOKSTATS_MAX;
}

void hookstat_share(void *memory)
{
    table = memory;
}

static struct hookstat *find(const char *name, bool may_begin)
{
    uint64_t hash = hash_stable(slice_str(name));
    hash += hash == 0;
    for (size_t step = 0; table && step < HOOKSTATS_MAX; step++) {
        struct hookstat *stat = &table[(hash + step) % HOOKSTATS_MAX];
        uint64_t there = atomic_load(&stat->hash);
        if (there == hash)
            return stat;
        if (there)
            continue;
        if (!may_begin)
            return NULL;
        if (atomic_compare_exchange_strong(&stat->hash, &there, hash)) {
            (void)snprintf(stat->name, sizeof stat->name, "%s", name);
            atomic_store(&stat->is_named, 1);
            return stat;
        }
        if (there == hash) /* another process was quicker */
            return stat;
    }
    return NULL;
}

static bool full_name(char out[NAME_BYTES], const char *tenant, const char *name)
{
    int len = snprintf(out, NAME_BYTES, "%s/%s", tenant, name);
    return len > 0 && len < NAME_BYTES;
}

struct hookstat *hookstat_of(const char *tenant, const char *name)
{
    char full[NAME_BYTES];
    return table && full_name(full, tenant, name) ? find(full, true) : NULL;
}

void hookstat_note(struct hookstat *stat, int64_t us, enum hookstat_end how)
{
    int bucket = 0;
    if (!stat)
        return;
    while (bucket < BUCKETS - 1 && us >= (int64_t)1 << bucket)
        bucket++;
    atomic_fetch_add_explicit(&stat->calls[bucket], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&stat->sum_us, us, memory_order_relaxed);
    /* A larger one that is lost to another process in between comes again. */
    if (us > atomic_load_explicit(&stat->most_us, memory_order_relaxed))
        atomic_store_explicit(&stat->most_us, us, memory_order_relaxed);
    if (how != HOOKSTAT_OK)
        atomic_fetch_add_explicit(how == HOOKSTAT_KILLED ? &stat->kills : &stat->errors, 1,
                                  memory_order_relaxed);
}

static void raise_to(_Atomic int *most, int now)
{
    if (now > atomic_load_explicit(most, memory_order_relaxed))
        atomic_store_explicit(most, now, memory_order_relaxed);
}

void hookstat_used(struct hookstat *stat, int reads, int writes, int rows)
{
    if (!stat)
        return;
    raise_to(&stat->most_reads, reads);
    raise_to(&stat->most_writes, writes);
    raise_to(&stat->most_rows, rows);
}

static struct hookstat_sum sum_of(struct hookstat *stat)
{
    struct hookstat_sum out = {.errors = atomic_load(&stat->errors),
                               .kills = atomic_load(&stat->kills),
                               .most_us = atomic_load(&stat->most_us),
                               .most_reads = atomic_load(&stat->most_reads),
                               .most_writes = atomic_load(&stat->most_writes),
                               .most_rows = atomic_load(&stat->most_rows)};
    int64_t counts[BUCKETS], below = 0;
    for (int i = 0; i < BUCKETS; i++) {
        counts[i] = atomic_load_explicit(&stat->calls[i], memory_order_relaxed);
        out.calls += counts[i];
    }
    for (int i = 0; i < BUCKETS && out.calls && !out.p95_us; i++) {
        below += counts[i];
        if (below * 20 >= out.calls * 19)
            out.p95_us = (int64_t)1 << i;
    }
    return out;
}

struct hookstat_sum hookstat_read(const char *tenant, const char *name)
{
    char full[NAME_BYTES];
    struct hookstat *stat = full_name(full, tenant, name) ? find(full, false) : NULL;
    return stat ? sum_of(stat) : (struct hookstat_sum){0};
}

static void put_metric(struct buf *out, const char *metric, const char *name, double value)
{
    const char *slash = strchr(name, '/');
    buf_printf(out, "perigee_handler_%s{tenant=\"%.*s\",handler=\"", metric, (int)(slash - name),
               name);
    for (const char *c = slash + 1; *c; c++) { /* nobody's name writes lines of its own */
        if (*c == '"' || *c == '\\')
            buf_put_char(out, '\\');
        buf_put_char(out, *c == '\n' ? ' ' : *c);
    }
    buf_printf(out, "\"} %.15g\n", value);
}

void hookstat_metrics(struct buf *out)
{
    static const struct {
        const char *metric, *type, *help;
    } metrics[] = {
        {"calls_total", "counter", "Calls of a plugin's handler."},
        {"errors_total", "counter", "Calls that ended in an error of the script."},
        {"kills_total", "counter", "Calls that were ended because they passed a limit."},
        {"seconds_total", "counter", "Time spent in the handler."},
        {"p95_seconds", "gauge", "95 of 100 calls took less, since the server began."},
        {"most_seconds", "gauge", "The longest call."},
        {"most_reads", "gauge", "Most reads of one call."},
        {"most_writes", "gauge", "Most writes of one call."},
        {"most_rows", "gauge", "Most rows read by one call."},
    };
    for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++) {
        buf_printf(out, "# HELP perigee_handler_%s %s\n# TYPE perigee_handler_%s %s\n",
                   metrics[m].metric, metrics[m].help, metrics[m].metric, metrics[m].type);
        for (size_t i = 0; table && i < HOOKSTATS_MAX; i++) {
            struct hookstat *stat = &table[i];
            if (!atomic_load(&stat->is_named))
                continue;
            struct hookstat_sum sum = sum_of(stat);
            const double values[] = {(double)sum.calls,
                                     (double)sum.errors,
                                     (double)sum.kills,
                                     (double)atomic_load(&stat->sum_us) / 1e6,
                                     (double)sum.p95_us / 1e6,
                                     (double)sum.most_us / 1e6,
                                     sum.most_reads,
                                     sum.most_writes,
                                     sum.most_rows};
            put_metric(out, metrics[m].metric, stat->name, values[m]);
        }
    }
}
