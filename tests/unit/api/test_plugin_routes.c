/* test_plugin_routes - plugins' own addresses: who may, how often, what is brought, what comes
 * back.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/jobs.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/limits.h"
#include "store/query.h"
#include "tenant/folder.h"

#define X     "/api/v1/x/desk"
#define WARES "/api/v1/records/ware"

static const char manifest[] =
    "{\"id\":\"desk\",\"version\":\"1.2.0\",\"api\":1,\"title\":\"Desk\","
    "\"requires\":{\"shop\":\"^1\"},"
    "\"capabilities\":[\"db:ware:rw\",\"route:public\",\"secret:key\"],"
    "\"config\":[{\"name\":\"key\",\"type\":\"secret\"},{\"name\":\"note\",\"type\":\"text\"}]}";

static const char routes[] =
    "crm.route('GET', '/me', function(req, ctx)\n"
    "  return { who = ctx.user.login, method = req.method, source = ctx.source }\n"
    "end)\n"
    "crm.route('POST', '/wares', { body = { name = 'text!', cost = 'int', price = 'money',\n"
    "    on = 'date', tags = 'text[]', more = 'json', rate = 'decimal' }, query = { dry = 'bool' } "
    "},\n"
    "  function(req, ctx)\n"
    "    if req.body.name == 'bad' then req:fail('name', '@taken') end\n"
    "    if req.body.name == 'worse' then req:abort('@taken') end\n"
    "    if req.query.dry then return { price = req.body.price, on = req.body.on,\n"
    "      tags = req.body.tags and #req.body.tags, rate = req.body.rate } end\n"
    "    local ware = assert(ctx.db.ware:insert { name = req.body.name, cost = req.body.cost })\n"
    "    return { id = crm.id_text(ware.id), name = ware.name }, 201\n"
    "  end)\n"
    "crm.route('GET', '/wares/{name}', function(req) return { name = req.params.name } end)\n"
    "crm.route('GET', '/wares/all', function() return 'all\\n', 200,\n"
    "  { type = 'text/csv', filename = '商品.csv' } end)\n"
    "crm.route('DELETE', '/wares/{name}/{part}', function(req) end)\n"
    "crm.route('GET', '/boss', { role = 'admin' }, function() return {} end)\n"
    "crm.route('GET', '/maker', { perm = 'ware:delete' }, function() return {} end)\n"
    "crm.route('POST', '/robot', { auth = 'key' }, function() return {} end)\n"
    "crm.route('POST', '/signed', { auth = 'hmac:key', body = { no = 'text!' } },\n"
    "  function(req, ctx)\n"
    "    local n = ctx.kv:incr('signed')\n"
    "    return { no = req.body.no, n = n, user = ctx.user and ctx.user.login,\n"
    "      hidden = req.headers['x-perigee-signature'] }\n"
    "  end)\n"
    "crm.route('PUT', '/signed/{no}', { auth = 'hmac:key', query = { a = 'int' } },\n"
    "  function(req) return req.params end)\n"
    "crm.route('POST', '/hook', { auth = 'webhook:key', rate = '100/m' },\n"
    "  function(req) return { text = req.text } end)\n"
    "crm.route('POST', '/twice', { body = { name = 'text!', how = 'text' } }, function(req, ctx)\n"
    "  local wares = ctx.db.ware\n"
    "  if req.body.how == 'none' then error('before') end\n"
    "  ctx.tx(function() assert(ctx.db.ware:insert { name = req.body.name }) end)\n"
    "  if req.body.how == 'fail' then error('behind') end\n"
    "  if req.body.how == 'odd' then return { odd = true }, 409 end\n"
    "  assert(wares:insert { name = req.body.name .. '+' })\n"
    "  return { name = req.body.name }, 201\n"
    "end)\n"
    "crm.route('POST', '/open', { auth = 'public', rate = '3/m', body = 'text' },\n"
    "  function(req, ctx)\n"
    "    local found, why = ctx.db.ware:find {}\n"
    "    return { text = req.text, user = ctx.user, found = found ~= nil, why = why }\n"
    "  end)\n"
    "crm.route('GET', '/torn', function() error('torn') end)\n"
    "crm.route('GET', '/long/{n}', function(req) return ('x'):rep(tonumber(req.params.n)) end)\n"
    "crm.route('GET', '/wide/{n}', function(req)\n"
    "  return { t = ('x'):rep(tonumber(req.params.n)) } end)\n"
    "crm.route('GET', '/page', function() return '<b>', 200, { type = 'text/html' } end)\n";

static void plugin(struct fixture *f, const char *lua)
{
    const char *folder = fixture_print(f, "%s/home/plugins/desk", f->folder);
    assert_int_equal(folder_make(fixture_print(f, "%s/i18n", folder)), ERR_OK);
    assert_int_equal(
        folder_write(fixture_print(f, "%s/plugin.json", folder), slice_str(manifest), 0600),
        ERR_OK);
    assert_int_equal(folder_write(fixture_print(f, "%s/i18n/en.json", folder),
                                  SLICE("{\"taken\":\"It is taken.\"}"), 0600),
                     ERR_OK);
    assert_int_equal(folder_write(fixture_print(f, "%s/i18n/zh-CN.json", folder),
                                  SLICE("{\"taken\":\"已被占用。\"}"), 0600),
                     ERR_OK);
    assert_int_equal(folder_write(fixture_print(f, "%s/init.lua", folder), slice_str(lua), 0600),
                     ERR_OK);
    if (fixture_call(f, OPERATOR, "POST", "/api/v1/admin/plugins/desk/enable", "{}") != 200)
        fail_msg("%s", f->text);
}

static int setup(void **state)
{
    if (fixture_setup(state))
        return 1;
    plugin(*state, routes);
    fixture_user(*state, "sal", "[\"seller\"]");
    return 0;
}

static void expect(struct fixture *f, const char *who, const char *method, const char *path,
                   const char *body, int status)
{
    if (fixture_call(f, who, method, path, body) != status)
        fail_msg("%s %s: wanted %d, not %d: %s", method, path, status, f->status, f->text);
}

/* --- addresses --- */

