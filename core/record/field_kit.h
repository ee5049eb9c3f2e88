/* field_kit - what the files of the field types share; private to this folder.
 *
 * A complaint names the path as the client wrote it and a code that is a text key of the core
 * plugin. Lists are kept as the JSON array they are shown as.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include "record/field.h"

#define FIELD_TEXT_CHARS    255   /* a text field without "length" */
#define FIELD_LONG_CHARS    65536 /* a longtext or richtext field without "length" */
#define FIELD_LIST_MAX      100   /* values in one list */
#define FIELD_TAG_CHARS     50
#define FIELD_RATING_MAX    10
#define FIELD_RATE_SCALE    6 /* money: exchange rates are integers of 10^-6 */
#define FIELD_SCALE_DEFAULT 2
#define FIELD_SCALE_MAX     9

/* One complaint; `fmt` makes the members of its arguments ("\"max\":%d") or is NULL. */
MUST_USE enum err field_bad(struct ctx *ctx, const char *path, const char *code, const char *fmt,
                            ...) PRINTF_LIKE(4, 5);
/* What somebody wrote, as a JSON string with its quotes: for such arguments. Empty for bad UTF-8.
 */
const char *field_quoted(struct arena *arena, struct slice text);
/* The text of a string or number; false for anything else. Numbers keep the source's digits. */
bool field_source_text(struct arena *arena, const struct json *in, struct slice *out);
/* Complains "too_small" or "too_large" when n lies outside field->min and max; the bounds are shown
 * with `scale` fraction digits. */
MUST_USE enum err field_check_range(struct ctx *ctx, const struct field *field, const char *path,
                                    int64_t n, int scale);
/* Complains "too_long". */
MUST_USE enum err field_check_length(struct ctx *ctx, const struct field *field, const char *path,
                                     struct slice s);
/* Trimmed text on one line: control characters and runs of white space become one space. */
struct slice field_one_line(struct arena *arena, struct slice s);
/* The same type for another name and role: computed and rollup fields, lookups. */
struct field_type *field_variant(struct arena *arena, const struct field_type *of, const char *name,
                                 int columns);

/* The operand is read as a value of the field is, and compared with the first column. */
MUST_USE enum err field_operand_parse(struct ctx *ctx, const struct field *field,
                                      const struct json *in, struct value *out, int *column);

/* A list whose items `one` reads. A single value is a list of one; null and [] are empty. Equal
 * items are kept once. */
typedef enum err (*field_item)(struct ctx *ctx, const struct field *field, const char *path,
                               const struct json *in, struct value *out);
MUST_USE enum err field_list_parse(struct ctx *ctx, const struct field *field, const char *path,
                                   const struct json *in, field_item one, struct value *out);
/* A JSON array of strings from "a, b、c": what a cell of a table holds. Other input stays. */
const struct json *field_list_split(struct arena *arena, const struct json *in);
/* put of every type kept as JSON text. */
void field_put_json(const struct field *field, const struct value *values, struct buf *out);
/* put_text of lists of texts: "a, b". */
void field_put_list_text(const struct field *field, const struct value *values, struct buf *out);
/* put of types kept as plain text, and their put_text. */
void field_put_string(const struct field *field, const struct value *values, struct buf *out);
void field_put_plain(const struct field *field, const struct value *values, struct buf *out);
/* put of ids. */
void field_put_id(const struct field *field, const struct value *values, struct buf *out);
/* An id as text, or an object with the member "id" (as expanded references are shown). */
MUST_USE enum err field_parse_id(struct ctx *ctx, const struct field *field, const char *path,
                                 const struct json *in, struct value *out);

/* Sealed types: the three values of a plain text and its mask, and an operand made by the type's
 * parse. */
MUST_USE enum err field_sealed_values(struct ctx *ctx, const struct field *field,
                                      struct slice plain, struct slice mask, struct value *out);
