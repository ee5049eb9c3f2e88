/* lint_word - the texts of a plugin: every key that something names, in every language.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/text.h"
#include "script/lint_in.h"

static const char *const LANGUAGES[LANG_COUNT] = {[LANG_ZH] = "zh-CN", [LANG_EN] = "en"};

static bool has(const struct lint *lint, enum lang lang, const char *key)
{
    return model_text_find(lint->model, lang, slice_str(key)) != NULL;
}

static const char *suggest(const struct lint *lint, const char *key)
{
    struct slice name;
    const char *text, *near = NULL;
    int least = 4;
    struct slice own = slice_str(arena_printf(lint->ctx->arena, "%s:", lint->plugin->id));
    for (size_t at = 0; model_text_next(lint->model, LANG_EN, &at, &name, &text);) {
        int distance = slice_starts(name, own) ? text_distance(name, slice_str(key), 3) : least;
        if (distance < least) {
            least = distance;
            near = arena_str(lint->ctx->arena, slice_of(name.at + own.len, name.len - own.len));
        }
    }
    return near;
}

void lint_key(struct lint *lint, int line, struct slice key)
{
    struct arena *arena = lint->ctx->arena;
    if (lint->only_model)
        return;
    struct slice name = slice_of(key.at + 1, key.len - 1);
    bool is_foreign = slice_find(name, SLICE(":")) >= 0;
    const char *whole =
        is_foreign ? arena_str(arena, name)
                   : arena_printf(arena, "%s:" SLICE_FMT, lint->plugin->id, SLICE_ARG(name));
    if (!has(lint, LANG_EN, whole) && !has(lint, LANG_ZH, whole)) {
        lint_say(lint, line, "there is no text \"" SLICE_FMT "\"%s", SLICE_ARG(key),
                 lint_near(arena, suggest(lint, whole)));
        return;
    }
    for (int lang = 0; lang < LANG_COUNT && !is_foreign; lang++)
        if (!has(lint, (enum lang)lang, whole))
            lint_say(lint, line, "\"" SLICE_FMT "\" lacks its text in %s", SLICE_ARG(key),
                     LANGUAGES[lang]);
}

/* --- declarations --- */

/* Words of fields and values have keys of their own, whether the declaration names them or not. */
static void check_label(struct lint *lint, const char *label, const char *what)
{
    struct arena *arena = lint->ctx->arena;
    if (!label || label[0] != '@' || strchr(label, ':'))
        return;
    const char *whole = arena_printf(arena, "%s:%s", lint->plugin->id, label + 1);
    for (int lang = 0; lang < LANG_COUNT; lang++)
        if (!has(lint, (enum lang)lang, whole)) {
            lint->file = arena_printf(arena, "%s/i18n/%s.json", lint->plugin->id, LANGUAGES[lang]);
            lint_say(lint, 0, "\"%s\" of %s is missing", label + 1, what);
        }
}

static void check_field_words(struct lint *lint, const struct field *field)
{
    struct arena *arena = lint->ctx->arena;
    const char *what = arena_printf(arena, "%s.%s", field->entity->name, field->name);
    if (field->is_system || strcmp(field->plugin, lint->plugin->id) != 0)
        return;
    check_label(lint, field->label, what);
    check_label(lint, field->help, what);
    bool is_borrowed = field->dictionary || strcmp(field->type->name, "lookup") == 0;
    for (int i = 0; i < field->options_count && !is_borrowed; i++)
        check_label(lint, field->options[i].label, what);
}

static void check_texts(struct lint *lint, const struct json *node)
{
    if (node->type == JSON_STRING && node->text.len > 1 && node->text.at[0] == '@')
        lint_key(lint, node->line, node->text);
    json_each(child, node->type == JSON_OBJECT || node->type == JSON_ARRAY ? node : NULL)
    {
        check_texts(lint, child);
    }
}

