/* fuzz_token - any text gives few, plain tokens and a sort key that is text.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/limits.h"
#include "base/text.h"
#include "base/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void token_seen(void *arg, struct slice token)
{
    int *count = arg;

    ASSERT(token.len > 0 && token.len <= TOKEN_TOKEN_BYTES);
    for (size_t i = 0; i < token.len; i++)
        ASSERT((token.at[i] >= 'a' && token.at[i] <= 'z') ||
               (token.at[i] >= '0' && token.at[i] <= '9'));
    ASSERT(++*count <= TOKENS_PER_FIELD_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_of((const char *)data, size);
    struct arena *arena = arena_new();
    struct token_query query;
    struct buf key = BUF_INIT;

    if (text_is_utf8(text)) {
        for (int kind = TOKEN_TEXT; kind <= TOKEN_EXACT; kind++) {
            int count = 0;
            token_make((enum token_kind)kind, text, token_seen, &count);
        }
        token_query_make(arena, text, &query);
        ASSERT(query.count >= 0 && query.count <= TOKEN_QUERY_MAX);
        ASSERT(text_is_utf8(query.folded));
        ASSERT(token_query_whole(arena, text, &query) == (query.count == 1));
        token_sort_key(&key, text, true);
        ASSERT(text_is_utf8(buf_slice(&key)));
    }
    buf_release(&key);
    arena_free(arena);
    return 0;
}
