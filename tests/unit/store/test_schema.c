/* test_schema - applying a wanted schema to a store.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rig.h"

#include "store/sqlite/db.h"

static int64_t number(struct rig *rig, const char *sql)
{
    int64_t n = -1;
    OK(db_int((struct db *)rig->store, sql, &n));
    return n;
}

static void test_schema__the_header_carries_hash_and_versions(void **state)
{
    struct rig *rig = *state;
    struct store_header header;
    OK(store_header_read(rig->store, &header));
    assert_int_equal(header.core_version, 1);
    assert_true(header.schema_hash == rig_schema()->hash);
    int64_t model = header.model_version, auth = header.auth_version;
    OK(store_begin(rig->store, true));
    OK(store_header_bump(rig->store, true, false));
    OK(store_header_bump(rig->store, true, true));
    OK(store_commit(rig->store));
    OK(store_begin(rig->store, true));
    OK(store_header_bump(rig->store, false, true));
    store_rollback(rig->store);
    OK(store_header_read(rig->store, &header));
    assert_int_equal(header.model_version, model + 2);
    assert_int_equal(header.auth_version, auth + 1);
}

static void test_schema__the_same_again_does_nothing(void **state)
{
    struct rig *rig = *state;
    struct store_schema schema = *rig_schema();
    int64_t before = number(rig, "SELECT count(*) FROM sqlite_schema");
    OK(store_schema_apply(rig->store, &schema));
    schema.hash++; /* looked at, found equal */
    OK(store_schema_apply(rig->store, &schema));
    assert_int_equal(number(rig, "SELECT count(*) FROM sqlite_schema"), before);
    assert_int_equal(number(rig, "SELECT schema_hash = -9141386507638288912 FROM perigee_header"),
                     1);
}

/* The rig's schema with the lead table replaced. */
static enum err apply_lead(struct rig *rig, const struct store_table *lead)
{
    static uint64_t hash = 1;
    struct store_table tables[8];
    struct store_schema schema = *rig_schema();
    memcpy(tables, schema.tables, (size_t)schema.tables_count * sizeof *tables);
    tables[0] = *lead;
    schema.tables = tables;
    schema.hash = ++hash;
    return store_schema_apply(rig->store, &schema);
}

static void test_schema__columns_are_added_with_their_default(void **state)
{
    struct rig *rig = *state;
    struct store_table lead = rig_schema()->tables[0];
    struct store_column columns[16];
    memcpy(columns, lead.columns, (size_t)lead.columns_count * sizeof *columns);
    lead.columns = columns;
    columns[lead.columns_count++] = (struct store_column){"f1", VALUE_TEXT, true, "it's"};
    columns[lead.columns_count++] = (struct store_column){"f2", VALUE_INT, false, "-7"};
    rig_lead(rig, 1, "old", NULL, 1);
    OK(apply_lead(rig, &lead));
    struct query_column select[] = {{.column = {0, "f1"}}, {.column = {0, "f2"}}};
    struct query query = {.table = "lead", .select = select, .select_count = 2};
    assert_string_equal(rig_rows(rig, &query), "it's|-7");

    columns[lead.columns_count++] = (struct store_column){"f3", VALUE_TEXT, true, NULL};
    assert_int_equal(apply_lead(rig, &lead), ERR_NOT_SUPPORTED);
    assert_non_null(strstr(store_why(rig->store), "lead"));
}

static void test_schema__vanished_columns_and_tables_keep_their_data(void **state)
{
    struct rig *rig = *state;
    struct store_table lead = rig_schema()->tables[0];
    rig_lead(rig, 1, "kept", NULL, 1);
    lead.columns_count = 6; /* tags and behind vanish */
    lead.indexes_count = 0;
    OK(apply_lead(rig, &lead));
    assert_int_equal(number(rig, "SELECT count(deleted_at) FROM lead"), 0);
    struct store_schema less = *rig_schema();
    int64_t n;
    less.tables++;
    less.tables_count--;
    less.hash = 77;
    OK(store_schema_apply(rig->store, &less));
    assert_int_equal(store_count(rig->store, "lead", NULL, 9, &n),
                     ERR_INTERNAL); /* not reachable */
    OK(store_schema_apply(rig->store, rig_schema()));
    assert_string_equal(rig_match(rig, NULL), "1");
}