static void check_declarations(struct lint *lint, const struct pack *pack)
{
    struct arena *arena = lint->ctx->arena;
    for (int i = 0; i < pack->count; i++) {
        struct slice name = slice_str(pack->files[i].name);
        const struct json *doc = NULL;
        if (!slice_ends(name, SLICE(".json")) || slice_starts(name, SLICE("i18n/")) ||
            slice_starts(name, SLICE("tests/")) ||
            json_parse(arena, pack->files[i].bytes, &doc, NULL))
            continue;
        lint->file = arena_printf(arena, "%s/%s", lint->plugin->id, pack->files[i].name);
        check_texts(lint, doc);
    }
}

void lint_words(struct lint *lint, const struct pack *pack)
{
    const struct model *model = lint->model;
    check_declarations(lint, pack);
    for (int i = 0; i < model->entities_count; i++) {
        const struct entity *entity = model->entity_list[i];
        if (strcmp(entity->plugin, lint->plugin->id) == 0) {
            check_label(lint, entity->label, entity->name);
            check_label(lint, entity->label_plural, entity->name);
        }
        for (int k = 0; k < entity->fields_count; k++)
            check_field_words(lint, entity->fields[k]);
    }
}

/* --- what a deploy asks --- */

static const struct json *texts_of(struct lint *lint, const struct pack *pack, const char *language)
{
    const struct json *doc = NULL;
    struct slice bytes = pack_get(pack, arena_printf(lint->ctx->arena, "i18n/%s.json", language));
    if (!bytes.at || json_parse(lint->ctx->arena, bytes, &doc, NULL) || doc->type != JSON_OBJECT)
        return NULL;
    return doc;
}

/* Found by hashing: a bundle may hold a hundred thousand of them. */
static void index_texts(struct arena *arena, const struct json *texts, struct map *out)
{
    map_init(out, arena);
    json_each(text, texts)(void) map_put(out, text->key, (void *)(uintptr_t)text);
}

/* A text that one language has and another lacks. */
static void check_languages(struct lint *lint, const struct pack *pack)
{
    struct map texts[LANG_COUNT];
    for (int lang = 0; lang < LANG_COUNT; lang++)
        index_texts(lint->ctx->arena, texts_of(lint, pack, LANGUAGES[lang]), &texts[lang]);
    for (int lang = 0; lang < LANG_COUNT; lang++) {
        lint->file =
            arena_printf(lint->ctx->arena, "%s/i18n/%s.json", lint->plugin->id, LANGUAGES[lang]);
        const struct json *mine = texts_of(lint, pack, LANGUAGES[lang]);
        for (int other = 0; other < LANG_COUNT && mine; other++) {
            json_each(text, mine)
            {
                if (!map_get(&texts[other], text->key))
                    lint_say(lint, text->line, "\"" SLICE_FMT "\" lacks its text in i18n/%s.json",
                             SLICE_ARG(text->key), LANGUAGES[other]);
            }
        }
    }
}

enum err lint_texts(struct ctx *ctx, const struct model *model, const struct plugin *plugin,
                    lint_cb tell, void *arg, const char **why)
{
    ASSERT(ctx && model && plugin);
    ASSERT(tell && why);
    struct lint lint = {.ctx = ctx, .model = model, .plugin = plugin, .tell = tell, .arg = arg};
    struct pack pack;
    enum err e = pack_folder(ctx->arena, plugin->folder, &pack, why);
    if (e)
        return e;
    check_languages(&lint, &pack);
    check_declarations(&lint, &pack);
    for (int i = 0; i < pack.count; i++) {
        struct slice name = slice_str(pack.files[i].name);
        lint.file = arena_printf(ctx->arena, "%s/%s", plugin->id, pack.files[i].name);
        if (slice_ends(name, SLICE(".lua")) && !slice_starts(name, SLICE("tests/")) &&
            lint_tokens(ctx->arena, pack.files[i].bytes, &lint.tokens))
            lint_file_keys(&lint);
    }
    return ERR_OK;
}
