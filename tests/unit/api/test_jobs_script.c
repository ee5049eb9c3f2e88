/* test_jobs_script - plugins' jobs on a server without processes: by the clock, in batches, tried
 * again, paused, asked for, stopped.
 *
 * SPDX-License-Identifier: MIT
 */
#include "fixture.h"

#include <unistd.h>

#include "api/jobs.h"
#include "base/clock.h"
#include "base/limits.h"
#include "hook/schedule.h"
#include "store/query.h"
#include "tenant/folder.h"

#define JOBS   "/api/v1/admin/jobs"
#define WARES  "/api/v1/records/ware"
#define NOON   "2026-06-01T12:00:00Z"
#define DAY_MS 86400000LL

static const char manifest[] =
    "{\"id\":\"works\",\"version\":\"1.2.0\",\"api\":1,\"title\":\"Works\","
    "\"requires\":{\"shop\":\"^1\"},\"capabilities\":[\"db:ware:rw\"]}";

/* A plugin with this init.lua, enabled for acme. */
static void plugin(struct fixture *f, const char *lua)
{
    const char *folder = fixture_print(f, "%s/home/plugins/works", f->folder);
    (void)!folder_remove(folder);
    assert_int_equal(folder_make(folder), ERR_OK);
    assert_int_equal(
        folder_write(fixture_print(f, "%s/plugin.json", folder), slice_str(manifest), 0600),
        ERR_OK);
    assert_int_equal(folder_write(fixture_print(f, "%s/init.lua", folder), slice_str(lua), 0600),
                     ERR_OK);
    if (fixture_call(f, OPERATOR, "POST", "/api/v1/admin/plugins/works/enable", "{}") != 200)
        fail_msg("%s", f->text);
}

/* As a runner does: what is due now, to its end. Gives the steps. */
static int run(struct fixture *f, int64_t *next_ms)
{
    struct tenant *tenant;
    bool more = true;
    int64_t next;
    int steps = 0;
    assert_int_equal(tenants_by_name(f->tenants, SLICE("acme"), &tenant), ERR_OK);
    f->app.role = APP_RUNNER;
    while (more) {
        struct arena *arena = arena_new();
        assert_int_equal(jobs_step(&f->app, tenant, arena, &more, &next), ERR_OK);
        arena_free(arena);
        steps += more;
        assert_true(steps < 500);
    }
    f->app.role = APP_COMMAND;
    tenants_unpin(f->tenants, tenant);
    if (next_ms)
        *next_ms = next;
    return steps;
}

static void at(const char *time)
{
    int64_t now_ms;
    assert_true(time_parse(slice_str(time), &now_ms));
    clock_fix(now_ms);
}

static void later(int64_t ms)
{
    clock_fix(clock_now_ms() + ms);
}

static void wares(struct fixture *f, int count)
{
    for (int i = 0; i < count;) {
        struct buf body = BUF_INIT;
        buf_put_str(&body, "{\"items\":[");
        for (int k = 0; k < 500 && i < count; k++, i++)
            buf_printf(&body, "%s{\"op\":\"create\",\"data\":{\"name\":\"w%d\",\"cost\":0}}",
                       k ? "," : "", i);
        buf_put_str(&body, "]}");
        if (fixture_call(f, OPERATOR, "POST", WARES "/bulk", buf_cstr(&body)) != 200)
            fail_msg("%s", f->text);
        buf_release(&body);
    }
}

/* How many wares have that cost. */
static int costing(struct fixture *f, int cost)
{
    const char *body = fixture_print(f, "{\"filter\":{\"cost\":%d},\"measure\":[\"count\"]}", cost);
    if (fixture_call(f, OPERATOR, "POST", WARES "/query", body) != 200)
        fail_msg("%s", f->text);
    return atoi(fixture_at(f, "groups.0.count"));
}

/* The only job of the plugin, as an administrator is told of it. */
static const char *told(struct fixture *f, const char *member)
{
    if (fixture_call(f, OPERATOR, "GET", JOBS, NULL) != 200)
        fail_msg("%s", f->text);
    return fixture_at(f, fixture_print(f, "items.0.%s", member));
}

static const char *run_now(struct fixture *f, const char *name)
{
    const char *path = fixture_print(f, JOBS "/works/%s/run", name);
    if (fixture_call(f, OPERATOR, "POST", path, "{}") != 202)
        fail_msg("%s", f->text);
    return fixture_print(f, "/api/v1/jobs/%s", fixture_at(f, "id"));
}

