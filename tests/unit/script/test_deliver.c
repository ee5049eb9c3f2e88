/* test_deliver - after_commit handlers: rows beside the data, delivered, tried again, once.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "hook/once.h"
#include "hook/outbox.h"
#include "hook/trip.h"
#include "record/list.h"

#define OWNER 7

/* A process that may write: what api/host.c does in a server. */
static enum err host_write(const struct vm_host *host, struct ctx *ctx,
                           enum err (*fn)(struct ctx *ctx, void *arg), void *arg)
{
    struct stage *stage = host->user;
    struct unit unit;
    struct vm *vm = stage->tenant->vm;
    enum err e = store_begin(stage->tenant->store, true);
    if (e)
        return e;
    unit_begin(ctx, &unit, vm_hooks(vm));
    unit.computed = vm_computed(vm);
    e = fn(ctx, arg);
    unit_end(ctx);
    if (!e)
        return store_commit(stage->tenant->store);
    store_rollback(stage->tenant->store);
    return e;
}

static struct job *lease(struct stage *stage)
{
    struct job *job = NULL;
    int64_t next_ms;
    stage->ctx.now_ms = clock_now_ms();
    OK(store_begin(stage->tenant->store, true));
    OK(job_lease(&stage->ctx, OWNER, &job, &next_ms));
    OK(store_commit(stage->tenant->store));
    return job;
}

static enum err deliver(struct stage *stage, const struct job *job, const char **reason)
{
    struct vm_host host = {host_write, stage};
    struct vm_delivery delivery = {.job = job};
    struct vm *vm = stage_vm(stage);
    enum err e = vm_deliver(vm, &stage->ctx, &host, &delivery, 1);
    if (reason)
        *reason = delivery.reason ? delivery.reason : stage->ctx.err.detail;
    return e;
}

static void done(struct stage *stage, const struct job *job)
{
    OK(store_begin(stage->tenant->store, true));
    OK(outbox_done(&stage->ctx, job, OWNER));
    OK(store_commit(stage->tenant->store));
}

/* Delivers all that is due; each must succeed. */
static int deliver_all(struct stage *stage)
{
    int count = 0;
    struct job *job;
    while ((job = lease(stage))) {
        const char *why;
        if (deliver(stage, job, &why))
            fail_msg("%s", why);
        done(stage, job);
        count++;
    }
    return count;
}

static int64_t rows(struct stage *stage, const char *state)
{
    int64_t count = -1;
    const struct expr *is = expr_cmp(stage->arena, EXPR_EQ, "state", value_text(slice_str(state)));
    OK(store_count(stage->tenant->store, "job", is, 1000, &count));
    return count;
}

static bool take_int(void *arg, const struct store_row *row)
{
    *(int64_t *)arg = store_row_int(row, 0);
    return false;
}

static const char note[] = "crm.on('thing', 'after_commit', { id = 'note' }, function(ev, ctx)\n"
                           "  local old = ev.old and ev.old.name or '-'\n"
                           "  assert(ev.moment == 'after_commit' and #ev.id == 13)\n"
                           "  assert(ctx.db.part:insert { name = ev.op .. ' ' .. old .. ' ' ..\n"
                           "    ev.record.name .. ' ' .. tostring(ev:changed('amount')),\n"
                           "    thing = ev.record.id })\n"
                           "end)";

static const char *last_part(struct stage *stage)
{
    struct list_query query = {
        .entity = model_entity(stage->model, SLICE("part")), .limit = 1, .sort = SLICE("-id")};
    struct buf out = BUF_INIT;
    OK(list_run(&stage->ctx, &query, &out));
    const struct json *answer;
    OK(json_parse(stage->arena, arena_slice(stage->arena, buf_slice(&out)), &answer, NULL));
    buf_release(&out);
    return json_cstr(json_at(json_get(answer, "items"), 0), "name", "?");
}

