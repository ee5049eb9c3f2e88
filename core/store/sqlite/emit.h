/* emit - from the query tree to SQL text and its parameters.
 *
 * Only the shape goes into the text; every value becomes a parameter, so a cached statement serves
 * every call of the same shape. Text is written into the connection's buffer, parameters into its
 * array: no allocation per query.
 *
 * Two-valued logic: SQL's comparisons with NULL are NULL, which WHERE, ON, CASE and AND/OR treat as
 * false. That is what the tree means too, except below a NOT: there `never_null` is set and
 * comparisons are wrapped in ifnull(…, 0), which costs them their index and nothing else.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "store/sqlite/db.h"

/* EXISTS inside EXISTS: a relation, two references behind it, two more in the rule of the target.
 */
#define EMIT_EXISTS_MAX 6

/* Which rows of a page a statement reads; see select.c. */
enum emit_part { PART_WHOLE, PART_FIRST, PART_SECOND };

#define SELECT_ANY_MAX 8 /* alternatives of one search; more are read in one statement */

/* An OR of searches at the top of a query's condition. */
struct select_any {
    const struct expr *node;
    const struct expr *items[SELECT_ANY_MAX];
    int count; /* 0: the query is not like that */
};

/* Tables of one statement that are not there yet: itself, what it joins, what EXISTS looks into. */
#define EMIT_ABSENT_MAX 32

struct emit {
    struct db *db;
    struct buf *sql;
    int binds_count;
    int depth;                               /* EXISTS nesting: join 0 is t, s1, s2… */
    const char *tables[EMIT_EXISTS_MAX + 1]; /* the table at each depth */
    bool never_null;                         /* below a NOT */
    const char *match_key;        /* the MATCH is joined as k: this key column is its rowid */
    const struct expr *matched;   /* that MATCH node: already in FROM */
    const struct expr *any, *one; /* of this OR only this alternative is written */
    const struct query *query;    /* NULL in UPDATE and DELETE */
    bool searches;                /* holds a MATCH: what waits for the index is written before */
    const char *cover;            /* the index to walk, chosen by the driver; NULL = none */
    struct semijoins *semijoins;  /* which may answer an EXISTS of the outermost level, or NULL */
    const char *absent[EMIT_ABSENT_MAX]; /* named by emit_source, each once */
    int absent_count;
    bool outer;     /* writing the outer level of a two-level group; see select.c */
    enum err error; /* the first failure; text after it is meaningless */
};

/* Starts a statement on `table`: clears the buffers, checks that the table is there. */
MUST_USE enum err emit_start(struct emit *emit, struct db *db, const char *table);
static inline void emit_str(struct emit *emit, const char *text) /* its length is often known */
{
    buf_put_str(emit->sql, text);
}
void emit_name(struct emit *emit, const char *name); /* quoted, checked */
/* The name of a table that is read from. One that is not there yet (late.c) reads as empty. */
void emit_source(struct emit *emit, const char *table);
void emit_value(struct emit *emit, const struct value *value);
void emit_int(struct emit *emit, int64_t n); /* bound */
/* Binds what was appended to db->scratch since `from`. */
void emit_scratch(struct emit *emit, size_t from, enum value_type type);
void emit_column(struct emit *emit, const struct column_ref *column);
void emit_expr(struct emit *emit, const struct expr *e);
/* CASE WHEN guard THEN column END, or the plain column. */
void emit_guarded(struct emit *emit, const struct column_ref *column, const struct expr *only_when);
/* The expression of select[at], without AS. In select.c. */
void emit_selected(struct emit *emit, int at);
MUST_USE enum err emit_fail(struct emit *emit, enum err e, const char *what);

/* Puts what stands in for absent tables before the text, which is whole then; emit_finish does it.
 */
MUST_USE enum err emit_close(struct emit *emit);
/* Prepares what was emitted and binds its parameters. */
MUST_USE enum err emit_finish(struct emit *emit, struct stmt **out);

/* select.c: the whole statement of a query. *parts tells how many statements read the page (1, 2).
 */
MUST_USE enum err select_emit(struct emit *emit, struct db *db, const struct query *query,
                              enum emit_part part, int64_t limit, bool with_hint);
/* The same rows given to the function tally(). `cover` may be NULL: then there are no semi-joins,
 * because the planner may begin with what they would have read. */
MUST_USE enum err select_emit_tally(struct emit *emit, struct db *db, const struct query *query,
                                    const char *cover, struct semijoins *semijoins);
MUST_USE enum err select_parts(struct db *db, const struct query *query, int *parts);
/* Whether the query is a page by the key whose condition is an OR of searches, such as in fields of
 * which each has its own rule. In one statement every row found would be read and sorted; read as
 * one statement for each alternative, all come in the page's order without sorting. */
MUST_USE enum err select_any_find(struct db *db, const struct query *query, struct select_any *any);
/* The rows of that alternative; the key and the alternative's number stand behind the columns. */
MUST_USE enum err select_any_emit(struct emit *emit, struct db *db, const struct query *query,
                                  const struct select_any *any, int which);
