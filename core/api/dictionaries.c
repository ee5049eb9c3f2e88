/* dictionaries - lists of values that the company keeps itself: industries, regions, sources.
 *
 * What a plugin presets is replaced whole by the company's own rows once there are any. A value
 * that records hold may be put out of use, but not be taken away.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "api/admin.h"
#include "api/body.h"
#include "api/handlers.h"
#include "api/page.h"
#include "api/version.h"
#include "auth/audit.h"
#include "base/hash.h"
#include "base/text.h"
#include "store/query.h"

#define VALUE_CHARS_MAX 100
#define LABEL_CHARS_MAX 200
#define DEPTH_MAX       10 /* levels below one another */
#define NAMED_MAX       5  /* values in use that the sentence names; "used" has all */

/* --- reading ------------------------------------------------------------------------------------
 */

static const char *const lang_names[LANG_COUNT] = {[LANG_ZH] = "zh-CN", [LANG_EN] = "en"};

/* The company's own labels as they are; those of a plugin in every language it speaks. */
static void put_label(struct call *call, struct buf *out, const char *plugin,
                      const struct field_option *option)
{
    const struct model *model = call->ctx->model;
    json_put_key(out, "label");
    if (option->labels) {
        json_put(out, option->labels);
        return;
    }
    buf_put_char(out, '{');
    for (int lang = 0; lang < LANG_COUNT; lang++) {
        json_put_key(out, lang_names[lang]);
        json_put_cstr(out, model_text_or(model, call->ctx->arena, (enum lang)lang, plugin,
                                         option->label, NULL, option->value));
    }
    buf_put_char(out, '}');
}

static void put_option(struct call *call, struct buf *out,
                       const struct model_dictionary *dictionary, int at)
{
    const struct field_option *option = &dictionary->options[at];
    json_put_comma(out);
    buf_put_char(out, '{');
    json_put_key(out, "value");
    json_put_cstr(out, option->value);
    json_put_key(out, "parent");
    json_put_cstr(out, option->parent);
    put_label(call, out, dictionary->plugin, option);
    json_put_key(out, "sort");
    json_put_int(out, at);
    json_put_key(out, "active");
    json_put_bool(out, option->is_active);
    buf_put_char(out, '}');
}

static void put_head(struct call *call, const struct model_dictionary *dictionary)
{
    const struct ctx *ctx = call->ctx;
    struct buf *out = &call->resp->body;
    json_put_key(out, "name");
    json_put_cstr(out, dictionary->name);
    json_put_key(out, "label");
    json_put_cstr(out, model_text_or(ctx->model, ctx->arena, ctx->lang, dictionary->plugin,
                                     dictionary->label, NULL, dictionary->name));
    json_put_key(out, "source");
    json_put_cstr(out, dictionary->is_own ? "tenant" : "plugin");
    json_put_key(out, "plugin");
    json_put_cstr(out, dictionary->plugin);
}

enum err dictionaries_list(struct call *call)
{
    const struct model *model = call->ctx->model;
    page_open(call);
    for (int i = 0; i < model->dictionaries_count; i++) {
        json_put_comma(&call->resp->body);
        buf_put_char(&call->resp->body, '{');
        put_head(call, model->dictionary_list[i]);
        json_put_key(&call->resp->body, "count");
        json_put_int(&call->resp->body, model->dictionary_list[i]->options_count);
        buf_put_char(&call->resp->body, '}');
    }
    page_close(call);
    return ERR_OK;
}

static const struct model_dictionary *find(const struct call *call)
{
    return map_get(&call->ctx->model->dictionaries, call_param(call, 0));
}

static void put_values(struct call *call, struct buf *out,
                       const struct model_dictionary *dictionary)
{
    json_put_key(out, "values");
    buf_put_char(out, '[');
    for (int i = 0; i < dictionary->options_count; i++)
        put_option(call, out, dictionary, i);
    buf_put_char(out, ']');
}

/* 0 where there is no such dictionary yet. */
static int64_t version(struct call *call, const struct model_dictionary *dictionary)
{
    struct buf text = BUF_INIT;
    if (!dictionary)
        return 0;
    json_put_bool(&text, dictionary->is_own);
    put_values(call, &text, dictionary);
    int64_t result = version_of(buf_slice(&text));
    buf_release(&text);
    return result;
}

