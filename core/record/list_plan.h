/* list_plan - a list query made ready for the store: what is selected, from where, in which order,
 * and how a row becomes JSON. Private to list and exporter.
 *
 * Everything lives in ctx->arena; a row costs no allocation.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "base/limits.h"
#include "record/filter.h"
#include "record/list.h"
#include "record/rights.h"

/* One member of an item. */
struct list_output {
    struct slice key;           /* "\"name\":" */
    const struct field *field;  /* whose type writes the values */
    int first;                  /* its first column of the row */
    struct list_expand *expand; /* a reference shown as an object, or NULL */
};

struct list_expand {
    int id;                    /* column of the target's id; -1 = never visible */
    const struct field *title; /* NULL = none readable */
    int title_first;
    struct list_output *outputs;
    int outputs_count;
};

struct list_plan {
    struct ctx *ctx;
    const struct entity *entity;
    struct rights *rights;
    struct filter_joins joins;
    struct query_column *columns;
    int columns_count, columns_cap;
    struct query_order orders[SORT_KEYS_MAX + GROUPS_MAX];
    int orders_count;
    const struct expr *where;
    struct list_output *outputs;
    int outputs_count;
    struct value *row; /* columns_count values of the row at hand */
};

/* Rights, filter and search: the rows. */
MUST_USE enum err list_plan_rows(struct list_plan *plan, struct ctx *ctx,
                                 const struct list_query *query, enum role_action action);
/* The members of an item. with_deleted: also deleted_at and its kin. */
MUST_USE enum err list_plan_fields(struct list_plan *plan, struct slice fields, struct slice expand,
                                   bool with_deleted);
/* The order; without `sort` newest first. Refuses what would sort too many rows without index. */
MUST_USE enum err list_plan_sort(struct list_plan *plan, struct slice sort);
/* What it reads, to be completed: the columns so far, where and in which order. */
struct query list_plan_query(const struct list_plan *plan);
/* A column of the row; its number. */
int list_plan_column(struct list_plan *plan, struct query_column column);
/* All columns of a field, under a guard; the number of the first. */
int list_plan_columns(struct list_plan *plan, const struct field *field, int join,
                      const struct expr *only_when);
/* Writes the row as an object. */
void list_plan_put(struct list_plan *plan, const struct store_row *row, struct buf *out);
/* A field's text as a JSON string; "" where it is empty. */
void list_plan_put_title(struct ctx *ctx, const struct field *field, const struct value *values,
                         struct buf *out);
/* A path of the caller's query, with rights: where its values stand. */
MUST_USE enum err list_plan_path(struct list_plan *plan, const char *what, struct slice path,
                                 const struct field **field, int *join,
                                 const struct expr **only_when);
/* The column a field is compared and measured by (money: the base amount). */
const char *list_plan_measured(const struct field *field);
/* What makes one query's page marks differ from another's. */
uint64_t list_plan_shape(const struct list_plan *plan, const struct list_query *query);