static void test_deliver__tells_what_was_committed_as_it_was(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    stage_script(stage, note);
    OK(stage_create(stage, "thing", "{'name':'a','amount':1}", &id));
    OK(stage_update(stage, "thing", id, "{'name':'b'}"));
    OK(stage_update(stage, "thing", id, "{'amount':2}"));
    assert_int_equal(rows(stage, "queued"), 3);
    assert_int_equal(stage_count(stage, "part"), 0);
    struct job *job = lease(stage);
    assert_int_equal(job->tries, 1);
    assert_null(lease(stage)); /* the others are of the same record: they wait */
    OK(deliver(stage, job, NULL));
    assert_string_equal(last_part(stage), "create - a true");
    done(stage, job);
    job = lease(stage);
    OK(deliver(stage, job, NULL));
    assert_string_equal(last_part(stage), "update a b false");
    done(stage, job);
    assert_int_equal(deliver_all(stage), 1);
    assert_string_equal(last_part(stage), "update b b true");
    assert_int_equal(rows(stage, "queued"), 0);
}

static void test_deliver__asks_when_and_fields_before_the_commit(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    stage_script(stage, "crm.on('thing', 'after_commit', { id = 'n', when = { level = 'a' },\n"
                        "  fields = { 'amount' } }, function() end)");
    OK(stage_create(stage, "thing", "{'name':'a','level':'b','amount':1}", &id));
    OK(stage_update(stage, "thing", id, "{'level':'a'}"));
    assert_int_equal(rows(stage, "queued"), 0);
    OK(stage_update(stage, "thing", id, "{'amount':2}"));
    OK(stage_update(stage, "thing", id, "{'amount':2}")); /* changes nothing */
    assert_int_equal(rows(stage, "queued"), 1);
}

static void test_deliver__leaves_nothing_of_a_save_that_failed(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('thing', 'after_commit', { id = 'n' }, function() end)\n"
                        "crm.on('thing', 'after_create', { id = 'no' }, function(ev)\n"
                        "  ev:abort('@bad')\nend)");
    assert_int_equal(stage_create(stage, "thing", "{'name':'a'}", NULL), ERR_VALIDATION);
    assert_int_equal(rows(stage, "queued"), 0);
}

/* A handler of phase 5 changes the record once more: its row lies behind. */
static void test_deliver__keeps_the_order_of_nested_saves(void **state)
{
    struct stage *stage = *state;
    char script[2048];
    (void)snprintf(script, sizeof script,
                   "%s\ncrm.on('thing', 'after_create', { id = 'more' }, function(ev, ctx)\n"
                   "  assert(ctx.db.thing:update(ev.record.id, { name = 'second' }))\nend)",
                   note);
    stage_script(stage, script);
    OK(stage_create(stage, "thing", "{'name':'first'}", NULL));
    struct job *job = lease(stage);
    OK(deliver(stage, job, NULL));
    assert_string_equal(last_part(stage), "create - first false");
    done(stage, job);
    assert_int_equal(deliver_all(stage), 1);
    assert_string_equal(last_part(stage), "update first second false");
}

static void test_deliver__shows_a_deleted_record(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    OK(stage_create(stage, "thing", "{'name':'a'}", &id));
    stage_script(stage, note);
    stage_begin(stage);
    OK(stage_end(stage,
                 record_delete(&stage->ctx, model_entity(stage->model, SLICE("thing")), id, 0)));
    struct job *job = lease(stage);
    const char *why;
    assert_int_equal(deliver(stage, job, &why), ERR_PLUGIN); /* a part of a deleted thing */
    assert_non_null(strstr(why, "t:note"));
}

/* --- trying again --- */

static bool fail_once(struct stage *stage, const struct job *job)
{
    bool dead = false;
    OK(store_begin(stage->tenant->store, true));
    OK(outbox_failed(&stage->ctx, job, OWNER, "no answer", &dead));
    OK(store_commit(stage->tenant->store));
    return dead;
}

