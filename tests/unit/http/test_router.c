/* test_router - which route a path and method lead to.
 *
 * SPDX-License-Identifier: MIT
 */
#include "http/router.h"

#include "help.h"

static struct router *sample(void)
{
    struct router *r = router_new();
    router_add(r, HTTP_GET, "/", "root");
    router_add(r, HTTP_GET, "/api/v1/records/{entity}", "list");
    router_add(r, HTTP_POST, "/api/v1/records/{entity}", "create");
    router_add(r, HTTP_GET, "/api/v1/records/{entity}/{id}", "get");
    router_add(r, HTTP_PATCH, "/api/v1/records/{entity}/{id}", "save");
    router_add(r, HTTP_POST, "/api/v1/records/{entity}/query", "query");
    router_add(r, HTTP_GET, "/api/v1/records/{entity}/{id}/related/{relation}", "related");
    router_add(r, HTTP_GET, "/api/v1/records/special/{id}/only", "special");
    router_add(r, HTTP_GET, "/api/v1/x/{plugin}/{rest*}", "plugin");
    router_add(r, HTTP_GET, "/healthz", "health");
    return r;
}

static const char *match(const struct router *r, enum http_method method, const char *path,
                         struct router_params *params)
{
    const void *route = NULL;
    unsigned allowed = 0;
    enum err e = router_match(r, method, slice_str(path), &route, params, &allowed);
    return e ? err_code(e) : route;
}

static void test_router__finds_literals_and_captures(void **state)
{
    (void)state;
    struct router *r = sample();
    struct router_params p;
    assert_string_equal(match(r, HTTP_GET, "/", &p), "root");
    assert_int_equal(p.count, 0);
    assert_string_equal(match(r, HTTP_GET, "/healthz", &p), "health");
    assert_string_equal(match(r, HTTP_GET, "/api/v1/records/lead", &p), "list");
    assert_int_equal(p.count, 1);
    assert_slice(p.at[0], "lead");
    assert_string_equal(match(r, HTTP_GET, "/api/v1/records/lead/7/related/tasks", &p), "related");
    assert_int_equal(p.count, 3);
    assert_slice(p.at[1], "7");
    assert_slice(p.at[2], "tasks");
    router_free(r);
}

static void test_router__prefers_literals_but_falls_back(void **state)
{
    (void)state;
    struct router *r = sample();
    struct router_params p;
    assert_string_equal(match(r, HTTP_POST, "/api/v1/records/lead/query", &p), "query");
    assert_int_equal(p.count, 1);
    assert_string_equal(match(r, HTTP_GET, "/api/v1/records/lead/query", &p), "get");
    assert_int_equal(p.count, 2);
    assert_slice(p.at[1], "query");
    assert_string_equal(match(r, HTTP_GET, "/api/v1/records/special/7/only", &p), "special");
    assert_int_equal(p.count, 1);
    assert_string_equal(match(r, HTTP_GET, "/api/v1/records/special/7", &p), "get");
    assert_slice(p.at[0], "special");
    router_free(r);
}

static void test_router__takes_the_rest(void **state)
{
    (void)state;
    struct router *r = sample();
    struct router_params p;
    assert_string_equal(match(r, HTTP_GET, "/api/v1/x/web/a/b//c", &p), "plugin");
    assert_slice(p.at[0], "web");
    assert_slice(p.at[1], "a/b//c");
    assert_string_equal(match(r, HTTP_GET, "/api/v1/x/web/", &p), "plugin");
    assert_slice(p.at[1], "");
    assert_string_equal(match(r, HTTP_GET, "/api/v1/x/web", &p), "not_found");
    router_add(r, HTTP_GET, "/{page*}", "console");
    assert_string_equal(match(r, HTTP_GET, "/leads/5", &p), "console");
    assert_slice(p.at[0], "leads/5");
    assert_string_equal(match(r, HTTP_GET, "/", &p), "root");
    assert_string_equal(match(r, HTTP_GET, "/api/v1/records/lead/7/related", &p), "console");
    assert_int_equal(p.count, 1);
    router_free(r);
}

static void test_router__knows_no_empty_segments(void **state)
{
    (void)state;
    struct router *r = sample();
    struct router_params p;
    static const char *const bad[] = {"/api/v1/records/",
                                      "/api/v1/records//7",
                                      "/api/v1/records/lead/",
                                      "//healthz",
                                      "/healthz/",
                                      "",
                                      "*",
                                      "healthz",
                                      "/Healthz",
                                      "/api"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_string_equal(match(r, HTTP_GET, bad[i], &p), "not_found");
    router_free(r);
}

static void test_router__names_the_methods_a_path_has(void **state)
{
    (void)state;
    struct router *r = sample();
    struct router_params p;
    const void *route;
    unsigned allowed = 0;
    struct slice path = SLICE("/api/v1/records/lead/query");
    assert_int_equal(router_match(r, HTTP_DELETE, path, &route, &p, &allowed), ERR_METHOD);
    assert_int_equal(allowed,
                     1u << HTTP_GET | 1u << HTTP_HEAD | 1u << HTTP_PATCH | 1u << HTTP_POST);
    assert_string_equal(match(r, HTTP_HEAD, "/healthz", &p), "health");
    assert_string_equal(match(r, HTTP_OPTIONS, "/healthz", &p), "method_not_allowed");
    router_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_router__finds_literals_and_captures),
        cmocka_unit_test(test_router__prefers_literals_but_falls_back),
        cmocka_unit_test(test_router__takes_the_rest),
        cmocka_unit_test(test_router__knows_no_empty_segments),
        cmocka_unit_test(test_router__names_the_methods_a_path_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
