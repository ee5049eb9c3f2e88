/* model_text - texts for people: i18n/{zh-CN,en}.json of every plugin, and their placeholders.
 *
 * A key of plugin p is kept as "p:key"; a plugin may put another's words by naming it
 * ("people:account" as key of an industry plugin), since later plugins win.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/model_build.h"

#include <sys/stat.h>

#define TEXT_KEY_MAX 256 /* longer names are not shared */

static const char *const lang_files[LANG_COUNT] = {"zh-CN", "en"};

/* --- reading --- */

/* Names of a product's texts are the same for every company: kept for the life of the process. */
static struct {
    struct arena *arena;
    struct map names;
} interned;

static const char *intern(const char *name)
{
    if (!interned.arena) {
        interned.arena = arena_new();
        map_init(&interned.names, NULL);
    }
    const char *kept = map_get(&interned.names, slice_str(name));
    if (!kept) {
        kept = arena_strdup(interned.arena, name);
        map_put(&interned.names, slice_str(kept), (void *)kept);
    }
    return kept;
}

/* "people:account" */
static const char *text_key(struct build *b, struct slice key)
{
    char name[TEXT_KEY_MAX];
    bool is_whole = slice_find(key, SLICE(":")) >= 0;
    size_t before = is_whole ? 0 : strlen(b->plugin->id) + 1;

    if (b->plugin->layer == PLUGIN_TENANT || before + key.len >= TEXT_KEY_MAX)
        return is_whole ? arena_str(b->arena, key)
                        : arena_printf(b->arena, "%s:" SLICE_FMT, b->plugin->id, SLICE_ARG(key));
    if (!is_whole) {
        memcpy(name, b->plugin->id, before - 1);
        name[before - 1] = ':';
    }
    memcpy(name + before, key.at, key.len);
    name[before + key.len] = 0;
    return intern(name);
}

static enum err read_texts(struct build *b, enum lang lang)
{
    const struct json *doc;
    const char *path =
        arena_printf(b->arena, "%s/i18n/%s.json", b->plugin->folder, lang_files[lang]);
    struct stat st;

    if (stat(path, &st) != 0)
        return ERR_OK;
    enum err e = build_load(b, path, NULL, &doc);
    if (e)
        return e;
    if (doc->type != JSON_OBJECT)
        return build_fail(b, doc->line, "texts are one object of keys and texts");
    struct model *model = b->model;
    map_reserve(&model->texts[lang], model->texts[lang].count + (size_t)doc->count);
    json_each(text, doc)
    {
        if (text->type != JSON_STRING)
            return build_fail(b, text->line, "the text \"" SLICE_FMT "\" is no text",
                              SLICE_ARG(text->key));
        const char *key = text_key(b, text->key);
        map_put(&model->texts[lang], slice_str(key), (void *)text->text.at);
    }
    return ERR_OK;
}

enum err build_texts(struct build *b)
{
    for (int lang = 0; lang < LANG_COUNT; lang++) {
        enum err e = read_texts(b, (enum lang)lang);
        if (e)
            return e;
    }
    /* One language falls back on another, so both change together. */
    for (int lang = 0; lang < LANG_COUNT; lang++)
        b->model->texts_hash[lang] = b->hash ^ (uint64_t)lang;
    return ERR_OK;
}

/* --- finding --- */

const char *model_text_find(const struct model *model, enum lang lang, struct slice key)
{
    const char *text = map_get(&model->texts[lang], key);

    return text || !model->base ? text : map_get(&model->base->texts[lang], key);
}

/* Places in the own map come first, those in the base's behind its end. */
bool model_text_next(const struct model *model, enum lang lang, size_t *at, struct slice *key,
                     const char **text)
{
    const struct map *own = &model->texts[lang];
    const struct map *below = model->base ? &model->base->texts[lang] : NULL;
    void *value;

    if (*at < own->cap && map_next(own, at, key, &value)) {
        *text = value;
        return true;
    }
    *at = *at < own->cap ? own->cap : *at;
    for (size_t from = *at - own->cap; below && map_next(below, &from, key, &value);) {
        *at = own->cap + from;
        *text = value;
        if (!map_get(own, *key))
            return true;
    }
    return false;
}

