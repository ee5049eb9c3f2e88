/* field_state - a value with a flow: which may follow which, and what each step asks for.
 *
 *   "initial": ["new"],                     absent: the first value; "*": any
 *   "flow": { "new": ["working", { "to": "dead", "requires": ["lost_reason"] }], … },
 *   "requires": { "dead": ["lost_reason"] } whatever the way into that state was
 *
 * A state without an entry in "flow" is final.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

struct state_step {
    const char *from, *to; /* from NULL = creation */
    const char **required; /* NULL-terminated; NULL = nothing */
    struct state_step *next;
};

struct state_flow {
    struct state_step *steps;
    bool starts_anywhere;
    struct state_step *entries; /* "requires": from is unused */
};

static const char *name_in(const struct field *field, struct slice name)
{
    const struct field_option *option = field_option_find(field, name);
    return option ? option->value : NULL;
}

static const char **names_of(struct arena *arena, const struct json *list)
{
    if (!list || list->count == 0)
        return NULL;
    const char **names = arena_array(arena, const char *, (size_t)list->count + 1);
    int n = 0;
    json_each(item, list) names[n++] = item->text.at;
    return names;
}

static enum err unknown_state(const struct field *field, struct arena *arena, struct slice name,
                              const char **why)
{
    *why = arena_printf(arena, "field \"%s\" has no value \"" SLICE_FMT "\"", field->name,
                        SLICE_ARG(name));
    return ERR_MALFORMED;
}

static enum err add_step(struct field *field, struct arena *arena, struct state_step **list,
                         const char *from, struct slice to, const struct json *required,
                         const char **why)
{
    struct state_step *step = arena_make(arena, struct state_step);

    step->from = from;
    step->to = name_in(field, to);
    if (!step->to)
        return unknown_state(field, arena, to, why);
    step->required = names_of(arena, required);
    step->next = *list;
    *list = step;
    return ERR_OK;
}

static enum err read_flow(struct field *field, struct arena *arena, struct state_flow *flow,
                          const struct json *doc, const char **why)
{
    json_each(state, json_get(doc, "flow"))
    {
        const char *from = name_in(field, state->key);
        if (!from)
            return unknown_state(field, arena, state->key, why);
        json_each(item, state)
        {
            struct slice to =
                item->type == JSON_STRING ? item->text : json_str(item, "to", SLICE(""));
            enum err e =
                add_step(field, arena, &flow->steps, from, to,
                         item->type == JSON_OBJECT ? json_get(item, "requires") : NULL, why);
            if (e)
                return e;
        }
    }
    json_each(state, json_get(doc, "requires"))
    {
        enum err e = add_step(field, arena, &flow->entries, NULL, state->key, state, why);
        if (e)
            return e;
    }
    return ERR_OK;
}

static size_t names_count(const char *const *names)
{
    size_t n = 0;
    while (names && names[n])
        n++;
    return n;
}

/* What entering a state asks for is asked by every step into it. */
static void join_requirements(struct arena *arena, struct state_flow *flow)
{
    for (const struct state_step *entry = flow->entries; entry; entry = entry->next) {
        for (struct state_step *step = flow->steps; step; step = step->next) {
            if (step->to != entry->to)
                continue;
            size_t own = names_count(step->required), more = names_count(entry->required);
            const char **all = arena_array(arena, const char *, own + more + 1);
            for (size_t i = 0; i < own; i++)
                all[i] = step->required[i];
            for (size_t i = 0; i < more; i++)
                all[own + i] = entry->required[i];
            step->required = all;
        }
    }
}

static enum err state_declare(struct field *field, const struct json *doc, struct arena *arena,
                              const char **why)
{
    enum err e = field_declare_options(field, doc, arena, why);
    if (e)
        return e;

    struct state_flow *flow = arena_make(arena, struct state_flow);
    const struct json *initial = json_get(doc, "initial");
    flow->starts_anywhere = initial && initial->type == JSON_STRING;
    if (!initial)
        e = add_step(field, arena, &flow->steps, NULL, slice_str(field->options[0].value), NULL,
                     why);
    if (initial && initial->type == JSON_ARRAY) {
        json_each(item, initial)
        {
            if (!e)
                e = add_step(field, arena, &flow->steps, NULL, item->text, NULL, why);
        }
    }
    if (!e)
        e = read_flow(field, arena, flow, doc, why);
    if (!e)
        join_requirements(arena, flow);
    field->data = flow;
    return e;
}

bool field_state_allows(const struct field *field, struct slice from, struct slice to,
                        const char *const **required)
{
    const struct state_flow *flow = field->data;
    const struct state_step *found = NULL;
    const char **entry = NULL;

    ASSERT(flow);
    for (const struct state_step *s = flow->entries; s; s = s->next)
        if (slice_is(to, s->to))
            entry = s->required;
    for (const struct state_step *s = flow->steps; s && !found; s = s->next)
        if (slice_is(to, s->to) && (from.at ? s->from && slice_is(from, s->from) : s->from == NULL))
            found = s;
    if (required)
        *required = found ? found->required : entry;
    return found || (!from.at && flow->starts_anywhere);
}

const struct field_type field_type_state = {
    .name = "state",
    .kind = KIND_TEXT,
    .columns = 1,
    .suffixes = {""},
    .stores = {VALUE_TEXT},
    .declare = state_declare,
    .parse = field_parse_option,
    .put = field_put_string,
    .put_text = field_put_plain,
    .operand = field_operand_option,
    .operators = FIELD_OPS_ORDER,
};
