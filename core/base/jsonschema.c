/* jsonschema - see jsonschema.h.
 *
 * One function per keyword, found in one table; a keyword that is not in the table is a BUG, so a
 * schema never promises what nobody checks. Schemas are files of ours; documents come from outside.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/jsonschema.h"

#include "base/limits.h"
#include "base/text.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#define PATTERNS_KEPT 16 /* compiled ones of this process */

struct check {
    struct arena *arena;
    const struct json *root; /* the schema's root, for $ref */
    struct jsonschema_fault *first, *last;
    int faults;
    bool quiet; /* trying a branch of anyOf or oneOf: count, do not collect */
};

/* Where the check stands in the document. */
struct spot {
    const struct json *node;
    const struct spot *parent; /* NULL at the root */
    struct slice name;         /* member name, or empty in arrays */
    int index;                 /* in arrays */
};

static void check_node(struct check *c, const struct json *schema, const struct spot *spot);

/* --- Faults --- */

static void pointer_put(struct buf *b, const struct spot *spot)
{
    if (!spot->parent)
        return;
    pointer_put(b, spot->parent);
    buf_put_char(b, '/');
    if (spot->parent->node->type == JSON_ARRAY) {
        buf_put_int(b, spot->index);
        return;
    }
    for (size_t i = 0; i < spot->name.len; i++) { /* RFC 6901 section 3 */
        char at = spot->name.at[i];
        if (at == '~' || at == '/')
            buf_put_str(b, at == '~' ? "~0" : "~1");
        else
            buf_put_char(b, at);
    }
}

static void fault_add(struct check *c, const struct spot *spot, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static void fault_add(struct check *c, const struct spot *spot, const char *fmt, ...)
{
    struct buf pointer = BUF_INIT;
    va_list args;

    if (c->faults++ >= JSONSCHEMA_FAULTS_MAX || c->quiet)
        return;
    struct jsonschema_fault *fault = arena_make(c->arena, struct jsonschema_fault);
    pointer_put(&pointer, spot);
    fault->pointer = arena_str(c->arena, buf_slice(&pointer));
    buf_release(&pointer);
    fault->line = spot->node->line;
    va_start(args, fmt);
    fault->what = arena_vprintf(c->arena, fmt, args);
    va_end(args);
    if (c->last)
        c->last->next = fault;
    else
        c->first = fault;
    c->last = fault;
}

/* Compact JSON, cut to a length that fits a sentence. */
static const char *shown(struct check *c, const struct json *node)
{
    struct buf b = BUF_INIT;

    json_put(&b, node);
    bool cut = text_chars(buf_slice(&b)) > JSONSCHEMA_SHOWN_CHARS;
    struct slice head = text_head(buf_slice(&b), JSONSCHEMA_SHOWN_CHARS);
    const char *text = arena_printf(c->arena, SLICE_FMT "%s", SLICE_ARG(head), cut ? "…" : "");
    buf_release(&b);
    return text;
}

static bool fits(struct check *c, const struct json *schema, const struct spot *spot)
{
    struct check trial = {.arena = c->arena, .root = c->root, .quiet = true};

    check_node(&trial, schema, spot);
    return trial.faults == 0;
}

/* --- Numbers and strings --- */

static double number_of(const struct json *node)
{
    return node->type == JSON_INT ? (double)node->integer : node->real;
}

static bool is_number(const struct json *node)
{
    return node->type == JSON_INT || node->type == JSON_REAL;
}

static bool number_below(const struct json *a, const struct json *b)
{
    if (a->type == JSON_INT && b->type == JSON_INT)
        return a->integer < b->integer;
    return number_of(a) < number_of(b);
}

static void check_minimum(struct check *c, const struct json *rule, const struct json *schema,
                          const struct spot *spot)
{
    (void)schema;
    if (is_number(spot->node) && number_below(spot->node, rule))
        fault_add(c, spot, "is less than %s", shown(c, rule));
}

static void check_maximum(struct check *c, const struct json *rule, const struct json *schema,
                          const struct spot *spot)
{
    (void)schema;
    if (is_number(spot->node) && number_below(rule, spot->node))
        fault_add(c, spot, "is greater than %s", shown(c, rule));
}

static void check_min_length(struct check *c, const struct json *rule, const struct json *schema,
                             const struct spot *spot)
{
    (void)schema;
    if (spot->node->type == JSON_STRING && (int64_t)text_chars(spot->node->text) < rule->integer)
        fault_add(c, spot, "is shorter than %s characters", shown(c, rule));
}

static void check_max_length(struct check *c, const struct json *rule, const struct json *schema,
                             const struct spot *spot)
{
    (void)schema;
    if (spot->node->type == JSON_STRING && (int64_t)text_chars(spot->node->text) > rule->integer)
        fault_add(c, spot, "is longer than %s characters", shown(c, rule));
}

/* Compiling one was most of a check; a dozen of them are asked again and again. By their text: a
 * schema may be read anew. */
static struct compiled {
    char *pattern; /* owned; NULL = free */
    regex_t regex;
} compiled[PATTERNS_KEPT];

static const regex_t *pattern_of(const char *pattern)
{
    static int next;
    for (int i = 0; i < PATTERNS_KEPT && compiled[i].pattern; i++)
        if (strcmp(compiled[i].pattern, pattern) == 0)
            return &compiled[i].regex;
    struct compiled *at = &compiled[next++ % PATTERNS_KEPT];
    if (at->pattern)
        regfree(&at->regex);
    free(at->pattern);
    at->pattern = strdup(pattern);
    ASSERT_MEMORY(at->pattern);
    if (regcomp(&at->regex, pattern, REG_EXTENDED | REG_NOSUB))
        BUG("a pattern in a schema does not compile"); /* our mistake */
    return &at->regex;
}

static bool pattern_matches(const char *pattern, const char *text)
{
    return regexec(pattern_of(pattern), text, 0, NULL, 0) == 0;
}

static void check_pattern(struct check *c, const struct json *rule, const struct json *schema,
                          const struct spot *spot)
{
    (void)schema;
    if (spot->node->type == JSON_STRING && !pattern_matches(rule->text.at, spot->node->text.at))
        fault_add(c, spot, "%s does not match %s", shown(c, spot->node), rule->text.at);
}

/* --- Any value --- */

static bool has_type(const struct json *node, struct slice type)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",     [JSON_BOOL] = "boolean",  [JSON_INT] = "integer",
        [JSON_REAL] = "number",   [JSON_STRING] = "string", [JSON_ARRAY] = "array",
        [JSON_OBJECT] = "object",
    };

    return slice_is(type, names[node->type]) ||
           (node->type == JSON_INT && slice_is(type, "number"));
}

