/* test_cursor - values come back, and nothing but one's own unedited mark is taken.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include "base/limits.h"
#include "record/cursor.h"

static const struct cursor_key key = {{1, 2, 3}}, other_key = {{1, 2, 4}};

struct made {
    struct arena *arena;
    struct buf text;
    struct value values[SORT_KEYS_MAX + 1];
};

static int setup(void **state)
{
    struct made *made = malloc(sizeof *made);
    *made = (struct made){.arena = arena_new(), .text = BUF_INIT};
    made->values[0] = value_text(SLICE("张三\0x"));
    made->values[1] = value_null();
    made->values[2] = value_int(INT64_MIN);
    made->values[3] = value_blob(SLICE("\xff"));
    cursor_put(&key, 77, made->values, 4, &made->text);
    *state = made;
    return 0;
}

static int teardown(void **state)
{
    struct made *made = *state;
    buf_release(&made->text);
    arena_free(made->arena);
    free(made);
    return 0;
}

static void test_cursor__gives_its_values_back(void **state)
{
    struct made *made = *state;
    struct value values[4];
    assert_int_equal(cursor_parse(&key, 77, buf_slice(&made->text), made->arena, values, 4),
                     ERR_OK);
    for (int i = 0; i < 4; i++)
        assert_true(value_equal(&values[i], &made->values[i]));
}

static void test_cursor__fits_one_key_one_shape_one_count(void **state)
{
    struct made *made = *state;
    struct value values[4];
    struct slice text = buf_slice(&made->text);
    assert_int_equal(cursor_parse(&other_key, 77, text, made->arena, values, 4), ERR_BAD_CURSOR);
    assert_int_equal(cursor_parse(&key, 78, text, made->arena, values, 4), ERR_BAD_CURSOR);
    assert_int_equal(cursor_parse(&key, 77, text, made->arena, values, 3), ERR_BAD_CURSOR);
    assert_int_equal(cursor_parse(&key, 77, SLICE(""), made->arena, values, 4), ERR_BAD_CURSOR);
    assert_int_equal(cursor_parse(&key, 77, SLICE("null"), made->arena, values, 4), ERR_BAD_CURSOR);
}

static void test_cursor__has_so_many_bytes(void **state)
{
    struct made *made = *state;
    char *long_text = arena_alloc(made->arena, CURSOR_BYTES_MAX);
    struct value one, back;
    memset(long_text, 'x', CURSOR_BYTES_MAX);
    bool fitted = false, refused = false;
    for (size_t len = CURSOR_BYTES_MAX / 4 * 3 - 100; len < CURSOR_BYTES_MAX / 4 * 3 + 8; len++) {
        one = value_text(slice_of(long_text, len));
        buf_clear(&made->text);
        cursor_put(&key, 77, &one, 1, &made->text);
        bool fits = made->text.len <= CURSOR_BYTES_MAX;
        assert_int_equal(cursor_parse(&key, 77, buf_slice(&made->text), made->arena, &back, 1),
                         fits ? ERR_OK : ERR_BAD_CURSOR);
        fitted = fitted || fits;
        refused = refused || !fits;
    }
    assert_true(fitted && refused);
}

static void test_cursor__every_edited_byte_is_noticed(void **state)
{
    struct made *made = *state;
    struct value values[4];
    for (size_t i = 0; i < made->text.len; i++) {
        char was = made->text.at[i];
        made->text.at[i] = was == 'A' ? 'Q' : 'A';
        assert_int_equal(cursor_parse(&key, 77, buf_slice(&made->text), made->arena, values, 4),
                         ERR_BAD_CURSOR);
        made->text.at[i] = was;
        assert_int_equal(cursor_parse(&key, 77, slice_of(made->text.at, i), made->arena, values, 4),
                         ERR_BAD_CURSOR);
    }
}

static void test_cursor__tenants_have_keys_of_their_own(void **state)
{
    struct fixture a, b;
    struct cursor_key of_a, again, of_b;
    (void)state;
    fixture_open(&a);
    fixture_open(&b);
    assert_int_equal(cursor_key(&a.ctx, &of_a), ERR_OK);
    assert_int_equal(cursor_key(&a.ctx, &again), ERR_OK);
    assert_int_equal(cursor_key(&b.ctx, &of_b), ERR_OK);
    assert_memory_equal(&of_a, &again, sizeof of_a);
    assert_memory_not_equal(&of_a, &of_b, sizeof of_a);
    fixture_close(&a);
    fixture_close(&b);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(test_cursor__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(gives_its_values_back),        T(fits_one_key_one_shape_one_count), T(has_so_many_bytes),
        T(every_edited_byte_is_noticed), T(tenants_have_keys_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