static void test_deliver__tries_again_for_about_three_days(void **state)
{
    static const int64_t minutes[] = {1, 5, 30, 120, 720, 1440, 2160};
    struct stage *stage = *state;
    int64_t id, now = STAGE_NOW;
    int64_t first = 0;
    stage_script(stage, note);
    OK(stage_create(stage, "thing", "{'name':'a'}", &id));
    OK(stage_update(stage, "thing", id, "{'name':'b'}"));
    for (size_t i = 0; i <= sizeof minutes / sizeof *minutes; i++) {
        struct job *job = lease(stage);
        assert_non_null(job);
        assert_int_equal(outbox_fails(job), i);
        first = first ? first : job->id;
        assert_int_equal(job->id, first); /* what lies behind waits, and the id stays */
        bool dead = fail_once(stage, job);
        assert_int_equal(dead, i == sizeof minutes / sizeof *minutes);
        if (dead)
            break;
        assert_null(lease(stage));
        clock_fix(now + minutes[i] * 60000 - 1);
        assert_null(lease(stage));
        now += minutes[i] * 60000;
        clock_fix(now);
    }
    assert_int_equal(rows(stage, "dead"), 1);
    struct job *job = lease(stage); /* the next of that record is free */
    assert_non_null(job);
    assert_int_not_equal(job->id, first);
    done(stage, job);

    int64_t count = 0;
    OK(store_begin(stage->tenant->store, true));
    OK(outbox_replay(&stage->ctx, 0, "hook:t:note@thing", &count));
    OK(store_commit(stage->tenant->store));
    assert_int_equal(count, 1);
    job = lease(stage);
    assert_int_equal(job->id, first);
    assert_int_equal(outbox_fails(job), 0);
    OK(deliver(stage, job, NULL));
    done(stage, job);
    clock_fix(STAGE_NOW);
}

static void test_deliver__holds_what_a_paused_handler_waits_for(void **state)
{
    static const char name[] = "hook:t:note@thing";
    struct stage *stage = *state;
    stage_script(stage, note);
    OK(stage_create(stage, "thing", "{'name':'a'}", NULL));
    OK(store_begin(stage->tenant->store, true));
    OK(trip_pause(&stage->ctx, name, 0, "by hand"));
    OK(outbox_hold(&stage->ctx, name));
    OK(store_commit(stage->tenant->store));
    OK(stage_create(stage, "thing", "{'name':'b'}", NULL)); /* and what comes later */
    assert_null(lease(stage));
    assert_int_equal(rows(stage, "paused"), 2);
    OK(store_begin(stage->tenant->store, true));
    OK(trip_resume(&stage->ctx, name));
    OK(outbox_release(&stage->ctx, name));
    OK(store_commit(stage->tenant->store));
    assert_int_equal(deliver_all(stage), 2);
}

static void test_deliver__says_when_the_handler_has_gone(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, note);
    OK(stage_create(stage, "thing", "{'name':'a'}", NULL));
    stage_script(stage, "");
    struct job *job = lease(stage);
    assert_int_equal(deliver(stage, job, NULL), ERR_NOT_FOUND);
}

/* --- transactions of its own --- */

static void test_deliver__tx_keeps_all_or_nothing(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('thing', 'after_commit', { id = 'tx' }, function(ev, ctx)\n"
                        "  local ok, why = pcall(ctx.tx, function()\n"
                        "    assert(ctx.db.part:insert { name = 'gone' })\n"
                        "    error('changed my mind')\n"
                        "  end)\n"
                        "  assert(not ok and why:find('changed my mind'), why)\n"
                        "  local id = ctx.tx(function()\n"
                        "    local a = assert(ctx.db.part:insert { name = 'one' })\n"
                        "    assert(ctx.db.part:insert { name = 'two', thing = ev.record.id })\n"
                        "    return a.id\n"
                        "  end)\n"
                        "  assert(ctx.db.part:get(id).name == 'one')\n"
                        "  assert(not pcall(ctx.tx, function() ctx.tx(function() end) end))\n"
                        "end)");
    OK(stage_create(stage, "thing", "{'name':'a'}", NULL));
    assert_int_equal(deliver_all(stage), 1);
    assert_int_equal(stage_count(stage, "part"), 2);
}

static void test_deliver__tx_is_not_for_handlers_of_a_save(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('thing', 'after_create', { id = 'tx' }, function(ev, ctx)\n"
                        "  ctx.tx(function() end)\nend)");
    assert_int_equal(stage_create(stage, "thing", "{'name':'a'}", NULL), ERR_PLUGIN);
    assert_non_null(strstr(stage->ctx.err.detail, "ctx.tx works only"));
}

