/* fuzz_multipart - forms in any bytes: the first line is the content type, the rest the body.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/limits.h"
#include "base/text.h"
#include "http/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice source = slice_of((const char *)data, size);
    struct slice type = slice_split(&source, '\n');
    struct arena *arena = arena_new();
    struct multipart_part *parts;
    int count;
    if (multipart_parse(arena, type, source, &parts, &count) == ERR_OK) {
        ASSERT(count <= MULTIPART_PARTS_MAX);
        for (int i = 0; i < count; i++) {
            ASSERT(parts[i].name.len > 0 && text_is_utf8(parts[i].name));
            ASSERT(text_is_utf8(parts[i].filename));
            ASSERT(!parts[i].filename.len ||
                   !memchr(parts[i].filename.at, '/', parts[i].filename.len));
            ASSERT(parts[i].body.at >= source.at);
            ASSERT(parts[i].body.at + parts[i].body.len <= source.at + source.len);
        }
    }
    arena_free(arena);
    return 0;
}
