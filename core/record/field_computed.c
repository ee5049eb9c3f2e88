/* field_computed - worked out by a plugin's function when what it depends on changes, and stored.
 *
 *   "fn": "pricing.total", "deps": ["amount", "discount"], "result": "money"
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/field_kit.h"

static const char *const results[] = {"int",  "decimal", "money",   "text",
                                      "bool", "date",    "datetime"};

struct computed {
    const char *fn;
    const char *const *deps; /* NULL-terminated */
};

static const struct field_type *result_type(struct slice name)
{
    for (size_t i = 0; i < sizeof(results) / sizeof *results; i++)
        if (slice_is(name, results[i]))
            return field_type_find(name);
    return NULL;
}

static enum err computed_declare(struct field *field, const struct json *doc, struct arena *arena,
                                 const char **why)
{
    struct computed *data = arena_make(arena, struct computed);
    const struct field_type *result = result_type(json_str(doc, "result", SLICE("")));
    const struct json *deps = json_get(doc, "deps");

    data->fn = json_cstr(doc, "fn", NULL);
    if (!data->fn || !result) {
        *why = arena_printf(arena,
                            "field \"%s\" needs \"fn\" and \"result\" (int, decimal, money, text, "
                            "bool, date or datetime)",
                            field->name);
        return ERR_MALFORMED;
    }
    const char **names = arena_array(arena, const char *, (size_t)(deps ? deps->count : 0) + 1);
    int n = 0;
    json_each(item, deps) names[n++] = item->text.at;
    data->deps = names;
    field->data = data;
    field->type = field_variant(arena, result, "computed", result->columns);
    return result->declare ? result->declare(field, doc, arena, why) : ERR_OK;
}

const char *field_computed_fn(const struct field *field, const char *const **deps)
{
    const struct computed *data = field->data;

    ASSERT(data);
    if (deps)
        *deps = data->deps;
    return data->fn;
}

const struct field_type field_type_computed = {
    .name = "computed",
    .kind = KIND_TEXT,
    .is_derived = true,
    .declare = computed_declare,
};
