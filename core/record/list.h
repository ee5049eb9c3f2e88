/* list - reading many records: list, get, board, aggregate, search, related, straight to JSON.
 *
 * Native: C only, runs on gateways. Rights are compiled into every statement. Output is written
 * into the caller's buf; nothing has been promised until ERR_OK.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/entity.h"

/* {entity, filter, sort, fields, expand, limit, cursor, count, q, group, measure, having} */
struct list_query {
    const struct entity *entity;
    const struct json *filter;
    struct json *short_filter;           /* what query parameters ask besides; NULL = nothing */
    struct slice sort;                   /* "-created_at,name"; empty = newest first (-id) */
    struct slice fields, expand;         /* comma-separated; empty = all readable / none */
    struct slice q;                      /* search words */
    const struct search_found *found_in; /* search.h; NULL = q is looked for in all fields */
    struct slice cursor;
    int limit;                /* 0 = LIST_DEFAULT */
    bool count, with_deleted; /* with_deleted: only the deleted ones (recycle bin) */
    const struct json *group, *measure, *having;
};

/* From a JSON body (NULL = empty). Complaints in ctx->err; strings stay borrowed. */
MUST_USE enum err list_query_json(struct ctx *ctx, const struct entity *entity,
                                  const struct json *body, struct list_query *out);
/* One decoded query parameter of a GET: filter, sort, fields, expand, limit, cursor, count, q,
 * deleted, or the short form of a filter. Begin with a zeroed query that has its entity. */
MUST_USE enum err list_query_param(struct ctx *ctx, struct list_query *query, struct slice name,
                                   struct slice value);
/* {"items":[…],"next":…,"count":…,"count_capped":…}; a page of long records ends at LIST_BYTES_MAX,
 * and "next" goes on. A reference is its id, expanded an object of
 * the target's readable fields with "title", or null where it may not be seen. With group or
 * measure: {"groups":[{key…, measures…}],"titles":{field:{id: title}}}; a time bucket is its first
 * day, a sum of money is of base amounts. Measures: "count", "sum.amount" (avg, min, max), and
 * parts in percent with two decimals, null where there is no whole:
 * {"as":"win_rate","share":FILTER} of the records,
 * {"as":"reached","ratio":["sum.actual","sum.amount"]} of another sum. */
MUST_USE enum err list_run(struct ctx *ctx, const struct list_query *query, struct buf *out);
/* One record with rights; ERR_NOT_FOUND if absent or not visible. *version for the ETag. */
MUST_USE enum err list_get(struct ctx *ctx, const struct entity *entity, int64_t id,
                           struct slice fields, struct slice expand, struct buf *out,
                           int64_t *version);
/* {group_by, filter, q, sort, fields, expand, limit, sum, column, cursor} → {"columns":[{"value",
 * "count","sum","items","next"}]}. With "column" only that one, from its cursor. */
MUST_USE enum err list_board(struct ctx *ctx, const struct entity *entity, const struct json *body,
                             struct buf *out);
/* Search across entities, grouped: {"groups":[{"entity","label","items":[{id,title,…}]}]}. */
MUST_USE enum err list_search(struct ctx *ctx, struct slice q, struct slice entities,
                              struct buf *out);
/* Change history of a record, newest first: {"items":[{"seq","at","actor","op","version","source",
 * "changes":[{"field","old","new"}]}],"next","visits":[{"field","value","entered_at","left_at",
 * "actor"}]}. Fields the actor may not read are left out. */
MUST_USE enum err list_history(struct ctx *ctx, const struct entity *entity, int64_t id,
                               const struct list_query *page, struct buf *out);
/* The same with "records":[{"entity","at","filter","page"}] on its first page: those of every
 * entity that declares a "timeline" field (at) and points at this record, newest first, as list_run
 * answers with that filter. Entities the actor may not read are left out. */
MUST_USE enum err list_timeline(struct ctx *ctx, const struct entity *entity, int64_t id,
                                const struct list_query *page, struct buf *out);
/* Records of the relation (a referrer's "entity.field" or entity name) that point at this one. */
MUST_USE enum err list_related(struct ctx *ctx, const struct entity *entity, int64_t id,
                               struct slice relation, struct list_query *page, struct buf *out);

/* Typed access for scripts and importers: rows as value arrays of the whole entity. */
typedef bool (*list_row_cb)(void *arg, const struct value *values);
MUST_USE enum err list_rows(struct ctx *ctx, const struct list_query *query, list_row_cb cb,
                            void *arg);
MUST_USE enum err list_count(struct ctx *ctx, const struct list_query *query, int64_t cap,
                             int64_t *out);
