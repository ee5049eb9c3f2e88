/* test_keeping - ctx.kv and ctx.queue from scripts: where they may, with what, and rolled back.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include "base/limits.h"
#include "hook/job.h"
#include "hook/pace.h"
#include "hook/post.h"
#include "hook/schedule.h"
#include "tenant/kv.h"

static void test_keeping__says_what_is_wrong(void **state)
{
    struct stage *stage = *state;
    stage_gives(stage, "return { ctx.kv:get('x') == nil, #ctx.kv:list('a') }", "[true,0]");
    stage_fails(stage, "ctx.kv:set('a', 1)", "nothing can be written here");
    stage_fails(stage, "ctx.kv:get('')", "a key has 1 to 200 bytes");
    stage_fails(stage, "ctx.kv:get(('k'):rep(201))", "a key has 1 to 200 bytes");
    stage_fails(stage, "ctx.kv:set('a', 1, { tl = 5 })", "the only option is ttl");
    stage_fails(stage, "ctx.kv:set('a', 1, { ttl = 0 })", "\"ttl\" is a number of seconds");
    stage_fails(stage, "ctx.kv:set('a', function() end)", "cannot be kept as data");
    stage_fails(stage, "ctx.queue:push('none')", "t offers no job \"none\"");
    stage_fails(stage, "crm.job('late', function() end)", "crm.job works only while loading");
}

static const char counting[] =
    "crm.on('thing', 'before_create', { id = 'number' }, function(ev, ctx)\n"
    "  ev.record.amount = ctx.kv:incr('things')\n"
    "end)\n"
    "crm.on('thing', 'validate', { id = 'look' }, function(ev, ctx)\n"
    "  if ev.record.name == 'bad' then ev:fail('name', '@bad') end\n"
    "  if ev.record.name == 'early' then ctx.kv:set('a', 1) end\n"
    "end)\n"
    "crm.job('tell', function() end)\n"
    "crm.on('thing', 'after_create', { id = 'push' }, function(ev, ctx)\n"
    "  ctx.queue:push('tell', { id = ev.record.id }, { delay = 60 })\n"
    "  if ev.record.name == 'long' then ctx.queue:push('tell', { t = ('x'):rep(70000) }) end\n"
    "end)\n";

static void test_keeping__is_part_of_the_save(void **state)
{
    struct stage *stage = *state;
    int64_t id, next_ms;
    stage_script(stage, counting);
    OK(stage_create(stage, "thing", "{'name':'one'}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "amount"), "1");
    assert_int_equal(stage_create(stage, "thing", "{'name':'bad'}", NULL), ERR_VALIDATION);
    OK(stage_create(stage, "thing", "{'name':'two'}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "amount"), "2"); /* the bad one's is free */
    OK(job_next(stage->tenant, &next_ms));
    assert_int_equal(next_ms, STAGE_NOW + 60000);
    assert_int_equal(stage_create(stage, "thing", "{'name':'early'}", NULL), ERR_PLUGIN);
    assert_non_null(strstr(stage->ctx.err.detail, "ctx.kv:set works only"));
    assert_int_equal(stage_create(stage, "thing", "{'name':'long'}", NULL), ERR_PLUGIN);
    assert_non_null(strstr(stage->ctx.err.detail, "at most 65536 bytes"));
    assert_int_equal(stage_count(stage, "thing"), 2);
}

