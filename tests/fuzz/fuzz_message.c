/* fuzz_message - letters in any bytes: whatever comes out is UTF-8 without control characters.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "outbound/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct slice text, bool one_line)
{
    ASSERT(text_is_utf8(text));
    for (size_t i = 0; i < text.len; i++)
        ASSERT((unsigned char)text.at[i] >= 0x20 ||
               (!one_line && (text.at[i] == '\n' || text.at[i] == '\t')));
}

static void check_line(const char *text)
{
    if (text)
        check(slice_str(text), true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice raw = slice_of((const char *)data, size);
    struct arena *arena = arena_new();
    struct message m;
    if (message_read(arena, raw, &m) == ERR_OK) {
        ASSERT(m.files_count <= MESSAGE_FILES_MAX);
        ASSERT(m.references_count <= MESSAGE_REFERENCES_MAX);
        ASSERT(text_chars(m.text) <= MESSAGE_TEXT_MAX);
        check(m.text, false);
        check_line(m.subject);
        check_line(m.id);
        check_line(m.in_reply_to);
        check_line(m.from);
        check_line(m.from_name);
        check_line(m.to);
        for (int i = 0; i < m.references_count; i++)
            check_line(m.references[i]);
        for (int i = 0; i < m.files_count; i++) {
            check_line(m.files[i].name);
            ASSERT(!strchr(m.files[i].name, '/'));
        }
    }
    check(message_html_text(arena, raw), false);
    arena_free(arena);
    return 0;
}