static void check_type(struct check *c, const struct json *rule, const struct json *schema,
                       const struct spot *spot)
{
    struct buf names = BUF_INIT;

    (void)schema;
    if (rule->type == JSON_STRING) {
        if (!has_type(spot->node, rule->text))
            fault_add(c, spot, "is not of type %s", rule->text.at);
        return;
    }
    json_each(type, rule)
    {
        if (has_type(spot->node, type->text)) {
            buf_release(&names);
            return;
        }
        buf_put_str(&names, names.len ? " or " : "");
        buf_put_slice(&names, type->text);
    }
    fault_add(c, spot, "is not of type %s", buf_cstr(&names));
    buf_release(&names);
}

/* The listed string nearest to what was written, or NULL. */
static const char *nearest(struct slice written, const char *best, int *distance,
                           struct slice candidate)
{
    int d = text_distance(written, candidate, *distance - 1);

    if (d >= *distance)
        return best;
    *distance = d;
    return candidate.at;
}

static void check_enum(struct check *c, const struct json *rule, const struct json *schema,
                       const struct spot *spot)
{
    const char *near = NULL;
    int distance = JSONSCHEMA_NEAR + 1;

    (void)schema;
    json_each(value, rule)
    {
        if (json_equal(value, spot->node))
            return;
        if (value->type == JSON_STRING && spot->node->type == JSON_STRING)
            near = nearest(spot->node->text, near, &distance, value->text);
    }
    if (near)
        fault_add(c, spot, "%s is not one of the values allowed (did you mean \"%s\"?)",
                  shown(c, spot->node), near);
    else
        fault_add(c, spot, "%s is not one of %s", shown(c, spot->node), shown(c, rule));
}

static void check_const(struct check *c, const struct json *rule, const struct json *schema,
                        const struct spot *spot)
{
    (void)schema;
    if (!json_equal(rule, spot->node))
        fault_add(c, spot, "is not %s", shown(c, rule));
}