static void test_keeping__stays_in_its_tenant(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    stage_script(stage, counting);
    OK(stage_create(stage, "thing", "{'name':'one'}", &id));
    stage_switch(stage, "bolt");
    stage_enable(stage, "t");
    OK(stage_create(stage, "thing", "{'name':'one'}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "amount"), "1");
}

/* So many wait that `left` more may. */
static void fill(struct stage *stage, const char *queue, int max, int left)
{
    struct json *body = json_new(stage->arena, JSON_OBJECT);
    struct job job = {.queue = queue, .run_at_ms = STAGE_NOW + 60000, .body = body};
    int64_t id, waiting;
    OK(store_begin(stage->tenant->store, true));
    OK(job_waiting(&stage->ctx, queue, max, &waiting));
    for (int64_t i = waiting; i < max - left; i++)
        OK(job_put(&stage->ctx, &job, &id));
    OK(store_commit(stage->tenant->store));
}

static void test_keeping__so_many_jobs_wait_and_no_more(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.job('tell', function() end)\n"
                        "crm.job('other', function() end)\n"
                        "crm.on('thing', 'after_create', { id = 'push' }, function(ev, ctx)\n"
                        "  for i = 1, ev.record.amount do ctx.queue:push('tell') end\n"
                        "  ctx.queue:push('other')\n"
                        "end)\n");
    OK(stage_create(stage, "thing", "{'name':'one','amount':1}", NULL));
    fill(stage, schedule_queue(stage->arena, "t", "tell"), JOB_WAITING_MAX, 2);
    assert_int_equal(stage_create(stage, "thing", "{'name':'over','amount':3}", NULL), ERR_PLUGIN);
    assert_non_null(strstr(stage->ctx.err.detail, "10000 runs of the job \"tell\" wait already"));
    OK(stage_create(stage, "thing", "{'name':'two','amount':2}", NULL)); /* nothing of it stayed */
    assert_int_equal(stage_create(stage, "thing", "{'name':'full','amount':1}", NULL), ERR_PLUGIN);
    OK(stage_create(stage, "thing", "{'name':'none','amount':0}", NULL)); /* another job */
}

static void test_keeping__so_many_letters_wait_and_no_more(void **state)
{
    struct stage *stage = *state;
    stage_write(stage, "t/plugin.json",
                "{\"id\":\"t\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"T\",\"requires\":{},"
                "\"capabilities\":[\"mail\"]}");
    stage_enable(stage, "t");
    stage_script(stage, "crm.on('thing', 'after_create', { id = 'post' }, function(ev, ctx)\n"
                        "  for i = 1, ev.record.amount do\n"
                        "    assert(ctx.mail { to = 'a@b.example', subject = 's', text = 't' })\n"
                        "  end\n"
                        "end)\n");
    OK(stage_create(stage, "thing", "{'name':'one','amount':1}", NULL));
    fill(stage, POST_QUEUE, MAIL_WAITING_MAX, 1);
    assert_int_equal(stage_create(stage, "thing", "{'name':'over','amount':2}", NULL), ERR_PLUGIN);
    assert_non_null(strstr(stage->ctx.err.detail, "10000 letters wait already"));
    OK(stage_create(stage, "thing", "{'name':'two','amount':1}", NULL));
    assert_int_equal(stage_create(stage, "thing", "{'name':'full','amount':1}", NULL), ERR_PLUGIN);
}

/* As many as a bundle has written in that day. */
static void has_written(struct stage *stage, const char *key, int64_t count)
{
    int64_t sum;
    stage_begin(stage);
    enum err e = kv_add(&stage->ctx, "core", key, count, STAGE_NOW + 86400000, &sum);
    OK(stage_end(stage, e));
}

static const char floods[] =
    "crm.on('thing', 'after_create', { id = 'more', when = { name = 'one' } }, function(ev, ctx)\n"
    "  local made, why, name = ctx.db.thing:insert { name = 'two' }\n"
    "  if not made then ev:abort(why .. ' ' .. name) end\n"
    "end)\n";

static void test_keeping__a_bundle_writes_so_much_in_a_day(void **state)
{
    struct stage *stage = *state;
    struct plugin *plugin = NULL;
    stage->ctx.lang = LANG_EN;
    stage_script(stage, floods);
    (void)stage_vm(stage);
    for (int i = 0; i < stage->model->plugins_count; i++)
        if (strcmp(stage->model->plugins[i]->id, "t") == 0)
            plugin = (struct plugin *)stage->model->plugins[i];
    has_written(stage, "pace.records:t", BUNDLE_RECORDS_PER_DAY);
    OK(stage_create(stage, "thing", "{'name':'one'}", NULL)); /* the product's is not counted */
    plugin->layer = PLUGIN_TENANT;
    assert_int_equal(stage_create(stage, "thing", "{'name':'one'}", NULL), ERR_VALIDATION);
    assert_non_null(strstr(stage->ctx.err.message, "t has made as many records today as it may."));
    assert_int_equal(stage_count(stage, "thing"), 2); /* and nothing was made */
    has_written(stage, "pace.records:t", -1);
    OK(stage_create(stage, "thing", "{'name':'one'}", NULL)); /* at the limit */
    assert_int_equal(stage_create(stage, "thing", "{'name':'one'}", NULL), ERR_VALIDATION);
    stage->ctx.now_ms += 86400000;
    OK(stage_create(stage, "thing", "{'name':'one'}", NULL)); /* another day */
}

static void test_keeping__a_bundle_tells_so_many_in_a_day(void **state)
{
    struct stage *stage = *state;
    stage_begin(stage);
    enum err e = pace_take(&stage->ctx, "t", PACE_NOTICES, BUNDLE_NOTICES_PER_DAY);
    OK(stage_end(stage, e));
    stage_begin(stage);
    e = pace_take(&stage->ctx, "t", PACE_NOTICES, 1);
    assert_int_equal(stage_end(stage, e), ERR_TOO_MANY);
    stage_begin(stage);
    e = pace_take(&stage->ctx, "other", PACE_NOTICES, 1);
    OK(stage_end(stage, e));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_keeping__says_what_is_wrong),
        TEST(test_keeping__is_part_of_the_save),
        TEST(test_keeping__stays_in_its_tenant),
        TEST(test_keeping__so_many_jobs_wait_and_no_more),
        TEST(test_keeping__so_many_letters_wait_and_no_more),
        TEST(test_keeping__a_bundle_writes_so_much_in_a_day),
        TEST(test_keeping__a_bundle_tells_so_many_in_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
