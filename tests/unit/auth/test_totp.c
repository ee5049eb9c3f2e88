/* test_totp - the codes of RFC 6238, each good once, and recovery codes.
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

#include "auth/totp.h"
#include "auth/vault.h"
#include "base/limits.h"
#include "office.h"

#define OK(e) assert_int_equal((e), ERR_OK)

/* RFC 6238 appendix B, the last six of its eight digits. */
static void test_totp__gives_the_codes_of_the_rfc(void **state)
{
    static const struct {
        int64_t seconds;
        int code;
    } rows[] = {{59, 287082},       {1111111109, 81804},  {1111111111, 50471},
                {1234567890, 5924}, {2000000000, 279037}, {20000000000, 353130}};
    (void)state;
    uint8_t secret[TOTP_SECRET_LEN + 1] = "12345678901234567890";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(totp_code(secret, rows[i].seconds * 1000), rows[i].code);
}

struct person {
    int64_t id;
    uint8_t secret[TOTP_SECRET_LEN];
    char codes[TOTP_RECOVERY_KEEP][TOTP_RECOVERY_LEN + 1];
};

static void unbase32(const char *text, uint8_t *out)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    int held = 0;
    for (; *text; text++) {
        bits = (bits << 5 | (uint32_t)(strchr(letters, *text) - letters)) & 0xffff;
        held += 5;
        if (held >= 8) {
            held -= 8;
            *out++ = (uint8_t)(bits >> held & 0xff);
        }
    }
}

static struct slice code_now(struct office *o, const struct person *p)
{
    return slice_str(arena_printf(o->arena, "%06d", totp_code(p->secret, o->ctx.now_ms)));
}

static struct person person_with_pending(struct office *o)
{
    char secret[TOTP_SECRET_CHARS + 1];
    struct person p = {.id = office_user(o, "ann", NULL)};
    office_begin(o);
    OK(office_end(o, totp_begin(&o->ctx, p.id, secret)));
    assert_int_equal(strlen(secret), TOTP_SECRET_CHARS);
    unbase32(secret, p.secret);
    return p;
}

static bool confirm(struct office *o, struct person *p, struct slice code)
{
    bool ok = false;
    office_begin(o);
    OK(office_end(o, totp_confirm(&o->ctx, p->id, code, 0, p->codes, &ok)));
    return ok;
}

static bool check(struct office *o, const struct person *p, struct slice code)
{
    bool ok = false;
    office_begin(o);
    OK(office_end(o, totp_check(&o->ctx, p->id, code, &ok)));
    return ok;
}

static bool is_on(struct office *o, const struct person *p)
{
    bool on = false;
    OK(totp_is_on(o->acme, p->id, &on));
    return on;
}

static void test_totp__is_on_after_its_first_code(void **state)
{
    struct office *o = *state;
    struct person p = person_with_pending(o);
    assert_false(confirm(o, &p, SLICE("000000")) && totp_code(p.secret, o->ctx.now_ms) != 0);
    assert_false(is_on(o, &p));
    assert_true(confirm(o, &p, code_now(o, &p)));
    assert_true(is_on(o, &p));
    char again[TOTP_SECRET_CHARS + 1];
    office_begin(o);
    assert_int_equal(office_end(o, totp_begin(&o->ctx, p.id, again)), ERR_CONFLICT);
}

static void test_totp__a_secret_waits_ten_minutes_for_its_code(void **state)
{
    struct office *o = *state;
    struct person p = person_with_pending(o);
    office_wait(o, TOTP_PENDING_MS);
    assert_false(confirm(o, &p, code_now(o, &p)));
    p = (struct person){.id = p.id};
    char secret[TOTP_SECRET_CHARS + 1];
    office_begin(o);
    OK(office_end(o, totp_begin(&o->ctx, p.id, secret)));
    unbase32(secret, p.secret);
    office_wait(o, TOTP_PENDING_MS - 1);
    assert_true(confirm(o, &p, code_now(o, &p)));
}

static void test_totp__a_code_is_good_once(void **state)
{
    struct office *o = *state;
    struct person p = person_with_pending(o);
    assert_true(confirm(o, &p, code_now(o, &p)));
    assert_false(check(o, &p, code_now(o, &p))); /* spent by the confirmation */
    office_wait(o, TOTP_STEP_MS);
    struct slice code = code_now(o, &p);
    assert_true(check(o, &p, code));
    assert_false(check(o, &p, code));
    assert_false(check(o, &p, SLICE("12345")));
    assert_false(check(o, &p, SLICE("1234567")));
    assert_false(check(o, &p, SLICE("")));
    assert_false(check(o, &p, SLICE("abcdef")));
}

