/* fuzz_json - what is accepted must write back to the same tree; nothing may crash.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/json.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice source = slice_of((const char *)data, size);
    struct arena *arena = arena_new();
    const struct json *tree = NULL, *again = NULL;
    const char *why = NULL;

    if (json_parse(arena, source, &tree, &why)) {
        ASSERT(why && text_is_utf8(slice_str(why)));
        arena_free(arena);
        return 0;
    }
    struct buf written = BUF_INIT, rewritten = BUF_INIT, canonical = BUF_INIT;
    json_put(&written, tree);
    ASSERT(text_is_utf8(source) && text_is_utf8(buf_slice(&written)));
    ASSERT(json_parse(arena, buf_slice(&written), &again, &why) == ERR_OK);
    ASSERT(json_equal(tree, again));
    ASSERT(json_equal(tree, json_copy(arena, again)));
    json_put(&rewritten, again);
    ASSERT(slice_eq(buf_slice(&written), buf_slice(&rewritten)));
    json_put_canonical(&canonical, tree);
    ASSERT(json_parse(arena, buf_slice(&canonical), &again, &why) == ERR_OK);
    ASSERT(json_equal(tree, again));
    buf_release(&written);
    buf_release(&rewritten);
    buf_release(&canonical);
    arena_free(arena);
    return 0;
}