static void test_deliver__once_has_one_effect(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('thing', 'after_commit', { id = 'once' }, function(ev, ctx)\n"
                        "  local now = ctx.once(ev.id, function()\n"
                        "    assert(ctx.db.part:insert { name = 'effect' })\n"
                        "  end)\n"
                        "  if now then error('died right behind it') end\n"
                        "end)");
    OK(stage_create(stage, "thing", "{'name':'a'}", NULL));
    struct job *job = lease(stage);
    assert_int_equal(deliver(stage, job, NULL), ERR_PLUGIN);
    OK(deliver(stage, job, NULL)); /* the second time the key is there */
    assert_int_equal(stage_count(stage, "part"), 1);
}

static void test_deliver__once_forgets_what_failed(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "local tries = 0\n"
                        "crm.on('thing', 'after_commit', { id = 'once' }, function(ev, ctx)\n"
                        "  tries = tries + 1\n"
                        "  ctx.once('k', function()\n"
                        "    assert(ctx.db.part:insert { name = 'effect' })\n"
                        "    if tries == 1 then error('not yet') end\n"
                        "  end)\n"
                        "end)");
    OK(stage_create(stage, "thing", "{'name':'a'}", NULL));
    struct job *job = lease(stage);
    assert_int_equal(deliver(stage, job, NULL), ERR_PLUGIN);
    assert_int_equal(stage_count(stage, "part"), 0);
    OK(deliver(stage, job, NULL));
    assert_int_equal(stage_count(stage, "part"), 1);
}

static void test_deliver__once_in_a_save_counts_for_others(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('thing', 'after_create', { id = 'first' }, function(ev, ctx)\n"
                        "  ctx.once('only', function()\n"
                        "    assert(ctx.db.part:insert { name = 'effect' })\n"
                        "  end)\n"
                        "end)");
    OK(stage_create(stage, "thing", "{'name':'a'}", NULL));
    OK(stage_create(stage, "thing", "{'name':'b'}", NULL));
    assert_int_equal(stage_count(stage, "part"), 1);
}

static void test_deliver__a_complaint_lets_it_be_tried_again(void **state)
{
    struct stage *stage = *state;
    const char *why;
    stage_script(stage, "crm.on('thing', 'after_commit', { id = 'n' }, function(ev)\n"
                        "  ev:fail('name', '@bad', { n = 3 })\nend)");
    OK(stage_create(stage, "thing", "{'name':'a'}", NULL));
    struct job *job = lease(stage);
    assert_int_equal(deliver(stage, job, &why), ERR_VALIDATION);
    assert_string_equal(why, "name: 3 is bad.");
}

/* --- declared events --- */

static void declare(struct stage *stage)
{
    stage_write(stage, "t/events/moved.json",
                "{\"name\":\"t.moved\",\"entity\":\"thing\",\"summary\":\"s\","
                "\"payload\":{\"thing\":\"id!\",\"n\":\"int\"}}");
    stage_enable(stage, "t");
}

/* What the script says when a thing is made and `call` runs. */
static const char *emitting(struct stage *stage, const char *more, const char *call)
{
    stage_script(stage, arena_printf(stage->arena,
                                     "%s\ncrm.on('thing', 'after_create', { id = 'e' }, "
                                     "function(ev, ctx)\n%s\nend)",
                                     more, call));
    enum err e = stage_create(stage, "thing", "{'name':'a'}", NULL);
    return e == ERR_OK ? "" : stage->ctx.err.detail ? stage->ctx.err.detail : err_code(e);
}

static void test_deliver__events_are_checked_against_their_declaration(void **state)
{
    static const char *const wrong[][2] = {
        {"ctx.emit('t.other', {})", "t does not declare the event \"t.other\""},
        {"ctx.emit('t.moved', { n = 1 })", "the event t.moved lacks \"thing\""},
        {"ctx.emit('t.moved', { thing = 1, m = 1 })", "has no \"m\""},
        {"ctx.emit('t.moved', { thing = 1, n = 'x' })", "n of the event t.moved is a int"},
    };
    struct stage *stage = *state;
    declare(stage);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *said = emitting(stage, "", wrong[i][0]);
        if (!strstr(said, wrong[i][1]))
            fail_msg("%s: %s", wrong[i][0], said);
    }
    assert_string_equal(emitting(stage, "", "ctx.emit('t.moved', { thing = ev.record.id })"), "");
    stage_script(stage, "crm.on('t.movd', { id = 'x' }, function() end)");
    assert_non_null(strstr(stage_broken(stage), "did you mean \"t.moved\"?"));
    stage_script(stage, "crm.on('auth.login', { id = 'x' }, function() end)");
    assert_non_null(strstr(stage_broken(stage), "after the commit only"));
}

