/* test_session - who a token is, and when it stops being anybody.
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

#include "auth/password.h"
#include "auth/row.h"
#include "auth/session.h"
#include "base/limits.h"
#include "office.h"

#define HOME "192.0.2.1"

struct seen {
    const struct actor *actor;
    const char *csrf;
    bool due;
};

static enum err identify_from(struct office *o, const char *token, const char *address,
                              struct seen *out)
{
    memset(out, 0, sizeof *out);
    assert_int_equal(tenant_refresh(o->ctx.tenant), ERR_OK);
    return session_identify(o->ctx.tenant, o->arena, slice_str(token), address, o->ctx.now_ms,
                            &out->actor, &out->csrf, &out->due);
}

static enum err identify(struct office *o, const char *token)
{
    struct seen seen;
    return identify_from(o, token, HOME, &seen);
}

static struct session_new sign_in(struct office *o, int64_t user)
{
    struct session_new session;
    office_begin(o);
    assert_int_equal(office_end(o, session_create(&o->ctx, user, HOME, "test", &session)), ERR_OK);
    return session;
}

static const struct json *parsed(struct office *o, const char *text)
{
    const struct json *tree;
    assert_int_equal(json_parse(o->arena, slice_str(text), &tree, NULL), ERR_OK);
    return tree;
}

static struct session_new key(struct office *o, int64_t user, const char *scopes,
                              const char *addresses, int64_t expires_at_ms)
{
    struct session_new made;
    office_begin(o);
    enum err e = session_key_create(&o->ctx, user, "erp", scopes ? parsed(o, scopes) : NULL,
                                    addresses ? parsed(o, addresses) : NULL, expires_at_ms, &made);
    assert_int_equal(office_end(o, e), ERR_OK);
    return made;
}

static void test_session__token_identifies_its_user(void **state)
{
    struct office *o = *state;
    int64_t anna = office_user(o, "anna", NULL);
    struct session_new session = sign_in(o, anna);
    assert_int_equal(strlen(session.token), SESSION_TOKEN_LEN);
    assert_int_equal(strlen(session.csrf), 22);
    struct seen seen;
    assert_int_equal(identify_from(o, session.token, HOME, &seen), ERR_OK);
    assert_int_equal(seen.actor->user, anna);
    assert_int_equal(seen.actor->session, session.id);
    assert_int_equal(seen.actor->api_key, 0);
    assert_string_equal(seen.actor->login, "anna");
    assert_string_equal(seen.csrf, session.csrf);
    assert_false(seen.due);

    session.token[20] = session.token[20] == 'A' ? 'B' : 'A';
    assert_int_equal(identify(o, session.token), ERR_UNAUTHENTICATED);
    assert_int_equal(identify(o, ""), ERR_UNAUTHENTICATED);
    assert_int_equal(identify(o, "ps_"), ERR_UNAUTHENTICATED);
    assert_int_equal(identify(o, "px_0123456789012345678901234567890123456789012"),
                     ERR_UNAUTHENTICATED);
}

static void test_session__token_of_one_tenant_is_nobody_in_another(void **state)
{
    struct office *o = *state;
    int64_t anna = office_user(o, "anna", NULL);
    struct session_new session = sign_in(o, anna);
    struct session_new api = key(o, anna, NULL, NULL, 0);
    o->ctx.tenant = o->bolt;
    (void)office_user(o, "anna", NULL);
    assert_int_equal(identify(o, session.token), ERR_UNAUTHENTICATED);
    assert_int_equal(identify(o, api.token), ERR_UNAUTHENTICATED);
}

static void test_session__only_hashes_are_stored(void **state)
{
    struct office *o = *state;
    struct session_new session = sign_in(o, office_user(o, "anna", NULL));
    struct buf file = BUF_INIT;
    const char *paths[] = {"tenant.db", "tenant.db-wal"};
    for (int i = 0; i < 2; i++) {
        const char *path = tenant_path(o->acme, o->arena, paths[i], NULL);
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        char block[4096];
        for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
            buf_put(&file, block, n);
        (void)fclose(f);
    }
    assert_true(slice_find(buf_slice(&file), slice_str("anna")) >= 0);
    assert_true(slice_find(buf_slice(&file), slice_str(session.token + 3)) < 0);
    buf_release(&file);
}

static void test_session__idle_and_absolute_ends(void **state)
{
    struct office *o = *state;
    struct session_new session = sign_in(o, office_user(o, "anna", NULL));
    office_wait(o, SESSION_IDLE_MS - 1);
    struct seen seen;
    assert_int_equal(identify_from(o, session.token, HOME, &seen), ERR_OK);
    assert_true(seen.due);
    office_wait(o, 1);
    assert_int_equal(identify(o, session.token), ERR_UNAUTHENTICATED);

    session = sign_in(o, seen.actor->user);
    for (int64_t passed = 0; passed < SESSION_LIFE_MS; passed += SESSION_IDLE_MS / 2) {
        assert_int_equal(identify(o, session.token), ERR_OK);
        office_begin(o);
        assert_int_equal(office_end(o, session_seen(o->ctx.tenant, session.id, 0, o->ctx.now_ms)),
                         ERR_OK);
        office_wait(o, SESSION_IDLE_MS / 2);
    }
    assert_int_equal(identify(o, session.token), ERR_UNAUTHENTICATED);
    office_begin(o);
    assert_int_equal(office_end(o, session_sweep(o->ctx.tenant, o->ctx.now_ms)), ERR_OK);
    assert_int_equal(office_count(o, "session"), 0);
}

static void test_session__seen_is_due_once_a_minute(void **state)
{
    struct office *o = *state;
    struct session_new session = sign_in(o, office_user(o, "anna", NULL));
    struct seen seen;
    office_wait(o, SESSION_SEEN_MS - 1);
    assert_int_equal(identify_from(o, session.token, HOME, &seen), ERR_OK);
    assert_false(seen.due);
    office_wait(o, 1);
    assert_int_equal(identify_from(o, session.token, HOME, &seen), ERR_OK);
    assert_true(seen.due);
    office_begin(o);
    assert_int_equal(office_end(o, session_seen(o->ctx.tenant, session.id, 0, o->ctx.now_ms)),
                     ERR_OK);
    assert_int_equal(identify_from(o, session.token, HOME, &seen), ERR_OK);
    assert_false(seen.due);
}

static void test_session__tenant_may_shorten_but_not_lengthen(void **state)
{
    struct office *o = *state;
    struct session_new session = sign_in(o, office_user(o, "anna", NULL));
    office_begin(o);
    assert_int_equal(office_end(o, policy_put(&o->ctx, parsed(o, "{\"idle_minutes\": 10}"))),
                     ERR_OK);
    office_wait(o, 10 * 60000 - 1);
    assert_int_equal(identify(o, session.token), ERR_OK);
    office_wait(o, 1);
    assert_int_equal(identify(o, session.token), ERR_UNAUTHENTICATED);
    office_begin(o);
    assert_int_equal(office_end(o, policy_put(&o->ctx, parsed(o, "{\"life_minutes\": 99999}"))),
                     ERR_VALIDATION);
    office_begin(o);
    assert_int_equal(office_end(o, policy_put(&o->ctx, parsed(o, "{\"passwords\": \"none\"}"))),
                     ERR_VALIDATION);
}

static void test_session__signing_out_ends_it_at_once(void **state)
{
    struct office *o = *state;
    int64_t anna = office_user(o, "anna", NULL), ben = office_user(o, "ben", NULL);
    struct session_new one = sign_in(o, anna), two = sign_in(o, anna), other = sign_in(o, ben);
    int64_t before = o->acme->header.auth_version;
    office_begin(o);
    assert_int_equal(office_end(o, session_end(&o->ctx, anna, other.id)), ERR_NOT_FOUND);
    office_begin(o);
    assert_int_equal(office_end(o, session_end(&o->ctx, anna, one.id)), ERR_OK);
    assert_true(o->acme->header.auth_version > before);
    assert_int_equal(identify(o, one.token), ERR_UNAUTHENTICATED);
    assert_int_equal(identify(o, two.token), ERR_OK);
    office_begin(o);
    assert_int_equal(office_end(o, session_end(&o->ctx, anna, 0)), ERR_OK);
    assert_int_equal(identify(o, two.token), ERR_UNAUTHENTICATED);
    assert_int_equal(identify(o, other.token), ERR_OK);
}

static void test_session__disabling_and_new_passwords_end_sessions(void **state)
{
    struct office *o = *state;
    int64_t anna = office_user(o, "anna", NULL);
    struct session_new one = sign_in(o, anna), two = sign_in(o, anna);
    struct session_new api = key(o, anna, NULL, NULL, 0);
    office_begin(o);
    assert_int_equal(office_end(o, password_store(&o->ctx, anna, "$argon2id$x", two.id)), ERR_OK);
    assert_int_equal(identify(o, one.token), ERR_UNAUTHENTICATED);
    assert_int_equal(identify(o, two.token), ERR_OK);
    office_begin(o);
    assert_int_equal(office_end(o, user_set_active(&o->ctx, anna, false)), ERR_OK);
    assert_int_equal(identify(o, two.token), ERR_UNAUTHENTICATED);
    assert_int_equal(identify(o, api.token), ERR_UNAUTHENTICATED);
    struct session_new session;
    office_begin(o);
    assert_int_equal(office_end(o, session_create(&o->ctx, anna, HOME, "x", &session)),
                     ERR_BAD_CREDENTIALS);
    office_begin(o);
    assert_int_equal(office_end(o, user_set_active(&o->ctx, anna, true)), ERR_OK);
    assert_int_equal(identify(o, two.token), ERR_UNAUTHENTICATED); /* it does not come back */
    assert_int_equal(identify(o, api.token), ERR_OK);
}