static void test_plugin_routes__are_found_below_their_plugin(void **state)
{
    struct fixture *f = *state;
    expect(f, "sal", "GET", X "/me", NULL, 200);
    assert_string_equal(fixture_at(f, "who"), "sal");
    assert_string_equal(fixture_at(f, "method"), "GET");
    assert_string_equal(fixture_at(f, "source"), "api");
    expect(f, "sal", "GET", X "/wares/ball", NULL, 200);
    assert_string_equal(fixture_at(f, "name"), "ball");
    expect(f, "sal", "GET", X "/wares/all", NULL, 200); /* literal before capture */
    assert_string_equal(f->text, "all\n");
    assert_string_equal(f->disposition, "attachment; filename=\"__.csv\"; "
                                        "filename*=UTF-8''%E5%95%86%E5%93%81.csv");
    expect(f, "sal", "DELETE", X "/wares/a/b", NULL, 204);
    expect(f, "sal", "POST", X "/me", "{}", 405);
    expect(f, "sal", "GET", X "/nothing", NULL, 404);
    expect(f, "sal", "GET", X "/me/", NULL, 404);
    expect(f, "sal", "GET", X "/wares/a/b/c", NULL, 404);
    expect(f, "sal", "GET", "/api/v1/x/none/me", NULL, 404);
}

static void test_plugin_routes__are_their_companys(void **state)
{
    struct fixture *f = *state;
    expect(f, "root@bolt", "GET", X "/me", NULL, 404);
    expect(f, NOBODY, "GET", X "/me", NULL, 401);
    expect(f, OPERATOR, "POST", "/api/v1/admin/plugins/desk/disable", "{}", 200);
    expect(f, "sal", "GET", X "/me", NULL, 404);
}

