/* page - one page of a list that is no list of records.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/page.h"

#include "api/body.h"
#include "api/routes.h"
#include "base/hash.h"
#include "record/cursor.h"

static bool is_filter(const char *const *filters, struct slice name)
{
    for (; filters && *filters; filters++)
        if (slice_is(name, *filters))
            return true;
    return false;
}

static void read_limit(struct page *page, struct slice text)
{
    int64_t n;
    if (slice_to_int(text, &n) && n >= 1 && n <= LIST_MAX)
        page->limit = (int)n;
    else
        body_bad(page->call, "limit", "out_of_range", "\"min\":1,\"max\":%d", LIST_MAX);
}

static enum err read_cursor(struct page *page, struct slice text)
{
    struct cursor_key key;
    enum err e = cursor_key(page->call->ctx, &key);
    if (!e)
        e = cursor_parse(&key, page->shape, text, page->call->ctx->arena, page->after, page->keys);
    page->has_after = !e;
    return e;
}

enum err page_begin(struct call *call, int keys, const char *const *filters, struct page *out)
{
    ASSERT(keys >= 1 && keys <= PAGE_KEYS_MAX);

    *out = (struct page){.call = call, .limit = LIST_DEFAULT, .keys = keys};
    struct slice cursor = {0};
    out->shape = hash_stable(slice_str(call->route->pattern));
    for (int i = 0; i < call->req->query_count; i++) {
        const struct req_pair *pair = &call->req->query[i];
        if (slice_is(pair->name, "limit"))
            read_limit(out, pair->value);
        else if (slice_is(pair->name, "cursor"))
            cursor = pair->value;
        else if (is_filter(filters, pair->name))
            out->shape = (out->shape * 31) ^ hash_stable(pair->name) ^
                         (hash_stable(pair->value) * 0x100000001b3ull);
        else
            body_bad(call, arena_str(call->ctx->arena, pair->name), "unknown_parameter", NULL);
    }
    enum err e = body_done(call);
    return e || !cursor.len ? e : read_cursor(out, cursor);
}

static bool take_row(void *arg, const struct store_row *row)
{
    struct page *page = arg;
    if (page->rows == page->limit) {
        page->has_more = true;
        return false;
    }
    size_t before = page->call->resp->body.len;
    json_put_comma(&page->call->resp->body);
    if (!page->put(page, row))
        buf_truncate(&page->call->resp->body, before);
    page->rows++;
    return true;
}

/* Keys stand behind the selected columns; only those of the last row are needed. */
struct keyed {
    struct page *page;
    int columns;
};

static bool take_keyed(void *arg, const struct store_row *row)
{
    struct keyed *keyed = arg;
    struct page *page = keyed->page;
    if (!take_row(page, row))
        return false;
    for (int i = 0; page->rows == page->limit && i < page->keys; i++) {
        struct value key = store_row_value(row, keyed->columns + i);
        page->last[i] = value_copy(page->call->ctx->arena, &key);
    }
    return true;
}

static enum err put_next(struct page *page)
{
    struct buf *out = &page->call->resp->body;
    struct cursor_key key;
    if (!page->has_more) {
        buf_put_str(out, "],\"next\":null}");
        return ERR_OK;
    }
    enum err e = cursor_key(page->call->ctx, &key);
    if (e)
        return e;
    buf_put_str(out, "],\"next\":\"");
    cursor_put(&key, page->shape, page->last, page->keys, out);
    buf_put_str(out, "\"}");
    return ERR_OK;
}

enum err page_read(struct page *page, struct query *query)
{
    ASSERT(page->put);
    ASSERT(query->order_count == page->keys);

    query->keyset = true;
    query->limit = page->limit + 1;
    query->after = page->has_after ? page->after : NULL;
    struct keyed keyed = {page, query->select_count};
    buf_put_str(&page->call->resp->body, "{\"items\":[");
    enum err e = store_read(page->call->ctx->tenant->store, query, take_keyed, &keyed);
    return e ? e : put_next(page);
}

void page_open(struct call *call)
{
    buf_put_str(&call->resp->body, "{\"items\":[");
}

void page_close(struct call *call)
{
    buf_put_str(&call->resp->body, "],\"next\":null}");
}