MUST_USE enum err field_sealed_operand(struct ctx *ctx, const struct field *field,
                                       const struct json *in, struct value *out, int *column);
/* Without spaces and hyphens, in capitals. */
struct slice field_compact(struct arena *arena, struct slice s);

/* Options: the place of a value among them, or NULL. */
const struct field_option *field_option_find(const struct field *field, struct slice value);
MUST_USE enum err field_parse_option(struct ctx *ctx, const struct field *field, const char *path,
                                     const struct json *in, struct value *out);
MUST_USE enum err field_operand_option(struct ctx *ctx, const struct field *field,
                                       const struct json *in, struct value *out, int *column);
/* Reads "values" of an enum, multienum or state. */
MUST_USE enum err field_declare_options(struct field *field, const struct json *doc,
                                        struct arena *arena, const char **why);
MUST_USE enum err field_declare_ref(struct field *field, const struct json *doc,
                                    struct arena *arena, const char **why);
MUST_USE enum err field_declare_scale(struct field *field, const struct json *doc,
                                      struct arena *arena, const char **why);
/* state: after options have been added by an extension nothing changes; checks the flow's names. */

/* The readers that other types use too. */
MUST_USE enum err field_text_parse(struct ctx *ctx, const struct field *field, const char *path,
                                   const struct json *in, struct value *out);
MUST_USE enum err field_int_parse(struct ctx *ctx, const struct field *field, const char *path,
                                  const struct json *in, struct value *out);
void field_int_put(const struct field *field, const struct value *values, struct buf *out);
MUST_USE enum err field_decimal_parse(struct ctx *ctx, const struct field *field, const char *path,
                                      const struct json *in, struct value *out);
void field_decimal_put(const struct field *field, const struct value *values, struct buf *out);
void field_decimal_put_text(const struct field *field, const struct value *values, struct buf *out);
/* Markup cut down to what cannot run: see field_richtext.c. */
void richtext_clean(struct slice html, struct buf *out);
/* "+8613800000001" from what people write; false when it is no phone number. */
bool phone_clean(struct slice typed, bool is_china, struct buf *out);
bool email_clean(struct slice typed, struct buf *out);
bool url_clean(struct slice typed, struct buf *out);

/* Second pass of the model: types that depend on other entities' fields. */
void field_rollup_resolve(struct field *field, struct arena *arena, const struct field *of);
void field_lookup_resolve(struct field *field, struct arena *arena, const struct field *end);

/* The types, one per file. */
#define FIELD_TYPES(X)                                                                             \
    X(text)                                                                                        \
    X(longtext)                                                                                    \
    X(richtext)                                                                                    \
    X(int)                                                                                         \
    X(decimal)                                                                                     \
    X(money)                                                                                       \
    X(percent)                                                                                     \
    X(bool)                                                                                        \
    X(date)                                                                                        \
    X(datetime)                                                                                    \
    X(duration)                                                                                    \
    X(enum)                                                                                        \
    X(multienum)                                                                                   \
    X(dict)                                                                                        \
    X(state)                                                                                       \
    X(ref)                                                                                         \
    X(refs)                                                                                        \
    X(ref_any)                                                                                     \
    X(user)                                                                                        \
    X(team)                                                                                        \
    X(phone)                                                                                       \
    X(email)                                                                                       \
    X(url)                                                                                         \
    X(address)                                                                                     \
    X(geo)                                                                                         \
    X(file)                                                                                        \
    X(files)                                                                                       \
    X(image)                                                                                       \
    X(json)                                                                                        \
    X(tags)                                                                                        \
    X(color)                                                                                       \
    X(rating)                                                                                      \
    X(autonumber)                                                                                  \
    X(computed)                                                                                    \
    X(rollup)                                                                                      \
    X(lookup)                                                                                      \
    X(secret)                                                                                      \
    X(id_card)                                                                                     \
    X(bank_card)
#define X(name) extern const struct field_type field_type_##name;
FIELD_TYPES(X)
#undef X
