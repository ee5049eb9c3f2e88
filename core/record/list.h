/* list - reading many records: list, get, board, aggregate, search, related, straight to JSON.
 *
 * Native: C only, runs on gateways. Rights are compiled into every statement. Output is written into
 * the caller's buf; nothing has been promised until ERR_OK.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/entity.h"

/* {entity, filter, sort, fields, expand, limit, cursor, count, q, group, measure, having} */
struct list_query {
    const struct entity *entity;
    const struct json *filter;
    struct slice sort;            /* "-created_at,name"; empty = -created_at */
    struct slice fields, expand;  /* comma-separated; empty = all readable / none */
    struct slice q;               /* search words */
    struct slice cursor;
    int limit;                    /* 0 = LIST_DEFAULT */
    bool count, with_deleted;     /* with_deleted: only the deleted ones (recycle bin) */
    const struct json *group, *measure, *having;
};

/* From a JSON body or from a request's query parameters (pairs name/value). Complaints in ctx->err. */
MUST_USE enum err list_query_json(struct ctx *ctx, const struct entity *entity,
                                  const struct json *body, struct list_query *out);
/* {"items":[…],"next":…,"count":…,"count_capped":…}; with group: {"groups":[{key…, measures…}]}. */
MUST_USE enum err list_run(struct ctx *ctx, const struct list_query *query, struct buf *out);
/* One record with rights; ERR_NOT_FOUND if absent or not visible. *version for the ETag. */
MUST_USE enum err list_get(struct ctx *ctx, const struct entity *entity, int64_t id,
                           struct slice fields, struct slice expand, struct buf *out,
                           int64_t *version);
/* {group_by, filter, limit} → columns with count, sum, items, cursor. */
MUST_USE enum err list_board(struct ctx *ctx, const struct entity *entity, const struct json *body,
                             struct buf *out);
/* Search across entities, grouped: {"groups":[{"entity","label","items":[{id,title,…}]}]}. */
MUST_USE enum err list_search(struct ctx *ctx, struct slice q, struct slice entities,
                              struct buf *out);
/* Change history of a record with names of fields; and its state visits. */
MUST_USE enum err list_history(struct ctx *ctx, const struct entity *entity, int64_t id,
                               const struct list_query *page, struct buf *out);
/* Records of the relation (a referrer's "entity.field" or entity name) that point at this one. */
MUST_USE enum err list_related(struct ctx *ctx, const struct entity *entity, int64_t id,
                               struct slice relation, struct list_query *page, struct buf *out);
/* The ordered change feed since a seq: what the actor may see. */
MUST_USE enum err list_changes(struct ctx *ctx, int64_t since, int limit, struct buf *out);

/* Typed access for scripts and importers: rows as value arrays of the whole entity. */
typedef bool (*list_row_cb)(void *arg, const struct value *values);
MUST_USE enum err list_rows(struct ctx *ctx, const struct list_query *query, list_row_cb cb,
                            void *arg);
MUST_USE enum err list_count(struct ctx *ctx, const struct list_query *query, int64_t cap,
                             int64_t *out);
