/* fuzz_docx - Word templates in any bytes: as a package, and as the text of a document.
 *
 * SPDX-License-Identifier: MIT
 */
#include "document/docx.h"
#include "document/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fill(struct arena *arena, struct slice file)
{
    static const char text[] = "{\"a\":\"x\\ny\",\"l\":[{\"n\":1},{\"n\":2}],\"b\":true,"
                               "\"m\":{\"amount\":\"12.50\",\"currency\":\"CNY\"}}";
    const struct json *values;
    struct buf out = BUF_INIT;
    struct package package;
    const char *why = NULL;
    ASSERT(json_parse(arena, slice_str(text), &values, NULL) == ERR_OK);
    enum err e = docx_fill(arena, file, values, LANG_ZH, &out, &why);
    ASSERT(e == ERR_OK || (why && out.len == 0));
    if (!e) /* what was made can be read */
        ASSERT(package_read(arena, arena_slice(arena, buf_slice(&out)), &package, &why) == ERR_OK);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct slice bytes = arena_slice(arena, slice_of((const char *)data, size));
    struct package_part part = {"word/document.xml", bytes};
    struct package package = {&part, 1};
    struct buf packed = BUF_INIT;
    fill(arena, bytes);
    ASSERT(package_write(&package, &packed) == ERR_OK);
    fill(arena, arena_slice(arena, buf_slice(&packed)));
    buf_release(&packed);
    arena_free(arena);
    return 0;
}
