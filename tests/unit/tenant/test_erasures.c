/* test_erasures - notes of what is to be forgotten: kept in order, by company, past a torn line.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tenant/erasures.h"
#include "tenant/folder.h"

#define OK(call) assert_int_equal((call), ERR_OK)

struct rig {
    char data[64];
    struct arena *arena;
};

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    snprintf(rig->data, sizeof rig->data, "/tmp/perigee-erasures-XXXXXX");
    if (!rig || !mkdtemp(rig->data))
        return -1;
    rig->arena = arena_new();
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    enum err e = folder_remove(rig->data);
    arena_free(rig->arena);
    free(rig);
    return e ? -1 : 0;
}

static void test_erasures__are_read_in_order_and_by_company(void **state)
{
    struct rig *rig = *state;
    struct erasure *all;
    int count;
    OK(erasures_read(rig->arena, rig->data, "acme", 0, &all, &count));
    assert_int_equal(count, 0);
    OK(erasures_note(rig->data, "acme", &(struct erasure){10, 4711, "lead"}));
    OK(erasures_note(rig->data, "globex", &(struct erasure){11, 4712, "lead"}));
    OK(erasures_note(rig->data, "acme", &(struct erasure){12, 4713, "contact"}));
    OK(erasures_read(rig->arena, rig->data, "acme", 0, &all, &count));
    assert_int_equal(count, 2);
    assert_int_equal(all[0].record, 4711);
    assert_string_equal(all[1].entity, "contact");
    OK(erasures_read(rig->arena, rig->data, "acme", 10, &all, &count));
    assert_int_equal(count, 1);
    assert_int_equal(all[0].at_ms, 12);
}

static void test_erasures__tell_of_one_record(void **state)
{
    static const struct {
        const char *tenant, *entity;
        int64_t record;
        bool is_there;
    } cases[] = {{"acme", "lead", 4711, true},
                 {"acme", "contact", 4711, false},
                 {"acme", "lead", 4712, false},
                 {"globex", "lead", 4711, false}};
    struct rig *rig = *state;
    OK(erasures_note(rig->data, "acme", &(struct erasure){10, 4711, "lead"}));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool is_there;
        OK(erasures_has(rig->arena, rig->data, cases[i].tenant, cases[i].entity, cases[i].record,
                        &is_there));
        assert_int_equal(is_there, cases[i].is_there);
    }
}

static void test_erasures__a_torn_line_is_passed_over(void **state)
{
    struct rig *rig = *state;
    struct erasure *all;
    int count;
    char path[FOLDER_PATH_MAX];
    OK(erasures_note(rig->data, "acme", &(struct erasure){10, 4711, "lead"}));
    snprintf(path, sizeof path, "%s/erasures/acme", rig->data);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    assert_true(fputs("\n11 lea", file) >= 0 && fclose(file) == 0);
    OK(erasures_note(rig->data, "acme", &(struct erasure){12, 4713, "contact"}));
    OK(erasures_read(rig->arena, rig->data, "acme", 0, &all, &count));
    assert_int_equal(count, 2);
    assert_int_equal(all[1].record, 4713);
}

static void test_erasures__refuse_what_is_no_name(void **state)
{
    struct rig *rig = *state;
    struct erasure *all;
    int count;
    assert_int_equal(erasures_note(rig->data, "../acme", &(struct erasure){1, 1, "lead"}),
                     ERR_MALFORMED);
    assert_int_equal(erasures_note(rig->data, "acme", &(struct erasure){1, 1, "le ad"}),
                     ERR_MALFORMED);
    assert_int_equal(erasures_note(rig->data, "acme", &(struct erasure){1, 0, "lead"}),
                     ERR_MALFORMED);
    assert_int_equal(erasures_read(rig->arena, rig->data, "a/b", 0, &all, &count), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_erasures__are_read_in_order_and_by_company, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_erasures__tell_of_one_record, setup, teardown),
        cmocka_unit_test_setup_teardown(test_erasures__a_torn_line_is_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_erasures__refuse_what_is_no_name, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