static const char *state_of(struct fixture *f, const char *job)
{
    assert_int_equal(fixture_call(f, OPERATOR, "GET", job, NULL), 200);
    return fixture_at(f, "state");
}

static int teardown(void **state)
{
    clock_fix(-1);
    return fixture_teardown(state);
}

/* --- by the clock --- */

static const char nightly[] =
    "crm.job('stamp', { cron = '30 2 * * *', tz = 'UTC' }, function(job, ctx)\n"
    "  ctx.db:as_system().ware:insert { name = 'x', cost = 7 }\n"
    "  return { due = job.due }\n"
    "end)\n";

static void test_jobs_script__runs_by_the_clock_and_catches_up_once(void **state)
{
    struct fixture *f = *state;
    int64_t next_ms = 0;
    at(NOON);
    plugin(f, nightly);
    run(f, &next_ms);
    assert_int_equal(costing(f, 7), 0);
    assert_string_equal(told(f, "next_at"), "2026-06-02T02:30:00.000Z");
    assert_string_equal(told(f, "last_state"), "null");
    clock_fix(next_ms);
    assert_int_equal(run(f, &next_ms), 1);
    assert_int_equal(costing(f, 7), 1);
    assert_string_equal(told(f, "last_state"), "done");
    assert_string_equal(told(f, "next_at"), "2026-06-03T02:30:00.000Z");
    later(5 * DAY_MS); /* nothing ran for so long */
    assert_int_equal(run(f, &next_ms), 1);
    assert_int_equal(costing(f, 7), 2);
    assert_string_equal(told(f, "next_at"), "2026-06-08T02:30:00.000Z");
}

static void test_jobs_script__a_changed_plugin_changes_the_table(void **state)
{
    struct fixture *f = *state;
    at(NOON);
    plugin(f, nightly);
    run(f, NULL);
    assert_int_equal(fixture_call(f, OPERATOR, "POST", "/api/v1/admin/plugins/works/disable", "{}"),
                     200);
    run(f, NULL);
    assert_int_equal(fixture_call(f, OPERATOR, "GET", JOBS, NULL), 200);
    assert_string_equal(fixture_at(f, "items"), "[]");
    plugin(f, "crm.job('other', { every = '15m' }, function() end)");
    run(f, NULL);
    assert_string_equal(told(f, "name"), "other");
    assert_string_equal(told(f, "every_s"), "900");
    assert_string_equal(told(f, "next_at"), "2026-06-01T12:15:00.000Z");
}

/* As if a runner had looked while files of the plugin were being replaced. */
static void forget_jobs(struct fixture *f)
{
    struct tenant *tenant;
    assert_int_equal(tenants_by_name(f->tenants, SLICE("acme"), &tenant), ERR_OK);
    const struct expr all = {.op = EXPR_TRUE};
    const char *known = fixture_print(f, "{\"model\":%lld,\"hash\":\"0\"}",
                                      (long long)tenant->header.model_version);
    assert_int_equal(store_begin(tenant->store, true), ERR_OK);
    assert_int_equal(store_delete(tenant->store, "schedule", &all, NULL), ERR_OK);
    assert_int_equal(tenant_setting_put(tenant, "plugin_jobs", slice_str(known)), ERR_OK);
    assert_int_equal(store_commit(tenant->store), ERR_OK);
    tenants_unpin(f->tenants, tenant);
}

static void test_jobs_script__a_plugin_that_fits_again_has_its_jobs(void **state)
{
    struct fixture *f = *state;
    at(NOON);
    plugin(f, nightly);
    run(f, NULL);
    const char *name = fixture_print(f, "%s", told(f, "name"));
    forget_jobs(f);
    run(f, NULL);
    assert_string_equal(told(f, "name"), name);
}

static void test_jobs_script__nobody_has_no_rights(void **state)
{
    struct fixture *f = *state;
    at(NOON);
    plugin(f, "crm.job('peep', { retry = 0 }, function(_, ctx) ctx.db.ware:find {} end)\n"
              "crm.job('poke', { retry = 0 }, function(_, ctx)\n"
              "  ctx.db:as_system().user:find {}\n"
              "end)");
    run(f, NULL);
    const char *peep = run_now(f, "peep"), *poke = run_now(f, "poke");
    run(f, NULL);
    assert_string_equal(state_of(f, peep), "done"); /* it was told no, and went on */
    assert_string_equal(state_of(f, poke), "failed");
}