static void test_deliver__events_set_each_other_off_so_deep_and_no_deeper(void **state)
{
    struct stage *stage = *state;
    declare(stage);
    for (int depth = EMIT_DEPTH_MAX; depth <= EMIT_DEPTH_MAX + 1; depth++) {
        const char *again = arena_printf(stage->arena,
                                         "crm.on('t.moved', { id = 'again' }, function(ev, ctx)\n"
                                         "  if ev.payload.n < %d then ctx.emit('t.moved', { thing "
                                         "= 1, n = ev.payload.n + 1 }) end\n"
                                         "end)",
                                         depth);
        const char *said = emitting(stage, again, "ctx.emit('t.moved', { thing = 1, n = 1 })");
        if (depth == EMIT_DEPTH_MAX)
            assert_string_equal(said, "");
        else if (!strstr(said, "more than 16 deep: t.moved < t.moved <"))
            fail_msg("%s", said);
    }
}

/* The write that goes over its count unwinds the event it was to fire; the next thing that is made
 * in the same VM must not find it. */
static void test_deliver__an_event_that_was_cut_off_is_forgotten(void **state)
{
    struct stage *stage = *state;
    declare(stage);
    const char *said = emitting(stage, "",
                                "local much = ev.record.name == 'a'\n"
                                "for i = 1, much and 501 or 1 do\n"
                                "  ctx.emit('t.moved', { thing = ev.record.id, n = i })\n"
                                "end");
    assert_non_null(strstr(said, "wrote more often than it may"));
    for (int i = 0; i < 3; i++)
        OK(stage_create(stage, "thing", "{'name':'b'}", NULL));
    assert_int_equal(stage_create(stage, "thing", "{'name':'a'}", NULL), ERR_PLUGIN);
    OK(stage_create(stage, "thing", "{'name':'b'}", NULL));
}

/* --- fields of other records --- */

static void test_deliver__looked_up_fields_can_be_read(void **state)
{
    struct stage *stage = *state;
    int64_t id;
    stage_script(stage, "crm.on('thing', 'after_create', { id = 'n' }, function(ev, ctx)\n"
                        "  local part = assert(ctx.db.part:insert { thing = ev.record.id })\n"
                        "  assert(part.level == 'b', tostring(part.level))\n"
                        "  local bare = assert(ctx.db.part:insert { name = 'bare' })\n"
                        "  assert(bare.level == nil)\n"
                        "end)");
    if (stage_create(stage, "thing", "{'name':'a','level':'b'}", &id))
        fail_msg("%s", stage->ctx.err.detail);
}

/* --- batches --- */

static void test_deliver__gives_a_batch_its_events_in_order(void **state)
{
    struct stage *stage = *state;
    struct vm_delivery deliveries[3] = {{0}};
    struct vm_host host = {host_write, stage};
    stage_script(stage,
                 "crm.on('thing', 'after_commit', { id = 'b', batch = true }, function(evs, ctx)\n"
                 "  local names = {}\n"
                 "  for i, ev in ipairs(evs) do\n"
                 "    names[i] = ev.record.name\n"
                 "    if ev.record.name == 'b' then ev:fail('name', '@bad', { n = i }) end\n"
                 "  end\n"
                 "  assert(ctx.db.part:insert { name = table.concat(names, ',') })\n"
                 "end)");
    for (const char *name = "abc"; *name; name++)
        OK(stage_create(stage, "thing", arena_printf(stage->arena, "{'name':'%c'}", *name), NULL));
    for (int i = 0; i < 3; i++)
        deliveries[i].job = lease(stage);
    struct vm *vm = stage_vm(stage);
    assert_true(vm_delivers_batches(vm, deliveries[0].job));
    OK(vm_deliver(vm, &stage->ctx, &host, deliveries, 3));
    assert_string_equal(last_part(stage), "a,b,c");
    assert_null(deliveries[0].reason);
    assert_string_equal(deliveries[1].reason, "name: 2 is bad.");
    assert_null(deliveries[2].reason);
}

