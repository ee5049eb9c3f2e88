/* late - see late.h. One mutable global: a signal handler has no argument.
 *
 * SPDX-License-Identifier: MIT
 */
#include "hook/late.h"

#include <string.h>

#include "base/err.h"

static struct late *shared;
static _Atomic uint32_t *shared_marks;

void late_share(struct late *mine, _Atomic uint32_t *marks)
{
    ASSERT(mine && marks);
    shared = mine;
    shared_marks = marks;
    late_over();
}

void late_tell(const struct late_code *code, bool is_loading, int64_t now_us)
{
    if (!shared || !code || atomic_load(&shared->since_us))
        return;
    memcpy(&shared->code, code, sizeof shared->code);
    atomic_store(&shared->is_loading, is_loading);
    atomic_store(&shared->since_us, now_us);
}

void late_over(void)
{
    if (shared)
        atomic_store(&shared->since_us, 0);
}

uint32_t late_marks(void)
{
    return shared_marks ? atomic_load(shared_marks) : 0;
}

void late_marks_move(void)
{
    if (shared_marks)
        atomic_fetch_add(shared_marks, 1);
}
