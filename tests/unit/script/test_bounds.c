/* test_bounds - what plugins register and ask for: the most of it, and one more.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"

#define ASSERT_HAS(text, part)                                                                     \
    do {                                                                                           \
        if (!(text) || !strstr((text), part))                                                      \
            fail_msg("\"%s\" lacks \"%s\"", (text) ? (text) : "nothing is refused", part);         \
    } while (0)

/* --- while loading --- */

struct row {
    const char *lua; /* with n */
    int most;        /* what n may be */
    const char *why; /* of one more; of one less where `is_least` */
    bool is_least;
};

/* The script loads with n = most, and with one beyond says why not. */
static void holds(struct stage *stage, const struct row *row)
{
    for (int beyond = 0; beyond <= 1; beyond++) {
        int n = row->most + (row->is_least ? -beyond : beyond);
        const char *lua =
            arena_printf(stage->arena,
                         "local n, f = %d, function() end\nlocal function times(make)\n"
                         "  local all = {}\n  for i = 1, n do all[i] = make(i) end\n"
                         "  return all\nend\n%s",
                         n, row->lua);
        stage_script(stage, lua);
        const char *why = stage_broken(stage);
        if (!beyond && why)
            fail_msg("%s\nwith %d: %s", row->lua, n, why);
        if (beyond)
            ASSERT_HAS(why, row->why);
    }
}

static void all_hold(struct stage *stage, const struct row *rows, int count)
{
    for (int i = 0; i < count; i++)
        holds(stage, &rows[i]);
}

static void test_bounds__of_jobs(void **state)
{
    static const struct row rows[] = {
        {"for i = 1, n do crm.job('j' .. i, { every = '1h' }, f) end", SCHEDULES_MAX,
         "the plugins of this company have more than 500 jobs", false},
        {"crm.job('j', { every = '1h', concurrency = n }, f)", JOB_CONCURRENCY_MAX,
         "\"concurrency\" is a number from 0 to 8", false},
        {"crm.job('j', { retry = n }, f)", JOB_RETRIES_MAX, "\"retry\" is a number from 0 to 10",
         false},
        {"crm.job('j', { every = n .. 's' }, f)", JOB_EVERY_S_MIN,
         "\"every\" is an interval of at least 10 seconds", true},
        {"crm.job(('j'):rep(n), {}, f)", NAME_BYTES_MAX, "a job's name is small letters", false},
    };
    all_hold(*state, rows, sizeof rows / sizeof *rows);
}

static void test_bounds__of_routes(void **state)
{
    static const struct row rows[] = {
        {"for i = 1, n do crm.route('GET', '/r' .. i, {}, f) end", ENDPOINTS_MAX,
         "the plugins of this company have more than 200 routes", false},
        {"crm.route('GET', ('/a'):rep(n), {}, f)", ENDPOINT_SEGMENTS_MAX, "the path is too long",
         false},
        {"crm.route('GET', table.concat(times(function(i) return '/{p' .. i .. '}' end)), {}, f)",
         ENDPOINT_PARAMS_MAX, "the path is too long", false},
        {"local body = {} for i = 1, n do body['m' .. i] = 'text' end\n"
         "crm.route('POST', '/r', { body = body }, f)",
         ENDPOINT_FIELDS_MAX, "\"body\" has more than 50 members", false},
        {"local query = {} for i = 1, n do query['m' .. i] = 'text' end\n"
         "crm.route('GET', '/r', { query = query }, f)",
         ENDPOINT_FIELDS_MAX, "\"query\" has more than 50 members", false},
        {"crm.route('GET', '/r', { role = times(function(i) return 'r' .. i end) }, f)",
         ENDPOINT_ROLES_MAX, "\"role\" has more than 16 names", false},
        {"crm.route('GET', '/r', { rate = n .. '/m' }, f)", ENDPOINT_RATE_MAX,
         "1 to 10000 per s, m, h or d", false},
    };
    all_hold(*state, rows, sizeof rows / sizeof *rows);
}

static void test_bounds__of_checks_and_handlers(void **state)
{
    static const struct row rows[] = {
        {"for i = 1, n do crm.check('c' .. i, { entity = 'thing' }, f) end", CHECKS_MAX,
         "more than 256", false},
        {"for i = 1, n do crm.on('thing', 'validate', { id = 'h' .. i }, f) end",
         HANDLERS_PER_EVENT_MAX, "more than 200", false},
    };
    all_hold(*state, rows, sizeof rows / sizeof *rows);
}

