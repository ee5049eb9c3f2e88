/* patience - see patience.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "process/patience.h"

#include <stdio.h>

#include "base/err.h"
#include "base/tuning.h"

int64_t patience_look(struct patience *patience, int64_t since_us, int64_t now_us,
                      int64_t queued_us)
{
    ASSERT(patience);
    if (since_us != patience->since_us || !since_us) {
        /* It began between two looks: what it has spent until this one is known from its own word,
         * what of that it waited is not. */
        int64_t until_now = since_us ? now_us - since_us : 0;
        *patience = (struct patience){since_us, now_us, queued_us, 0};
        patience->spent_us = until_now < PATIENCE_STEP_US ? until_now : PATIENCE_STEP_US;
        return patience->spent_us;
    }
    int64_t step = now_us - patience->seen_us;
    if (step > PATIENCE_STEP_US)
        step = PATIENCE_STEP_US;
    int64_t waited = queued_us - patience->queued_us;
    if (waited < step)
        patience->spent_us += waited > 0 ? step - waited : step;
    patience->seen_us = now_us;
    patience->queued_us = queued_us;
    return patience->spent_us;
}

int64_t patience_queued_us(pid_t pid)
{
    char path[32];
    long long ran = 0, queued = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    int got = fscanf(file, "%lld %lld", &ran, &queued);
    (void)fclose(file);
    return got == 2 ? queued / 1000 : 0;
}