/* --- Objects --- */

static void check_required(struct check *c, const struct json *rule, const struct json *schema,
                           const struct spot *spot)
{
    (void)schema;
    if (spot->node->type != JSON_OBJECT)
        return;
    json_each(name, rule)
    {
        if (!json_get_slice(spot->node, name->text))
            fault_add(c, spot, "lacks \"%s\"", name->text.at);
    }
}

static bool matches_any_pattern(const struct json *patterns, const struct json *member)
{
    json_each(pattern, patterns)
    {
        if (pattern_matches(pattern->key.at, member->key.at))
            return true;
    }
    return false;
}

static void fault_unknown(struct check *c, const struct json *properties, const struct spot *spot)
{
    const char *near = NULL;
    int distance = JSONSCHEMA_NEAR + 1;

    json_each(known, properties) near = nearest(spot->node->key, near, &distance, known->key);
    if (near)
        fault_add(c, spot, "is not a known member (did you mean \"%s\"?)", near);
    else
        fault_add(c, spot, "is not a known member");
}

/* properties, patternProperties and additionalProperties are one rule; it is run once, by the
 * first of them that the schema has. */
static void check_properties(struct check *c, const struct json *rule, const struct json *schema,
                             const struct spot *spot)
{
    const struct json *properties = json_get(schema, "properties");
    const struct json *patterns = json_get(schema, "patternProperties");
    const struct json *others = json_get(schema, "additionalProperties");

    if (spot->node->type != JSON_OBJECT)
        return;
    if (rule != properties && (properties || (patterns && rule != patterns)))
        return;
    json_each(member, spot->node)
    {
        struct spot below = {.node = member, .parent = spot, .name = member->key};
        const struct json *known = json_get_slice(properties, member->key);
        if (known)
            check_node(c, known, &below);
        json_each(pattern, patterns)
        {
            if (pattern_matches(pattern->key.at, member->key.at))
                check_node(c, pattern, &below);
        }
        if (known || !others || matches_any_pattern(patterns, member))
            continue;
        if (others->type == JSON_BOOL && !others->boolean)
            fault_unknown(c, properties, &below);
        else
            check_node(c, others, &below);
    }
}

static void check_property_names(struct check *c, const struct json *rule,
                                 const struct json *schema, const struct spot *spot)
{
    (void)schema;
    if (spot->node->type != JSON_OBJECT)
        return;
    json_each(member, spot->node)
    {
        struct json name = {.type = JSON_STRING, .text = member->key, .line = member->line};
        struct spot below = {.node = &name, .parent = spot, .name = member->key};
        check_node(c, rule, &below);
    }
}

/* --- Arrays --- */

static void check_items(struct check *c, const struct json *rule, const struct json *schema,
                        const struct spot *spot)
{
    int index = 0;

    (void)schema;
    if (spot->node->type != JSON_ARRAY)
        return;
    json_each(item, spot->node)
    {
        struct spot below = {.node = item, .parent = spot, .index = index++};
        check_node(c, rule, &below);
    }
}

static void check_min_items(struct check *c, const struct json *rule, const struct json *schema,
                            const struct spot *spot)
{
    (void)schema;
    if (spot->node->type == JSON_ARRAY && spot->node->count < rule->integer)
        fault_add(c, spot, "has fewer than %s items", shown(c, rule));
}

static void check_max_items(struct check *c, const struct json *rule, const struct json *schema,
                            const struct spot *spot)
{
    (void)schema;
    if (spot->node->type == JSON_ARRAY && spot->node->count > rule->integer)
        fault_add(c, spot, "has more than %s items", shown(c, rule));
}

static void check_unique_items(struct check *c, const struct json *rule, const struct json *schema,
                               const struct spot *spot)
{
    int index = 0;

    (void)schema;
    if (spot->node->type != JSON_ARRAY || !rule->boolean)
        return;
    json_each(item, spot->node)
    {
        struct spot below = {.node = item, .parent = spot, .index = index++};
        for (const struct json *earlier = spot->node->first; earlier != item;
             earlier = earlier->next) {
            if (json_equal(earlier, item)) {
                fault_add(c, &below, "%s stands there twice", shown(c, item));
                break;
            }
        }
    }
}

/* --- Several schemas --- */