/* What a plugin registers and writes down while it loads stays for as long as its VM. */
static void test_bounds__of_what_a_vm_keeps(void **state)
{
    struct stage *stage = *state;
    for (int beyond = 0; beyond <= 1; beyond++) {
        /* The core keeps a condition as it was read and as it is asked: some copies of it. */
        int each = 1 << 20, times = SCRIPT_KEPT_BYTES_MAX / each / (beyond ? 1 : 4) + beyond;
        stage_script(stage,
                     arena_printf(stage->arena,
                                  "for i = 1, %d do\n"
                                  "  crm.on('thing', 'validate', { id = 'h' .. i,\n"
                                  "    when = { name = ('x'):rep(%d) } }, function() end)\nend",
                                  times, each));
        const char *why = stage_broken(stage);
        if (!beyond && why)
            fail_msg("%s", why);
        if (beyond)
            ASSERT_HAS(why, "it made the core keep more data than it may");
    }
}

/* --- in a call --- */

/* A handler of a save that does this: with the one body the save is stored, with the other it is
 * refused and says why. */
static void saves(struct stage *stage, const char *body, const char *beyond, const char *why)
{
    for (int i = 0; i <= 1; i++) {
        const char *lua = arena_printf(stage->arena,
                                       "crm.job('tell', {}, function() end)\n"
                                       "crm.on('thing', 'after_create', { id = 'x' },\n"
                                       "  function(ev, ctx) %s end)",
                                       i ? beyond : body);
        int64_t before = stage_count(stage, "thing");
        stage_script(stage, lua);
        enum err e = stage_create(stage, "thing", "{'name':'x'}", NULL);
        if (!i && e)
            fail_msg("%s: %s", body, stage->ctx.err.detail);
        if (i) {
            assert_int_equal(e, ERR_PLUGIN);
            ASSERT_HAS(stage->ctx.err.detail, why);
        }
        if (i)
            assert_int_equal(stage_count(stage, "thing"), before);
        else
            assert_true(stage_count(stage, "thing") > before);
    }
}

/* `lua` has one %d: what it may be, and one more. */
static void saves_with(struct stage *stage, const char *lua, int most, const char *why)
{
    struct buf bodies[2] = {BUF_INIT, BUF_INIT};
    const char *at = strstr(lua, "%d");
    assert_non_null(at);
    for (int i = 0; i <= 1; i++) {
        buf_put(&bodies[i], lua, (size_t)(at - lua));
        buf_printf(&bodies[i], "%d%s", most + i, at + 2);
    }
    saves(stage, buf_cstr(&bodies[0]), buf_cstr(&bodies[1]), why);
    buf_release(&bodies[0]);
    buf_release(&bodies[1]);
}

static void test_bounds__of_what_a_save_asks_for(void **state)
{
    struct stage *stage = *state;
    saves_with(stage, "ctx.queue:push('tell', {}, { delay = %d })", JOB_DELAY_S_MAX,
               "\"delay\" is a number of seconds, at most a year");
    /* {"t":"…"} has eight bytes of its own */
    saves_with(stage, "ctx.queue:push('tell', { t = ('x'):rep(%d - 8) })", JOB_ARGS_BYTES_MAX,
               "has at most 65536 bytes as JSON");
    saves_with(stage, "ctx.kv:set('k', 1, { ttl = %d })", KV_TTL_S_MAX,
               "\"ttl\" is a number of seconds, at most ten years");
    saves_with(stage, "ctx.kv:set(('k'):rep(%d), 1)", KV_KEY_BYTES_MAX, "a key has 1 to 200 bytes");
    saves_with(stage, "ctx.once(('k'):rep(%d), function() end)", ONCE_KEY_BYTES_MAX,
               "a key has 1 to 200 bytes");
}

/* Arguments of a complaint: the save is refused with it, or for it. */
static void test_bounds__of_a_complaints_arguments(void **state)
{
    struct stage *stage = *state;
    for (int beyond = 0; beyond <= 1; beyond++) {
        /* {"n":"…"} has eight bytes of its own */
        stage_script(stage, arena_printf(stage->arena,
                                         "crm.on('thing', 'validate', { id = 'x' }, function(ev)\n"
                                         "  ev:fail('name', '@bad', { n = ('x'):rep(%d) })\nend)",
                                         TEXT_BYTES_MAX - 8 + beyond));
        assert_int_equal(stage_create(stage, "thing", "{'name':'x'}", NULL),
                         beyond ? ERR_PLUGIN : ERR_VALIDATION);
        if (beyond)
            ASSERT_HAS(stage->ctx.err.detail, "at most 4096 bytes");
    }
}

/* Writes that set each other off, nested: the first one is the save itself. */
static void test_bounds__of_nested_writes(void **state)
{
    struct stage *stage = *state;
    saves_with(stage,
               "local depth = ev.record.amount or 1\n"
               "if depth < %d then assert(ctx.db.thing:insert { amount = depth + 1 }) end",
               HOOK_DEPTH_MAX, "writes nested too deep");
}

