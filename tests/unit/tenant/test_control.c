/* test_control - the data folder, the register of tenants and the key file.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "place.h"
#include "tenant/folder.h"
#include "tenant/masterkey.h"

static int setup(void **state)
{
    static struct place place;
    place_open(&place);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    place_close(*state);
    return 0;
}

static void path_of(const struct place *p, const char *name, char out[FOLDER_PATH_MAX])
{
    folder_join(out, p->data, name);
}

static void test_control__init_makes_a_folder_that_opens(void **state)
{
    struct place *p = *state;
    const char *why = NULL;
    assert_int_equal(control_init(p->data, &why), ERR_OK);
    char path[FOLDER_PATH_MAX];
    path_of(p, MASTERKEY_FILE, path);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    path_of(p, "README", path);
    assert_true(folder_exists(path));

    struct store *control;
    assert_int_equal(control_open(p->data, STORE_OWNER, &control, &why), ERR_OK);
    store_close(control);
    assert_int_equal(control_open(p->data, STORE_READ, &control, &why), ERR_OK);
    store_close(control);
}

static void test_control__init_twice_is_refused_and_keeps_the_key(void **state)
{
    struct place *p = *state;
    const char *why = NULL;
    uint8_t before[CRYPTO_KEY_LEN], after[CRYPTO_KEY_LEN];
    assert_int_equal(control_init(p->data, &why), ERR_OK);
    assert_int_equal(masterkey_read(p->data, before, &why), ERR_OK);
    assert_int_equal(control_init(p->data, &why), ERR_CONFLICT);
    assert_non_null(strstr(why, "already"));

    char path[FOLDER_PATH_MAX]; /* as after a crash before the last step */
    path_of(p, "control.db", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(control_init(p->data, &why), ERR_OK);
    assert_int_equal(masterkey_read(p->data, after, &why), ERR_OK);
    assert_memory_equal(before, after, sizeof before);
}

static void test_control__open_says_what_is_wrong_with_the_folder(void **state)
{
    struct place *p = *state;
    const char *why = NULL;
    struct store *control = NULL;
    assert_int_equal(control_open(p->data, STORE_OWNER, &control, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "perigee init"));
    assert_int_equal(folder_make(p->data), ERR_OK);
    assert_int_equal(control_open(p->data, STORE_OWNER, &control, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "not a Perigee data folder"));

    char path[FOLDER_PATH_MAX];
    path_of(p, "control.db", path);
    assert_int_equal(folder_write(path, SLICE("this is no store"), 0600), ERR_OK);
    assert_int_equal(masterkey_create(p->data, &why), ERR_OK);
    assert_int_not_equal(control_open(p->data, STORE_OWNER, &control, &why), ERR_OK);
    assert_non_null(strstr(why, "control.db"));
    assert_null(control);
}

static void test_control__open_says_what_is_wrong_with_the_key(void **state)
{
    struct place *p = *state;
    const char *why = NULL;
    struct store *control = NULL;
    assert_int_equal(control_init(p->data, &why), ERR_OK);
    char path[FOLDER_PATH_MAX];
    path_of(p, MASTERKEY_FILE, path);

    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(control_open(p->data, STORE_READ, &control, &why), ERR_FORBIDDEN);
    assert_non_null(strstr(why, "chmod 600"));
    assert_int_equal(chmod(path, 0600), 0);

    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 10), 0);
    assert_int_equal(control_open(p->data, STORE_OWNER, &control, &why), ERR_CORRUPT);
    assert_non_null(strstr(why, "damaged"));

    assert_int_equal(unlink(path), 0);
    assert_int_equal(control_open(p->data, STORE_OWNER, &control, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "master.key is missing"));
}

static void test_control__names_and_hosts(void **state)
{
    (void)state;
    assert_true(control_name_is_valid("acme"));
    assert_true(control_name_is_valid("a-1_x"));
    assert_false(control_name_is_valid(""));
    assert_false(control_name_is_valid("1a"));
    assert_false(control_name_is_valid("Acme"));
    assert_false(control_name_is_valid("../x"));
    assert_false(control_name_is_valid(".new-x"));
    char longest[65];
    memset(longest, 'a', 64);
    longest[64] = '\0';
    assert_false(control_name_is_valid(longest));
    longest[63] = '\0';
    assert_true(control_name_is_valid(longest));

    assert_true(control_host_is_valid("crm.example.com"));
    assert_true(control_host_is_valid("localhost"));
    assert_true(control_host_is_valid("127.0.0.1"));
    assert_true(control_host_is_valid("[::1]"));
    assert_false(control_host_is_valid("crm.example.com:8080"));
    assert_false(control_host_is_valid("CRM.example.com"));
    assert_false(control_host_is_valid("-a.com"));
    assert_false(control_host_is_valid("a..com"));
    assert_false(control_host_is_valid("a.com."));
    assert_false(control_host_is_valid(""));
}