static void test_plugin_routes__ask_for_rights(void **state)
{
    struct fixture *f = *state;
    expect(f, "sal", "GET", X "/boss", NULL, 403);
    expect(f, "root", "GET", X "/boss", NULL, 200);
    expect(f, "sal", "GET", X "/maker", NULL, 403);
    expect(f, "root", "GET", X "/maker", NULL, 200);
    expect(f, "root", "POST", X "/robot", "{}", 401); /* a session is no key */
    expect(f, "root", "POST", "/api/v1/admin/api-keys", "{\"name\":\"k\"}", 201);
    expect(f, arena_strdup(f->arena, fixture_at(f, "token")), "POST", X "/robot", "{}", 200);
}

/* --- bodies --- */

static void test_plugin_routes__check_what_is_brought(void **state)
{
    struct fixture *f = *state;
    expect(f, "root", "POST", X "/wares",
           "{\"cost\":\"7\",\"price\":1.005,\"on\":\"x\",\"tags\":1,"
           "\"other\":1,\"rate\":\"a\"}",
           422);
    assert_string_equal(fixture_complaint(f, "name"), "required");
    assert_string_equal(fixture_complaint(f, "cost"), "not_a_number");
    assert_string_equal(fixture_complaint(f, "price"), "bad_money");
    assert_string_equal(fixture_complaint(f, "on"), "bad_date");
    assert_string_equal(fixture_complaint(f, "tags"), "not_a_list");
    assert_string_equal(fixture_complaint(f, "rate"), "not_a_decimal");
    assert_string_equal(fixture_complaint(f, "other"), "unknown_field");
    expect(f, "root", "POST", X "/wares", "{\"name\":\"a\",\"tags\":[\"x\",2]}", 422);
    assert_string_equal(fixture_complaint(f, "tags[1]"), "not_a_text");
    expect(f, "root", "POST", X "/wares?dry=maybe&x=1", "{\"name\":\"a\"}", 422);
    assert_string_equal(fixture_complaint(f, "dry"), "not_a_bool");
    assert_string_equal(fixture_complaint(f, "x"), "unknown_field");
    expect(f, "root", "POST", X "/wares", "[]", 400);
    expect(f, "root", "POST", X "/wares", "{", 400);
    f->content_type = "text/plain";
    expect(f, "root", "POST", X "/wares", "{\"name\":\"a\"}", 415);
    expect(f, "root", "POST", X "/wares", NULL, 400);
}

static void test_plugin_routes__give_typed_values(void **state)
{
    struct fixture *f = *state;
    expect(f, "root", "POST", X "/wares?dry=true",
           "{\"name\":\"a\",\"price\":{\"amount\":\"12.50\",\"currency\":\"USD\"},"
           "\"on\":\"2026-02-28\",\"tags\":[\"x\",\"y\"],\"rate\":\"1.25\",\"more\":{\"a\":[1]}}",
           200);
    assert_string_equal(fixture_at(f, "price.amount"), "12.50");
    assert_string_equal(fixture_at(f, "price.currency"), "USD");
    assert_string_equal(fixture_at(f, "on"), "2026-02-28");
    assert_string_equal(fixture_at(f, "tags"), "2");
    assert_string_equal(fixture_at(f, "rate"), "1.250000");
    expect(f, "root", "POST", X "/wares?dry=true", "{\"name\":\"a\",\"price\":{\"minor\":5}}", 200);
    assert_string_equal(fixture_at(f, "price.amount"), "0.05");
}

static void test_plugin_routes__decimals_have_so_many_digits(void **state)
{
    struct fixture *f = *state;
    for (int digits = ENDPOINT_DECIMAL_SCALE; digits <= ENDPOINT_DECIMAL_SCALE + 1; digits++) {
        bool fits = digits == ENDPOINT_DECIMAL_SCALE;
        const char *body = fixture_print(f, "{\"name\":\"a\",\"rate\":\"0.%0*d\"}", digits, 1);
        expect(f, "root", "POST", X "/wares?dry=true", body, fits ? 200 : 422);
        assert_string_equal(fits ? fixture_at(f, "rate") : fixture_complaint(f, "rate"),
                            fits ? "0.000001" : "not_a_decimal");
    }
}