static void put_whole(struct call *call, const struct model_dictionary *dictionary, bool is_known)
{
    struct buf *out = &call->resp->body;
    buf_put_char(out, '{');
    put_head(call, dictionary);
    put_values(call, out, dictionary);
    if (is_known) {
        version_put(out, version(call, dictionary));
        version_tag(call, dictionary->name, version(call, dictionary));
    }
    buf_put_char(out, '}');
}

enum err dictionaries_get(struct call *call)
{
    const struct model_dictionary *dictionary = find(call);
    if (!dictionary)
        return ERR_NOT_FOUND;
    put_whole(call, dictionary, true);
    return ERR_OK;
}

/* --- what is wanted -----------------------------------------------------------------------------
 */

struct entry {
    struct slice value, parent; /* parent.len 0: a value of the first level */
    const struct json *label;   /* NULL: the value itself */
    int64_t sort;
    bool active;
};

struct wanted {
    struct entry *items;
    int count;
    struct map by_value; /* value → struct entry * */
};

static void bad_at(struct call *call, int at, const char *member, const char *code)
{
    body_bad(call, arena_printf(call->ctx->arena, "values[%d].%s", at, member), code, "\"max\":%d",
             VALUE_CHARS_MAX);
}

/* A text for both languages, or an object of texts by language. */
static const struct json *read_label(struct call *call, int at, const struct json *in)
{
    struct arena *arena = call->ctx->arena;
    if (in->type == JSON_STRING) {
        struct json *both = json_new(arena, JSON_OBJECT);
        for (int lang = 0; lang < LANG_COUNT; lang++)
            json_add(arena, both, lang_names[lang], json_new_str(arena, in->text));
        return both;
    }
    bool fits = in->type == JSON_OBJECT && in->count > 0;
    json_each(text, in->type == JSON_OBJECT ? in : NULL)
    {
        fits = fits && text->type == JSON_STRING && text_chars(text->text) <= LABEL_CHARS_MAX &&
               (slice_is(text->key, "zh-CN") || slice_is(text->key, "en"));
    }
    if (!fits)
        bad_at(call, at, "label", "bad_value");
    return in;
}

static void read_member(struct call *call, int at, const struct json *in, struct entry *out)
{
    bool is_text = in->type == JSON_STRING && text_chars(in->text) <= VALUE_CHARS_MAX;
    const char *name = arena_str(call->ctx->arena, in->key);
    if (slice_is(in->key, "value"))
        out->value = is_text ? slice_trim(in->text) : (struct slice){0};
    else if (slice_is(in->key, "parent") && (is_text || in->type == JSON_NULL))
        out->parent = in->text;
    else if (slice_is(in->key, "label") && in->type != JSON_NULL)
        out->label = read_label(call, at, in);
    else if (slice_is(in->key, "sort") && in->type == JSON_INT)
        out->sort = in->integer;
    else if (slice_is(in->key, "active") && in->type == JSON_BOOL)
        out->active = in->boolean;
    else if (slice_is(in->key, "parent") || slice_is(in->key, "sort") ||
             slice_is(in->key, "active"))
        bad_at(call, at, name, "bad_value");
    else if (!slice_is(in->key, "label"))
        bad_at(call, at, name, "unknown_field");
}

static void read_entry(struct call *call, int at, const struct json *in, struct wanted *wanted)
{
    struct entry *entry = &wanted->items[at];
    *entry = (struct entry){.sort = at, .active = true};
    if (in->type != JSON_OBJECT) {
        body_bad(call, arena_printf(call->ctx->arena, "values[%d]", at), "not_an_object", NULL);
        return;
    }
    json_each(member, in) read_member(call, at, member, entry);
    if (!entry->value.len)
        bad_at(call, at, "value", "required");
    else if (map_put(&wanted->by_value, entry->value, entry))
        bad_at(call, at, "value", "given_twice");
}