static void test_control__add_list_place_state_remove(void **state)
{
    struct place *p = *state;
    const char *why = NULL;
    struct store *control;
    assert_int_equal(control_init(p->data, &why), ERR_OK);
    assert_int_equal(control_open(p->data, STORE_OWNER, &control, &why), ERR_OK);
    struct store_header before, after;
    assert_int_equal(store_header_read(control, &before), ERR_OK);

    const char *hosts[] = {"a.test", "b.test", NULL}, *clash[] = {"c.test", "b.test", NULL};
    struct control_tenant one = {.name = "one", .title = "One", .worker = -1, .hosts = hosts};
    struct control_tenant two = {.name = "two", .worker = -1, .hosts = clash};
    assert_int_equal(control_add(control, &one, &why), ERR_OK);
    assert_int_equal(control_add(control, &one, &why), ERR_CONFLICT);
    assert_string_equal(why, "A tenant called one is already there.");
    assert_int_equal(control_add(control, &two, &why), ERR_CONFLICT);
    assert_string_equal(why, "The host b.test already belongs to a tenant.");
    clash[1] = NULL;
    assert_int_equal(control_add(control, &two, &why), ERR_OK); /* nothing half-done was left */

    assert_int_equal(control_place(control, "two", 3), ERR_OK);
    assert_int_equal(control_set_state(control, "two", "parked", "migration failed"), ERR_OK);
    assert_int_equal(control_set_state(control, "none", "active", NULL), ERR_NOT_FOUND);
    struct control_tenant *list;
    int count;
    assert_int_equal(control_list(control, p->arena, &list, &count), ERR_OK);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].name, "one");
    assert_string_equal(list[0].timezone, "Asia/Shanghai");
    assert_string_equal(list[0].hosts[0], "a.test");
    assert_string_equal(list[0].hosts[1], "b.test");
    assert_null(list[0].hosts[2]);
    assert_int_equal(list[1].worker, 3);
    assert_string_equal(list[1].parked_why, "migration failed");

    assert_int_equal(control_remove(control, "one"), ERR_OK);
    assert_int_equal(control_remove(control, "one"), ERR_NOT_FOUND);
    assert_int_equal(control_add(control, &one, &why), ERR_OK); /* its hosts are free again */
    assert_int_equal(store_header_read(control, &after), ERR_OK);
    assert_true(after.model_version > before.model_version);
    store_close(control);
}

static void test_control__bad_names_are_refused(void **state)
{
    struct place *p = *state;
    const char *why = NULL;
    struct store *control;
    assert_int_equal(control_init(p->data, &why), ERR_OK);
    assert_int_equal(control_open(p->data, STORE_OWNER, &control, &why), ERR_OK);
    struct control_tenant spec = {.name = "Bad Name", .worker = -1};
    assert_int_equal(control_add(control, &spec, &why), ERR_MALFORMED);
    const char *hosts[] = {"a.test:80", NULL};
    spec = (struct control_tenant){.name = "good", .worker = -1, .hosts = hosts};
    assert_int_equal(control_add(control, &spec, &why), ERR_MALFORMED);
    assert_non_null(strstr(why, "a.test:80"));
    store_close(control);
}

static void test_control__lock_is_held_by_one(void **state)
{
    struct place *p = *state;
    const char *why = NULL;
    int first, second;
    assert_int_equal(control_init(p->data, &why), ERR_OK);
    assert_int_equal(control_lock(p->data, &first), ERR_OK);
    assert_int_equal(control_lock(p->data, &second), ERR_CONFLICT);
    assert_int_equal(close(first), 0);
    assert_int_equal(control_lock(p->data, &second), ERR_OK);
    assert_int_equal(close(second), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_control__init_makes_a_folder_that_opens, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_control__init_twice_is_refused_and_keeps_the_key,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_control__open_says_what_is_wrong_with_the_folder,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_control__open_says_what_is_wrong_with_the_key, setup,
                                        teardown),
        cmocka_unit_test(test_control__names_and_hosts),
        cmocka_unit_test_setup_teardown(test_control__add_list_place_state_remove, setup, teardown),
        cmocka_unit_test_setup_teardown(test_control__bad_names_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_control__lock_is_held_by_one, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
