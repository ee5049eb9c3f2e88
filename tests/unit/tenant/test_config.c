/* test_config - the configuration file, the environment, flags and what is refused.
 *
 * SPDX-License-Identifier: MIT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "place.h"
#include "tenant/folder.h"

static int setup(void **state)
{
    static struct place place;
    place_open(&place);
    assert_int_equal(folder_make(place.data), ERR_OK);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    place_close(*state);
    return 0;
}

static enum err load(struct place *p, const char *file, struct config *config, const char **why)
{
    char path[FOLDER_PATH_MAX];
    folder_join(path, p->data, CONFIG_FILE);
    (void)unlink(path);
    if (file)
        assert_int_equal(folder_write(path, slice_str(file), 0600), ERR_OK);
    *why = "";
    return config_load(p->arena, p->data, config_home(p->arena), config, why);
}

static void test_config__nothing_set_gives_defaults(void **state)
{
    struct config c;
    const char *why;
    assert_int_equal(load(*state, NULL, &c, &why), ERR_OK);
    assert_string_equal(c.listen, "127.0.0.1:8080");
    assert_null(c.tls_listen);
    assert_true(c.gateways >= 1);
    assert_int_equal(c.workers, 4);
    assert_int_equal(c.runners, 3);
    assert_true(c.access_log);
    assert_null(c.trusted_proxies[0]);
    assert_true(c.audit_keep_days >= 180);
    assert_int_equal(config_check(&c, &why), ERR_OK);
}

static void test_config__file_then_environment_then_flag(void **state)
{
    struct place *p = *state;
    struct config c;
    const char *why;
    static const char file[] = "{\"listen\": \"0.0.0.0:80\", \"workers\": 2, \"runners\": 2,\n"
                               " \"trusted_proxies\": [\"10.0.0.1\", \"10.0.0.2\"],\n"
                               " \"tls_cert\": \"cert.pem\", \"access_log\": false}";
    assert_int_equal(setenv("PERIGEE_RUNNERS", "5", 1), 0);
    assert_int_equal(load(p, file, &c, &why), ERR_OK);
    assert_int_equal(unsetenv("PERIGEE_RUNNERS"), 0);
    assert_string_equal(c.listen, "0.0.0.0:80");
    assert_int_equal(c.workers, 2);
    assert_int_equal(c.runners, 5);
    assert_false(c.access_log);
    assert_string_equal(c.trusted_proxies[1], "10.0.0.2");
    assert_null(c.trusted_proxies[2]);
    assert_string_equal(c.tls_cert, arena_printf(p->arena, "%s/cert.pem", c.data));
    assert_int_equal(config_set(p->arena, &c, "workers", "7", &why), ERR_OK);
    assert_int_equal(c.workers, 7);
    assert_int_equal(config_set(p->arena, &c, "listen", "", &why), ERR_OK);
    assert_null(c.listen);
    assert_int_equal(config_check(&c, &why), ERR_MALFORMED);
    assert_int_equal(config_set(p->arena, &c, "tls_listen", "[::1]:443", &why), ERR_OK);
    assert_int_equal(config_check(&c, &why), ERR_MALFORMED); /* no key */
    assert_non_null(strstr(why, "tls_key"));
}

static void test_config__faults_name_file_line_and_key(void **state)
{
    struct config c;
    const char *why;
    assert_int_equal(load(*state, "{\n\"worker\": 2}", &c, &why), ERR_MALFORMED);
    assert_non_null(strstr(why, "perigee.json:2"));
    assert_non_null(strstr(why, "workers")); /* did you mean */
    assert_int_equal(load(*state, "{\n\n\"audit_keep_days\": 30}", &c, &why), ERR_MALFORMED);
    assert_non_null(strstr(why, "perigee.json:3"));
    assert_int_equal(load(*state, "{\"workers\": \"two\"}", &c, &why), ERR_MALFORMED);
    assert_int_equal(load(*state, "{\"workers\": 0}", &c, &why), ERR_MALFORMED);
    assert_int_equal(load(*state, "{\"listen\": \"nowhere\"}", &c, &why), ERR_MALFORMED);
    assert_int_equal(load(*state, "{ not json", &c, &why), ERR_MALFORMED);
    assert_int_equal(setenv("PERIGEE_WORKERS", "many", 1), 0);
    assert_int_equal(load(*state, NULL, &c, &why), ERR_MALFORMED);
    assert_int_equal(unsetenv("PERIGEE_WORKERS"), 0);
    assert_non_null(strstr(why, "PERIGEE_WORKERS"));
}

