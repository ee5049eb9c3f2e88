/* fuzz_cron - lines of plugins: what parses is due some time after any time, or never.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const zones[] = {"UTC", "Europe/Berlin", "Asia/Shanghai", "America/Havana"};
    struct cron cron;
    const char *why = NULL;
    if (size < 4)
        return 0;
    const struct zone *zone = zone_find(zones[data[0] % 4]);
    int64_t after_ms = ((int64_t)data[1] << 16 | data[2] << 8 | data[3]) * 3600000LL / 16;
    if (cron_parse(slice_of((const char *)data + 4, size - 4), &cron, &why)) {
        ASSERT(why);
        return 0;
    }
    int64_t next_ms = cron_next_ms(&cron, zone, after_ms);
    ASSERT(next_ms == 0 || next_ms > after_ms);
    return 0;
}
