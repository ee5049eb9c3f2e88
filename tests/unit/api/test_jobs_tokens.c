/* test_jobs_tokens - search tokens of an earlier release become those of this one, batch by batch.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include "api/jobs.h"
#include "base/token.h"
#include "base/tuning.h"
#include "store/query.h"

#define WARES  "/api/v1/records/ware"
#define SEARCH "/api/v1/search?entities=ware&q=zw"

static struct tenant *acme(struct fixture *f)
{
    struct tenant *tenant;
    assert_int_equal(tenants_by_name(f->tenants, SLICE("acme"), &tenant), ERR_OK);
    return tenant;
}

static bool step(struct fixture *f)
{
    struct tenant *tenant = acme(f);
    struct arena *arena = arena_new();
    int64_t next_ms;
    bool more;
    f->app.role = APP_RUNNER;
    assert_int_equal(jobs_step(&f->app, tenant, arena, &more, &next_ms), ERR_OK);
    f->app.role = APP_COMMAND;
    arena_free(arena);
    tenants_unpin(f->tenants, tenant);
    return more;
}

static const char *search_first(struct fixture *f)
{
    assert_int_equal(fixture_call(f, OPERATOR, "GET", SEARCH, NULL), 200);
    return fixture_at(f, "groups.0.items.0.name");
}

/* 张伟, then `count` whose initials only begin with his. */
static void wares(struct fixture *f, int count)
{
    assert_int_equal(fixture_call(f, OPERATOR, "POST", WARES, "{\"name\":\"张伟\"}"), 201);
    for (int i = 0; i < count;) {
        struct buf body = BUF_INIT;
        buf_put_str(&body, "{\"items\":[");
        for (int k = 0; k < 500 && i < count; k++, i++)
            buf_printf(&body, "%s{\"op\":\"create\",\"data\":{\"name\":\"张伟明\"}}", k ? "," : "");
        buf_put_str(&body, "]}");
        if (fixture_call(f, OPERATOR, "POST", WARES "/bulk", buf_cstr(&body)) != 200)
            fail_msg("%s", f->text);
        buf_release(&body);
    }
}

struct tables {
    const char *found;
    int64_t ids[REINDEX_BATCH_ROWS * 3];
    int count;
};

static bool take_id(void *arg, const struct store_row *row)
{
    struct tables *t = arg;
    t->ids[t->count++] = store_row_value(row, 0).integer;
    return true;
}

static const char *table_of(struct fixture *f, struct tenant *tenant)
{
    const struct entity *ware = model_entity(tenant->model, SLICE("ware"));
    assert_non_null(ware);
    return fixture_print(f, "%s", ware->table);
}

/* As an earlier release left it: found by prefixes, and no word about versions. */
static void make_old(struct fixture *f)
{
    struct tenant *tenant = acme(f);
    struct tables t = {.found = table_of(f, tenant)};
    struct query_column id = {.column = {0, "id"}};
    struct query all = {.table = t.found, .select = &id, .select_count = 1};
    const struct expr kept = {
        .op = EXPR_EQ, .column = {0, "name"}, .value = value_text(SLICE("search_tokens"))};
    const struct entity *ware = model_entity(tenant->model, SLICE("ware"));
    const struct field *name = entity_field(ware, SLICE("name"));
    assert_int_equal(store_begin(tenant->store, true), ERR_OK);
    assert_int_equal(store_read(tenant->store, &all, take_id, &t), ERR_OK);
    const char *old = fixture_print(f, "f%d:wzw", name->n);
    for (int i = 0; i < t.count; i++)
        assert_int_equal(
            store_tokens_put(tenant->store, t.found, t.ids[i], SLICE(""), slice_str(old)), ERR_OK);
    assert_int_equal(store_delete(tenant->store, "setting", &kept, NULL), ERR_OK);
    assert_int_equal(store_commit(tenant->store), ERR_OK);
    tenants_unpin(f->tenants, tenant);
}

static int64_t kept(struct fixture *f, const char *member)
{
    struct tenant *tenant = acme(f);
    struct arena *arena = arena_new();
    const struct json *setting = NULL;
    assert_int_equal(tenant_setting(tenant, arena, "search_tokens", &setting), ERR_OK);
    int64_t number = json_int(setting, member, -1);
    arena_free(arena);
    tenants_unpin(f->tenants, tenant);
    return number;
}

static void test_jobs_tokens__old_ones_are_made_anew_in_batches(void **state)
{
    struct fixture *f = *state;
    wares(f, 2 * REINDEX_BATCH_ROWS);
    while (step(f))
        continue;
    assert_int_equal(kept(f, "version"), TOKEN_VERSION);
    assert_true(kept(f, "model") > 0);
    assert_string_equal(search_first(f), "张伟");

    make_old(f);
    assert_string_equal(search_first(f), "张伟明"); /* found all the same, newest first */
    int64_t run_at_ms = 0;
    struct tenant *tenant = acme(f);
    assert_int_equal(jobs_look(tenant, &run_at_ms), ERR_OK);
    assert_true(run_at_ms > 0);
    tenants_unpin(f->tenants, tenant);

    assert_true(step(f)); /* he is the oldest: in the first batch */
    assert_int_equal(kept(f, "model"), 0);
    assert_string_equal(search_first(f), "张伟");
    assert_true(step(f));
    assert_int_equal(kept(f, "model"), 0);
    assert_false(step(f));
    assert_true(kept(f, "model") > 0);
    assert_int_equal(fixture_call(f, OPERATOR, "GET", SEARCH "m", NULL), 200);
    assert_string_equal(fixture_at(f, "groups.0.items.0.name"), "张伟明");
    assert_string_equal(fixture_at(f, "groups.0.more"), "true");
}

/* A place that nobody could have written, and one of another version, begin anew. */
static void test_jobs_tokens__what_is_kept_is_not_believed(void **state)
{
    static const char *const odd[] = {
        "{}", "[]", "{\"version\":1,\"model\":1}",
        "{\"version\":2,\"entity\":\"gone\",\"after\":\"0000000000001\",\"done\":{\"gone\":true}}",
        "{\"version\":2,\"entity\":\"ware\",\"after\":\"?\",\"done\":7}"};
    struct fixture *f = *state;
    wares(f, 1);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        make_old(f);
        struct tenant *tenant = acme(f);
        assert_int_equal(store_begin(tenant->store, true), ERR_OK);
        assert_int_equal(tenant_setting_put(tenant, "search_tokens", slice_str(odd[i])), ERR_OK);
        assert_int_equal(store_commit(tenant->store), ERR_OK);
        tenants_unpin(f->tenants, tenant);
        while (step(f))
            continue;
        assert_int_equal(kept(f, "version"), TOKEN_VERSION);
        assert_string_equal(search_first(f), "张伟");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_jobs_tokens__old_ones_are_made_anew_in_batches),
        TEST(test_jobs_tokens__what_is_kept_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