/* A key that was used counts for so long, and then its effect may be had again. */
static void test_deliver__once_is_kept_so_long(void **state)
{
    struct stage *stage = *state;
    bool done;
    OK(store_begin(stage->tenant->store, true));
    OK(once_put(&stage->ctx, "t", "k"));
    OK(store_commit(stage->tenant->store));
    struct query_column select = {.column = {0, "expires_at"}};
    struct query query = {.table = "kv", .select = &select, .select_count = 1, .limit = 1};
    int64_t expires_at = 0;
    OK(store_read(stage->tenant->store, &query, take_int, &expires_at));
    assert_true(expires_at == stage->ctx.now_ms + ONCE_KEEP_MS);
    OK(once_is_done(&stage->ctx, "t", "k", &done));
    assert_true(done);
}

/* What api/jobs_outbox.c leases at once for such a handler. */
static void test_deliver__a_batch_has_so_many_events(void **state)
{
    struct stage *stage = *state;
    struct vm_host host = {host_write, stage};
    struct vm_delivery deliveries[BATCH_EVENTS_MAX] = {{0}};
    struct job *more[BATCH_EVENTS_MAX];
    int count = 0;
    stage_script(stage,
                 "crm.on('thing', 'after_commit', { id = 'b', batch = true }, function(evs, ctx)\n"
                 "  assert(ctx.db.part:insert { name = tostring(#evs) })\n"
                 "end)");
    for (int i = 0; i <= BATCH_EVENTS_MAX; i++)
        OK(stage_create(stage, "thing", "{'name':'x'}", NULL));
    deliveries[0].job = lease(stage);
    const char *handler = json_cstr(deliveries[0].job->body, "handler", "");
    OK(store_begin(stage->tenant->store, true));
    OK(job_lease_more(&stage->ctx, OWNER, deliveries[0].job,
                      outbox_of_handler(stage->arena, handler), BATCH_EVENTS_MAX - 1, more,
                      &count));
    OK(store_commit(stage->tenant->store));
    assert_int_equal(count, BATCH_EVENTS_MAX - 1);
    for (int i = 0; i < count; i++)
        deliveries[i + 1].job = more[i];
    OK(vm_deliver(stage_vm(stage), &stage->ctx, &host, deliveries, count + 1));
    assert_string_equal(last_part(stage), arena_printf(stage->arena, "%d", BATCH_EVENTS_MAX));
    assert_int_equal(rows(stage, "queued"), 1); /* the one beyond waits for the next batch */
}

static void test_deliver__batches_are_for_after_commit(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.on('thing', 'validate', { id = 'b', batch = true }, function() end)");
    assert_non_null(strstr(stage_broken(stage), "batch"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_deliver__tells_what_was_committed_as_it_was),
        TEST(test_deliver__asks_when_and_fields_before_the_commit),
        TEST(test_deliver__leaves_nothing_of_a_save_that_failed),
        TEST(test_deliver__keeps_the_order_of_nested_saves),
        TEST(test_deliver__shows_a_deleted_record),
        TEST(test_deliver__tries_again_for_about_three_days),
        TEST(test_deliver__holds_what_a_paused_handler_waits_for),
        TEST(test_deliver__says_when_the_handler_has_gone),
        TEST(test_deliver__tx_keeps_all_or_nothing),
        TEST(test_deliver__tx_is_not_for_handlers_of_a_save),
        TEST(test_deliver__once_has_one_effect),
        TEST(test_deliver__once_forgets_what_failed),
        TEST(test_deliver__once_in_a_save_counts_for_others),
        TEST(test_deliver__a_complaint_lets_it_be_tried_again),
        TEST(test_deliver__events_are_checked_against_their_declaration),
        TEST(test_deliver__events_set_each_other_off_so_deep_and_no_deeper),
        TEST(test_deliver__an_event_that_was_cut_off_is_forgotten),
        TEST(test_deliver__looked_up_fields_can_be_read),
        TEST(test_deliver__gives_a_batch_its_events_in_order),
        TEST(test_deliver__once_is_kept_so_long),
        TEST(test_deliver__a_batch_has_so_many_events),
        TEST(test_deliver__batches_are_for_after_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