static void test_plugin_routes__answer_so_many_bytes(void **state)
{
    struct fixture *f = *state;
    expect(f, "sal", "GET", fixture_print(f, X "/long/%d", ENDPOINT_ANSWER_MAX), NULL, 200);
    assert_int_equal(strlen(f->text), ENDPOINT_ANSWER_MAX);
    expect(f, "sal", "GET", fixture_print(f, X "/long/%d", ENDPOINT_ANSWER_MAX + 1), NULL, 500);
    /* as JSON, with two quotes and a table around it */
    expect(f, "sal", "GET", fixture_print(f, X "/wide/%d", ENDPOINT_ANSWER_MAX - 8), NULL, 200);
    expect(f, "sal", "GET", fixture_print(f, X "/wide/%d", ENDPOINT_ANSWER_MAX - 7), NULL, 500);
}

static void test_plugin_routes__write_with_the_rights_of_who_asks(void **state)
{
    struct fixture *f = *state;
    expect(f, "root", "POST", X "/wares", "{\"name\":\"ball\",\"cost\":4}", 201);
    const char *ware = fixture_print(f, WARES "/%s", fixture_at(f, "id"));
    expect(f, "root", "GET", ware, NULL, 200);
    assert_string_equal(fixture_at(f, "cost"), "4");
    expect(f, "sal", "POST", X "/wares", "{\"name\":\"pen\",\"cost\":4}", 500); /* not his to set */
    expect(f, "root", "GET", WARES "?count=true", NULL, 200);
    assert_string_equal(fixture_at(f, "count"), "1");
}

static void test_plugin_routes__refuse_in_words(void **state)
{
    struct fixture *f = *state;
    expect(f, "root", "POST", X "/wares?dry=true", "{\"name\":\"bad\"}", 422);
    assert_string_equal(fixture_at(f, "error.fields.name.0.message"), "It is taken.");
    expect(f, "root", "POST", X "/wares", "{\"name\":\"worse\"}", 422);
    assert_string_equal(fixture_at(f, "error.message"), "It is taken.");
    expect(f, "sal", "GET", X "/torn", NULL, 500);
    assert_string_equal(fixture_at(f, "error.code"), "plugin_error");
    assert_null(strstr(f->text, "init.lua"));
    expect(f, "root", "GET", X "/torn", NULL, 500); /* who looks after plugins sees where */
    assert_non_null(strstr(f->text, "init.lua"));
    expect(f, "root", "GET", X "/page", NULL, 500); /* no pages of others under our name */
}

static void test_plugin_routes__answer_a_key_once(void **state)
{
    struct fixture *f = *state;
    f->idempotency_key = "k1";
    expect(f, "root", "POST", X "/wares", "{\"name\":\"ball\"}", 201);
    const char *id = fixture_at(f, "id");
    f->idempotency_key = "k1";
    expect(f, "root", "POST", X "/wares", "{\"name\":\"ball\"}", 201);
    assert_string_equal(fixture_at(f, "id"), id);
    f->idempotency_key = "k1";
    expect(f, "root", "POST", X "/wares", "{\"name\":\"pen\"}", 422);
    f->idempotency_key = "k1";
    expect(f, NOBODY, "POST", X "/wares", "{\"name\":\"ball\"}", 401);
    expect(f, "root", "GET", WARES "?count=true", NULL, 200);
    assert_string_equal(fixture_at(f, "count"), "1");
}

/* --- other systems --- */

static void sign(struct fixture *f, const char *secret, int64_t at_s, const char *message)
{
    uint8_t mac[CRYPTO_SHA256_LEN];
    struct buf hex = BUF_INIT;
    crypto_hmac_sha256(slice_str(secret), slice_str(message), mac);
    crypto_put_hex(&hex, slice_of((const char *)mac, sizeof mac));
    f->timestamp = fixture_print(f, "%lld", (long long)at_s);
    f->signature = fixture_print(f, "sha256=%s", buf_cstr(&hex));
    buf_release(&hex);
}

