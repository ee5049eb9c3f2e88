/* query - the store-level query tree: tables and columns, no names of the model, no SQL.
 *
 * The record layer makes it from the outer filter tree (http-api.md section 4) after it has applied
 * the model, the row rules and the field rules. Its *shape* (everything but the values) decides the
 * statement; values are bound. Logic is two-valued: a comparison with an empty value is false; NE,
 * NIN and NOT include empty ones. Empty sorts before everything, so last when descending. A NULL
 * among the values of IN and NIN is ignored; PREFIX and CONTAINS of "" match what is not empty.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "store/store.h"

/* A column of the main table (join 0) or of a joined one. */
struct column_ref {
    int join; /* index into query->joins + 1; 0 = the query's own table */
    const char *column;
};

enum expr_op {
    EXPR_TRUE,
    EXPR_FALSE,
    EXPR_AND,
    EXPR_OR,
    EXPR_NOT, /* items: first..next; NOT of several = none of them */
    EXPR_EQ,
    EXPR_NE,
    EXPR_LT,
    EXPR_LTE,
    EXPR_GT,
    EXPR_GTE,     /* column, value */
    EXPR_BETWEEN, /* column, value..value2, both included */
    EXPR_IN,
    EXPR_NIN, /* column, values (bound as one list) */
    EXPR_NULL,
    EXPR_NOT_NULL, /* column */
    EXPR_PREFIX,
    EXPR_CONTAINS, /* column, value: both compared folded (text_fold) */
    EXPR_HAS,      /* column holds a JSON array of scalars; value is one of them */
    EXPR_EXISTS,   /* some row of sub.table where sub.column = this id, and sub.where */
    EXPR_MATCH,    /* tokens: every one of tokens[] under at least one of prefixes[] */
};

struct expr {
    enum expr_op op;
    struct column_ref column;
    struct value value, value2;
    const struct value *values; /* IN, NIN */
    int values_count;
    bool is_weak; /* EQ, IN: one of few words, so that many rows are left: no reason for an index
                   * where another comparison has one */
    const struct expr *first;       /* AND, OR, NOT: children */
    const struct expr *next;        /* sibling */
    struct expr_sub {               /* EXISTS */
        const char *table, *column; /* the column that points back */
        struct column_ref outer;    /* usually {0,"id"} */
        const struct expr *where;   /* on the sub table: its column refs use join 0 */
    } sub;
    const struct slice *tokens; /* MATCH: folded tokens without prefix */
    int tokens_count;
    const char *const *prefixes; /* MATCH: field prefixes the caller may search */
    int prefixes_count;
};

struct query_join {
    const char *table;
    struct column_ref from; /* a ref column of the main table or of an earlier join */
    const char *to;         /* usually "id" */
    const struct expr *on;  /* extra condition (visibility of the target); refs use this join's own
                             * index; NULL = none. Always a LEFT join: not visible = null */
};

enum query_bucket {
    BUCKET_NONE,
    BUCKET_DAY,
    BUCKET_WEEK,
    BUCKET_MONTH,
    BUCKET_QUARTER,
    BUCKET_YEAR
};

/* One output: a column, possibly guarded, or an aggregate. */
struct query_column {
    struct column_ref column;
    const struct expr *only_when; /* CASE WHEN only_when THEN column END; NULL = always */
    enum query_measure {
        MEASURE_NONE,
        MEASURE_COUNT,
        MEASURE_SUM,
        MEASURE_MIN,
        MEASURE_MAX
    } measure;
    enum query_bucket bucket; /* group key of a day-number column: the first day of its bucket */
    const struct zone *zone;  /* with a bucket, for ms columns: whose days count; the key is the
                               * first instant of the bucket */
};

struct query_order {
    struct column_ref column; /* join = -1, column "0", "1"…: index into select (GROUP queries) */
    const struct expr *only_when;
    bool descending;
};

struct query {
    const char *table;
    const struct query_column *select;
    int select_count;
    const struct query_join *joins;
    int joins_count;
    const struct expr *where;        /* NULL = all rows */
    const struct query_order *order; /* for keyset lists the caller ends it in id */
    int order_count;
    bool keyset; /* append the order_count sort keys to each row, for the cursor */
    const struct value
        *after;      /* order_count values: rows strictly behind them; NULL = first page */
    int64_t limit;   /* 0 = none */
    int group_count; /* the first n of select are group keys */
    bool wide_sums;  /* a sum beyond 64 bits is the VALUE_TEXT of its digits, else ERR_VALIDATION */
    const struct expr *having; /* column.join = -1, column "0", "1"…: index into select */
    int64_t count_cap;         /* > 0: answer one row with min(count, cap) */
    const char *index_hint;    /* name of an index of the schema to use, or NULL */
};

/* Small builders in an arena. */
struct expr *expr_new(struct arena *arena, enum expr_op op);
struct expr *expr_cmp(struct arena *arena, enum expr_op op, const char *column, struct value value);
struct expr *expr_in(struct arena *arena, const char *column, const struct value *values,
                     int count);
/* AND/OR of two; NULL operands are skipped (NULL = true in AND). Copies the nodes it links. */
const struct expr *expr_and(struct arena *arena, const struct expr *a, const struct expr *b);
const struct expr *expr_or(struct arena *arena, const struct expr *a, const struct expr *b);
const struct expr *expr_not(struct arena *arena, const struct expr *a);
/* The same tree with every join-0 reference moved to `join`: rules of a referenced entity. */
const struct expr *expr_rebase(struct arena *arena, const struct expr *e, int join);