static void check_all_of(struct check *c, const struct json *rule, const struct json *schema,
                         const struct spot *spot)
{
    (void)schema;
    json_each(branch, rule) check_node(c, branch, spot);
}

/* The only branch whose "type" fits the value says best what is wrong. */
static const struct json *likely_branch(const struct json *rule, const struct spot *spot)
{
    const struct json *likely = NULL;

    json_each(branch, rule)
    {
        const struct json *type = json_get(branch, "type");
        if (!type || type->type != JSON_STRING || !has_type(spot->node, type->text))
            continue;
        if (likely)
            return NULL;
        likely = branch;
    }
    return likely;
}

static void fault_no_branch(struct check *c, const struct json *rule, const struct spot *spot)
{
    const struct json *likely = likely_branch(rule, spot);

    if (likely)
        check_node(c, likely, spot);
    else
        fault_add(c, spot, "has none of the forms allowed");
}

static void check_any_of(struct check *c, const struct json *rule, const struct json *schema,
                         const struct spot *spot)
{
    (void)schema;
    json_each(branch, rule)
    {
        if (fits(c, branch, spot))
            return;
    }
    fault_no_branch(c, rule, spot);
}

static void check_one_of(struct check *c, const struct json *rule, const struct json *schema,
                         const struct spot *spot)
{
    int matching = 0;

    (void)schema;
    json_each(branch, rule) matching += fits(c, branch, spot);
    if (matching == 0)
        fault_no_branch(c, rule, spot);
    else if (matching > 1)
        fault_add(c, spot, "has %d of the forms allowed, but must have one", matching);
}

static void check_ref(struct check *c, const struct json *rule, const struct json *schema,
                      const struct spot *spot)
{
    struct slice prefix = SLICE("#/$defs/");

    (void)schema;
    if (!slice_starts(rule->text, prefix))
        BUG("a $ref of a schema leads outside #/$defs/");
    struct slice name = slice_of(rule->text.at + prefix.len, rule->text.len - prefix.len);
    const struct json *target = json_get_slice(json_get(c->root, "$defs"), name);
    if (!target)
        BUG("a $ref of a schema leads nowhere");
    check_node(c, target, spot);
}

/* --- The table --- */

typedef void keyword_check(struct check *c, const struct json *rule, const struct json *schema,
                           const struct spot *spot);

static const struct keyword {
    const char *name;
    keyword_check *check; /* NULL: says nothing about the document */
} keywords[] = {
    {"type", check_type},
    {"$ref", check_ref},
    {"required", check_required},
    {"properties", check_properties},
    {"patternProperties", check_properties},
    {"additionalProperties", check_properties},
    {"propertyNames", check_property_names},
    {"items", check_items},
    {"minItems", check_min_items},
    {"maxItems", check_max_items},
    {"uniqueItems", check_unique_items},
    {"enum", check_enum},
    {"const", check_const},
    {"minimum", check_minimum},
    {"maximum", check_maximum},
    {"minLength", check_min_length},
    {"maxLength", check_max_length},
    {"pattern", check_pattern},
    {"anyOf", check_any_of},
    {"oneOf", check_one_of},
    {"allOf", check_all_of},
    {"$schema", NULL},
    {"$id", NULL},
    {"$defs", NULL},
    {"$comment", NULL},
    {"title", NULL},
    {"description", NULL},
    {"default", NULL},
    {"examples", NULL},
};

static const struct keyword *keyword_find(struct slice name)
{
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (slice_is(name, keywords[i].name))
            return &keywords[i];
    }
    BUG("a schema uses a keyword that nobody checks");
}

static void check_node(struct check *c, const struct json *schema, const struct spot *spot)
{
    if (schema->type == JSON_BOOL) {
        if (!schema->boolean)
            fault_add(c, spot, "is not allowed here");
        return;
    }
    ASSERT(schema->type == JSON_OBJECT);
    json_each(rule, schema)
    {
        const struct keyword *keyword = keyword_find(rule->key);
        if (keyword->check)
            keyword->check(c, rule, schema, spot);
    }
}

const struct jsonschema_fault *jsonschema_check(struct arena *arena, const struct json *schema,
                                                const struct json *document)
{
    struct check c = {.arena = arena, .root = schema};
    struct spot root = {.node = document};

    ASSERT(schema && document);
    check_node(&c, schema, &root);
    return c.first;
}