/* The text that hmac signs for this request. */
static const char *message_of(struct fixture *f, int64_t at_s, const char *method,
                              const char *target, const char *body)
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    struct buf hex = BUF_INIT;
    crypto_sha256(slice_str(body), digest);
    crypto_put_hex(&hex, slice_of((const char *)digest, sizeof digest));
    const char *message =
        fixture_print(f, "%lld\n%s\n%s\n%s", (long long)at_s, method, target, buf_cstr(&hex));
    buf_release(&hex);
    return message;
}

static int signed_call(struct fixture *f, const char *secret, int64_t at_s, const char *body,
                       const char *key)
{
    sign(f, secret, at_s, message_of(f, at_s, "POST", X "/signed", body));
    f->idempotency_key = key;
    return fixture_call(f, NOBODY, "POST", X "/signed", body);
}

/* What is signed for one address, method, query or body is good for no other. */
static void test_plugin_routes__signatures_hold_all_of_the_request(void **state)
{
    struct fixture *f = *state;
    int64_t now_s = clock_now_ms() / 1000;
    clock_fix(now_s * 1000);
    expect(f, OPERATOR, "PUT", "/api/v1/admin/plugins/desk/config", "{\"key\":\"s3cret\"}", 200);
    const char *const differ[][4] = {
        /* signed: method, target, body; asked: target (PUT, body "{}") */
        {"POST", X "/signed/7?a=1", "{}", X "/signed/7?a=1"},
        {"PUT", X "/signed/8?a=1", "{}", X "/signed/7?a=1"},
        {"PUT", X "/signed/7?a=2", "{}", X "/signed/7?a=1"},
        {"PUT", X "/signed/7", "{}", X "/signed/7?a=1"},
        {"PUT", X "/signed/7?a=1", "{}", X "/signed/7"},
        {"PUT", X "/signed/7?a=1", "{ }", X "/signed/7?a=1"},
        {"PUT", X "/signed/7?a=1", "", X "/signed/7?a=1"},
    };
    for (size_t i = 0; i < sizeof differ / sizeof *differ; i++) {
        sign(f, "s3cret", now_s, message_of(f, now_s, differ[i][0], differ[i][1], differ[i][2]));
        expect(f, NOBODY, "PUT", differ[i][3], "{}", 401);
    }
    sign(f, "s3cret", now_s, fixture_print(f, "%lld.{}", (long long)now_s)); /* as a webhook */
    expect(f, NOBODY, "PUT", X "/signed/7", "{}", 401);
    sign(f, "s3cret", now_s, message_of(f, now_s, "PUT", X "/signed/7?a=1", "{}"));
    f->timestamp = fixture_print(f, "%lld", (long long)now_s + 1);
    expect(f, NOBODY, "PUT", X "/signed/7?a=1", "{}", 401);
    sign(f, "s3cret", now_s, message_of(f, now_s, "PUT", X "/signed/7?a=1", "{}"));
    expect(f, NOBODY, "PUT", X "/signed/7?a=1", "{}", 200);
    assert_string_equal(fixture_at(f, "no"), "7");
    clock_fix(-1);
}

static void test_plugin_routes__webhooks_sign_time_and_body(void **state)
{
    struct fixture *f = *state;
    int64_t now_s = clock_now_ms() / 1000;
    clock_fix(now_s * 1000);
    expect(f, OPERATOR, "PUT", "/api/v1/admin/plugins/desk/config", "{\"key\":\"s3cret\"}", 200);
    sign(f, "s3cret", now_s, message_of(f, now_s, "POST", X "/hook", "{}"));
    expect(f, NOBODY, "POST", X "/hook", "{}", 401); /* a route takes one scheme, never another */
    for (int i = 0; i < 2; i++) {
        sign(f, "s3cret", now_s, fixture_print(f, "%lld.{}", (long long)now_s));
        expect(f, NOBODY, "POST", X "/hook", "{}", i ? 401 : 200); /* and once */
    }
    sign(f, "s3cret", now_s, fixture_print(f, "%lld.{}", (long long)now_s));
    expect(f, NOBODY, "POST", X "/hook", "{ }", 401);
    clock_fix(-1);
}

/* --- keys --- */

