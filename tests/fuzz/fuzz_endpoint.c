/* fuzz_endpoint - declared types of a plugin's route, and bodies and queries against all of them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/endpoint.h"

#include "base/json.h"
#include "tenant/ctx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every type, alone and as a list, and one that is required. */
static int declare(struct endpoint_field *fields, struct arena *arena)
{
    int count = 0;
    for (int i = 0; i < ENDPOINT_TYPES_COUNT; i++)
        for (int list = 0; list < 2; list++) {
            const char *type = endpoint_type_name((enum endpoint_type)i);
            const char *text = arena_printf(arena, "%s%s%s", type, list ? "[]" : "", i ? "" : "!");
            fields[count].name = arena_printf(arena, "%s%d", type, list);
            if (!endpoint_type_parse(slice_str(text), &fields[count]))
                BUG("a type of ours is unknown");
            count++;
        }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct endpoint_field fields[2 * ENDPOINT_TYPES_COUNT], any = {.name = "any"};
    struct slice in = slice_of((const char *)data, size);
    struct tenant tenant = {.name = "acme", .currency = "CNY"};
    const struct json *body = NULL;
    struct ctx ctx;
    ctx_init(&ctx, arena);
    ctx.tenant = &tenant;
    int count = declare(fields, arena);
    (void)endpoint_type_parse(in, &any);
    if (json_parse(arena, in, &body, NULL) == ERR_OK) {
        enum err e = endpoint_check(&ctx, fields, count, body);
        ASSERT((e == ERR_OK) == (ctx.err.count == 0));
    }
    struct req_pair pairs[] = {{SLICE("int0"), in}, {SLICE("bool1"), in}, {SLICE("date0"), in}};
    struct req req = {.query = pairs, .query_count = 3};
    struct endpoint endpoint = {.plugin = "p", .path = "/", .query = fields, .query_count = count};
    const struct json *query = endpoint_query(&ctx, &endpoint, &req);
    ASSERT(query->count == 3);
    enum err checked = endpoint_check(&ctx, fields, count, query);
    ASSERT(checked == ERR_OK || checked == ERR_VALIDATION);
    arena_free(arena);
    return 0;
}
