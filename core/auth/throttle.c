/* throttle - rates in shared memory, one 64-bit word per bucket.
 *
 * A word is the time (ns) at which the bucket will be full again: taking one moves it on by 1/rate,
 * and a bucket of `burst` is empty when that time lies burst/rate ahead (the generic cell rate
 * algorithm, ITU-T I.371). One compare-and-swap does it all, and no process can leave a lock
 * behind.
 *
 * SPDX-License-Identifier: MIT
 */
#include "auth/throttle.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/hash.h"
#include "base/limits.h"

#define SECOND_NS     1000000000LL
#define MS_NS         1000000LL
#define CLOCK_BACK_NS SECOND_NS /* fuller than full by so much: the clock has stepped back */

struct table {           /* in shared memory */
    uint64_t key0, key1; /* SipHash key: the same in every process, unknown to clients */
    _Atomic int64_t full_at_ns[THROTTLE_SLOTS];
};

struct throttle {
    struct table *table;
    int fd;
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a lock in shared memory could be left held");

static struct throttle *over(int fd)
{
    struct table *table = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (table == MAP_FAILED)
        return NULL;
    struct throttle *throttle = calloc(1, sizeof *throttle);
    ASSERT_MEMORY(throttle);
    throttle->table = table;
    throttle->fd = fd;
    return throttle;
}

struct throttle *throttle_new(void)
{
    int fd = memfd_create("perigee-throttle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return NULL;
    struct throttle *throttle = NULL;
    if (ftruncate(fd, (off_t)sizeof(struct table)) == 0)
        throttle = over(fd);
    if (!throttle) {
        (void)close(fd);
        return NULL;
    }
    crypto_random(&throttle->table->key0, sizeof throttle->table->key0);
    crypto_random(&throttle->table->key1, sizeof throttle->table->key1);
    return throttle;
}

struct throttle *throttle_open(int fd)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < (off_t)sizeof(struct table))
        return NULL;
    return over(fd);
}

int throttle_fd(const struct throttle *throttle)
{
    ASSERT(throttle);
    return throttle->fd;
}

void throttle_free(struct throttle *throttle)
{
    if (!throttle)
        return;
    (void)munmap(throttle->table, sizeof *throttle->table);
    (void)close(throttle->fd);
    free(throttle);
}

/* One of a bucket that holds `burst`, each of which takes `one` ns to grow again. */
static bool take(struct throttle *throttle, struct slice key, int64_t one, int burst,
                 int64_t now_ms, int *wait_s)
{
    struct table *table = throttle->table;
    uint64_t hash = hash_sip(table->key0, table->key1, key);
    _Atomic int64_t *bucket = &table->full_at_ns[hash % THROTTLE_SLOTS];
    int64_t whole = one * burst, now = now_ms * MS_NS;

    int64_t old = atomic_load(bucket), fresh;
    do {
        int64_t full_at = old > now ? old : now;
        if (full_at > now + whole + CLOCK_BACK_NS)
            full_at = now + whole; /* empty, but not for as long as the clock was ahead */
        fresh = full_at + one;
        if (fresh - now > whole) {
            *wait_s = (int)((fresh - now - whole + SECOND_NS - 1) / SECOND_NS);
            if (full_at == old)
                return false;
            fresh = full_at; /* keep what was mended, take nothing */
        } else {
            *wait_s = 0;
        }
    } while (!atomic_compare_exchange_weak(bucket, &old, fresh));
    return *wait_s == 0;
}

bool throttle_take(struct throttle *throttle, struct slice key, int rate_per_s, int burst,
                   int64_t now_ms, int *wait_s)
{
    ASSERT(throttle && wait_s);
    ASSERT(rate_per_s > 0 && burst > 0);
    return take(throttle, key, SECOND_NS / rate_per_s, burst, now_ms, wait_s);
}

void throttle_left(struct throttle *throttle, struct slice key, int rate_per_s, int burst,
                   int64_t now_ms, int *left, int *whole_s)
{
    ASSERT(throttle && left && whole_s);
    ASSERT(rate_per_s > 0 && burst > 0);
    struct table *table = throttle->table;
    uint64_t hash = hash_sip(table->key0, table->key1, key);
    int64_t one = SECOND_NS / rate_per_s, now = now_ms * MS_NS;
    int64_t missing = atomic_load(&table->full_at_ns[hash % THROTTLE_SLOTS]) - now;
    missing = missing < 0 ? 0 : missing > one * burst ? one * burst : missing;
    *left = burst - (int)((missing + one - 1) / one);
    *whole_s = (int)((missing + SECOND_NS - 1) / SECOND_NS);
}

bool throttle_take_per(struct throttle *throttle, struct slice key, int count, int period_s,
                       int64_t now_ms, int *wait_s)
{
    ASSERT(throttle && wait_s);
    ASSERT(count > 0 && period_s > 0);
    return take(throttle, key, SECOND_NS * period_s / count, count, now_ms, wait_s);
}