/* --- in batches --- */

static const char walk[] =
    "crm.job('walk', { retry = 1 }, function(job, ctx)\n"
    "  ctx.kv:incr('calls')\n"
    "  local wares = ctx.db:as_system().ware\n"
    "  job:each({ entity = 'ware', as_system = true, batch = 100 }, function(ware)\n"
    "    if ware.name == 'w250' and not ctx.kv:get('mended') then error('w250 is torn') end\n"
    "    assert(wares:update(ware.id, { cost = ware.cost + 1 }))\n"
    "  end)\n"
    "  return { calls = ctx.kv:get('calls') }\n"
    "end)\n"
    "crm.job('mend', function(_, ctx) ctx.kv:set('mended', true) end)\n";

static void test_jobs_script__a_walk_touches_each_record_once(void **state)
{
    struct fixture *f = *state;
    at(NOON);
    plugin(f, walk);
    wares(f, 1200);
    run(f, NULL);
    const char *job = run_now(f, "walk");
    run(f, NULL);
    int done = costing(f, 1);
    assert_true(done >= 100 && done <= 250); /* batches before the torn one stand */
    assert_string_equal(state_of(f, job), "queued");
    run_now(f, "mend");
    run(f, NULL);
    assert_int_equal(costing(f, 1), done);
    later(61000);
    assert_true(run(f, NULL) >= 1);
    assert_string_equal(state_of(f, job), "done");
    assert_int_equal(costing(f, 1), 1200);
    assert_true(atoi(fixture_at(f, "result.calls")) >= 0);
}

static void test_jobs_script__a_long_walk_lets_others_go_between(void **state)
{
    struct fixture *f = *state;
    at(NOON);
    plugin(f, walk);
    wares(f, 1200);
    run(f, NULL);
    run_now(f, "mend");
    run(f, NULL);
    const char *job = run_now(f, "walk");
    assert_true(run(f, NULL) >= 2); /* more writes than a step may make */
    assert_string_equal(state_of(f, job), "done");
    assert_true(atoi(fixture_at(f, "result.calls")) >= 2);
    assert_int_equal(costing(f, 1), 1200);
}

/* A job whose function has this body: how its run ended, and why. */
static const char *ends(struct fixture *f, const char *body)
{
    at(NOON);
    /* Code of the product that is on already is looked at when it is switched on again. */
    (void)fixture_call(f, OPERATOR, "POST", "/api/v1/admin/plugins/works/disable", "{}");
    plugin(f,
           fixture_print(f, "crm.job('walk', { retry = 0 }, function(job, ctx)\n%s\nend)\n", body));
    run(f, NULL);
    const char *job = run_now(f, "walk");
    run(f, NULL);
    return state_of(f, job);
}

static void test_jobs_script__walks_in_batches_of_so_many(void **state)
{
    struct fixture *f = *state;
    static const char each[] = "local n = 0\njob:each({ entity = 'ware', as_system = true %s },\n"
                               "  function() n = n + 1 if n > %d then error('beyond') end end)";
    for (int batch = JOB_BATCH_MAX; batch <= JOB_BATCH_MAX + 1; batch++) {
        const char *option = fixture_print(f, ", batch = %d", batch);
        bool fits = batch == JOB_BATCH_MAX;
        assert_string_equal(ends(f, fixture_print(f, each, option, 1 << 20)),
                            fits ? "done" : "failed");
    }
}

static void test_jobs_script__walks_so_often(void **state)
{
    struct fixture *f = *state;
    for (int n = JOB_WALKS_MAX; n <= JOB_WALKS_MAX + 1; n++) {
        bool fits = n == JOB_WALKS_MAX;
        const char *body = fixture_print(f,
                                         "for i = 1, %d do job:each({ entity = 'ware',\n"
                                         "  as_system = true }, function() end) end",
                                         n);
        assert_string_equal(ends(f, body), fits ? "done" : "failed");
    }
}

/* Without a wish of its own: what is taken back with a record that fails is its batch. Few records
 * are written, since a batch also ends when its turn is over. */