/* Write turns as a runner borrows them; a process that dies between two transactions is one that
 * gets no other turn. */
static int turns, turns_max;

static enum err turn_take(struct app *app, struct tenant *tenant)
{
    (void)app;
    (void)tenant;
    return turns++ < turns_max ? ERR_OK : ERR_BUSY;
}

static int twice(struct fixture *f, const char *key, const char *body, int most)
{
    static const struct app_services services = {.turn_take = turn_take};
    const struct app_services *before = f->app.services;
    turns = 0;
    turns_max = most;
    f->app.services = &services;
    f->idempotency_key = key;
    int status = fixture_call(f, "root", "POST", X "/twice", body);
    f->app.services = before;
    return status;
}

static int wares_named(struct fixture *f, const char *name)
{
    expect(f, "root", "GET", fixture_print(f, WARES "?name=%s&count=true", name), NULL, 200);
    return atoi(fixture_at(f, "count"));
}

static enum err by_whom(struct fixture *f, pid_t pid)
{
    struct tenant *tenant;
    enum err e = tenants_by_name(f->tenants, SLICE("acme"), &tenant);
    char text[24];
    (void)snprintf(text, sizeof text, "%lld", (long long)pid);
    struct store_set set = {"answer", value_text(slice_str(text)), false};
    struct expr begun = {.op = EXPR_EQ, .column = {0, "status"}, .value = value_int(0)};
    if (!e)
        e = store_begin(tenant->store, true);
    if (!e)
        e = store_update(tenant->store, "idem", &begun, &set, 1, NULL, NULL);
    if (!e)
        e = store_commit(tenant->store);
    tenants_unpin(f->tenants, tenant);
    return e;
}

static pid_t dead_process(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return child;
}

static void test_plugin_routes__a_key_stands_with_the_first_effect(void **state)
{
    struct fixture *f = *state;
    const char *body = "{\"name\":\"cup\"}";
    assert_int_equal(twice(f, "whole", body, 9), 201);
    assert_int_equal(turns, 3); /* both writes, then the answer */
    const char *text = f->text;
    assert_int_equal(twice(f, "whole", body, 9), 201);
    assert_int_equal(turns, 0);
    assert_string_equal(f->text, text);
    assert_int_equal(wares_named(f, "cup"), 1);

    body = "{\"name\":\"jug\"}"; /* killed behind the first write */
    assert_int_equal(twice(f, "half", body, 1), 503);
    assert_int_equal(wares_named(f, "jug"), 1);
    assert_int_equal(twice(f, "half", body, 9), 503); /* as long as it lives it is at work */
    assert_int_equal(by_whom(f, dead_process()), ERR_OK);
    assert_int_equal(twice(f, "half", body, 9), 200);
    assert_string_equal(f->text, "{\"replayed\":true,\"answer\":null}");
    assert_int_equal(turns, 0);
    assert_int_equal(wares_named(f, "jug"), 1);
    assert_int_equal(twice(f, "half", "{\"name\":\"jar\"}", 9), 422); /* of another request */

    body = "{\"name\":\"pan\"}"; /* killed before: nothing is there, so it is done */
    assert_int_equal(twice(f, "early", body, 0), 503);
    assert_int_equal(twice(f, "early", body, 9), 201);
    assert_int_equal(wares_named(f, "pan"), 1);
}

static void test_plugin_routes__what_fails_behind_an_effect_is_told_again(void **state)
{
    struct fixture *f = *state;
    const char *const bodies[][2] = {
        {"{\"name\":\"mug\",\"how\":\"fail\"}", "500"},
        {"{\"name\":\"mug\",\"how\":\"odd\"}", "409"},
    };
    for (int i = 0; i < 2; i++) {
        const char *key = i ? "odd" : "fail";
        assert_int_equal(twice(f, key, bodies[i][0], 9), atoi(bodies[i][1]));
        const char *text = f->text;
        assert_int_equal(twice(f, key, bodies[i][0], 9), atoi(bodies[i][1]));
        assert_int_equal(turns, 0);
        assert_string_equal(f->text, text);
        assert_int_equal(wares_named(f, "mug"), i + 1);
    }
    const char *body = "{\"name\":\"bag\",\"how\":\"none\"}"; /* nothing is kept of nothing */
    assert_int_equal(twice(f, "none", body, 9), 500);
    assert_int_equal(turns, 0);
    assert_int_equal(twice(f, "none", body, 9), 500);
}