/* Upwards from each value; whoever comes back to itself would never end. */
static void check_parents(struct call *call, const struct wanted *wanted)
{
    for (int at = 0; at < wanted->count; at++) {
        const struct entry *entry = &wanted->items[at];
        int depth = 0;
        while (entry && entry->parent.len && depth <= DEPTH_MAX) {
            const struct entry *above = map_get(&wanted->by_value, entry->parent);
            if (!above)
                bad_at(call, at, "parent", "bad_ref");
            if (above == &wanted->items[at])
                break;
            entry = above;
            depth++;
        }
        if (entry && entry->parent.len)
            bad_at(call, at, "parent", depth > DEPTH_MAX ? "too_deep" : "parent_cycle");
    }
}

static enum err read_wanted(struct call *call, struct wanted *out)
{
    static const char *const members[] = {"values", "version", NULL};
    const struct json *body;
    enum err e = call_object(call, &body);
    if (!e)
        e = call_only(call, members);
    if (e)
        return e;
    const struct json *values = json_get(body, "values");
    if (!values || values->type != JSON_ARRAY)
        return err_field(&call->ctx->err, "values", values ? "not_a_list" : "required", NULL);
    if (values->count > DICTIONARY_VALUES_MAX)
        return err_field(&call->ctx->err, "values", "too_many",
                         arena_printf(call->ctx->arena, "{\"max\":%d}", DICTIONARY_VALUES_MAX));
    *out = (struct wanted){.count = values->count};
    out->items = arena_array(call->ctx->arena, struct entry, (size_t)values->count);
    map_init(&out->by_value, call->ctx->arena);
    int at = 0;
    json_each(item, values) read_entry(call, at++, item, out);
    if (!body_done(call))
        check_parents(call, out);
    return body_done(call);
}

/* --- what is in use -----------------------------------------------------------------------------
 */

/* Records hold the value, deleted ones too: they can be restored. */
static enum err count_uses(struct call *call, const char *dictionary, const char *value,
                           int64_t *out)
{
    const struct model *model = call->ctx->model;
    *out = 0;
    for (int i = 0; i < model->entities_count; i++) {
        const struct entity *entity = model->entity_list[i];
        for (int k = 0; k < entity->fields_count; k++) {
            const struct field *field = entity->fields[k];
            int64_t count = 0;
            if (!field->dictionary || strcmp(field->dictionary, dictionary) != 0)
                continue;
            enum expr_op op = field->type->kind == KIND_LIST ? EXPR_HAS : EXPR_EQ;
            enum err e = store_count(
                call->ctx->tenant->store, entity->table,
                expr_cmp(call->ctx->arena, op, field->column, value_text(slice_str(value))),
                COUNT_CAP, &count);
            if (e)
                return e;
            *out += count;
        }
    }
    return ERR_OK;
}

/* "east (3), west (1)": what an administrator looks for. */
static enum err refuse_used(struct call *call, struct slice used, struct slice named)
{
    struct buf args = BUF_INIT;
    call->ctx->err.extra =
        arena_printf(call->ctx->arena, "\"used\":[" SLICE_FMT "]", SLICE_ARG(used));
    buf_put_str(&args, "{\"values\":");
    json_put_string(&args, named);
    buf_put_char(&args, '}');
    enum err e = admin_refuse(call, ERR_CONFLICT, "value_in_use",
                              arena_str(call->ctx->arena, buf_slice(&args)));
    buf_release(&args);
    return e;
}

static enum err check_removed(struct call *call, const struct model_dictionary *dictionary,
                              const struct wanted *wanted)
{
    struct buf used = BUF_INIT, named = BUF_INIT;
    enum err e = ERR_OK;
    int found = 0;
    for (int i = 0; dictionary && i < dictionary->options_count && !e; i++) {
        const char *value = dictionary->options[i].value;
        int64_t count = 0;
        if (map_get(&wanted->by_value, slice_str(value)))
            continue;
        e = count_uses(call, dictionary->name, value, &count);
        if (e || !count)
            continue;
        buf_put_str(&used, used.len ? ",{\"value\":" : "{\"value\":");
        json_put_cstr(&used, value);
        buf_printf(&used, ",\"count\":%lld}", (long long)count);
        if (found < NAMED_MAX)
            buf_printf(&named, "%s%s (%lld)", found ? ", " : "", value, (long long)count);
        else if (found == NAMED_MAX)
            buf_put_str(&named, " …");
        found++;
    }
    if (!e && found)
        e = refuse_used(call, buf_slice(&used), buf_slice(&named));
    buf_release(&used);
    buf_release(&named);
    return e;
}

