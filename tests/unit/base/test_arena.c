/* test_arena - memory that is dropped whole.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/arena.h"
#include "base/limits.h"

#include <stdio.h>

static bool is_zero(const char *at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (at[i])
            return false;
    }
    return true;
}

static void fill_and_clear(struct arena *arena)
{
    static const size_t sizes[] = {0,
                                   1,
                                   15,
                                   16,
                                   17,
                                   ARENA_SMALL_BYTES,
                                   ARENA_SMALL_BYTES + 1,
                                   ARENA_BLOCK_BYTES,
                                   ARENA_BLOCK_BYTES + 1,
                                   ARENA_BLOCK_BYTES_MAX,
                                   ARENA_BLOCK_BYTES_MAX * 2};

    for (int round = 0; round < 3; round++) { /* memory used before is zero again */
        size_t used = 0;
        for (size_t i = 0; i < 200; i++) {
            size_t size = sizes[i % (sizeof sizes / sizeof *sizes)];
            char *at = arena_alloc(arena, size);
            assert_int_equal((uintptr_t)at % 16, 0);
            assert_true(is_zero(at, size));
            memset(at, 0xaa, size);
            used += size;
            assert_int_equal(arena_used(arena), used);
        }
        arena_clear(arena);
        assert_int_equal(arena_used(arena), 0);
    }
    assert_ptr_not_equal(arena_alloc(arena, 0), arena_alloc(arena, 0));
    arena_free(arena);
}

static void test_arena__blocks_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    fill_and_clear(arena_new());
    fill_and_clear(arena_new_small());
    arena_free(NULL);
}

static void test_arena__a_full_block_is_left_for_the_next(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    for (size_t i = 0; i < 2 * ARENA_BLOCK_BYTES_MAX / 48; i++)
        memset(arena_alloc(arena, 40), 1, 40);
    arena_free(arena);
}

static void test_arena__strings_are_copied_and_terminated(void **state)
{
    struct arena *arena = arena_new();
    char text[] = "张伟x";

    (void)state;
    char *copy = arena_str(arena, slice_of(text, 6));
    struct slice slice = arena_slice(arena, SLICE("a\0b"));
    text[0] = 'y';
    assert_string_equal(copy, "张伟");
    assert_int_equal(slice.len, 3);
    assert_int_equal(slice.at[3], 0);
    assert_null(arena_strdup(arena, NULL));
    assert_string_equal(arena_strdup(arena, ""), "");
    assert_string_equal(arena_str(arena, slice_of(NULL, 0)), "");
    assert_string_equal(arena_printf(arena, "%d-%s", 7, "x"), "7-x");
    char *wide = arena_printf(arena, "%1000d", 7);
    assert_int_equal(strlen(wide), 1000);
    assert_string_equal(arena_grow(arena, "abcdef", 3, 100), "abc");
    arena_free(arena);
}

static void add_digit(void *arg)
{
    static int next = 1;
    int *seen = arg;

    *seen = *seen * 10 + next++;
}

static void note_order(void *arg)
{
    char **order = arg;

    strcat(order[0], order[1]);
}

static void test_arena__deferred_calls_run_newest_first_and_once(void **state)
{
    struct arena *arena = arena_new();
    char order[8] = "";
    char *first[] = {order, "1"}, *second[] = {order, "2"};
    int seen = 0;

    (void)state;
    arena_defer(arena, note_order, first);
    arena_defer(arena, note_order, second);
    arena_clear(arena);
    assert_string_equal(order, "21");
    arena_clear(arena);
    assert_string_equal(order, "21");
    arena_defer(arena, add_digit, &seen);
    arena_free(arena);
    assert_int_equal(seen, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena__blocks_are_zeroed_aligned_and_apart),
        cmocka_unit_test(test_arena__a_full_block_is_left_for_the_next),
        cmocka_unit_test(test_arena__strings_are_copied_and_terminated),
        cmocka_unit_test(test_arena__deferred_calls_run_newest_first_and_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
