/* test_buf - bytes that grow, and frames read back.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/buf.h"
#include "base/limits.h"

#include <sys/wait.h>
#include <unistd.h>

static void test_buf__everything_is_appended(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    assert_string_equal(buf_cstr(&b), "");
    buf_put(&b, NULL, 0);
    buf_put_str(&b, "a");
    buf_put_slice(&b, SLICE("bc"));
    buf_put_slice(&b, slice_of(NULL, 0));
    buf_put_char(&b, 'd');
    buf_printf(&b, "%s%d", "e", 5);
    assert_string_equal(buf_cstr(&b), "abcde5");
    assert_int_equal(b.len, 6);
    buf_consume(&b, 2);
    assert_string_equal(buf_cstr(&b), "cde5");
    buf_consume(&b, 0);
    buf_truncate(&b, 1);
    assert_true(slice_is(buf_slice(&b), "c"));
    buf_consume(&b, 1);
    assert_int_equal(b.len, 0);
    buf_release(&b);
    assert_null(b.at);
}

static void test_buf__long_formats_grow_the_memory(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    for (int n = 60; n < 70; n++) {
        buf_clear(&b);
        buf_printf(&b, "%*d", n, 1);
        assert_int_equal(b.len, n);
        assert_int_equal(b.at[n - 1], '1');
    }
    buf_printf(&b, "%100000d", 2);
    assert_int_equal(b.len, 100069);
    buf_release(&b);
}

static void test_buf__integers_are_written_in_full(void **state)
{
    static const struct {
        int64_t n;
        const char *text;
    } rows[] = {{0, "0"},
                {-1, "-1"},
                {10, "10"},
                {INT64_MAX, "9223372036854775807"},
                {INT64_MIN, "-9223372036854775808"}};
    struct buf b = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        buf_clear(&b);
        buf_put_int(&b, rows[i].n);
        assert_string_equal(buf_cstr(&b), rows[i].text);
    }
    buf_release(&b);
}

static void test_buf__detached_memory_belongs_to_the_caller(void **state)
{
    struct buf b = BUF_INIT;
    size_t len = 9;

    (void)state;
    char *none = buf_detach(&b, &len);
    assert_string_equal(none, "");
    assert_int_equal(len, 0);
    free(none);
    buf_put_str(&b, "given");
    char *given = buf_detach(&b, NULL);
    assert_string_equal(given, "given");
    assert_null(b.at);
    assert_int_equal(b.len, 0);
    free(given);
}

static void test_buf__frames_are_read_back(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_put_u8(&b, 250);
    buf_put_u32(&b, 0xfedcba98);
    buf_put_i64(&b, INT64_MIN + 5);
    buf_put_bytes(&b, SLICE("伟"));
    buf_put_bytes(&b, slice_of(NULL, 0));
    assert_int_equal((uint8_t)b.at[1], 0x98); /* little-endian everywhere */
    struct reader r = {.rest = buf_slice(&b)};
    assert_int_equal(reader_u8(&r), 250);
    assert_int_equal(reader_u32(&r), 0xfedcba98);
    assert_true(reader_i64(&r) == INT64_MIN + 5);
    assert_true(slice_is(reader_bytes(&r), "伟"));
    assert_int_equal(reader_bytes(&r).len, 0);
    assert_false(r.bad);
    assert_int_equal(r.rest.len, 0);
    buf_release(&b);
}

static void test_buf__a_short_frame_stays_bad(void **state)
{
    struct buf b = BUF_INIT;

    (void)state;
    buf_put_bytes(&b, SLICE("abc"));
    for (size_t len = 0; len < b.len; len++) {
        struct reader r = {.rest = slice_of(b.at, len)};
        assert_int_equal(reader_bytes(&r).len, 0);
        assert_true(r.bad);
        assert_int_equal(reader_u8(&r), 0);
        assert_int_equal(reader_i64(&r), 0);
        assert_true(r.bad);
    }
    struct reader huge = {.rest = SLICE("\xff\xff\xff\xff"
                                        "abc")};
    assert_int_equal(reader_bytes(&huge).len, 0);
    assert_true(huge.bad);
    buf_release(&b);
}

/* Whether a process that asks for so many bytes lives on. */
static bool may_reserve(size_t bytes)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct buf b = BUF_INIT;
        close(STDERR_FILENO);
        buf_reserve(&b, bytes);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void test_buf__more_than_anybody_may_ask_for_is_a_defect(void **state)
{
    (void)state;
    assert_true(may_reserve(BUF_BYTES_MAX));
    assert_false(may_reserve((size_t)BUF_BYTES_MAX + 1));
    assert_false(may_reserve(SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf__everything_is_appended),
        cmocka_unit_test(test_buf__long_formats_grow_the_memory),
        cmocka_unit_test(test_buf__integers_are_written_in_full),
        cmocka_unit_test(test_buf__detached_memory_belongs_to_the_caller),
        cmocka_unit_test(test_buf__frames_are_read_back),
        cmocka_unit_test(test_buf__a_short_frame_stays_bad),
        cmocka_unit_test(test_buf__more_than_anybody_may_ask_for_is_a_defect),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
