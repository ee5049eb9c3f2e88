/* test_folder - removing what nobody writes to any more.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "place.h"
#include "tenant/folder.h"

static void file_make(struct place *place, const char *name, int64_t age_ms)
{
    char full[FOLDER_PATH_MAX];
    folder_join(full, place->data, name);
    assert_int_equal(folder_write(full, SLICE("x"), 0600), ERR_OK);
    int64_t at = clock_now_ms() - age_ms;
    struct timespec times[2] = {{.tv_sec = at / 1000}, {.tv_sec = at / 1000}};
    assert_int_equal(utimensat(AT_FDCWD, full, times, 0), 0);
}

static void test_folder__old_files_go_and_all_else_stays(void **state)
{
    (void)state;
    struct place place;
    place_open(&place);
    assert_int_equal(folder_make(place.data), ERR_OK);
    file_make(&place, "body-old", 7200000);
    file_make(&place, "body-new", 0);
    char link[FOLDER_PATH_MAX], folder[FOLDER_PATH_MAX];
    folder_join(link, place.data, "link");
    folder_join(folder, place.data, "folder");
    assert_int_equal(symlink("body-new", link), 0);
    assert_int_equal(folder_make(folder), ERR_OK);
    assert_int_equal(folder_remove_older(place.data, clock_now_ms() - 3600000), ERR_OK);
    const char **names;
    int count = 0;
    assert_int_equal(folder_names(place.arena, place.data, &names, &count), ERR_OK);
    assert_int_equal(count, 3);
    assert_string_equal(names[0], "body-new");
    assert_string_equal(names[1], "folder");
    assert_string_equal(names[2], "link");
    place_close(&place);
}

static void test_folder__missing_folder_is_said(void **state)
{
    (void)state;
    struct place place;
    place_open(&place);
    assert_int_equal(folder_remove_older(place.data, 0), ERR_NOT_FOUND);
    place_close(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder__old_files_go_and_all_else_stays),
        cmocka_unit_test(test_folder__missing_folder_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
