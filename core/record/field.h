/* field - one field of an entity, and the operations of its type.
 *
 * One C file per type: field_text.c … each defines one `const struct field_type`. A field occupies
 * `type->columns` adjacent slots (money: amount, currency, base amount, rate). put, put_text and
 * parse of a type get the field's own values, from its first slot; the helpers at the end of this
 * file get the record's whole array.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "auth/vault.h"
#include "base/buf.h"
#include "base/json.h"
#include "store/query.h"
#include "tenant/ctx.h"

struct entity;
struct field;

/* How a value of the type looks to scripts and filters. */
enum field_kind {
    KIND_TEXT,
    KIND_INT,
    KIND_DECIMAL,
    KIND_MONEY,
    KIND_BOOL,
    KIND_DATE,
    KIND_DATETIME,
    KIND_REF,
    KIND_LIST, /* JSON array of scalars: enummulti, tags, emails, refs */
    KIND_JSON
};

/* Operators of the filter tree (http-api.md section 4): a type says as bits which of them it takes.
 */
#define FILTER_OPS(X)                                                                              \
    X(EQ, "eq")                                                                                    \
    X(NE, "ne")                                                                                    \
    X(LT, "lt")                                                                                    \
    X(LTE, "lte")                                                                                  \
    X(GT, "gt")                                                                                    \
    X(GTE, "gte")                                                                                  \
    X(IN, "in")                                                                                    \
    X(NIN, "nin")                                                                                  \
    X(BETWEEN, "between")                                                                          \
    X(NULL, "null")                                                                                \
    X(PREFIX, "prefix")                                                                            \
    X(CONTAINS, "contains")                                                                        \
    X(HAS, "has")                                                                                  \
    X(LAST_DAYS, "last_days")                                                                      \
    X(NEXT_DAYS, "next_days")                                                                      \
    X(YESTERDAY, "yesterday")                                                                      \
    X(TODAY, "today")                                                                              \
    X(TOMORROW, "tomorrow")                                                                        \
    X(LAST_WEEK, "last_week")                                                                      \
    X(THIS_WEEK, "this_week")                                                                      \
    X(NEXT_WEEK, "next_week")                                                                      \
    X(LAST_MONTH, "last_month")                                                                    \
    X(THIS_MONTH, "this_month")                                                                    \
    X(NEXT_MONTH, "next_month")                                                                    \
    X(LAST_QUARTER, "last_quarter")                                                                \
    X(THIS_QUARTER, "this_quarter")                                                                \
    X(NEXT_QUARTER, "next_quarter")                                                                \
    X(LAST_YEAR, "last_year")                                                                      \
    X(THIS_YEAR, "this_year")                                                                      \
    X(NEXT_YEAR, "next_year")
enum filter_op {
#define X(name, text) FILTER_##name,
    FILTER_OPS(X)
#undef X
        FILTER_OPS_COUNT
};
#define FIELD_OP(name) (1u << FILTER_##name)
#define FIELD_OPS_SAME (FIELD_OP(EQ) | FIELD_OP(NE) | FIELD_OP(IN) | FIELD_OP(NIN) | FIELD_OP(NULL))
#define FIELD_OPS_ORDER                                                                            \
    (FIELD_OPS_SAME | FIELD_OP(LT) | FIELD_OP(LTE) | FIELD_OP(GT) | FIELD_OP(GTE) |                \
     FIELD_OP(BETWEEN))
#define FIELD_OPS_TEXT (FIELD_OPS_ORDER | FIELD_OP(PREFIX) | FIELD_OP(CONTAINS))
#define FIELD_OPS_TIME                                                                             \
    (FIELD_OPS_ORDER | ((~0u << FILTER_LAST_DAYS) & ((1u << FILTER_OPS_COUNT) - 1)))
#define FIELD_OPS_LIST (FIELD_OP(HAS) | FIELD_OP(NULL))

struct field_type {
    const char *name;
    enum field_kind kind;
    int columns;             /* slots it takes; 0: nothing is stored (lookup) */
    const char *suffixes[4]; /* column name suffixes: "", "c", "b", "r" */
    enum value_type stores[4];
    bool is_derived; /* computed, rollup, lookup, autonumber: clients cannot write */
    bool is_ref;
    bool is_searchable; /* may carry "search": true */
    /* Kept encrypted: slot 0 is the mask that everybody sees, FIELD_SEALED what is sealed,
     * FIELD_INDEX the blind index that equal values share. */
    bool is_sealed;
    enum vault_class sealed_as;
    /* Reads the declaration's own members into field->data. NULL = none. */
    enum err (*declare)(struct field *field, const struct json *doc, struct arena *arena,
                        const char **why);
    /* A client's JSON value to column values; null is handled by the caller. Complaints go to
     * ctx->err under `path`. Copies what it keeps into ctx->arena. */
    enum err (*parse)(struct ctx *ctx, const struct field *field, const char *path,
                      const struct json *in, struct value *out);
    /* Column values to JSON as clients see it (never called for empty values). */
    void (*put)(const struct field *field, const struct value *values, struct buf *out);
    /* Plain text for lists in CSV, titles, search; NULL = as put. */
    void (*put_text)(const struct field *field, const struct value *values, struct buf *out);
    /* One operand of a filter to a comparable column value (column 0 unless *column says more). */
    enum err (*operand)(struct ctx *ctx, const struct field *field, const struct json *in,
                        struct value *out, int *column);
    unsigned operators;            /* FIELD_OP bits */
    const struct field_type *many; /* what it becomes with "multiple": true; NULL = it cannot */
};

