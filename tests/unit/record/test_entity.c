/* test_entity - fields by name and by number, the system fields, and the tables that follow.
 *
 * SPDX-License-Identifier: MIT
 */
#include "cmocka_all.h"
#include "place.h"

static int setup(void **state)
{
    static struct place place;
    place_open(&place);
    place_ready(&place, "people", "leads", NULL);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    place_close(*state);
    return 0;
}

static void test_entity__fields_are_found_both_ways(void **state)
{
    struct place *p = *state;
    for (int i = 0; i < p->model->entities_count; i++) {
        const struct entity *e = p->model->entity_list[i];
        for (int k = 0; k < e->fields_count; k++) {
            const struct field *f = e->fields[k];
            assert_ptr_equal(entity_field(e, slice_str(f->name)), f);
            assert_ptr_equal(entity_field_by_n(e, f->n), f);
            assert_ptr_equal(f->entity, e);
        }
        assert_ptr_equal(model_entity_by_number(p->model, e->n), e);
    }
    assert_null(entity_field(place_entity(p, "lead"), SLICE("nothing")));
    assert_null(entity_field_by_n(place_entity(p, "lead"), 99999));
}

static void test_entity__slots_are_the_columns(void **state)
{
    struct place *p = *state;
    for (int i = 0; i < p->model->entities_count; i++) {
        const struct entity *e = p->model->entity_list[i];
        for (int k = 0; k < e->fields_count; k++) {
            const struct field *f = e->fields[k];
            for (int c = 0; c < f->type->columns; c++)
                assert_int_equal(e->column_types[f->slot + c], f->type->stores[c]);
            if (f->type->columns)
                assert_string_equal(e->columns[f->slot], f->column);
        }
        for (int a = 0; a < e->slots; a++)
            for (int b = 0; b < a; b++)
                assert_string_not_equal(e->columns[a], e->columns[b]);
    }
}

static void test_entity__system_fields_cannot_be_written_but_the_owner(void **state)
{
    struct place *p = *state;
    assert_true(place_field(p, "lead", "created_at")->is_readonly);
    assert_true(place_field(p, "lead", "version")->is_readonly);
    assert_false(place_field(p, "lead", "owner")->is_readonly);
    assert_true(place_field(p, "lead", "team")->is_readonly);
    assert_true(place_field(p, "lead", "delete_batch")->is_hidden);
    assert_false(place_field(p, "user", "team")->is_readonly);
    assert_true(place_field(p, "user", "owner")->is_hidden);
    assert_int_equal(place_field(p, "lead", "owner")->n, -(SLOT_OWNER + 1));
    assert_ptr_equal(model_ref(p->model, place_field(p, "lead", "owner")), place_entity(p, "user"));
}

static bool has_index(const struct store_table *table, const char *columns, const char *where,
                      bool unique)
{
    for (int i = 0; i < table->indexes_count; i++)
        if (strcmp(table->indexes[i].columns, columns) == 0 && table->indexes[i].where &&
            strcmp(table->indexes[i].where, where) == 0 && table->indexes[i].unique == unique)
            return true;
    return false;
}

static void test_entity__lists_have_their_indexes(void **state)
{
    struct place *p = *state;
    const struct entity *account = place_entity(p, "account");
    const struct store_table *table = NULL;
    for (int i = 0; i < p->model->schema->tables_count; i++)
        if (strcmp(p->model->schema->tables[i].name, account->table) == 0)
            table = &p->model->schema->tables[i];
    assert_non_null(table);
    assert_true(table->tokens);
    assert_true(has_index(table, "owner,updated_at desc,id desc", "live", false));
    assert_true(has_index(table, "created_at desc,id desc", "live", false));
    assert_true(has_index(table, "updated_at desc,id desc", "live", false));
    const char *number = place_field(p, "account", "number")->column;
    const char *parent = place_field(p, "account", "parent")->column;
    const char *industry = place_field(p, "account", "industry")->column;
    assert_true(has_index(table, number, arena_printf(p->arena, "live:%s", number), true));
    assert_true(has_index(table, arena_printf(p->arena, "%s,created_at desc,id desc", parent),
                          arena_printf(p->arena, "live:%s", parent), false));
    assert_true(has_index(table, arena_printf(p->arena, "%s,updated_at desc,id desc", industry),
                          "live", false));
}

static void test_entity__the_default_list_uses_its_index(void **state)
{
    struct place *p = *state;
    const struct entity *lead = place_entity(p, "lead");
    const struct query_column id = {.column = {0, "id"}};
    const struct query_order order[] = {{.column = {0, "created_at"}, .descending = true},
                                        {.column = {0, "id"}, .descending = true}};
    const struct query query = {.table = lead->table,
                                .select = &id,
                                .select_count = 1,
                                .where = expr_cmp(p->arena, EXPR_NULL, "deleted_at", value_null()),
                                .order = order,
                                .order_count = 2,
                                .limit = 50};
    struct buf plan = BUF_INIT;
    place_row(p, "lead");
    assert_int_equal(store_explain(p->tenant->store, &query, &plan), ERR_OK);
    const char *want = arena_printf(p->arena, "%s_by_created", lead->table);
    if (!strstr(buf_cstr(&plan), want) || strstr(buf_cstr(&plan), "TEMP B-TREE"))
        fail_msg("the plan is: %s", buf_cstr(&plan));
    buf_release(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entity__fields_are_found_both_ways),
        cmocka_unit_test(test_entity__slots_are_the_columns),
        cmocka_unit_test(test_entity__system_fields_cannot_be_written_but_the_owner),
        cmocka_unit_test(test_entity__lists_have_their_indexes),
        cmocka_unit_test(test_entity__the_default_list_uses_its_index),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
