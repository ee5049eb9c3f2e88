/* test_words - the texts of a plugin by key.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "record/words.h"

static const struct words *words_of(struct arena *arena, const char *text,
                                    const struct json **fault)
{
    const struct json *json = NULL;
    assert_int_equal(json_parse(arena, slice_str(text), &json, NULL), ERR_OK);
    return words_make(arena, "people", json, fault);
}

static const char *find(const struct words *words, const char *key)
{
    struct slice name = slice_str(key);
    return words_find(words, name, words_hash(name));
}

static void test_words__finds_by_key(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct json *fault = NULL;
    const struct words *words =
        words_of(arena, "{\"account\": \"客户\", \"contact\": \"联系人\", \"none\": \"\"}", &fault);
    assert_non_null(words);
    assert_null(fault);
    assert_false(words->has_foreign);
    assert_string_equal(find(words, "people:account"), "客户");
    assert_string_equal(find(words, "people:contact"), "联系人");
    assert_string_equal(find(words, "people:none"), "");
    assert_null(find(words, "people:accounts"));
    assert_null(find(words, "leads:account"));
    assert_null(find(words, "account"));
    assert_null(find(words, "people:"));
    assert_null(find(words, ""));
    arena_free(arena);
}

static void test_words__of_other_plugins(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct json *fault = NULL;
    const struct words *words =
        words_of(arena, "{\"leads:lead\": \"顾客\", \"account\": \"门店\"}", &fault);
    assert_non_null(words);
    assert_true(words->has_foreign);
    assert_string_equal(find(words, "leads:lead"), "顾客");
    assert_string_equal(find(words, "people:account"), "门店");
    assert_null(find(words, "leads:account"));
    arena_free(arena);
}

static void test_words__a_member_that_is_no_text(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct json *fault = NULL;
    assert_null(words_of(arena, "{\"a\": \"A\",\n\"b\": 3}", &fault));
    assert_non_null(fault);
    assert_true(slice_is(fault->key, "b"));
    assert_int_equal(fault->line, 2);
    arena_free(arena);
}

/* Every one is found, and none that is not there, however full the table. */
static void test_words__many(void **state)
{
    (void)state;
    for (int n = 0; n < 300; n += n < 20 ? 1 : 37) {
        struct arena *arena = arena_new();
        struct json *json = json_new(arena, JSON_OBJECT);
        const struct json *fault = NULL;
        for (int i = 0; i < n; i++)
            json_add(arena, json, arena_printf(arena, "k%d", i),
                     json_new_str(arena, slice_str(arena_printf(arena, "text %d", i))));
        const struct words *words = words_make(arena, "p", json, &fault);
        assert_non_null(words);
        size_t taken = 0;
        for (size_t i = 0; i < words->cap; i++)
            taken += words->slots[i].text != NULL;
        assert_int_equal(taken, n);
        for (int i = 0; i < n; i++)
            assert_string_equal(find(words, arena_printf(arena, "p:k%d", i)),
                                arena_printf(arena, "text %d", i));
        assert_null(find(words, arena_printf(arena, "p:k%d", n)));
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words__finds_by_key),
        cmocka_unit_test(test_words__of_other_plugins),
        cmocka_unit_test(test_words__a_member_that_is_no_text),
        cmocka_unit_test(test_words__many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
