/* test_reset - links for a new password: good once, for ten minutes, told of to nobody.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/reset.h"
#include "auth/user.h"
#include "base/limits.h"
#include "office.h"

#define OK(e) assert_int_equal((e), ERR_OK)

static int64_t person(struct office *o, const char *login, const char *email)
{
    struct user_spec spec = {.login = login, .email = email};
    int64_t id = 0;
    office_begin(o);
    OK(office_end(o, user_create(&o->ctx, &spec, &id)));
    return id;
}

static int64_t ask(struct office *o, const char *login, char token[RESET_TOKEN_LEN + 1])
{
    int64_t user = -1;
    const char *email = NULL;
    o->ctx.address = "10.0.0.1";
    office_begin(o);
    OK(office_end(o, reset_ask(&o->ctx, slice_str(login), &user, &email, token)));
    assert_true((user != 0) == (email != NULL));
    return user;
}

static enum err spend(struct office *o, const char *token, int64_t *user)
{
    office_begin(o);
    return office_end(o, reset_spend(&o->ctx, slice_str(token), user));
}

static void test_reset__a_link_is_good_once(void **state)
{
    struct office *o = *state;
    char one[RESET_TOKEN_LEN + 1], two[RESET_TOKEN_LEN + 1];
    int64_t ann = person(o, "ann", "ann@example.com"), found = 0;
    assert_int_equal(ask(o, "Ann", one), ann);
    assert_int_equal(ask(o, "ann", two), ann);
    OK(reset_find(&o->ctx, slice_str(one), &found));
    assert_int_equal(found, ann);
    OK(spend(o, two, &found));
    assert_int_equal(found, ann);
    assert_int_equal(spend(o, two, &found), ERR_NOT_FOUND);
    assert_int_equal(spend(o, one, &found), ERR_NOT_FOUND); /* the others end with it */
}

static void test_reset__a_link_is_good_for_ten_minutes(void **state)
{
    struct office *o = *state;
    char token[RESET_TOKEN_LEN + 1];
    int64_t found;
    (void)person(o, "ann", "ann@example.com");
    (void)ask(o, "ann", token);
    office_wait(o, RESET_KEEP_MS - 1);
    OK(reset_find(&o->ctx, slice_str(token), &found));
    office_wait(o, 1);
    assert_int_equal(reset_find(&o->ctx, slice_str(token), &found), ERR_NOT_FOUND);
    office_begin(o);
    OK(office_end(o, reset_sweep(o->acme, o->ctx.now_ms)));
    assert_int_equal(office_count(o, "password_reset"), 0);
}

static void test_reset__unknown_logins_get_links_that_open_nothing(void **state)
{
    struct office *o = *state;
    char token[RESET_TOKEN_LEN + 1];
    int64_t found;
    (void)person(o, "bare", NULL);
    assert_int_equal(ask(o, "nobody", token), 0);
    assert_int_equal(reset_find(&o->ctx, slice_str(token), &found), ERR_NOT_FOUND);
    assert_int_equal(ask(o, "bare", token), 0); /* no address to write to */
    assert_int_equal(office_count(o, "password_reset"), 2);
}

static void test_reset__belongs_to_its_company(void **state)
{
    struct office *o = *state;
    char token[RESET_TOKEN_LEN + 1];
    int64_t found;
    (void)person(o, "ann", "ann@example.com");
    (void)ask(o, "ann", token);
    o->ctx.tenant = o->bolt;
    assert_int_equal(reset_find(&o->ctx, slice_str(token), &found), ERR_NOT_FOUND);
}

static void test_reset__is_sent_a_few_times_only(void **state)
{
    struct office *o = *state;
    char token[RESET_TOKEN_LEN + 1];
    int64_t ann = person(o, "ann", "ann@example.com");
    for (int i = 0; i < RESET_MAX; i++)
        assert_int_equal(ask(o, "ann", token), ann);
    assert_int_equal(ask(o, "ann", token), 0);
    office_wait(o, SIGNIN_LOCK_MS);
    assert_int_equal(ask(o, "ann", token), ann);
}

static void test_reset__disabled_users_have_no_link(void **state)
{
    struct office *o = *state;
    char token[RESET_TOKEN_LEN + 1];
    int64_t ann = person(o, "ann", "ann@example.com"), found;
    assert_int_equal(ask(o, "ann", token), ann);
    office_begin(o);
    OK(office_end(o, user_set_active(&o->ctx, ann, false)));
    assert_int_equal(reset_find(&o->ctx, slice_str(token), &found), ERR_NOT_FOUND);
    assert_int_equal(ask(o, "ann", token), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, office_setup, office_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_reset__a_link_is_good_once),
        T(test_reset__a_link_is_good_for_ten_minutes),
        T(test_reset__unknown_logins_get_links_that_open_nothing),
        T(test_reset__belongs_to_its_company),
        T(test_reset__is_sent_a_few_times_only),
        T(test_reset__disabled_users_have_no_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
