/* keyuse - a table of what is still to be told: see keyuse.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "process/keyuse.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/limits.h"
#include "process/gateway.h"

#define SLOTS 1024 /* keys that are counted together */

struct entry {
    int64_t key; /* 0 = free */
    struct key_use use;
    char tenant[NAME_BYTES_MAX + 1];
};

static struct entry entries[SLOTS];

/* 'k': read by turn.c. */
static void tell(struct forward *forward, struct entry *entry)
{
    struct buf b = BUF_INIT;
    buf_put_u8(&b, 'k');
    buf_put_i64(&b, entry->key);
    buf_put_i64(&b, entry->use.calls);
    buf_put_i64(&b, entry->use.refused);
    buf_put_i64(&b, entry->use.limited);
    forward_note(forward, entry->tenant, buf_slice(&b));
    buf_release(&b);
    *entry = (struct entry){0};
}

void keyuse_count(struct forward *forward, const char *tenant, int64_t key, int status)
{
    ASSERT(forward && tenant);
    ASSERT(key);
    struct entry *entry = &entries[(uint64_t)key % SLOTS];
    if (entry->key && (entry->key != key || strcmp(entry->tenant, tenant) != 0))
        tell(forward, entry);
    entry->key = key;
    snprintf(entry->tenant, sizeof(entry->tenant), "%s", tenant);
    entry->use.calls++;
    entry->use.refused += status == 401 || status == 403 || status == 429;
    entry->use.limited += status == 429;
}

void keyuse_flush(struct forward *forward)
{
    ASSERT(forward);
    for (int i = 0; i < SLOTS; i++)
        if (entries[i].key)
            tell(forward, &entries[i]);
}
