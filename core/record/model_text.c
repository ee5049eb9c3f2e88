/* model_text - texts for people: i18n/{zh-CN,en}.json of every plugin, and their placeholders.
 *
 * A key of plugin p is kept as "p:key"; a plugin may put another's words by naming it
 * ("people:account" as key of an industry plugin), since later plugins win.
 *
 * SPDX-License-Identifier: MIT
 */
#include "record/model_build.h"

#include "base/shelf.h"
#include "tenant/tree.h"

static const char *const lang_files[LANG_COUNT] = {"zh-CN", "en"};

/* --- reading --- */

/* Tables of products that the shelf does not have: kept for the life of the process, as the files
 * are that they were made from. */
static struct {
    struct arena *arena;
    struct map by_path;
} kept;

static const struct words *kept_words(const struct build *b, const char *path,
                                      const struct json *doc, const struct json **fault)
{
    if (!kept.arena) {
        kept.arena = arena_new();
        map_init(&kept.by_path, kept.arena);
    }
    const struct words *words = map_get(&kept.by_path, slice_str(path));
    if (words && words->of == doc)
        return words;
    words = words_make(kept.arena, b->plugin->id, doc, fault);
    if (words)
        map_put(&kept.by_path, slice_str(arena_strdup(kept.arena, path)), (void *)words);
    return words;
}

static const struct words *words_of(const struct build *b, const char *path, const struct json *doc,
                                    const struct json **fault)
{
    if (b->plugin->layer == PLUGIN_TENANT)
        return words_make(b->arena, b->plugin->id, doc, fault);
    const struct words *words = shelf_get(arena_printf(b->scratch, SHELF_WORDS "%s", path));
    return words && words->of == doc ? words : kept_words(b, path, doc, fault);
}

static enum err read_texts(struct build *b, enum lang lang)
{
    const struct json *doc, *fault = NULL;
    const char *path =
        arena_printf(b->arena, "%s/i18n/%s.json", b->plugin->folder, lang_files[lang]);
    struct stat st;

    if (tree_stat(path, &st) != 0)
        return ERR_OK;
    enum err e = build_load(b, path, NULL, &doc);
    if (e)
        return e;
    if (doc->type != JSON_OBJECT)
        return build_fail(b, doc->line, "texts are one object of keys and texts");
    const struct words *words = words_of(b, path, doc, &fault);
    if (!words)
        return build_fail(b, fault->line, "the text \"" SLICE_FMT "\" is no text",
                          SLICE_ARG(fault->key));
    struct model *model = b->model;
    model->texts[lang] = build_list(b->arena, model->texts[lang], model->texts_count[lang]);
    model->texts[lang][model->texts_count[lang]++] = words;
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

/* Later plugins win, and what lies on a base comes after all of that. */
const char *model_text_find(const struct model *model, enum lang lang, struct slice key)
{
    uint64_t hash = words_hash(key);

    for (; model; model = model->base)
        for (int i = model->texts_count[lang] - 1; i >= 0; i--) {
            const char *text = words_find(model->texts[lang][i], key, hash);
            if (text)
                return text;
        }
    return NULL;
}

/* The table of the place, which becomes the place in it; NULL: behind all of them. */
static const struct words *words_at(const struct model *model, enum lang lang, size_t *at)
{
    for (; model; model = model->base)
        for (int i = 0; i < model->texts_count[lang]; i++) {
            const struct words *words = model->texts[lang][i];
            if (*at < words->cap)
                return words;
            *at -= words->cap;
        }
    return NULL;
}

bool model_text_next(const struct model *model, enum lang lang, size_t *at, struct slice *key,
                     const char **text)
{
    for (;; ++*at) {
        size_t within = *at;
        const struct words *words = words_at(model, lang, &within);
        if (!words)
            return false;
        const struct word *word = &words->slots[within];
        if (!word->text || model_text_find(model, lang, word->key) != word->text)
            continue;
        *key = word->key;
        *text = word->text;
        ++*at;
        return true;
    }
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