/* --- writing ------------------------------------------------------------------------------------
 */

static enum err insert(struct call *call, const char *name, const struct entry *entry)
{
    const char *label = entry->label ? body_json(call->ctx->arena, entry->label) : NULL;
    struct store_set sets[] = {
        {.column = "dict", .value = value_text(slice_str(name))},
        {.column = "value", .value = value_text(entry->value)},
        {.column = "parent", .value = entry->parent.len ? value_text(entry->parent) : value_null()},
        {.column = "label", .value = label ? value_text(slice_str(label)) : value_null()},
        {.column = "sort", .value = value_int(entry->sort)},
        {.column = "active", .value = value_int(entry->active)},
    };
    return store_insert(call->ctx->tenant->store, "dictionary", sets, 6, NULL);
}

static enum err replace(struct call *call, const char *name, const struct wanted *wanted)
{
    struct tenant *tenant = call->ctx->tenant;
    enum err e = store_delete(
        tenant->store, "dictionary",
        expr_cmp(call->ctx->arena, EXPR_EQ, "dict", value_text(slice_str(name))), NULL);
    for (int i = 0; i < wanted->count && !e; i++)
        e = insert(call, name, &wanted->items[i]);
    if (!e)
        e = store_header_bump(tenant->store, true, false);
    if (!e)
        e = audit_put(
            call->ctx, "dictionary.put", NULL, 0,
            arena_printf(call->ctx->arena, "{\"name\":\"%s\",\"values\":%d}", name, wanted->count));
    return e;
}

static bool name_is_valid(struct slice name)
{
    if (!name.len || name.len > NAME_BYTES_MAX || name.at[0] < 'a' || name.at[0] > 'z')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return true;
}

static int compare_sort(const void *a, const void *b)
{
    const struct entry *one = a, *two = b;
    if (one->sort != two->sort)
        return one->sort < two->sort ? -1 : 1;
    return slice_cmp(one->value, two->value);
}

/* As the next model will have it: this one still holds the values of before. Of presets that are
 * back it is not known here what they hold. */
static void answer(struct call *call, const char *name, struct wanted *wanted)
{
    const struct model_dictionary *before = find(call);
    struct arena *arena = call->ctx->arena;
    struct field_option *options =
        arena_array(arena, struct field_option, (size_t)wanted->count + 1);
    qsort(wanted->items, (size_t)wanted->count, sizeof *wanted->items, compare_sort);
    for (int i = 0; i < wanted->count; i++) {
        const struct entry *entry = &wanted->items[i];
        options[i].value = options[i].label = arena_str(arena, entry->value);
        options[i].parent = entry->parent.len ? arena_str(arena, entry->parent) : NULL;
        options[i].labels = entry->label;
        options[i].is_active = entry->active;
    }
    struct model_dictionary now = {.name = name,
                                   .label = before ? before->label : name,
                                   .plugin = before ? before->plugin : "core",
                                   .options = options,
                                   .options_count = wanted->count,
                                   .is_own = wanted->count > 0};
    put_whole(call, &now, now.is_own);
}

/* All values at once. Without any, the plugin's presets are back. */
enum err dictionaries_put(struct call *call)
{
    struct slice name = call_param(call, 0);
    struct wanted wanted = {0};
    const struct model_dictionary *before = find(call);
    if (!before && !name_is_valid(name))
        return ERR_NOT_FOUND;
    const char *text = arena_str(call->ctx->arena, name);
    enum err e = read_wanted(call, &wanted);
    if (!e)
        e = version_check(call, text, version(call, before));
    if (!e)
        e = check_removed(call, before, &wanted);
    if (!e)
        e = replace(call, text, &wanted);
    if (!e)
        answer(call, text, &wanted);
    return e;
}
