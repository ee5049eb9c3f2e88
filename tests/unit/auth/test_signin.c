/* test_signin - wrong sign-ins lock, right ones do not, and time heals (security.md P10).
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

#include "auth/audit.h"
#include "auth/password.h"
#include "auth/session.h"
#include "auth/signin.h"
#include "base/crypto.h"
#include "base/limits.h"
#include "office.h"

#define HOME "192.0.2.1"

static enum err attempt(struct office *o, const char *login, const char *address)
{
    int64_t user;
    char *encoded;
    office_begin(o);
    return office_end(o, session_attempt(&o->ctx, slice_str(login), address, &user, &encoded));
}

static void attempts(struct office *o, int n, const char *login, const char *address)
{
    for (int i = 0; i < n; i++)
        if (attempt(o, login, address))
            fail_msg("attempt %d of %s from %s was refused", i + 1, login, address);
}

static void test_signin__account_locks_after_five_from_one_address(void **state)
{
    struct office *o = *state;
    (void)office_user(o, "anna", NULL);
    attempts(o, SIGNIN_FAILS_ADDRESS, "anna", HOME);
    assert_int_equal(attempt(o, "anna", HOME), ERR_LOCKED);
    assert_int_equal(o->ctx.err.retry_after_s, 900);
    attempts(o, 1, "anna", "192.0.2.2"); /* the real one elsewhere still may */
    attempts(o, 1, "ben", HOME);
    assert_int_equal(attempt(o, "ANNA", HOME), ERR_LOCKED); /* the same login, folded */
    assert_int_equal(attempt(o, "anna", "::ffff:192.0.2.1"), ERR_LOCKED); /* and address */

    office_wait(o, SIGNIN_LOCK_MS - 1);
    assert_int_equal(attempt(o, "anna", HOME), ERR_LOCKED);
    office_wait(o, 1);
    attempts(o, SIGNIN_FAILS_ADDRESS, "anna", HOME);
    assert_int_equal(attempt(o, "anna", HOME), ERR_LOCKED);
}

static void test_signin__unknown_logins_lock_just_the_same(void **state)
{
    struct office *o = *state;
    attempts(o, SIGNIN_FAILS_ADDRESS, "nobody", HOME);
    assert_int_equal(attempt(o, "nobody", HOME), ERR_LOCKED);
}

static void test_signin__account_locks_after_twenty_from_everywhere(void **state)
{
    struct office *o = *state;
    char address[32];
    for (int i = 0; i < SIGNIN_FAILS_ACCOUNT; i++) {
        (void)snprintf(address, sizeof address, "198.51.100.%d", i);
        attempts(o, 1, "anna", address);
    }
    assert_int_equal(attempt(o, "anna", "203.0.113.9"), ERR_LOCKED);
    office_begin(o);
    assert_int_equal(office_end(o, signin_unlock(&o->ctx, SLICE("anna"))), ERR_OK);
    attempts(o, 1, "anna", "203.0.113.9");
}

static void test_signin__address_locks_after_twenty_over_all_accounts(void **state)
{
    struct office *o = *state;
    char login[32];
    for (int i = 0; i < SIGNIN_FAILS_ALL; i++) {
        (void)snprintf(login, sizeof login, "user%d", i);
        attempts(o, 1, login, "2001:db8::1");
    }
    assert_int_equal(attempt(o, "other", "2001:db8::2"), ERR_LOCKED); /* the same /64 */
    attempts(o, 1, "other", "2001:db8:0:1::1");
    office_wait(o, SIGNIN_LOCK_MS);
    attempts(o, 1, "other", "2001:db8::2");
}

static void test_signin__dengbao_locks_after_five_from_anywhere(void **state)
{
    struct office *o = *state;
    const struct json *value;
    assert_int_equal(json_parse(o->arena, SLICE("{\"passwords\":\"dengbao\"}"), &value, NULL),
                     ERR_OK);
    office_begin(o);
    assert_int_equal(office_end(o, policy_put(&o->ctx, value)), ERR_OK);
    char address[32];
    for (int i = 0; i < SIGNIN_FAILS_ADDRESS; i++) {
        (void)snprintf(address, sizeof address, "198.51.100.%d", i);
        attempts(o, 1, "anna", address);
    }
    assert_int_equal(attempt(o, "anna", "203.0.113.9"), ERR_LOCKED);
}

static void test_signin__a_locked_attempt_counts_nothing(void **state)
{
    struct office *o = *state;
    attempts(o, SIGNIN_FAILS_ADDRESS, "anna", HOME);
    for (int i = 0; i < 100; i++)
        assert_int_equal(attempt(o, "anna", HOME), ERR_LOCKED);
    office_wait(o, SIGNIN_LOCK_MS);
    attempts(o, 1, "anna", HOME);
}