static void test_plugin_routes__take_what_is_signed_once(void **state)
{
    struct fixture *f = *state;
    int64_t now_s = clock_now_ms() / 1000;
    clock_fix(now_s * 1000);
    assert_int_equal(signed_call(f, "s3cret", now_s, "{\"no\":\"1\"}", NULL), 401); /* none set */
    expect(f, OPERATOR, "PUT", "/api/v1/admin/plugins/desk/config", "{\"key\":\"s3cret\"}", 200);
    assert_int_equal(signed_call(f, "s3cret", now_s, "{\"no\":\"1\"}", NULL), 200);
    assert_string_equal(fixture_at(f, "no"), "1");
    assert_string_equal(fixture_at(f, "n"), "1");
    assert_string_equal(fixture_at(f, "user"), "");
    assert_string_equal(fixture_at(f, "hidden"), "");
    assert_int_equal(signed_call(f, "s3cret", now_s, "{\"no\":\"1\"}", NULL), 401); /* a copy */
    assert_int_equal(signed_call(f, "other", now_s, "{\"no\":\"2\"}", NULL), 401);
    assert_int_equal(signed_call(f, "s3cret", now_s, "{}", NULL), 422);
    assert_int_equal(signed_call(f, "s3cret", now_s - ENDPOINT_SIGNED_S, "{\"no\":\"3\"}", NULL),
                     200);
    assert_int_equal(
        signed_call(f, "s3cret", now_s - ENDPOINT_SIGNED_S - 1, "{\"no\":\"4\"}", NULL), 401);
    assert_int_equal(
        signed_call(f, "s3cret", now_s + ENDPOINT_SIGNED_S + 1, "{\"no\":\"5\"}", NULL), 401);
    assert_int_equal(signed_call(f, "s3cret", now_s, "{\"no\":\"6\"}", "k"), 200);
    const char *first = f->text;
    assert_int_equal(signed_call(f, "s3cret", now_s, "{\"no\":\"6\"}", "k"), 200); /* repeated */
    assert_string_equal(f->text, first);
    expect(f, "root", "POST", X "/signed", "{\"no\":\"7\"}", 401); /* a session is no signature */
    clock_fix(-1);
}

static void test_plugin_routes__public_ones_have_a_rate(void **state)
{
    struct fixture *f = *state;
    int64_t now_ms = clock_now_ms();
    clock_fix(now_ms);
    f->app.throttle = throttle_new();
    for (int i = 0; i < 3; i++) {
        f->content_type = "text/plain";
        expect(f, i == 1 ? "root" : NOBODY, "POST", X "/open", "hello", 200);
        assert_string_equal(fixture_at(f, "text"), "hello");
        assert_string_equal(fixture_at(f, "user"), ""); /* whoever comes is nobody here */
        assert_string_equal(fixture_at(f, "found"), "false");
    }
    expect(f, NOBODY, "POST", X "/open", "\"hello\"", 429);
    clock_fix(now_ms + 20000);
    expect(f, NOBODY, "POST", X "/open", "\"hello\"", 200);
    clock_fix(-1);
    throttle_free(f->app.throttle);
    f->app.throttle = NULL;
}

/* --- registering --- */

static void refused(struct fixture *f, const char *lua)
{
    const char *path = fixture_print(f, "%s/home/plugins/desk/init.lua", f->folder);
    expect(f, OPERATOR, "POST", "/api/v1/admin/plugins/desk/disable", "{}", 200);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(folder_write(path, slice_str(lua), 0600), ERR_OK);
    (void)fixture_call(f, OPERATOR, "POST", "/api/v1/admin/plugins/desk/enable", "{}");
    if (fixture_call(f, "root", "GET", X "/me", NULL) < 400)
        fail_msg("it was taken: %s", lua);
}

