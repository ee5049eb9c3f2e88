/* test_texts - both languages have every text: the keys of the plugins' files, those the model asks
 * for, and the codes of complaints in the core's sources.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "place.h"

#include <dirent.h>
#include <stdio.h>

static int setup(void **state)
{
    static struct place place;
    place_open(&place);
    place_ready(&place, "hello", "people", "leads", NULL);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    place_close(*state);
    return 0;
}

static const char *const lang_names[LANG_COUNT] = {"zh-CN", "en"};
static int missing;

static void want(const struct model *model, const char *plugin, const char *key)
{
    struct arena *arena = arena_new();

    if (key && *key == '@') {
        const char *full =
            strchr(key, ':') ? key + 1 : arena_printf(arena, "%s:%s", plugin, key + 1);
        for (int lang = 0; lang < LANG_COUNT; lang++) {
            if (model_text_find(model, (enum lang)lang, slice_str(full)))
                continue;
            print_error("%s has no text %s\n", lang_names[lang], full);
            missing++;
        }
    }
    arena_free(arena);
}

static void want_all(const struct model *model, const char *plugin, const struct json *node)
{
    if (node->type == JSON_STRING)
        want(model, plugin, node->text.at);
    json_each(item, node) want_all(model, plugin, item);
}

static void test_texts__every_product_key_is_in_both_languages(void **state)
{
    struct place *p = *state;
    DIR *dir = opendir(PERIGEE_SOURCE_DIR "/plugins");
    int plugins = 0;
    assert_non_null(dir);
    missing = 0;
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        const struct json *docs[LANG_COUNT] = {NULL, NULL};
        const char *base = arena_printf(p->arena, PERIGEE_SOURCE_DIR "/plugins/%s/i18n", d->d_name);
        int found = 0;
        for (int lang = 0; lang < LANG_COUNT && *d->d_name != '.'; lang++)
            found +=
                json_load(p->arena, arena_printf(p->arena, "%s/%s.json", base, lang_names[lang]),
                          &docs[lang], NULL) == ERR_OK;
        if (found == 0)
            continue;
        plugins++;
        for (int lang = 0; lang < LANG_COUNT; lang++) {
            json_each(text, docs[lang])
            {
                const struct json *other = json_get_slice(docs[!lang], text->key);
                if (other && other->text.len > 0)
                    continue;
                print_error("%s: %s lacks \"%s\"\n", d->d_name, lang_names[!lang], text->key.at);
                missing++;
            }
        }
    }
    (void)closedir(dir);
    assert_true(plugins >= 4);
    assert_int_equal(missing, 0);
}

static void test_texts__everything_the_model_shows_has_words(void **state)
{
    struct place *p = *state;
    const struct model *m = p->model;
    size_t at = 0;
    void *value;
    struct slice key;
    missing = 0;
    for (int i = 0; i < m->entities_count; i++) {
        const struct entity *e = m->entity_list[i];
        want(m, e->plugin, e->label);
        want(m, e->plugin, e->label_plural);
        for (int k = 0; k < e->fields_count; k++) {
            const struct field *f = e->fields[k];
            want(m, f->plugin, f->label);
            want(m, f->plugin, f->help);
            for (int o = 0; o < f->options_count; o++)
                want(m, f->plugin, f->options[o].label);
        }
        json_each(rule, json_get(e->declared, "duplicates"))
            want(m, e->plugin, json_cstr(rule, "reason", NULL));
    }
    for (int i = 0; i < m->views_count; i++)
        want_all(m, m->view_list[i]->plugin, m->view_list[i]->body);
    for (int i = 0; i < m->plugins_count; i++)
        want_all(m, m->plugins[i]->id, m->plugins[i]->manifest);
    while (map_next(&m->roles, &at, &key, &value))
        want(m, "core", ((const struct role *)value)->label);
    assert_int_equal(missing, 0);
}

/* --- codes in our sources --- */

/* The text that is the argument of that place in a call. */
static struct slice code_of(struct slice call, int place)
{
    int depth = 0, argument = 0;

    for (size_t i = 0; i < call.len; i++) {
        char c = call.at[i];
        if (c == '(')
            depth++;
        else if (c == ')' && --depth == 0)
            break;
        else if (c == ',' && depth == 1)
            argument++;
        else if (c == '"') {
            size_t from = ++i;
            while (i < call.len && call.at[i] != '"')
                i++;
            if (argument == place)
                return slice_of(call.at + from, i - from);
        }
    }
    return slice_of("", 0);
}

static int check_source(struct place *p, const char *path)
{
    static const struct {
        const char *name;
        int place; /* which argument is the code */
    } calls[] = {{"field_bad(", 2}, {"err_field(", 2},    {"complain(", 1}, {"complain_name(", 1},
                 {"forbid(", 1},    {"complain_max(", 1}, {"refuse(o", 1}};
    static char text[1 << 18];
    int seen = 0;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text, f);
    assert_int_equal(fclose(f), 0);
    for (size_t k = 0; k < sizeof(calls) / sizeof *calls; k++) {
        struct slice rest = slice_of(text, n);
        for (ptrdiff_t at; (at = slice_find(rest, slice_str(calls[k].name))) >= 0;) {
            size_t name = (size_t)at + (size_t)(strchr(calls[k].name, '(') - calls[k].name);
            rest = slice_of(rest.at + name, rest.len - name);
            struct slice code = code_of(rest, calls[k].place);
            bool is_code = code.len > 0;
            for (size_t i = 0; i < code.len; i++)
                is_code =
                    is_code && ((code.at[i] >= 'a' && code.at[i] <= 'z') || code.at[i] == '_');
            if (!is_code)
                continue;
            want(p->model, "core", arena_printf(p->arena, "@" SLICE_FMT, SLICE_ARG(code)));
            seen++;
        }
    }
    return seen;
}

static void test_texts__every_complaint_of_the_core_has_a_sentence(void **state)
{
    static const char *const folders[] = {"record", "auth", "api", "script", "hook"};
    struct place *p = *state;
    int seen = 0;
    missing = 0;
    for (size_t i = 0; i < sizeof(folders) / sizeof *folders; i++) {
        const char *folder = arena_printf(p->arena, PERIGEE_SOURCE_DIR "/core/%s", folders[i]);
        DIR *dir = opendir(folder);
        assert_non_null(dir);
        for (struct dirent *d; (d = readdir(dir)) != NULL;)
            if (slice_ends(slice_str(d->d_name), SLICE(".c")))
                seen += check_source(p, arena_printf(p->arena, "%s/%s", folder, d->d_name));
        (void)closedir(dir);
    }
    assert_true(seen > 20);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts__every_product_key_is_in_both_languages),
        cmocka_unit_test(test_texts__everything_the_model_shows_has_words),
        cmocka_unit_test(test_texts__every_complaint_of_the_core_has_a_sentence),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