static void test_jobs_script__a_batch_is_of_so_many_unless_asked(void **state)
{
    struct fixture *f = *state;
    at(NOON);
    plugin(f, "");
    wares(f, 2 * JOB_BATCH);
    const char *body = fixture_print(f,
                                     "local n = 0\n"
                                     "job:each({ entity = 'ware', as_system = true },\n"
                                     "  function(ware)\n"
                                     "    n = n + 1 if n == 2 * %d then error('torn') end\n"
                                     "    if n == %d or n == %d + 1 then\n"
                                     "      ctx.db:as_system().ware:update(ware.id, { cost = 1 })\n"
                                     "    end\n"
                                     "  end)",
                                     JOB_BATCH, JOB_BATCH, JOB_BATCH);
    assert_string_equal(ends(f, body), "failed");
    assert_int_equal(costing(f, 1), 1);
}

static void test_jobs_script__keeps_its_cursor(void **state)
{
    struct fixture *f = *state;
    at(NOON);
    plugin(f, "crm.job('page', { retry = 2 }, function(job, ctx)\n"
              "  local page = (job.cursor or 0) + 1\n"
              "  job:progress(page * 20)\n"
              "  job:save(page)\n"
              "  if page < 3 then error('line is down') end\n"
              "  return { page = page, tries = job.tries }\n"
              "end)");
    run(f, NULL);
    const char *job = run_now(f, "page");
    run(f, NULL);
    assert_string_equal(state_of(f, job), "queued");
    assert_string_equal(fixture_at(f, "progress"), "20");
    later(61000);
    run(f, NULL);
    later(301000);
    run(f, NULL);
    assert_string_equal(state_of(f, job), "done");
    assert_string_equal(fixture_at(f, "result.page"), "3");
}

/* --- failing --- */

static void test_jobs_script__errors_in_a_row_pause_it(void **state)
{
    struct fixture *f = *state;
    at(NOON);
    plugin(f, "crm.job('bad', { every = '10s', retry = 0 }, function() error('no') end)");
    run(f, NULL);
    for (int i = 0; i < 19; i++) {
        later(10000);
        run(f, NULL);
    }
    assert_string_equal(told(f, "paused_at"), "null");
    later(10000);
    run(f, NULL);
    assert_string_not_equal(told(f, "paused_at"), "null");
    assert_non_null(strstr(told(f, "paused_why"), "works/init.lua:1"));
    assert_string_equal(told(f, "next_at"), "null");
    const char *job = run_now(f, "bad");
    run(f, NULL);
    assert_string_equal(state_of(f, job), "queued");
    assert_int_equal(fixture_call(f, OPERATOR, "POST", JOBS "/works/bad/resume", "{}"), 200);
    run(f, NULL);
    assert_string_equal(state_of(f, job), "failed");
}

static void test_jobs_script__three_kills_pause_it(void **state)
{
    struct fixture *f = *state;
    at(NOON);
    plugin(f, "crm.job('fat', { every = '10s', retry = 0 }, function()\n"
              "  local all = {}\n"
              "  for i = 1, 1e9 do all[i] = ('x'):rep(100000) .. i end\n"
              "end)");
    run(f, NULL);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(told(f, "paused_at"), "null");
        later(10000);
        run(f, NULL);
    }
    assert_string_not_equal(told(f, "paused_at"), "null");
    assert_non_null(strstr(told(f, "last_error"), "memory"));
}

/* --- asked for --- */

static const char pushing[] =
    "crm.on('ware', 'after_create', { id = 'tell' }, function(ev, ctx)\n"
    "  if ev.record.name == 'double' then\n"
    "    ctx.queue:push('tell', { id = ev.record.id }, { key = 'one' })\n"
    "  end\n"
    "  ctx.queue:push('tell', { id = ev.record.id }, { key = ev.record.name ~= 'x' and 'one' or "
    "nil })\n"
    "  if ev.record.name == 'never' then ev:abort('no') end\n"
    "end)\n"
    "crm.job('tell', function(job, ctx)\n"
    "  local ware = ctx.db.ware:get(job.args.id)\n"
    "  return { name = ware and ware.name, who = ctx.user and ctx.user.login }\n"
    "end)\n";