static void test_config__so_many_processes_of_a_role(void **state)
{
    static const char *const roles[] = {"gateways", "workers", "runners"};
    struct place *p = *state;
    struct config c;
    const char *why;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        for (int n = SLOTS_PER_ROLE_MAX; n <= SLOTS_PER_ROLE_MAX + 1; n++) {
            const char *file = arena_printf(p->arena, "{\"%s\": %d}", roles[i], n);
            enum err e = load(p, file, &c, &why);
            assert_int_equal(e, n == SLOTS_PER_ROLE_MAX ? ERR_OK : ERR_MALFORMED);
        }
        assert_non_null(strstr(why, roles[i]));
    }
}

/* Tests of what is bounded lower these keys; unless somebody sets them they are the limits. */
static void test_config__defaults_are_the_limits(void **state)
{
    struct config c;
    const char *why;
    assert_int_equal(load(*state, NULL, &c, &why), ERR_OK);
    const int64_t rows[][2] = {
        {c.upload_bytes_max, UPLOAD_BYTES_MAX},
        {c.import_bytes_max, IMPORT_BYTES_MAX},
        {c.conns_max, CONNS_MAX},
        {c.conns_per_address_max, CONNS_PER_ADDRESS_MAX},
        {c.streams_max, STREAMS_PER_GATEWAY},
        {c.streams_per_user_max, STREAMS_PER_USER},
        {c.streams_per_tenant_max, STREAMS_PER_TENANT},
        {c.jobs_per_user_max, JOBS_PER_USER},
        {c.jobs_per_tenant_max, JOBS_PER_TENANT},
        {c.keys_per_user_max, KEYS_PER_USER},
        {c.keys_per_tenant_max, KEYS_PER_TENANT},
        {c.sessions_per_user_max, SESSIONS_PER_USER},
        {c.files_bytes_max, FILES_BYTES},
        {c.rate_per_s, RATE_PER_S},
        {c.rate_burst, RATE_BURST},
        {c.signin_per_minute, SIGNIN_PER_MINUTE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(rows[i][0] == rows[i][1]);
}

/* The table in config.c and the schema say the same: each key's text is in the README, each bound
 * of the schema is accepted, and one more is not. */
static void test_config__schema_and_table_agree(void **state)
{
    struct place *p = *state;
    const char *why;
    const struct json *schema;
    const char *path =
        arena_printf(p->arena, "%s/schemas/config.schema.json", config_home(p->arena));
    assert_int_equal(json_load(p->arena, path, &schema, &why), ERR_OK);
    struct buf readme = BUF_INIT;
    config_readme(&readme);
    struct config c;
    assert_int_equal(load(p, NULL, &c, &why), ERR_OK);
    int keys = 0;
    json_each(key, json_get(schema, "properties"))
    {
        const char *name = arena_str(p->arena, key->key);
        keys++;
        assert_non_null(strstr(buf_cstr(&readme), arena_printf(p->arena, "\n  %s\n", name)));
        assert_non_null(strstr(buf_cstr(&readme), json_cstr(key, "description", "?none?")));
        if (!json_get(key, "maximum"))
            continue;
        int64_t least = json_int(key, "minimum", -1), most = json_int(key, "maximum", -1);
        const int64_t good[] = {least, most}, bad[] = {least - 1, most + 1};
        for (int i = 0; i < 2; i++) {
            const char *text = arena_printf(p->arena, "%lld", (long long)good[i]);
            assert_int_equal(config_set(p->arena, &c, name, text, &why), ERR_OK);
            text = arena_printf(p->arena, "%lld", (long long)bad[i]);
            assert_int_equal(config_set(p->arena, &c, name, text, &why), ERR_MALFORMED);
        }
    }
    int explained = 0;
    for (const char *at = buf_cstr(&readme); (at = strstr(at, "default: ")); at++)
        explained++;
    assert_int_equal(explained, keys);
    buf_release(&readme);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_config__nothing_set_gives_defaults),
        T(test_config__file_then_environment_then_flag),
        T(test_config__faults_name_file_line_and_key),
        T(test_config__so_many_processes_of_a_role),
        T(test_config__defaults_are_the_limits),
        T(test_config__schema_and_table_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
