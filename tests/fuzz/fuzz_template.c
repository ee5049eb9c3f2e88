/* fuzz_template - any source against data of every kind, as text and as HTML.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/limits.h"
#include "base/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char data[] = "{\"a\":\"<x>\",\"b\":[1,null,{\"c\":true}],\"d\":{\"e\":[[],\"\"]},"
                               "\"f\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\"]}";
    struct arena *arena = arena_new();
    const struct json *tree = NULL;
    const struct template *t = NULL;
    const char *why = NULL;
    struct buf out = BUF_INIT;
    if (json_parse(arena, slice_str(data), &tree, NULL))
        BUG("the data is JSON");
    struct slice source = slice_of((const char *)bytes, size);
    enum err e = template_parse(arena, "t", source, &t, &why);
    if (!e)
        e = template_render(arena, t, tree, size % 2 ? TEMPLATE_HTML : TEMPLATE_PLAIN, &out, &why);
    if ((e != ERR_OK) != (why != NULL))
        BUG("an error has its sentence");
    if (out.len > TEMPLATE_OUT_BYTES_MAX || (e && out.len))
        BUG("a text is as long as it may be");
    buf_release(&out);
    arena_free(arena);
    return 0;
}