const struct field_type *field_type_find(struct slice name); /* NULL if unknown */
const struct field_type *const *field_types(int *count);     /* for schemas and docs */

struct field {
    const char *name, *label, *help, *plugin; /* label and help are keys of `plugin` */
    const char *needs;                        /* "if_plugin": for whose sake it is there, or NULL */
    int no; /* permanent number in (plugin, entity); 0 for system fields */
    int n;  /* registry number; column "f<n>" */
    const struct field_type *type;
    const struct entity *entity;
    int slot;                /* first slot */
    const char *column;      /* first column's name */
    const char *sort_column; /* "<column>s" when it sorts by reading, else NULL; its slot: */
    int sort_slot;
    bool is_required, is_readonly, is_unique, is_search, is_title, is_system, is_hidden, is_audited;
    bool is_person;           /* a person's name: its first character may be a surname (sort key) */
    bool is_multiple;         /* a list of values of the declared type */
    bool is_quick, is_inline; /* on the quick form; editable in lists */
    bool is_changed;          /* by an extension of another plugin's */
    const struct json *required_when, *readonly_when, *visible_when, *hidden_when;
    const struct json *fallback; /* default value as JSON, or "$me", "$now", "$today"; NULL none */
    const char *import_alias;    /* comma-separated other column headings */
    int64_t min, max;            /* INT64_MIN/MAX = none; in units of the type */
    int length_min, length_max;  /* characters */
    int scale;                   /* decimal, percent */
    const char *ref_entity;      /* ref, refs, user, team */
    int ref_at;                  /* resolved: its place among the model's, see model_ref */
    const char *ref_search;      /* filter of candidates as JSON text, or NULL */
    enum field_on_delete { ON_DELETE_REFUSE, ON_DELETE_CLEAR, ON_DELETE_CASCADE } on_delete;
    const char *dictionary;     /* dict */
    const struct field_option { /* enum, multienum, state, dict */
        const char *value, *label, *tone;
        const char *parent;        /* dict: the value above it, or NULL */
        const struct json *labels; /* dict: {"zh-CN": …, "en": …}, or NULL: `label` is a key */
        bool is_active;            /* may be chosen; values already stored stay */
    } * options;
    int options_count;
    const struct json *declared;
    const char *source; /* "leads/entities/lead.json", for complaints; NULL: a system field */
    void *data;         /* the type's own: flow, roll-up, lookup path, number pattern */
};

/* An option's text in the language of who asks, else its value; in ctx->arena. */
const char *field_option_label(struct ctx *ctx, const struct field *field,
                               const struct field_option *option);

/* state: may `to` follow `from` (NULL from = creation)? *required: fields the transition asks for
 * (NULL-terminated, may be NULL). */
bool field_state_allows(const struct field *field, struct slice from, struct slice to,
                        const char *const **required);

/* rollup: op of `by` over records of `from` whose `ref` is this one and that match `where`. */
struct field_rollup {
    const char *from, *by; /* entity, its ref field */
    enum query_measure op;
    const char *of; /* measured field; NULL for count */
    const struct json *where;
};
const struct field_rollup *field_rollup_of(const struct field *field);
/* lookup: path of at most PATH_REFS_MAX references, e.g. "account.industry". */
const char *field_lookup_path(const struct field *field);
/* The field at the path's end: its type writes the value. NULL when it is no lookup. */
const struct field *field_lookup_end(const struct field *field);
/* computed: "module.function" and the fields it depends on. */
const char *field_computed_fn(const struct field *field, const char *const **deps);
/* The type a derived field's values have: for computed and rollup the type of the result (whose
 * parse reads what a script gives back), for lookup that of the end of the path; else the field's
 * own. */
const struct field_type *field_result_type(const struct field *field);
/* autonumber: the pattern's text for a counter value on a day; the counter's name for that day. */
const char *field_number_text(const struct field *field, struct arena *arena, int64_t counter,
                              int64_t day);
const char *field_number_counter(const struct field *field, struct arena *arena, int64_t day);

/* Whole-field helpers over a record's value array. */
bool field_is_empty(const struct field *field, const struct value *values);
bool field_equal(const struct field *field, const struct value *a, const struct value *b);
/* null or the type's put; `values` is the record's whole array. */
void field_put(const struct field *field, const struct value *values, struct buf *out);
void field_put_text(const struct field *field, const struct value *values, struct buf *out);
