/* throttle - token buckets in shared memory, one 64-bit word each.
 *
 * A word is 40 bits of milliseconds (when it was last filled) and 24 bits of tokens in 128ths, so
 * that one compare-and-swap moves both and no process can leave a lock behind.
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

#define TOKEN         128LL /* units of one request */
#define TOKENS_BITS   24
#define TOKENS_MASK   ((1ULL << TOKENS_BITS) - 1)
#define TIME_MASK     ((1ULL << 40) - 1)
#define BURST_MAX     ((int64_t)(TOKENS_MASK / 128))
#define CLOCK_BACK_MS 1000 /* a bucket filled further in the future is from before a step back */

struct table {           /* in shared memory */
    uint64_t key0, key1; /* SipHash key: the same in every process, unknown to clients */
    _Atomic uint64_t buckets[THROTTLE_SLOTS];
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
    ASSERT(throttle);
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

/* Fills a bucket up to now. The remainder of a token is kept in the time, not lost. */
static void fill(int64_t *tokens, int64_t *at, int64_t rate, int64_t full, int64_t now)
{
    int64_t passed = now - *at;
    if (passed < -CLOCK_BACK_MS)
        *at = now;
    if (passed <= 0)
        return;
    if (passed >=
        full * 1000 / (rate * TOKEN) + 1) { /* long enough to be full; no overflow below */
        *tokens = full;
        *at = now;
        return;
    }
    int64_t more = passed * rate * TOKEN / 1000;
    *at += more * 1000 / (rate * TOKEN);
    *tokens = *tokens + more < full ? *tokens + more : full;
}

bool throttle_take(struct throttle *throttle, struct slice key, int rate_per_s, int burst,
                   int64_t now_ms, int *wait_s)
{
    ASSERT(throttle && wait_s);
    ASSERT(rate_per_s > 0 && burst > 0);
    struct table *table = throttle->table;
    uint64_t hash = hash_sip(table->key0, table->key1, key);
    _Atomic uint64_t *bucket = &table->buckets[hash % THROTTLE_SLOTS];
    int64_t now = (int64_t)((uint64_t)now_ms & TIME_MASK);
    int64_t full = (burst < BURST_MAX ? burst : BURST_MAX) * TOKEN;

    uint64_t old = atomic_load(bucket), fresh;
    bool taken;
    do {
        int64_t tokens = (int64_t)(old & TOKENS_MASK), at = (int64_t)(old >> TOKENS_BITS);
        if (old == 0) {
            tokens = full;
            at = now;
        }
        if (tokens > full) /* shared with a key of a larger burst */
            tokens = full;
        fill(&tokens, &at, rate_per_s, full, now);
        taken = tokens >= TOKEN;
        if (taken)
            tokens -= TOKEN;
        int64_t missing_ms = taken ? 0 : (TOKEN - tokens) * 1000 / (rate_per_s * TOKEN);
        *wait_s = taken ? 0 : (int)(missing_ms / 1000 + 1);
        fresh = (uint64_t)at << TOKENS_BITS | (uint64_t)tokens;
        if (fresh == 0)
            fresh = 1; /* 0 means never used */
    } while (!atomic_compare_exchange_weak(bucket, &old, fresh));
    return taken;
}