static void test_signin__success_takes_the_attempt_back(void **state)
{
    struct office *o = *state;
    int64_t anna = office_user(o, "anna", NULL);
    struct session_new session;
    for (int i = 0; i < 3 * SIGNIN_FAILS_ALL; i++) {
        attempts(o, 1, "anna", HOME);
        office_begin(o);
        assert_int_equal(office_end(o, session_create(&o->ctx, anna, HOME, "test", &session)),
                         ERR_OK);
    }
    /* four wrong ones and a right one, again and again, never lock the account from home; but what
     * others were tried from there stays counted */
    for (int i = 0; i < SIGNIN_FAILS_ALL - 1; i++) {
        char login[32];
        (void)snprintf(login, sizeof login, "victim%d", i);
        attempts(o, 1, login, HOME);
    }
    attempts(o, 1, "anna", HOME);
    office_begin(o);
    assert_int_equal(office_end(o, session_create(&o->ctx, anna, HOME, "test", &session)), ERR_OK);
    attempts(o, 1, "victim", HOME);
    assert_int_equal(attempt(o, "anna", HOME), ERR_LOCKED);
}

static void test_signin__windows_end_by_themselves(void **state)
{
    struct office *o = *state;
    attempts(o, SIGNIN_FAILS_ADDRESS - 1, "anna", HOME);
    office_wait(o, SIGNIN_LOCK_MS);
    attempts(o, SIGNIN_FAILS_ADDRESS, "anna", HOME);
    assert_int_equal(attempt(o, "anna", HOME), ERR_LOCKED);
    office_wait(o, 3 * SIGNIN_LOCK_MS);
    attempts(o, 1, "ben", HOME);
    assert_int_equal(office_count(o, "signin_fail"), 3); /* old windows were swept */
}

static void test_signin__another_tenant_is_not_locked(void **state)
{
    struct office *o = *state;
    attempts(o, SIGNIN_FAILS_ADDRESS, "anna", HOME);
    assert_int_equal(attempt(o, "anna", HOME), ERR_LOCKED);
    o->ctx.tenant = o->bolt;
    attempts(o, 1, "anna", HOME);
}

static void test_signin__nobody_has_a_hash_of_the_right_cost(void **state)
{
    struct office *o = *state;
    int64_t user = 77;
    char *encoded = NULL;
    int64_t disabled = office_user(o, "ben", NULL);
    office_begin(o);
    assert_int_equal(session_attempt(&o->ctx, SLICE("nobody"), HOME, &user, &encoded), ERR_OK);
    assert_int_equal(user, 0);
    assert_false(crypto_password_is_outdated(encoded));
    assert_false(crypto_password_verify(SLICE("perigee"), encoded));

    struct buf hash = BUF_INIT;
    crypto_password_hash(SLICE("a good long one"), &hash);
    assert_int_equal(password_store(&o->ctx, disabled, buf_cstr(&hash), 0), ERR_OK);
    assert_int_equal(session_attempt(&o->ctx, SLICE(" Ben "), HOME, &user, &encoded), ERR_OK);
    assert_int_equal(user, disabled);
    assert_true(crypto_password_verify(SLICE("a good long one"), encoded));
    assert_int_equal(user_set_active(&o->ctx, disabled, false), ERR_OK);
    assert_int_equal(session_attempt(&o->ctx, SLICE("ben"), HOME, &user, &encoded), ERR_OK);
    assert_int_equal(user, 0);
    buf_release(&hash);
    assert_int_equal(office_end(o, ERR_OK), ERR_OK);
}

static void test_signin__locks_and_refusals_are_audited(void **state)
{
    struct office *o = *state;
    int64_t before = office_count(o, "audit");
    attempts(o, SIGNIN_FAILS_ADDRESS, "anna", HOME);
    assert_int_equal(office_count(o, "audit"), before + 1); /* signin.locked */
    office_begin(o);
    assert_int_equal(office_end(o, session_refused(&o->ctx, SLICE("anna"), HOME)), ERR_OK);
    assert_int_equal(office_count(o, "audit"), before + 2);
    int64_t broken = -1;
    assert_int_equal(audit_verify(o->acme, &broken), ERR_OK);
    assert_int_equal(broken, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, office_setup, office_teardown)
    const struct CMUnitTest tests[] = {
        T(test_signin__account_locks_after_five_from_one_address),
        T(test_signin__unknown_logins_lock_just_the_same),
        T(test_signin__account_locks_after_twenty_from_everywhere),
        T(test_signin__address_locks_after_twenty_over_all_accounts),
        T(test_signin__dengbao_locks_after_five_from_anywhere),
        T(test_signin__a_locked_attempt_counts_nothing),
        T(test_signin__success_takes_the_attempt_back),
        T(test_signin__windows_end_by_themselves),
        T(test_signin__another_tenant_is_not_locked),
        T(test_signin__nobody_has_a_hash_of_the_right_cost),
        T(test_signin__locks_and_refusals_are_audited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
