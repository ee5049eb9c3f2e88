/* test_password - what may be a password.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "auth/actor.h"
#include "auth/password.h"
#include "base/crypto.h"
#include "base/limits.h"
#include "office.h"

static const char *complaint(struct office *o, struct slice password, const char *login)
{
    err_info_clear(&o->ctx.err);
    enum err e = password_check(&o->ctx, password, slice_str(login), "password");
    assert_int_equal(e, o->ctx.err.count ? ERR_VALIDATION : ERR_OK);
    return o->ctx.err.first ? o->ctx.err.first->code : "";
}

static void test_password__length_has_a_floor_and_a_ceiling(void **state)
{
    struct office *o = *state;
    char text[PASSWORD_BYTES_MAX + 2];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + (i * i * 7 + i / 5) % 26);
    assert_string_equal(complaint(o, slice_of(text, PASSWORD_CHARS_MIN - 1), "anna"),
                        "password_short");
    assert_string_equal(complaint(o, slice_of(text, PASSWORD_CHARS_MIN), "anna"), "");
    assert_string_equal(complaint(o, slice_of(text, 64), "anna"), "");
    assert_string_equal(complaint(o, slice_of(text, PASSWORD_BYTES_MAX), "anna"), "");
    assert_string_equal(complaint(o, slice_of(text, PASSWORD_BYTES_MAX + 1), "anna"),
                        "password_long");
    assert_string_equal(complaint(o, SLICE("春眠不觉晓处处闻"), "anna"), ""); /* 8 characters */
    assert_string_equal(complaint(o, SLICE("春眠不觉晓处处"), "anna"), "password_short");
    assert_string_equal(complaint(o, SLICE("abc\xff\xfe wxyz"), "anna"), "password_text");
}

static void test_password__common_ones_are_refused(void **state)
{
    (void)state;
    static const char *const common[] = {
        "password",   "Password1",   "P@ssw0rd",    "passw0rd123!", "12345678",  "87654321",
        "19900101",   "13800138000", "qwertyui",    "qwerty123",    "1qaz2wsx",  "asdfghjkl",
        "aaaaaaaa",   "abcabcabc",   "12341234",    "abcdefgh",     "zyxwvuts",  "iloveyou1",
        "woaini1314", "Admin123",    "admin@2024",  "welcome1",     "letmein!!", "perigee1",
        "abcd1234",   "1234qwer",    "Summer2024!", "!!!!!!!!",
    };
    static const char *const fine[] = {
        "correct horse battery", "tr0ubador&3xy",     "Vb7#kq2Lmz",   "mein-hund-heisst-olaf",
        "zhelishiyigejiade",     "K9 und eine Katze", "xkcd-936-yes", "9f86d081884c7d65",
    };
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (!password_is_common(slice_str(common[i])))
            fail_msg("%s should be refused", common[i]);
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        if (password_is_common(slice_str(fine[i])))
            fail_msg("%s should be accepted", fine[i]);
}

static void test_password__names_of_login_and_tenant_are_refused(void **state)
{
    struct office *o = *state;
    assert_string_equal(complaint(o, SLICE("annemarie7x"), "AnneMarie"), "password_login");
    assert_string_equal(complaint(o, SLICE("annemarie7x"), "annemarie@x.com"), "password_login");
    assert_string_equal(complaint(o, SLICE("acmeacmX"), "bob"), "password_login");
    assert_string_equal(complaint(o, SLICE("annemarie sells sea shells"), "annemarie"), "");
}

static void choose_dengbao(struct office *o)
{
    const struct json *value;
    assert_int_equal(json_parse(o->arena, SLICE("{\"passwords\":\"dengbao\"}"), &value, NULL),
                     ERR_OK);
    office_begin(o);
    assert_int_equal(office_end(o, policy_put(&o->ctx, value)), ERR_OK);
}

static void test_password__dengbao_wants_three_classes(void **state)
{
    struct office *o = *state;
    assert_string_equal(complaint(o, SLICE("lautlosbraun"), "anna"), "");
    choose_dengbao(o);
    assert_string_equal(complaint(o, SLICE("lautlosbraun"), "anna"), "password_classes");
    assert_string_equal(complaint(o, SLICE("lautlosbraun4"), "anna"), "password_classes");
    assert_string_equal(complaint(o, SLICE("Lautlosbraun4"), "anna"), "");
    assert_string_equal(complaint(o, SLICE("lautlos-braun4"), "anna"), "");
}

static struct slice nth(struct office *o, int n)
{
    return slice_str(arena_printf(o->arena, "Kraniche-%d-ziehen", n));
}

/* The present one and those before it; the one before them may come again. */
static void test_password__dengbao_remembers_so_many(void **state)
{
    struct office *o = *state;
    int64_t anna = office_user(o, "anna", NULL);
    choose_dengbao(o);
    for (int i = 0; i <= PASSWORD_PAST_MAX; i++) {
        struct buf encoded = BUF_INIT;
        crypto_password_hash(nth(o, i), &encoded);
        office_begin(o);
        assert_int_equal(office_end(o, password_store(&o->ctx, anna, buf_cstr(&encoded), 0)),
                         ERR_OK);
        buf_release(&encoded);
        if (i < PASSWORD_PAST_MAX - 1)
            continue;
        err_info_clear(&o->ctx.err);
        enum err e = password_check_past(&o->ctx, anna, nth(o, 0), "password");
        assert_int_equal(e, i < PASSWORD_PAST_MAX ? ERR_VALIDATION : ERR_OK);
    }
    assert_int_equal(password_check_past(&o->ctx, anna, nth(o, 1), "password"), ERR_VALIDATION);
}

/* The stricter profile's times, to the millisecond. */
static void test_password__dengbao_has_times_of_its_own(void **state)
{
    struct office *o = *state;
    struct policy policy;
    assert_int_equal(policy_load(o->acme, &policy), ERR_OK);
    assert_int_equal(policy.idle_ms, SESSION_IDLE_MS);
    assert_int_equal(policy.life_ms, SESSION_LIFE_MS);
    assert_int_equal(policy.password_ms, 0);
    choose_dengbao(o);
    assert_int_equal(policy_load(o->acme, &policy), ERR_OK);
    assert_int_equal(policy.idle_ms, SESSION_DENGBAO_IDLE_MS);
    assert_int_equal(policy.life_ms, SESSION_DENGBAO_LIFE_MS);
    assert_int_equal(policy.password_ms, PASSWORD_AGE_MS);
    struct actor anna = {.password_at_ms = o->ctx.now_ms};
    enum actor_due due;
    for (int64_t age = PASSWORD_AGE_MS - 1; age <= PASSWORD_AGE_MS; age++) {
        assert_int_equal(actor_due(o->acme, &anna, o->ctx.now_ms + age, &due), ERR_OK);
        assert_int_equal(due, age < PASSWORD_AGE_MS ? DUE_NOTHING : DUE_PASSWORD);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, office_setup, office_teardown)
    const struct CMUnitTest tests[] = {
        T(test_password__length_has_a_floor_and_a_ceiling),
        cmocka_unit_test(test_password__common_ones_are_refused),
        T(test_password__names_of_login_and_tenant_are_refused),
        T(test_password__dengbao_wants_three_classes),
        T(test_password__dengbao_remembers_so_many),
        T(test_password__dengbao_has_times_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
