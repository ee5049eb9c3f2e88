/* fuzz_pack - archives in any bytes, and the manifest of those that can be read.
 *
 * What was taken is written and read again: it must be the same.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/json.h"
#include "base/limits.h"
#include "base/text.h"
#include "tenant/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_names(const struct pack *pack)
{
    for (int i = 0; i < pack->count; i++) {
        struct slice name = slice_str(pack->files[i].name);
        ASSERT(pack_name_is_valid(name));
        ASSERT(slice_find(name, SLICE("..")) < 0 && name.at[0] != '/');
        ASSERT(text_is_utf8(pack->files[i].bytes));
        ASSERT(i == 0 || strcmp(pack->files[i - 1].name, pack->files[i].name) < 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct pack pack, again;
    const char *why = NULL;
    if (pack_read(arena, slice_of((const char *)data, size), &pack, &why) == ERR_OK) {
        struct buf out = BUF_INIT;
        const struct json *manifest;
        check_names(&pack);
        pack_write(&pack, &out);
        enum err e = pack_read(arena, buf_slice(&out), &again, &why);
        ASSERT(!e && strcmp(pack.hash, again.hash) == 0);
        e = json_parse(arena, pack_get(&pack, "plugin.json"), &manifest, &why);
        ASSERT(!e || why);
        buf_release(&out);
    } else {
        ASSERT(why && text_is_utf8(slice_str(why)));
    }
    arena_free(arena);
    return 0;
}