/* Hashing takes its time: what was right when it began may not be when it ends. */
static void test_session__begins_with_the_password_of_now(void **state)
{
    struct office *o = *state;
    int64_t anna = office_user(o, "anna", NULL), found = 0;
    char *encoded = NULL;
    office_begin(o);
    assert_int_equal(office_end(o, password_store(&o->ctx, anna, "$argon2id$x", 0)), ERR_OK);
    office_begin(o);
    assert_int_equal(office_end(o, session_attempt(&o->ctx, SLICE("anna"), HOME, &found, &encoded)),
                     ERR_OK);
    assert_int_equal(found, anna);
    office_begin(o);
    assert_int_equal(office_end(o, session_confirm(&o->ctx, anna, encoded)), ERR_OK);
    office_begin(o);
    assert_int_equal(office_end(o, password_store(&o->ctx, anna, "$argon2id$y", 0)), ERR_OK);
    office_begin(o);
    assert_int_equal(office_end(o, session_confirm(&o->ctx, anna, encoded)), ERR_BAD_CREDENTIALS);
}

static void test_session__list_shows_a_users_own(void **state)
{
    struct office *o = *state;
    int64_t anna = office_user(o, "anna", NULL), ben = office_user(o, "ben", NULL);
    struct session_new one = sign_in(o, anna), two = sign_in(o, anna);
    (void)sign_in(o, ben);
    struct session_info *list;
    int count;
    assert_int_equal(session_list(o->acme, o->arena, anna, o->ctx.now_ms, &list, &count), ERR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(list[0].id, two.id);
    assert_int_equal(list[1].id, one.id);
    assert_string_equal(list[0].address, HOME);
    /* one that nobody has used for so long is good for nothing, so it is not told either */
    int64_t later = o->ctx.now_ms + SESSION_IDLE_MS - 1;
    assert_int_equal(session_list(o->acme, o->arena, anna, later, &list, &count), ERR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(session_list(o->acme, o->arena, anna, later + 1, &list, &count), ERR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(
        session_list(o->acme, o->arena, anna, o->ctx.now_ms + SESSION_LIFE_MS, &list, &count),
        ERR_OK);
    assert_int_equal(count, 0);
}

static const char *used(struct office *o, int64_t id, int64_t calls, int64_t limited)
{
    const char *name;
    int64_t user;
    office_begin(o);
    enum err e = session_key_used(&o->ctx, id, calls, limited, limited, &name, &user);
    assert_int_equal(office_end(o, e), ERR_OK);
    return name;
}

static void test_session__what_keys_ask_adds_up_and_their_limit_is_told_once_an_hour(void **state)
{
    struct office *o = *state;
    struct session_new api = key(o, office_user(o, "anna", NULL), NULL, NULL, 0);
    assert_null(used(o, api.id, 5, 0));
    assert_string_equal(used(o, api.id, 70, 10), "erp");
    office_wait(o, KEY_LIMITED_MS - 1);
    assert_null(used(o, api.id, 70, 10));
    office_wait(o, 1);
    assert_string_equal(used(o, api.id, 1, 1), "erp");
    assert_null(used(o, api.id + 1, 1, 1));
    static const char *const columns[] = {"calls", "refused", "limited"};
    struct expr where = row_eq("id", value_int(api.id));
    struct value v[3];
    assert_int_equal(row_read(o->acme->store, o->arena, "api_key", columns, 3, &where, v), ERR_OK);
    assert_int_equal(v[0].integer, 146);
    assert_int_equal(v[1].integer, 21);
    assert_int_equal(v[2].integer, 21);
}

static void test_session__keys_have_scopes_addresses_and_an_end(void **state)
{
    struct office *o = *state;
    int64_t anna = office_user(o, "anna", NULL);
    struct session_new api = key(o, anna, "[\"lead:read\",\"admin:users\"]",
                                 "[\"10.0.0.0/8\",\"2001:db8::/32\"]", o->ctx.now_ms + 1000);
    struct seen seen;
    assert_int_equal(identify_from(o, api.token, "10.1.2.3", &seen), ERR_OK);
    assert_int_equal(seen.actor->user, anna);
    assert_int_equal(seen.actor->api_key, api.id);
    assert_int_equal(seen.actor->session, 0);
    assert_null(seen.csrf);
    assert_true(actor_in_scope(seen.actor, "lead", "read"));
    assert_false(actor_in_scope(seen.actor, "lead", "update"));
    assert_false(actor_in_scope(seen.actor, "account", "read"));
    assert_int_equal(identify_from(o, api.token, "2001:db8::9", &seen), ERR_OK);
    assert_int_equal(identify_from(o, api.token, "11.1.2.3", &seen), ERR_UNAUTHENTICATED);
    assert_int_equal(identify_from(o, api.token, NULL, &seen), ERR_UNAUTHENTICATED);
    office_wait(o, 999);
    assert_int_equal(identify_from(o, api.token, "10.1.2.3", &seen), ERR_OK);
    office_wait(o, 1);
    assert_int_equal(identify_from(o, api.token, "10.1.2.3", &seen), ERR_UNAUTHENTICATED);
}

static void test_session__revoked_keys_are_nobody(void **state)
{
    struct office *o = *state;
    int64_t anna = office_user(o, "anna", NULL);
    struct session_new api = key(o, anna, NULL, NULL, 0), other = key(o, anna, "[\"*\"]", NULL, 0);
    office_begin(o);
    assert_int_equal(office_end(o, session_key_revoke(&o->ctx, api.id)), ERR_OK);
    assert_int_equal(identify(o, api.token), ERR_UNAUTHENTICATED);
    assert_int_equal(identify(o, other.token), ERR_OK);
    office_begin(o);
    assert_int_equal(office_end(o, session_key_revoke(&o->ctx, api.id)), ERR_NOT_FOUND);
    struct session_key *list;
    int count;
    assert_int_equal(session_key_list(o->acme, o->arena, anna, &list, &count), ERR_OK);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].scopes, "[\"*\"]");
    assert_true(list[1].revoked_at_ms > 0);
    assert_memory_equal(list[1].prefix, api.token, 10);
}

static void test_session__bad_keys_are_refused(void **state)
{
    struct office *o = *state;
    int64_t anna = office_user(o, "anna", NULL);
    struct session_new made;
    office_begin(o);
    enum err e = session_key_create(&o->ctx, anna, "", parsed(o, "[\"lead\"]"),
                                    parsed(o, "[\"10.0.0.0/33\"]"), 5, &made);
    assert_int_equal(office_end(o, e), ERR_VALIDATION);
    assert_int_equal(o->ctx.err.count, 4);
    office_begin(o);
    e = session_key_create(&o->ctx, anna + 1, "erp", NULL, NULL, 0, &made);
    assert_int_equal(office_end(o, e), ERR_VALIDATION);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, office_setup, office_teardown)
    const struct CMUnitTest tests[] = {
        T(test_session__token_identifies_its_user),
        T(test_session__token_of_one_tenant_is_nobody_in_another),
        T(test_session__only_hashes_are_stored),
        T(test_session__idle_and_absolute_ends),
        T(test_session__seen_is_due_once_a_minute),
        T(test_session__tenant_may_shorten_but_not_lengthen),
        T(test_session__signing_out_ends_it_at_once),
        T(test_session__disabling_and_new_passwords_end_sessions),
        T(test_session__begins_with_the_password_of_now),
        T(test_session__list_shows_a_users_own),
        T(test_session__what_keys_ask_adds_up_and_their_limit_is_told_once_an_hour),
        T(test_session__keys_have_scopes_addresses_and_an_end),
        T(test_session__revoked_keys_are_nobody),
        T(test_session__bad_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
