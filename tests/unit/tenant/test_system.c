/* test_system - the system tables in a real store: keys, unique indexes, append-only logs.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "place.h"
#include "store/query.h"
#include "tenant/system.h"

struct fixture {
    struct place place;
    struct store *store;
};

static int setup(void **state)
{
    static struct fixture f;
    place_open(&f.place);
    const char *why = "",
               *path = arena_printf(f.place.arena, "%s/tenants/acme/tenant.db", f.place.data);
    struct control_tenant spec = {.name = "acme", .worker = -1};
    assert_int_equal(control_init(f.place.data, &why), ERR_OK);
    assert_int_equal(tenant_create(f.place.data, &spec, &why), ERR_OK);
    assert_int_equal(store_open(path, STORE_OWNER, &f.store), ERR_OK);
    assert_int_equal(store_begin(f.store, true), ERR_OK);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_rollback(f->store);
    store_close(f->store);
    place_close(&f->place);
    return 0;
}

static struct store_set number(const char *column, int64_t n)
{
    return (struct store_set){.column = column, .value = value_int(n)};
}

static struct store_set text(const char *column, const char *s)
{
    return (struct store_set){.column = column, .value = value_text(slice_str(s))};
}

static enum err update(struct fixture *f, const char *table, int64_t id, struct store_set set)
{
    struct expr where = {.op = EXPR_EQ, .column = {0, "id"}, .value = value_int(id)};
    return store_update(f->store, table, &where, &set, 1, NULL, NULL);
}

static enum err user(struct fixture *f, int64_t id, const char *login)
{
    struct store_set sets[] = {number("id", id), text("login", login)};
    return store_insert(f->store, "user", sets, 2, NULL);
}

static void test_system__a_deleted_user_frees_the_login(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(user(f, 1, "anna"), ERR_OK);
    assert_int_equal(user(f, 2, "anna"), ERR_CONFLICT);
    assert_int_equal(update(f, "user", 1, number("deleted_at", 5)), ERR_OK);
    assert_int_equal(user(f, 2, "anna"), ERR_OK);
    struct store_set restored = {.column = "deleted_at", .value = value_null()};
    assert_int_equal(update(f, "user", 1, restored), ERR_CONFLICT); /* a restore meets the winner */
}

static enum err job(struct fixture *f, int64_t id, const char *dedupe)
{
    struct store_set sets[] = {number("id", id), text("queue", "quick"), text("dedupe", dedupe)};
    return store_insert(f->store, "job", sets, dedupe ? 3 : 2, NULL);
}

static void test_system__dedupe_holds_until_the_job_has_ended(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(job(f, 1, "recycle"), ERR_OK);
    assert_int_equal(job(f, 2, "recycle"), ERR_CONFLICT);
    assert_int_equal(job(f, 3, NULL), ERR_OK);
    assert_int_equal(job(f, 4, NULL), ERR_OK); /* none is not the same as none */
    struct store_set ended = {.column = "dedupe", .value = value_null()};
    assert_int_equal(update(f, "job", 1, ended), ERR_OK);
    assert_int_equal(job(f, 2, "recycle"), ERR_OK);
}

static void test_system__logs_are_append_only(void **state)
{
    struct fixture *f = *state;
    struct store_set sets[] = {number("seq", 1), number("at", 1), text("op", "create")};
    struct expr where = {.op = EXPR_EQ, .column = {0, "seq"}, .value = value_int(1)};
    assert_int_equal(store_insert(f->store, "change", sets, 3, NULL), ERR_OK);
    assert_int_equal(store_delete(f->store, "change", &where, NULL), ERR_FORBIDDEN);
    assert_int_equal(store_update(f->store, "change", &where, sets + 1, 1, NULL, NULL),
                     ERR_FORBIDDEN);
}

static void test_system__compound_keys(void **state)
{
    struct fixture *f = *state;
    struct store_set sets[] = {number("actor", 1), text("key", "k"), text("route", "r"),
                               number("at", 1)};
    assert_int_equal(store_insert(f->store, "idem", sets, 4, NULL), ERR_OK);
    assert_int_equal(store_insert(f->store, "idem", sets, 4, NULL), ERR_CONFLICT);
    sets[0] = number("actor", 2);
    assert_int_equal(store_insert(f->store, "idem", sets, 4, NULL), ERR_OK);
}

/* A query that identity or a queue runs all the time must not walk its table. */
static void test_system__hot_queries_use_their_index(void **state)
{
    struct fixture *f = *state;
    struct store_set key[] = {number("id", 1), {.column = "hash", .value = value_blob(SLICE("k"))}};
    assert_int_equal(store_insert(f->store, "api_key", key, 2, NULL), ERR_OK); /* it comes late */
    static const struct {
        const char *table, *column, *index;
    } cases[] = {
        {"session", "hash", "session_hash"},           {"api_key", "hash", "api_key_hash"},
        {"session", "user", "session_user"},           {"user", "login", "user_login"},
        {"department", "parent", "department_parent"}, {"job", "queue", "job_due"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct query_column column = {.column = {0, "id"}};
        bool is_hash = strcmp(cases[i].column, "hash") == 0;
        struct expr live = {.op = EXPR_NULL, .column = {0, "deleted_at"}};
        struct expr same = {.op = EXPR_EQ, .column = {0, cases[i].column}};
        same.value = is_hash ? value_blob(SLICE("x")) : value_text(SLICE("x"));
        bool is_record = !strcmp(cases[i].table, "user") || !strcmp(cases[i].table, "department");
        same.next = is_record ? &live : NULL;
        struct expr where = {.op = EXPR_AND, .first = &same};
        struct query query = {
            .table = cases[i].table, .select = &column, .select_count = 1, .where = &where};
        struct buf plan = BUF_INIT;
        assert_int_equal(store_explain(f->store, &query, &plan), ERR_OK);
        if (!strstr(buf_cstr(&plan), cases[i].index))
            fail_msg("%s by %s: %s", cases[i].table, cases[i].column, buf_cstr(&plan));
        buf_release(&plan);
    }
}

static void test_system__hash_tells_tables_apart(void **state)
{
    (void)state;
    int count, control_count;
    const struct store_table *tables = system_tables(&count);
    const struct store_table *control = system_control_tables(&control_count);
    assert_int_equal(system_hash(tables, count), system_hash(tables, count));
    assert_int_not_equal(system_hash(tables, count), system_hash(tables, count - 1));
    assert_int_not_equal(system_hash(tables, count), system_hash(control, control_count));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_system__a_deleted_user_frees_the_login),
        T(test_system__dedupe_holds_until_the_job_has_ended),
        T(test_system__logs_are_append_only),
        T(test_system__compound_keys),
        T(test_system__hot_queries_use_their_index),
        cmocka_unit_test(test_system__hash_tells_tables_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
