/* test_shelf - what one process has put is read by others, whole or not at all.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"

#include "base/shelf.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int teardown(void **state)
{
    (void)state;
    shelf_close();
    return 0;
}

/* Lets another process fill a shelf, which this one then has open. */
static void filled(bool (*fill)(void), bool expected)
{
    int fd = -1, status = -1;
    assert_int_equal(shelf_new(&fd), ERR_OK);
    pid_t pid = fork();
    if (pid == 0)
        _exit(fill());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), expected);
    shelf_close();
    shelf_open(fd);
    close(fd);
}

static bool fill_three(void)
{
    struct arena *arena = shelf_arena();
    shelf_put(arena_strdup(arena, "b"), arena_strdup(arena, "second"));
    shelf_put(arena_strdup(arena, "c"), arena_strdup(arena, "third"));
    shelf_put(arena_strdup(arena, "a"), arena_strdup(arena, "first"));
    return shelf_publish();
}

static void test_shelf__what_one_has_put_others_read(void **state)
{
    (void)state;
    filled(fill_three, true);
    assert_string_equal(shelf_get("a"), "first");
    assert_string_equal(shelf_get("b"), "second");
    assert_string_equal(shelf_get("c"), "third");
    assert_null(shelf_get("d"));
    assert_null(shelf_get(""));
}

static bool fill_too_much(void)
{
    struct arena *arena = shelf_arena();
    shelf_put("a", arena_alloc(arena, SHELF_BYTES / 2));
    shelf_put("b", arena_alloc(arena, SHELF_BYTES / 2));
    return shelf_publish();
}

static bool fill_too_many(void)
{
    struct arena *arena = shelf_arena();
    for (int i = 0; i < 5000; i++)
        shelf_put(arena_printf(arena, "%d", i), "x");
    return shelf_publish();
}

static void test_shelf__what_has_no_room_is_not_there_at_all(void **state)
{
    (void)state;
    filled(fill_too_much, false);
    assert_null(shelf_get("a"));
    shelf_close();
    filled(fill_too_many, false);
    assert_null(shelf_get("1"));
}

static bool fill_and_die(void)
{
    struct arena *arena = shelf_arena();
    shelf_put(arena_strdup(arena, "a"), arena_strdup(arena, "first"));
    return false; /* it never comes to an end */
}

static void test_shelf__half_of_it_is_never_seen(void **state)
{
    (void)state;
    filled(fill_and_die, false);
    assert_null(shelf_get("a"));
    assert_null(shelf_get("a"));
}

static void test_shelf__readers_cannot_write(void **state)
{
    int fd = -1;
    (void)state;
    assert_int_equal(shelf_new(&fd), ERR_OK);
    shelf_close();
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
    assert_int_equal(errno, EPERM);
    assert_int_equal(pwrite(fd, "x", 1, 0), -1);
    assert_int_equal(ftruncate(fd, 0), -1);
    close(fd);
}

static void test_shelf__without_one_nothing_is_found(void **state)
{
    int fd = fileno(tmpfile());
    (void)state;
    assert_null(shelf_arena());
    assert_null(shelf_get("a"));
    shelf_open(fd); /* some other file */
    assert_null(shelf_get("a"));
    shelf_open(-1);
    assert_null(shelf_get("a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_teardown(test_shelf__##name, teardown)
        T(what_one_has_put_others_read), T(what_has_no_room_is_not_there_at_all),
        T(half_of_it_is_never_seen),     T(readers_cannot_write),
        T(without_one_nothing_is_found),
#undef T
    };
    return cmocka_run_group_tests_name("base/shelf", tests, NULL, NULL);
}
