/* test_replay - the key of a request stands and falls with its effect, wherever the route runs.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#define UPLOAD                                                                                     \
    "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n%s\r\n"     \
    "--cut--\r\n"
#define IMPORT                                                                                     \
    "--cut\r\nContent-Disposition: form-data; name=\"entity\"\r\n\r\nware\r\n"                     \
    "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n"           \
    "name\r\nCup\r\n--cut--\r\n"

/* Write turns as a runner borrows them: how many were asked for, and how many are given. A process
 * that dies between two transactions is one that gets no second turn. */
static int turns, turns_max;

static enum err turn_take(struct app *app, struct tenant *tenant)
{
    (void)app;
    (void)tenant;
    return turns++ < turns_max ? ERR_OK : ERR_BUSY;
}

static int ask(struct fixture *f, const char *key, const char *target, const char *body)
{
    static const struct app_services services = {.turn_take = turn_take};
    const struct app_services *before = f->app.services;
    f->idempotency_key = key;
    if (strncmp(body, "--cut", 5) == 0)
        f->content_type = "multipart/form-data; boundary=cut";
    turns = 0;
    turns_max = 1;
    f->app.services = &services;
    int status = fixture_call(f, "root", "POST", target, body);
    f->app.services = before;
    return status;
}

static void test_replay__the_key_is_kept_with_the_effect(void **state)
{
    struct fixture *f = *state;
    const char *const calls[][2] = {
        {"/api/v1/files", fixture_print(f, UPLOAD, "hello")},
        {"/api/v1/imports", IMPORT},
        {"/api/v1/admin/users", "{\"login\":\"kim\",\"name\":\"Kim\",\"roles\":[]}"},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const char *key = fixture_print(f, "key-%zu", i);
        assert_int_equal(ask(f, key, calls[i][0], calls[i][1]), 201);
        assert_int_equal(turns, 1); /* effect and key in one transaction */
        const char *text = f->text, *id = fixture_at(f, "id");
        assert_int_equal(ask(f, key, calls[i][0], calls[i][1]), 201);
        assert_int_equal(turns, 0);
        assert_string_equal(fixture_at(f, "id"), id);
        if (i != 2) /* a user moves rights: who was made is not told word for word */
            assert_string_equal(f->text, text);
    }
}

static void test_replay__what_failed_leaves_no_key(void **state)
{
    struct fixture *f = *state;
    const char *user = "{\"login\":\"lee\",\"name\":\"Lee\",\"roles\":[\"nobody_knows\"]}";
    const char *right = "{\"login\":\"lee\",\"name\":\"Lee\",\"roles\":[]}";
    assert_int_equal(ask(f, "k", "/api/v1/admin/users", user), 422);
    assert_int_equal(ask(f, "k", "/api/v1/admin/users", right), 201);
    assert_int_equal(ask(f, "k", "/api/v1/admin/users", user), 422);      /* another body */
    assert_int_equal(ask(f, "other", "/api/v1/admin/users", right), 409); /* another request */
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(test_replay__##name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_key_is_kept_with_the_effect),
        TEST(what_failed_leaves_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