static void test_plugin_routes__slips_are_found_while_loading(void **state)
{
    static const char *const bad[] = {
        "crm.route('GET', 'me', function() end)",
        "crm.route('GET', '/me/', function() end)",
        "crm.route('GET', '/m e', function() end)",
        "crm.route('LOOK', '/me', function() end)",
        "crm.route('GET', '/me', { auth = 'none' }, function() end)",
        "crm.route('GET', '/me', { auth = 'hmac:note' }, function() end)",
        "crm.route('GET', '/me', { auth = 'public' }, function() end)",
        "crm.route('GET', '/me', { rate = '60' }, function() end)",
        "crm.route('GET', '/me', { rate = '0/m' }, function() end)",
        "crm.route('GET', '/me', { body = {} }, function() end)",
        "crm.route('POST', '/me', { body = { a = 'texts' } }, function() end)",
        "crm.route('POST', '/me', { boddy = {} }, function() end)",
        "crm.route('GET', '/me', { perm = 'wares:read' }, function() end)",
        "crm.route('GET', '/me', function() end) crm.route('GET', '/me', function() end)",
        "crm.job('Bad Name', {}, function() end)",
        "crm.job('a', { cron = '61 * * * *' }, function() end)",
        "crm.job('a', { cron = '* * * * *', every = '1h' }, function() end)",
        "crm.job('a', { cron = '* * * * *', tz = 'Mars/Base' }, function() end)",
        "crm.job('a', { every = '9s' }, function() end)",
        "crm.job('a', { catch_up = 'some' }, function() end)",
        "crm.job('a', { retry = 11 }, function() end)",
        "crm.job('a', { retrys = 1 }, function() end)",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(f, bad[i]);
}

static void test_plugin_routes__stand_in_the_document(void **state)
{
    struct fixture *f = *state;
    struct tenant *tenant;
    bool more = true;
    assert_int_equal(tenants_by_name(f->tenants, SLICE("acme"), &tenant), ERR_OK);
    f->app.role = APP_RUNNER;
    while (more) {
        int64_t next_ms;
        struct arena *arena = arena_new();
        assert_int_equal(jobs_step(&f->app, tenant, arena, &more, &next_ms), ERR_OK);
        arena_free(arena);
    }
    f->app.role = APP_COMMAND;
    tenants_unpin(f->tenants, tenant);
    expect(f, "root", "GET", "/api/v1/openapi.json", NULL, 200);
    const struct json *path = json_get(json_get(f->json, "paths"), "/x/desk/wares");
    assert_non_null(json_get(path, "post"));
    assert_non_null(strstr(f->text, "/x/desk/wares/{name}"));
    expect(f, "root@bolt", "GET", "/api/v1/openapi.json", NULL, 200);
    assert_null(strstr(f->text, "/x/desk/"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_plugin_routes__are_found_below_their_plugin),
        TEST(test_plugin_routes__are_their_companys),
        TEST(test_plugin_routes__ask_for_rights),
        TEST(test_plugin_routes__check_what_is_brought),
        TEST(test_plugin_routes__give_typed_values),
        TEST(test_plugin_routes__decimals_have_so_many_digits),
        TEST(test_plugin_routes__answer_so_many_bytes),
        TEST(test_plugin_routes__write_with_the_rights_of_who_asks),
        TEST(test_plugin_routes__refuse_in_words),
        TEST(test_plugin_routes__answer_a_key_once),
        TEST(test_plugin_routes__take_what_is_signed_once),
        TEST(test_plugin_routes__signatures_hold_all_of_the_request),
        TEST(test_plugin_routes__webhooks_sign_time_and_body),
        TEST(test_plugin_routes__a_key_stands_with_the_first_effect),
        TEST(test_plugin_routes__what_fails_behind_an_effect_is_told_again),
        TEST(test_plugin_routes__public_ones_have_a_rate),
        TEST(test_plugin_routes__slips_are_found_while_loading),
        TEST(test_plugin_routes__stand_in_the_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
