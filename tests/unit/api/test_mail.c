/* test_mail - a letter that nobody takes: tried again, so often, and then given up.
 *
 * The mail server is a port of this machine where nobody listens.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include <stdlib.h>

#include "api/jobs.h"
#include "base/clock.h"
#include "base/limits.h"
#include "hook/post.h"

#define MAIL    "/api/v1/admin/mail"
#define LETTERS MAIL "/letters"

static int setup(void **state)
{
    assert_int_equal(setenv("PERIGEE_OUTBOUND_PRIVATE", "127.0.0.1", 1), 0);
    int failed = fixture_setup(state);
    assert_int_equal(unsetenv("PERIGEE_OUTBOUND_PRIVATE"), 0);
    clock_fix(clock_now_ms());
    return failed;
}

static int teardown(void **state)
{
    clock_fix(-1);
    return fixture_teardown(state);
}

static void post(struct fixture *f)
{
    static const char *const to[] = {"anna@example.com", NULL};
    struct post letter = {.to = to, .subject = "Hello", .text = "There.", .lang = LANG_EN};
    struct tenant *tenant;
    struct ctx ctx;
    int64_t id;
    assert_int_equal(tenants_by_name(f->tenants, SLICE("acme"), &tenant), ERR_OK);
    ctx_init(&ctx, f->arena);
    ctx.tenant = tenant;
    ctx.as_system = true;
    assert_int_equal(store_begin(tenant->store, true), ERR_OK);
    assert_int_equal(post_put(&ctx, &letter, &id), ERR_OK);
    assert_int_equal(store_commit(tenant->store), ERR_OK);
    tenants_unpin(f->tenants, tenant);
}

/* As a runner does what is due now; gives when it has to come again, or 0. */
static int64_t run(struct fixture *f)
{
    struct tenant *tenant;
    int64_t next_ms = 0;
    bool more = true;
    assert_int_equal(tenants_by_name(f->tenants, SLICE("acme"), &tenant), ERR_OK);
    f->app.role = APP_RUNNER;
    for (int steps = 0; more; steps++) {
        struct arena *arena = arena_new();
        assert_int_equal(jobs_step(&f->app, tenant, arena, &more, &next_ms), ERR_OK);
        arena_free(arena);
        assert_true(steps < 10);
    }
    f->app.role = APP_COMMAND;
    tenants_unpin(f->tenants, tenant);
    return next_ms;
}

static const char *letter(struct fixture *f, const char *member)
{
    assert_int_equal(fixture_call(f, OPERATOR, "GET", LETTERS, NULL), 200);
    return arena_strdup(f->arena, fixture_at(f, fixture_print(f, "items.0.%s", member)));
}

static void test_mail__is_tried_so_often_and_given_up(void **state)
{
    struct fixture *f = *state;
    const char *body = "{\"host\":\"127.0.0.1\",\"port\":1,\"tls\":\"none\","
                       "\"from\":\"crm@acme.example\"}";
    if (fixture_call(f, "root", "PUT", MAIL, body) != 200)
        fail_msg("%s", f->text);
    post(f);
    assert_int_equal(fixture_call(f, "root@bolt", "GET", LETTERS, NULL), 200);
    assert_null(strstr(f->text, "anna"));
    for (int tries = 1; tries < MAIL_TRIES_MAX; tries++) {
        int64_t next_ms = run(f);
        assert_string_equal(letter(f, "state"), "waiting");
        assert_string_equal(letter(f, "tries"), fixture_print(f, "%d", tries));
        assert_true(next_ms > clock_now_ms());
        clock_fix(next_ms);
    }
    run(f);
    assert_string_equal(letter(f, "state"), "failed");
}

static void test_mail__so_many_letters_an_hour(void **state)
{
    struct fixture *f = *state;
    for (int n = MAIL_RATE_PER_HOUR; n <= MAIL_RATE_PER_HOUR + 1; n++) {
        const char *body = fixture_print(f,
                                         "{\"host\":\"127.0.0.1\",\"port\":1,\"tls\":\"none\","
                                         "\"from\":\"crm@acme.example\",\"per_hour\":%d}",
                                         n);
        int status = fixture_call(f, "root", "PUT", MAIL, body);
        assert_int_equal(status, n == MAIL_RATE_PER_HOUR ? 200 : 422);
    }
    assert_non_null(fixture_complaint(f, "per_hour"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_mail__is_tried_so_often_and_given_up),
        TEST(test_mail__so_many_letters_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