static const char *find_text(const struct model *model, enum lang lang, struct slice key)
{
    const char *text = model_text_find(model, lang, key);

    if (!text)
        text = model_text_find(model, model->lang, key);
    return text ? text : model_text_find(model, LANG_ZH, key);
}

static void put_argument(struct buf *out, const struct json *value)
{
    if (value->type == JSON_STRING || value->type == JSON_REAL)
        buf_put_slice(out, value->text);
    else
        json_put(out, value);
}

/* "at most {max}" with {"max":20}; a placeholder without argument stays as it is. */
static const char *fill(struct arena *arena, const char *text, const char *args)
{
    const struct json *given = NULL;
    struct slice rest = slice_str(text);
    struct buf out = BUF_INIT;

    if (!args || !strchr(text, '{') || json_parse(arena, slice_str(args), &given, NULL))
        return text;
    while (rest.len) {
        ptrdiff_t open = slice_find(rest, SLICE("{"));
        ptrdiff_t close = slice_find(rest, SLICE("}"));
        if (open < 0 || close < open)
            break;
        struct slice name = slice_of(rest.at + open + 1, (size_t)(close - open) - 1);
        const struct json *value = json_get_slice(given, name);
        buf_put(&out, rest.at, (size_t)open);
        if (value)
            put_argument(&out, value);
        else
            buf_put(&out, rest.at + open, (size_t)(close - open) + 1);
        rest = slice_of(rest.at + close + 1, rest.len - (size_t)close - 1);
    }
    buf_put_slice(&out, rest);
    const char *filled = arena_str(arena, buf_slice(&out));
    buf_release(&out);
    return filled;
}

const char *model_text_or(const struct model *model, struct arena *arena, enum lang lang,
                          const char *plugin, const char *key, const char *args,
                          const char *fallback)
{
    if (!key)
        return fallback;
    if (*key != '@')
        return fill(arena, key, args);
    struct slice name = slice_str(key + 1);
    if (slice_find(name, SLICE(":")) < 0)
        name = slice_str(arena_printf(arena, "%s:%s", plugin ? plugin : "core", key + 1));
    const char *text = find_text(model, lang, name);
    return text ? fill(arena, text, args) : fallback;
}

const char *model_text(const struct model *model, struct arena *arena, enum lang lang,
                       const char *plugin, const char *key, const char *args)
{
    ASSERT(model && arena);
    ASSERT(key);
    return model_text_or(model, arena, lang, plugin, key, args, *key == '@' ? key + 1 : key);
}

/* --- complaints --- */

static const char *sentence(struct ctx *ctx, const char *code, const char *args)
{
    const char *key = *code == '@' ? code : arena_printf(ctx->arena, "@%s", code);

    if (!ctx->model)
        return key + 1;
    return model_text(ctx->model, ctx->arena, ctx->lang, "core", key, args);
}

void model_err_texts(struct ctx *ctx)
{
    ASSERT(ctx && ctx->arena);
    for (struct err_field *f = ctx->err.first; f; f = f->next) {
        if (!f->message)
            f->message = sentence(ctx, f->code, f->args);
        if (*f->code == '@')
            f->code++;
    }
    if (!ctx->err.message && ctx->err.code && ctx->model)
        ctx->err.message =
            model_text_or(ctx->model, ctx->arena, ctx->lang, "core",
                          arena_printf(ctx->arena, "@%s", ctx->err.code), ctx->err.args, NULL);
    if (ctx->err.message && *ctx->err.message == '@')
        ctx->err.message = sentence(ctx, ctx->err.message, ctx->err.args);
}