static void test_totp__a_clock_may_be_one_step_off(void **state)
{
    struct office *o = *state;
    struct person p = person_with_pending(o);
    assert_true(confirm(o, &p, code_now(o, &p)));
    office_wait(o, 10 * TOTP_STEP_MS);
    struct slice old = code_now(o, &p);
    office_wait(o, 2 * TOTP_STEP_MS);
    assert_false(check(o, &p, old));
    struct slice last = code_now(o, &p);
    office_wait(o, TOTP_STEP_MS);
    assert_true(check(o, &p, last));
    office_wait(o, TOTP_STEP_MS);
    struct slice ahead =
        slice_str(arena_printf(o->arena, "%06d", totp_code(p.secret, o->ctx.now_ms + 30000)));
    assert_true(check(o, &p, ahead));
    assert_false(check(o, &p, code_now(o, &p))); /* older than the one that was spent */
}

static void test_totp__recovery_codes_are_good_once_each(void **state)
{
    struct office *o = *state;
    struct person p = person_with_pending(o);
    assert_true(confirm(o, &p, code_now(o, &p)));
    for (int i = 0; i < TOTP_RECOVERY_KEEP; i++) {
        assert_int_equal(strlen(p.codes[i]), TOTP_RECOVERY_LEN);
        assert_true(check(o, &p, slice_str(p.codes[i])));
        assert_false(check(o, &p, slice_str(p.codes[i])));
    }
    struct person fresh = p;
    office_begin(o);
    OK(office_end(o, totp_recovery(&o->ctx, p.id, fresh.codes)));
    char typed[TOTP_RECOVERY_LEN + 1];
    for (int i = 0; i <= TOTP_RECOVERY_LEN; i++) { /* small letters, spaces for hyphens */
        char c = fresh.codes[0][i];
        typed[i] = c == '-' ? ' ' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    assert_true(check(o, &p, slice_str(typed)));
}

static void test_totp__removing_it_needs_no_code(void **state)
{
    struct office *o = *state;
    struct person p = person_with_pending(o);
    assert_true(confirm(o, &p, code_now(o, &p)));
    office_begin(o);
    OK(office_end(o, totp_remove(&o->ctx, p.id, 0)));
    assert_false(is_on(o, &p));
    assert_false(check(o, &p, code_now(o, &p)));
    office_begin(o);
    assert_int_equal(office_end(o, totp_remove(&o->ctx, 77, 0)), ERR_NOT_FOUND);
}

static void test_totp__follows_a_rotation_of_keys(void **state)
{
    struct office *o = *state;
    struct person p = person_with_pending(o);
    assert_true(confirm(o, &p, code_now(o, &p)));
    office_begin(o);
    enum err e = vault_rotate(&o->ctx);
    if (!e)
        e = totp_reseal(&o->ctx);
    if (!e)
        e = vault_retire(&o->ctx);
    OK(office_end(o, e));
    office_wait(o, TOTP_STEP_MS);
    assert_true(check(o, &p, code_now(o, &p)));
}

static void test_totp__the_address_for_apps_is_escaped(void **state)
{
    struct office *o = *state;
    assert_string_equal(
        totp_uri(o->arena, "A & B", "ann@x", "ABCD"),
        "otpauth://totp/A%20%26%20B:ann%40x?secret=ABCD&issuer=A%20%26%20B&algorithm=SHA1&"
        "digits=6&period=30");
}

#define T(name) cmocka_unit_test_setup_teardown(name, office_setup, office_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_totp__gives_the_codes_of_the_rfc),
        T(test_totp__is_on_after_its_first_code),
        T(test_totp__a_secret_waits_ten_minutes_for_its_code),
        T(test_totp__a_code_is_good_once),
        T(test_totp__a_clock_may_be_one_step_off),
        T(test_totp__recovery_codes_are_good_once_each),
        T(test_totp__removing_it_needs_no_code),
        T(test_totp__follows_a_rotation_of_keys),
        T(test_totp__the_address_for_apps_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