static void test_jobs_script__is_asked_for_within_the_transaction(void **state)
{
    struct fixture *f = *state;
    plugin(f, pushing);
    run(f, NULL);
    fixture_user(f, "sal", "[\"seller\"]");
    assert_int_equal(fixture_call(f, "sal", "POST", WARES, "{\"name\":\"never\"}"), 422);
    assert_int_equal(run(f, NULL), 0);
    assert_int_equal(fixture_call(f, "sal", "POST", WARES, "{\"name\":\"double\"}"), 201);
    assert_int_equal(run(f, NULL), 1);
    assert_int_equal(fixture_call(f, "sal", "GET", "/api/v1/jobs", NULL), 200);
    assert_string_equal(fixture_at(f, "items.0.queue"), "job:works.tell");
    assert_string_equal(fixture_at(f, "items.0.result.name"), "double");
    assert_string_equal(fixture_at(f, "items.0.result.who"), "sal");
    assert_string_equal(fixture_at(f, "items.1"), "");
    assert_int_equal(fixture_call(f, "sal", "POST", WARES, "{\"name\":\"x\"}"), 201);
    assert_int_equal(fixture_call(f, "sal", "POST", WARES, "{\"name\":\"x\"}"), 201);
    assert_int_equal(run(f, NULL), 2);
}

static void test_jobs_script__is_stopped_by_a_person(void **state)
{
    struct fixture *f = *state;
    at(NOON);
    plugin(f, "crm.job('wait', function(job, ctx)\n"
              "  ctx.queue:push('wait', nil, { delay = 3600, key = 'next' })\n"
              "end)");
    run(f, NULL);
    run_now(f, "wait");
    run(f, NULL);
    assert_int_equal(fixture_call(f, OPERATOR, "GET", "/api/v1/jobs", NULL), 200);
    assert_string_equal(fixture_at(f, "items.0.state"), "queued");
    const char *job = fixture_print(f, "/api/v1/jobs/%s", fixture_at(f, "items.0.id"));
    assert_int_equal(fixture_call(f, OPERATOR, "DELETE", job, NULL), 202);
    assert_string_equal(state_of(f, job), "cancelled");
    later(2 * 3600000);
    assert_int_equal(run(f, NULL), 0);
}

/* --- who may --- */

static void test_jobs_script__are_the_administrators(void **state)
{
    struct fixture *f = *state;
    plugin(f, nightly);
    run(f, NULL);
    fixture_user(f, "sal", "[\"seller\"]");
    assert_int_equal(fixture_call(f, NOBODY, "GET", JOBS, NULL), 401);
    assert_int_equal(fixture_call(f, "sal", "GET", JOBS, NULL), 403);
    assert_int_equal(fixture_call(f, "sal", "POST", JOBS "/works/stamp/run", "{}"), 403);
    assert_int_equal(fixture_call(f, "root", "GET", JOBS, NULL), 200);
    assert_int_equal(fixture_call(f, "root@bolt", "GET", JOBS, NULL), 200);
    assert_string_equal(fixture_at(f, "items"), "[]");
    assert_int_equal(fixture_call(f, "root@bolt", "POST", JOBS "/works/stamp/run", "{}"), 404);
    assert_int_equal(fixture_call(f, "root", "POST", JOBS "/works/nothing/run", "{}"), 404);
    assert_int_equal(fixture_call(f, "root", "POST", JOBS "/works/stamp/run", "{\"a\":1}"), 422);
    assert_int_equal(fixture_call(f, "root", "POST", JOBS "/works/stamp/pause", "{}"), 200);
    fixture_audited(f, "job.pause");
    assert_int_equal(fixture_call(f, "root", "POST", JOBS "/works/stamp/resume", "{}"), 200);
    fixture_audited(f, "job.resume");
    assert_int_equal(fixture_call(f, "root", "POST", JOBS "/works/stamp/run", "{}"), 202);
    fixture_audited(f, "job.run");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_jobs_script__runs_by_the_clock_and_catches_up_once),
        TEST(test_jobs_script__a_changed_plugin_changes_the_table),
        TEST(test_jobs_script__a_plugin_that_fits_again_has_its_jobs),
        TEST(test_jobs_script__nobody_has_no_rights),
        TEST(test_jobs_script__a_walk_touches_each_record_once),
        TEST(test_jobs_script__a_long_walk_lets_others_go_between),
        TEST(test_jobs_script__walks_in_batches_of_so_many),
        TEST(test_jobs_script__walks_so_often),
        TEST(test_jobs_script__a_batch_is_of_so_many_unless_asked),
        TEST(test_jobs_script__keeps_its_cursor),
        TEST(test_jobs_script__errors_in_a_row_pause_it),
        TEST(test_jobs_script__three_kills_pause_it),
        TEST(test_jobs_script__is_asked_for_within_the_transaction),
        TEST(test_jobs_script__is_stopped_by_a_person),
        TEST(test_jobs_script__are_the_administrators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
