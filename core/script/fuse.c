/* fuse - see fuse.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/fuse.h"

#include "base/err.h"
#include "base/limits.h"

struct fuse {
    uint64_t key;
    int64_t until_us; /* rests until then; 0 = it never has */
    int64_t last_us;  /* of its last kill */
    int score;        /* FUSE_CALLS for each kill, one less for each call that went well */
    int rests;        /* so often it was made to rest */
};

static struct {
    struct fuse all[FUSES_MAX];
    int count;
} fuses;

static struct fuse *find(uint64_t key)
{
    for (int i = 0; i < fuses.count; i++)
        if (fuses.all[i].key == key)
            return &fuses.all[i];
    return NULL;
}

static bool is_less(const struct fuse *a, const struct fuse *b)
{
    return a->score != b->score ? a->score < b->score : a->last_us < b->last_us;
}

/* A new one; where there is no room, instead of the one that has done least, longest ago. */
static struct fuse *begin(uint64_t key)
{
    struct fuse *fuse = &fuses.all[0];
    if (fuses.count < FUSES_MAX) {
        fuse = &fuses.all[fuses.count++];
    } else {
        for (int i = 1; i < fuses.count; i++)
            if (is_less(&fuses.all[i], fuse))
                fuse = &fuses.all[i];
    }
    *fuse = (struct fuse){.key = key};
    return fuse;
}

bool fuse_any(void)
{
    return fuses.count > 0;
}

int64_t fuse_rests_us(uint64_t key, int64_t now_us)
{
    const struct fuse *fuse = find(key);
    return fuse && fuse->until_us > now_us ? fuse->until_us - now_us : 0;
}

static int64_t rest_us(int rests)
{
    int64_t ms = FUSE_REST_MS;
    for (int i = 1; i < rests && ms < FUSE_REST_MS_MAX; i++)
        ms *= 2;
    return (ms < FUSE_REST_MS_MAX ? ms : FUSE_REST_MS_MAX) * 1000;
}

bool fuse_killed(uint64_t key, int most, int64_t now_us)
{
    ASSERT(most > 0 && most <= FUSE_PLUGIN_KILLS);
    struct fuse *fuse = find(key);
    if (!fuse)
        fuse = begin(key);
    int full = most * FUSE_CALLS;
    fuse->score += FUSE_CALLS;
    fuse->last_us = now_us;
    if (fuse->score < full || fuse->until_us > now_us)
        return false;
    fuse->score = full; /* how bad it was is in rests */
    fuse->until_us = now_us + rest_us(++fuse->rests);
    return true;
}

void fuse_passed(uint64_t key)
{
    struct fuse *fuse = find(key);
    if (fuse && --fuse->score <= 0)
        *fuse = fuses.all[--fuses.count];
}