/* --- what functions of a script are handed --- */

static void test_bounds__of_texts(void **state)
{
    struct stage *stage = *state;
    static const struct {
        const char *fits, *beyond, *why;
    } rows[] = {
        {"return { #('x'):rep(%d) }", "return ('x'):rep(%d)", "string.rep: the result"},
        {"return { #table.concat { ('x'):rep(%d - 1), 'y' } }",
         "return table.concat { ('x'):rep(%d - 1), 'y' }", "table.concat: the result"},
        {"return { #(('x'):rep(%d):gsub('^x', 'y')) }",
         "return (('x'):rep(%d - 1):gsub('^x', 'yy'))", "string.gsub: the result"},
    };
    /* A quarter of it, so that a call may hold it; the bound itself would leave no room. */
    assert_true(SCRIPT_STRING_BYTES_MAX > SCRIPT_HEAP_BYTES_MAX / 4);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fits = SCRIPT_HEAP_BYTES_MAX / 8;
        struct buf body = BUF_INIT;
        const char *at = strstr(rows[i].fits, "%d");
        buf_printf(&body, "%.*s%d%s", (int)(at - rows[i].fits), rows[i].fits, fits, at + 2);
        stage_gives(stage, buf_cstr(&body), arena_printf(stage->arena, "[%d]", fits));
        buf_release(&body);
    }
    stage_fails(stage, arena_printf(stage->arena, "return ('x'):rep(%d)", SCRIPT_STRING_BYTES_MAX),
                "more memory than it may"); /* it is taken, and then there is no room */
    stage_fails(stage,
                arena_printf(stage->arena, "return ('x'):rep(%d)", SCRIPT_STRING_BYTES_MAX + 1),
                "string.rep: the result would be longer than");
}

static void test_bounds__of_ranges(void **state)
{
    struct stage *stage = *state;
    stage_gives(
        stage, arena_printf(stage->arena, "return { #table.move({}, 1, %d, 1) }", SCRIPT_RANGE_MAX),
        "[0]");
    stage_fails(stage, arena_printf(stage->arena, "table.move({}, 1, %d, 1)", SCRIPT_RANGE_MAX + 1),
                "a range may span at most");
}

static void test_bounds__of_a_calendars_stretches(void **state)
{
    struct stage *stage = *state;
    for (int beyond = 0; beyond <= 1; beyond++)
        stage_gives(stage,
                    arena_printf(stage->arena,
                                 "local c = crm.calendar { week = { mon =\n"
                                 "  { '09:00-10:00', '10:01-11:00' } } }\n"
                                 "local t = crm.datetime('2000-01-01T00:00:00Z')\n"
                                 "return { #c:stretches(t, t:add { weeks = %d }) }",
                                 WORKTIME_LISTED_MAX / 2 + beyond),
                    arena_printf(stage->arena, "[%d]", WORKTIME_LISTED_MAX));
}

/* How many lines the log got while the script ran. */
static int lines_logged(struct stage *stage, int calls)
{
    char path[] = "/tmp/perigee-test-XXXXXX";
    int file = mkstemp(path), kept = dup(STDERR_FILENO), lines = 0;
    assert_true(file >= 0 && kept >= 0);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    stage_script(stage, arena_printf(stage->arena,
                                     "crm.service('run', function(arg, ctx)\n"
                                     "  for i = 1, %d do crm.log.error('a line') end\nend)",
                                     calls));
    enum err e = stage_run(stage, NULL);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    assert_int_equal(e, ERR_OK);
    char bytes[1 << 16];
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    for (ssize_t n; (n = read(file, bytes, sizeof bytes)) > 0;)
        for (ssize_t i = 0; i < n; i++)
            lines += bytes[i] == '\n';
    close(file);
    assert_int_equal(unlink(path), 0);
    return lines;
}

static void test_bounds__of_lines_that_are_logged(void **state)
{
    assert_int_equal(lines_logged(*state, SCRIPT_LOGS_MAX), SCRIPT_LOGS_MAX);
    assert_int_equal(lines_logged(*state, SCRIPT_LOGS_MAX + 10), SCRIPT_LOGS_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_bounds__of_jobs),
        TEST(test_bounds__of_routes),
        TEST(test_bounds__of_checks_and_handlers),
        TEST(test_bounds__of_what_a_vm_keeps),
        TEST(test_bounds__of_what_a_save_asks_for),
        TEST(test_bounds__of_a_complaints_arguments),
        TEST(test_bounds__of_nested_writes),
        TEST(test_bounds__of_texts),
        TEST(test_bounds__of_ranges),
        TEST(test_bounds__of_a_calendars_stretches),
        TEST(test_bounds__of_lines_that_are_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
