/* test_quarantine - marks of code: written, found by hash, released.
 *
 * SPDX-License-Identifier: MIT
 */
#include "tenant/quarantine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tenant/folder.h"

#define OK(call) assert_int_equal((call), ERR_OK)

struct place {
    char data[64];
    struct arena *arena;
    const char *acme, *bolt;
};

static int setup(void **state)
{
    static struct place place;
    strcpy(place.data, "/tmp/perigee-quarantine-XXXXXX");
    assert_non_null(mkdtemp(place.data));
    place.arena = arena_new();
    place.acme = arena_printf(place.arena, "%s/tenants/acme", place.data);
    place.bolt = arena_printf(place.arena, "%s/tenants/bolt", place.data);
    OK(folder_make(place.acme));
    OK(folder_make(place.bolt));
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    OK(folder_remove(place->data));
    arena_free(place->arena);
    return 0;
}

static const struct quarantine *mark_of(struct place *place, const char *folder, const char *plugin,
                                        const char *hash)
{
    const struct quarantine *mark = NULL;
    OK(quarantine_get(place->arena, folder, plugin, hash, &mark));
    return mark;
}

static void test_quarantine__a_mark_means_one_code_of_one_tenant(void **state)
{
    struct place *place = *state;
    struct quarantine mark = {"acme.evil", "abc123", true, 17};
    assert_null(mark_of(place, place->acme, "acme.evil", "abc123"));
    OK(quarantine_put(place->data, "acme", &mark));
    const struct quarantine *found = mark_of(place, place->acme, "acme.evil", "abc123");
    assert_non_null(found);
    assert_true(found->is_loading);
    assert_int_equal(found->at_ms, 17);
    assert_string_equal(found->plugin, "acme.evil");
    assert_null(mark_of(place, place->acme, "acme.evil", "def456"));
    assert_null(mark_of(place, place->acme, "acme.other", "abc123"));
    assert_null(mark_of(place, place->bolt, "acme.evil", "abc123"));
}

static void test_quarantine__the_same_code_again_is_no_conflict(void **state)
{
    struct place *place = *state;
    struct quarantine mark = {"p", "aa", true, 1};
    OK(quarantine_put(place->data, "acme", &mark));
    mark.is_loading = false;
    mark.at_ms = 2;
    OK(quarantine_put(place->data, "acme", &mark));
    assert_int_equal(mark_of(place, place->acme, "p", "aa")->at_ms, 2);
    assert_false(mark_of(place, place->acme, "p", "aa")->is_loading);
}

static void test_quarantine__release_takes_all_of_a_plugin(void **state)
{
    struct place *place = *state;
    assert_int_equal(quarantine_release(place->acme, "p"), ERR_NOT_FOUND);
    OK(quarantine_put(place->data, "acme", &(struct quarantine){"p", "aa", false, 1}));
    OK(quarantine_put(place->data, "acme", &(struct quarantine){"p", "bb", false, 1}));
    OK(quarantine_put(place->data, "acme", &(struct quarantine){"p.q", "aa", false, 1}));
    OK(quarantine_release(place->acme, "p"));
    assert_null(mark_of(place, place->acme, "p", "aa"));
    assert_null(mark_of(place, place->acme, "p", "bb"));
    assert_non_null(mark_of(place, place->acme, "p.q", "aa"));
    assert_int_equal(quarantine_release(place->acme, "p"), ERR_NOT_FOUND);
}

/* They come over a page that a process gone astray may have written. */
static void test_quarantine__names_that_are_none_are_refused(void **state)
{
    struct place *place = *state;
    static const char *const bad[] = {"", "..", "a/b", "../acme", "A", "a b", ".hidden"};
    char longest[80];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct quarantine plugin = {bad[i], "aa", false, 1}, hash = {"p", bad[i], false, 1};
        struct quarantine fine = {"p", "aa", false, 1};
        assert_int_equal(quarantine_put(place->data, "acme", &plugin), ERR_MALFORMED);
        assert_int_equal(quarantine_put(place->data, "acme", &hash), ERR_MALFORMED);
        assert_int_equal(quarantine_put(place->data, bad[i], &fine), ERR_MALFORMED);
        assert_int_equal(quarantine_release(place->acme, bad[i]), ERR_NOT_FOUND);
    }
    memset(longest, 'a', sizeof longest);
    longest[64] = 0;
    OK(quarantine_put(place->data, "acme", &(struct quarantine){"p", longest, false, 1}));
    longest[64] = 'a';
    longest[65] = 0;
    assert_int_equal(
        quarantine_put(place->data, "acme", &(struct quarantine){"p", longest, false, 1}),
        ERR_MALFORMED);
    assert_int_equal(quarantine_put(place->data, "nobody", &(struct quarantine){"p", "aa", 0, 1}),
                     ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_quarantine__##name, setup, teardown)
        T(a_mark_means_one_code_of_one_tenant),
        T(the_same_code_again_is_no_conflict),
        T(release_takes_all_of_a_plugin),
        T(names_that_are_none_are_refused),
#undef T
    };
    return cmocka_run_group_tests_name("tenant/quarantine", tests, NULL, NULL);
}
