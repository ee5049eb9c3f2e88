/* page - one page of a list that is no list of records: parameters, order, mark of the next one.
 *
 * The query ends in a unique key, so a page goes on exactly behind the last row of the one before.
 * Answers are {"items":[…],"next": mark or null}.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "api/call.h"
#include "store/query.h"

#define PAGE_KEYS_MAX 2

struct page {
    struct call *call;
    int limit, rows;
    int keys; /* order keys of the query */
    bool has_after, has_more;
    uint64_t shape; /* of the route and its filters: a mark fits no other list */
    struct value after[PAGE_KEYS_MAX], last[PAGE_KEYS_MAX];
    bool (*put)(struct page *page, const struct store_row *row); /* writes one item; false: none */
    void *arg;
};

/* Reads `limit` and `cursor`; complains about parameters that are neither these nor in the
 * NULL-terminated list of filters. */
MUST_USE enum err page_begin(struct call *call, int keys, const char *const *filters,
                             struct page *out);
/* Runs the query (its order has page->keys keys) and writes the answer. */
MUST_USE enum err page_read(struct page *page, struct query *query);
/* A whole list without further pages: page->put is not used, items are the caller's. */
void page_open(struct call *call);
void page_close(struct call *call);
