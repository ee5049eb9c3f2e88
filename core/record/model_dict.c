/* model_dict - dictionaries: presets of plugins, and the tenant's own rows, which replace a preset
 * whole as soon as there are any.
 *
 *   { "name": "industry", "label": "@dict.industry", "values": [ "it", { "value": "bank", "parent":
 *     "finance", "label": "@industry.bank", "active": false } ] }
 *
 * { "extend": "industry", "values": [ … ] } adds values at the end, or gives known ones another
 * word, colour or parent; it takes none away.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/model_build.h"

#include "base/limits.h"
#include "store/query.h"

static struct field_option preset(struct build *b, const char *dictionary, const struct json *item)
{
    struct field_option option = {.is_active = true};

    option.value = item->type == JSON_STRING ? item->text.at : json_cstr(item, "value", "");
    const char *key =
        json_cstr(item, "label", arena_printf(b->arena, "@%s.%s", dictionary, option.value));
    option.label = *key == '@' && !strchr(key, ':')
                       ? arena_printf(b->arena, "@%s:%s", b->plugin->id, key + 1)
                       : key;
    option.parent = json_cstr(item, "parent", NULL);
    option.tone = json_cstr(item, "tone", NULL);
    option.is_active = json_bool(item, "active", true);
    return option;
}

/* What is said of a known value goes before what was said. */
static void change_option(struct build *b, const char *dictionary, struct field_option *option,
                          const struct json *item)
{
    struct field_option said = preset(b, dictionary, item);

    if (json_get(item, "label"))
        option->label = said.label;
    option->parent = said.parent ? said.parent : option->parent;
    option->tone = said.tone ? said.tone : option->tone;
    option->is_active = option->is_active && said.is_active;
}

static enum err extend_dictionary(struct build *b, const struct json *doc)
{
    struct slice name = json_str(doc, "extend", SLICE(""));
    const struct json *values = json_get(doc, "values");
    struct model_dictionary *dictionary = map_get(&b->model->dictionaries, name);

    if (!dictionary)
        return build_fail(b, doc->line, "there is no dictionary \"" SLICE_FMT "\" to extend",
                          SLICE_ARG(name));
    dictionary = overlay_dictionary(b, dictionary);
    int count = dictionary->options_count;
    struct field_option *options =
        arena_array(b->arena, struct field_option, (size_t)(count + values->count) + 1);
    if (count)
        memcpy(options, dictionary->options, (size_t)count * sizeof *options);
    json_each(item, values)
    {
        struct field_option option = preset(b, dictionary->name, item);
        int at = 0;
        while (at < count && strcmp(options[at].value, option.value) != 0)
            at++;
        if (at < count)
            change_option(b, dictionary->name, &options[at], item);
        else
            options[count++] = option;
    }
    dictionary->options = options;
    dictionary->options_count = count;
    return ERR_OK;
}

static void list_put(struct build *b, struct model_dictionary *dictionary)
{
    struct model *model = b->model;
    int n = model->dictionaries_count++;

    model->dictionary_list = build_list(b->arena, model->dictionary_list, n);
    model->dictionary_list[n] = dictionary;
}

enum err build_dictionary(struct build *b, const struct json *doc)
{
    const char *name = json_cstr(doc, "name", "");
    const struct json *values = json_get(doc, "values");
    struct model *model = b->model;

    if (json_get(doc, "extend"))
        return extend_dictionary(b, doc);
    if (!*name)
        return build_fail(b, doc->line, "a dictionary needs \"name\", an extension \"extend\"");

    if (map_get(&model->dictionaries, slice_str(name)))
        return build_fail(b, doc->line, "there is a dictionary \"%s\" already", name);
    struct model_dictionary *dictionary = arena_make(b->arena, struct model_dictionary);
    struct field_option *options =
        arena_array(b->arena, struct field_option, (size_t)(values ? values->count : 0));
    dictionary->name = name;
    dictionary->label = json_cstr(doc, "label", arena_printf(b->arena, "@%s", name));
    dictionary->plugin = b->plugin->id;
    dictionary->options = options;
    json_each(item, values) options[dictionary->options_count++] = preset(b, name, item);
    map_put(&model->dictionaries, slice_str(name), dictionary);
    list_put(b, dictionary);
    return ERR_OK;
}

/* --- the tenant's rows --- */

struct rows {
    struct build *build;
    struct model_dictionary *at; /* rows come ordered by dictionary */
    struct field_option *options;
    int cap;
};

static struct model_dictionary *own_dictionary(struct build *b, struct slice name)
{
    struct model_dictionary *dictionary = map_get(&b->model->dictionaries, name);

    if (dictionary)
        return overlay_dictionary(b, dictionary);
    dictionary = arena_make(b->arena, struct model_dictionary);
    dictionary->name = arena_str(b->arena, name);
    dictionary->label = dictionary->name;
    dictionary->plugin = "core";
    map_put(&b->model->dictionaries, slice_str(dictionary->name), dictionary);
    list_put(b, dictionary);
    return dictionary;
}

static bool take_row(void *arg, const struct store_row *row)
{
    struct rows *rows = arg;
    struct build *b = rows->build;
    struct slice name = store_row_bytes(row, 0);

    if (!rows->at || !slice_is(name, rows->at->name)) {
        rows->at = own_dictionary(b, name);
        rows->at->is_own = true;
        rows->at->options_count = 0;
        rows->cap = 0;
        rows->options = NULL;
    }
    int n = rows->at->options_count;
    if (n == rows->cap) {
        rows->cap = n ? n * 2 : 16;
        rows->options = arena_grow(b->arena, rows->options, (size_t)n * sizeof *rows->options,
                                   (size_t)rows->cap * sizeof *rows->options);
    }
    struct field_option *option = &rows->options[n];
    *option = (struct field_option){.is_active = store_row_int(row, 4) != 0};
    option->value = arena_str(b->arena, store_row_bytes(row, 1));
    option->label = option->value;
    if (!store_row_is_null(row, 2))
        option->parent = arena_str(b->arena, store_row_bytes(row, 2));
    const struct json *labels = NULL;
    if (!store_row_is_null(row, 3) &&
        json_parse(b->arena, store_row_bytes(row, 3), &labels, NULL) == ERR_OK)
        option->labels = labels;
    rows->at->options = rows->options;
    rows->at->options_count = n + 1;
    b->hash = hash_stable(store_row_bytes(row, 1)) ^ (b->hash * 31);
    return true;
}

enum err build_dictionary_rows(struct build *b)
{
    static const struct query_column columns[] = {{.column = {0, "dict"}},
                                                  {.column = {0, "value"}},
                                                  {.column = {0, "parent"}},
                                                  {.column = {0, "label"}},
                                                  {.column = {0, "active"}}};
    static const struct query_order order[] = {
        {.column = {0, "dict"}}, {.column = {0, "sort"}}, {.column = {0, "value"}}};
    const struct query query = {.table = "dictionary",
                                .select = columns,
                                .select_count = 5,
                                .order = order,
                                .order_count = 3};
    struct rows rows = {.build = b};

    if (b->is_base)
        return ERR_OK;
    return store_read(b->tenant->store, &query, take_row, &rows);
}