static void test_schema__indexes_follow_their_definition(void **state)
{
    struct rig *rig = *state;
    struct store_table lead = rig_schema()->tables[0];
    struct store_index indexes[] = {{"lead_amount", "amount", NULL, false},
                                    {"lead_both", "status, name desc", "live:name", true}};
    lead.indexes = indexes;
    lead.indexes_count = 2;
    OK(apply_lead(rig, &lead));
    assert_int_equal(number(rig, "SELECT count(*) FROM sqlite_schema WHERE type = 'index'"
                                 " AND sql IS NOT NULL"),
                     2);
    assert_int_equal(number(rig, "SELECT count(*) FROM sqlite_schema WHERE sql ="
                                 " 'CREATE INDEX \"lead_amount\" ON \"lead\" (\"amount\")'"),
                     1);
    assert_int_equal(number(rig,
                            "SELECT count(*) FROM sqlite_schema WHERE sql = 'CREATE UNIQUE INDEX"
                            " \"lead_both\" ON \"lead\" (\"status\",\"name\" DESC) WHERE"
                            " \"deleted_at\" IS NULL AND \"name\" IS NOT NULL'"),
                     1);
}

static void test_schema__a_unique_index_over_duplicates_changes_nothing(void **state)
{
    struct rig *rig = *state;
    struct store_table lead = rig_schema()->tables[0];
    struct store_index indexes[] = {{"lead_name", "name", NULL, false},
                                    {"lead_amount", "amount", NULL, true}};
    lead.indexes = indexes;
    lead.indexes_count = 2;
    rig_lead(rig, 1, "a", NULL, 5);
    rig_lead(rig, 2, "b", NULL, 5);
    assert_int_equal(apply_lead(rig, &lead), ERR_CONFLICT);
    assert_false(store_in_tx(rig->store));
    assert_int_equal(number(rig, "SELECT count(*) FROM sqlite_schema WHERE name = 'lead_name'"), 0);
    assert_string_equal(rig_match(rig, NULL), "1 2");
}

static void test_schema__what_cannot_change_is_refused(void **state)
{
    struct rig *rig = *state;
    struct store_table lead = rig_schema()->tables[0];
    struct store_column columns[16];
    memcpy(columns, lead.columns, (size_t)lead.columns_count * sizeof *columns);
    lead.columns = columns;
    columns[1].type = VALUE_INT;
    assert_int_equal(apply_lead(rig, &lead), ERR_NOT_SUPPORTED);
    columns[1].type = VALUE_TEXT;
    lead.key = "amount";
    assert_int_equal(apply_lead(rig, &lead), ERR_NOT_SUPPORTED);
    lead.key = "id";
    static const char *const names[] = {"perigee_x", "a b", "x\"; DROP TABLE lead; --", "",
                                        "users_tokens"};
    for (int i = 0; i < COUNT(names); i++) {
        lead.name = names[i];
        assert_int_equal(apply_lead(rig, &lead), ERR_NOT_SUPPORTED);
    }
}

static void test_schema__another_connection_sees_new_tables(void **state)
{
    struct rig *rig = *state;
    struct store *reader;
    int64_t n = -1;
    OK(store_open(rig->path, STORE_READ, &reader));
    OK(store_count(reader, "lead", NULL, 9, &n));
    struct store_table lead = rig_schema()->tables[0];
    lead.name = "deal";
    lead.indexes_count = 0;
    OK(apply_lead(rig, &lead));
    OK(store_count(reader, "deal", NULL, 9, &n));
    assert_int_equal(n, 0);
    struct store_header header; /* a fixed statement is prepared again by itself */
    OK(store_header_read(reader, &header));
    store_close(reader);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_schema__##name, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_header_carries_hash_and_versions),
        TEST(the_same_again_does_nothing),
        TEST(columns_are_added_with_their_default),
        TEST(vanished_columns_and_tables_keep_their_data),
        TEST(indexes_follow_their_definition),
        TEST(a_unique_index_over_duplicates_changes_nothing),
        TEST(what_cannot_change_is_refused),
        TEST(another_connection_sees_new_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
