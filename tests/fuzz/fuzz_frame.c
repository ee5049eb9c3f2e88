/* fuzz_frame - frames cut anywhere must parse to the same messages as frames in one piece.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "base/buf.h"
#include "net/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct slice rest = slice_of((const char *)bytes, len);
    while (rest.len > 0) {
        enum frame_kind kind = FRAME_NONE, part_kind;
        uint64_t tag = 0, part_tag;
        struct slice body = {0}, part_body;
        ptrdiff_t n = frame_parse(rest, &kind, &tag, &body);
        ASSERT(n >= -1 && (n <= 0 || (size_t)n <= rest.len));
        size_t whole = n > 0 ? (size_t)n : rest.len;
        /* Every shorter piece either wants more or is already known to be broken. */
        size_t step = whole / 64 + 1;
        for (size_t cut = 0; cut < whole; cut += step) {
            char *copy = malloc(cut ? cut : 1); /* exact, so that reading over its end is seen */
            ASSERT(copy);
            if (cut)
                memcpy(copy, rest.at, cut);
            ptrdiff_t m = frame_parse(slice_of(copy, cut), &part_kind, &part_tag, &part_body);
            ASSERT(n > 0 ? m == 0 : n == 0 ? m == 0 : m <= 0);
            free(copy);
        }
        if (n <= 0)
            return 0;
        ASSERT(kind > FRAME_NONE);
        ASSERT(body.len + FRAME_HEAD_BYTES == whole && body.at == rest.at + FRAME_HEAD_BYTES);
        ASSERT(body.len <= FRAME_BODY_BYTES_MAX);
        /* A body is read by the rules of buf.h; no length in it may lead outside. */
        struct reader reader = {.rest = body};
        while (!reader.bad && reader.rest.len > 0) {
            struct slice piece = reader_bytes(&reader);
            ASSERT(reader.bad || piece.len <= body.len);
        }
        rest.at += n;
        rest.len -= (size_t)n;
    }
    return 0;
}
