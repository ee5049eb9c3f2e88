/* test_err - the one list of errors, and complaints collected for people.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/arena.h"
#include "base/limits.h"

#include <sys/wait.h>
#include <unistd.h>

static void test_err__every_error_has_a_status_a_code_and_two_texts(void **state)
{
    (void)state;
    for (int e = ERR_OK + 1; e < ERR_COUNT; e++) {
        assert_in_range(err_status((enum err)e), 400, 599);
        assert_true(strlen(err_code((enum err)e)) > 0);
        for (int other = ERR_OK; other < e; other++)
            assert_string_not_equal(err_code((enum err)e), err_code((enum err)other));
        assert_string_not_equal(err_text((enum err)e, LANG_EN), err_text((enum err)e, LANG_ZH));
    }
    assert_int_equal(err_status(ERR_OK), 200);
    assert_string_equal(err_code(ERR_VERSION), "version_mismatch");
    assert_int_equal(err_status(ERR_VERSION), 412);
}

static void test_err__fields_are_copied_in_order(void **state)
{
    struct arena *arena = arena_new();
    struct err_info info;
    char field[] = "phone";

    (void)state;
    err_info_init(&info, arena);
    assert_int_equal(err_field(&info, field, "required", NULL), ERR_VALIDATION);
    field[0] = 'x';
    assert_int_equal(err_field(&info, "lines[2].price", "too_big", "{\"max\":3}"), ERR_VALIDATION);
    assert_int_equal(info.count, 2);
    assert_string_equal(info.first->field, "phone");
    assert_null(info.first->args);
    assert_string_equal(info.last->args, "{\"max\":3}");
    assert_ptr_equal(info.first->next, info.last);
    err_info_clear(&info);
    assert_int_equal(info.count, 0);
    assert_null(info.first);
    assert_ptr_equal(info.arena, arena);
    arena_free(arena);
}

static void test_err__fields_over_the_limit_are_only_counted(void **state)
{
    struct arena *arena = arena_new();
    struct err_info info;
    int kept = 0;

    (void)state;
    err_info_init(&info, arena);
    for (int i = 0; i < ERR_FIELDS_MAX + 1; i++)
        (void)err_field(&info, "f", "c", NULL);
    for (struct err_field *f = info.first; f; f = f->next)
        kept++;
    assert_int_equal(kept, ERR_FIELDS_MAX);
    assert_int_equal(info.count, ERR_FIELDS_MAX + 1);
    arena_free(arena);
}

static void test_err__say_sets_what_is_given_and_hands_the_error_on(void **state)
{
    struct arena *arena = arena_new();
    struct err_info info;

    (void)state;
    err_info_init(&info, arena);
    assert_int_equal(err_say(&info, ERR_CONFLICT, "duplicate", "%d twins", 2), ERR_CONFLICT);
    assert_string_equal(info.code, "duplicate");
    assert_string_equal(info.message, "2 twins");
    assert_int_equal(err_say(&info, ERR_BUSY, NULL, NULL), ERR_BUSY);
    assert_string_equal(info.code, "duplicate");
    arena_free(arena);
}

static void test_err__bug_logs_one_line_and_aborts(void **state)
{
    int pipe_fds[2], status = 0;
    char line[512] = {0};

    (void)state;
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(pipe_fds[1], STDERR_FILENO);
        ASSERT(1 + 1 == 3);
        _exit(0);
    }
    close(pipe_fds[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_true(read(pipe_fds[0], line, sizeof(line) - 1) > 0);
    assert_non_null(strstr(line, "\"level\":\"error\""));
    assert_non_null(strstr(line, "test_err.c"));
    assert_non_null(strstr(line, "1 + 1 == 3"));
    close(pipe_fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err__every_error_has_a_status_a_code_and_two_texts),
        cmocka_unit_test(test_err__fields_are_copied_in_order),
        cmocka_unit_test(test_err__fields_over_the_limit_are_only_counted),
        cmocka_unit_test(test_err__say_sets_what_is_given_and_hands_the_error_on),
        cmocka_unit_test(test_err__bug_logs_one_line_and_aborts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
