/* test_lint - what is certain is told with its line; what could be right is passed over.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/lint.h"

#include "stage.h"

#include "base/limits.h"

struct told {
    struct arena *arena;
    const char *all; /* a line for each finding */
};

static void tell(void *arg, const char *text)
{
    struct told *told = arg;
    if (strstr(text, ".lua:")) /* texts that plugin t lacks are not asked about here */
        told->all = arena_printf(told->arena, "%s%s\n", told->all, text);
}

static const char *judge(struct stage *stage, const char *lua)
{
    struct told told = {stage->arena, ""};
    const struct plugin *plugin = NULL;
    const char *why = NULL;
    stage_script(stage, lua);
    (void)stage_vm(stage);
    for (int i = 0; i < stage->model->plugins_count; i++)
        if (strcmp(stage->model->plugins[i]->id, "t") == 0)
            plugin = stage->model->plugins[i];
    assert_non_null(plugin);
    OK(lint_plugin(&stage->ctx, stage->model, plugin, tell, &told, &why));
    return told.all;
}

static void says(struct stage *stage, const char *lua, const char *wanted)
{
    assert_string_equal(judge(stage, lua), wanted);
}

#define ON(body) "crm.on('thing', 'validate', { id = 'x' }, function(ev, ctx)\n" body "\nend)"

static void test_lint__fields_of_the_records_event(void **state)
{
    struct stage *stage = *state;
    says(stage, ON("local a = ev.record.amuont"),
         "t/init.lua:2: thing has no field \"amuont\" (did you mean \"amount\"?)\n");
    says(stage, ON("local r, x = ev.record, 1\nif r.nmae then x = 2 end\nreturn x"),
         "t/init.lua:3: thing has no field \"nmae\" (did you mean \"name\"?)\n");
    says(stage, ON("if ev:changed('nme') then ev:fail('nam', 'sentence') end"),
         "t/init.lua:2: thing has no field \"nme\" (did you mean \"name\"?)\n"
         "t/init.lua:2: thing has no field \"nam\" (did you mean \"name\"?)\n");
}

static void test_lint__tables_that_are_asked_for_and_written(void **state)
{
    struct stage *stage = *state;
    says(stage, ON("ctx.db.thing:find { where = { nmae = 1, ['thing.x'] = 2 }, order = '-amout' }"),
         "t/init.lua:2: thing has no field \"nmae\" (did you mean \"name\"?)\n"
         "t/init.lua:2: thing has no field \"thing\"\n"
         "t/init.lua:2: thing has no field \"amout\" (did you mean \"amount\"?)\n");
    says(stage, ON("ctx.db.thing:update(ev.record.id, { nmae = 'x' })"),
         "t/init.lua:2: thing has no field \"nmae\" (did you mean \"name\"?)\n");
    says(stage, ON("ctx.db.thng:get(1)"),
         "t/init.lua:2: there is no entity \"thng\" (did you mean \"thing\"?)\n");
    says(stage, ON("for _, p in ipairs(ctx.db.part:find {}) do\nlocal x = p.thng return x\nend"),
         "t/init.lua:3: part has no field \"thng\" (did you mean \"thing\"?)\n");
    says(stage, ON("local one = assert(ctx.db.part:get(1))\nreturn one.thng"),
         "t/init.lua:3: part has no field \"thng\" (did you mean \"thing\"?)\n");
}

static void test_lint__globals_settings_events_and_texts(void **state)
{
    struct stage *stage = *state;
    says(stage, ON("print('x')"), "t/init.lua:2: undeclared global \"print\"\n");
    says(stage, ON("best = 1"), "t/init.lua:2: \"best\" is set as a global: use local\n");
    says(stage, ON("return ctx.config.unheard_of"),
         "t/init.lua:2: plugin.json has no setting \"unheard_of\"\n");
    says(stage, ON("ev:abort('@nothing.said')"),
         "t/init.lua:2: there is no text \"@nothing.said\"\n");
    says(stage,
         "crm.on('thing', 'after_create', { id = 'x' }, function(ev, ctx)\n"
         "ctx.emit('thing.told', {})\nend)",
         "t/init.lua:2: t does not declare the event \"thing.told\"\n");
}

/* Each of these could be right: a guess would be a false alarm. */
static void test_lint__what_is_not_certain_is_passed_over(void **state)
{
    static const char *const right[] = {
        ON("local r = ev.record\nr = { nmae = 1 }\nreturn r.nmae"),
        ON("local r = ev.record\nlocal function f(r) return r.nmae end\nreturn f({}), r.name"),
        ON("local r = { ev.record }\nreturn r.nmae"),
        ON("local t = { record = ev.record, nmae = 1 }\nreturn t.record.name, t.nmae"),
        ON("local one = ctx.db.part:get(1) or { nmae = 1 }\nreturn one.nmae"),
        ON("local function f(ev) return ev.record.nmae end\nreturn f { record = {} }"),
        ON("local w = { nmae = 1 }\nreturn w.nmae"),
        ON("local key = '@' .. ev.record.name\nreturn ctx.t('@' .. key)"),
        ON("-- ev.record.nmae\nlocal s = 'ev.record.nmae' .. [[ctx.db.thng:get(1)]]\nreturn s"),
        ON("ctx.db.thing:find { where = { ['or'] = { { name = 'a' }, { amount = 1 } } } }"),
        ON("local other = { db = { thng = {} } }\nreturn other.db.thng"),
    };
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        says(*state, right[i], "");
}

static void test_lint__a_function_of_two_entities_may_use_what_either_has(void **state)
{
    says(
        *state,
        "local function f(ev)\n  return ev.record.thing, ev.record.amount, ev.record.zzzzzzz\nend\n"
        "crm.on('thing', 'validate', { id = 'a' }, f)\n"
        "crm.on('part', 'validate', { id = 'b' }, f)",
        "t/init.lua:2: part has no field \"zzzzzzz\"\n");
}

/* Of a function that more entities share nothing is certain, and nothing is said. */
static void test_lint__a_function_has_so_many_entities(void **state)
{
    struct stage *stage = *state;
    struct buf lua = BUF_INIT;
    buf_put_str(&lua, "local function f(ev) return ev.record.zzzzzzz end\n");
    for (int i = 1; i <= LINT_ENTITIES_MAX + 1; i++) {
        stage_write(stage, arena_printf(stage->arena, "t/entities/e%d.json", i),
                    arena_printf(stage->arena,
                                 "{\"name\":\"e%d\",\"title\":\"name\",\"fields\":[{\"no\":1,"
                                 "\"name\":\"name\",\"type\":\"text\"}]}",
                                 i));
    }
    stage_enable(stage, "t");
    for (int i = 1; i <= LINT_ENTITIES_MAX + 1; i++) {
        buf_printf(&lua, "crm.on('e%d', 'validate', { id = 'h' }, f)\n", i);
        if (i < LINT_ENTITIES_MAX)
            continue;
        const char *told = judge(stage, buf_cstr(&lua));
        assert_int_equal(strstr(told, "t/init.lua:1:") != NULL, i == LINT_ENTITIES_MAX);
    }
    buf_release(&lua);
}

/* How many of so many names for records are looked at. */
static int names_seen(struct stage *stage, int count)
{
    struct buf lua = BUF_INIT;
    int seen = 0;
    buf_put_str(&lua, "crm.on('thing', 'validate', { id = 'x' }, function(ev, ctx)\n");
    for (int i = 0; i < count; i++)
        buf_printf(&lua, "do local r%d = ev.record local x%d = r%d.zzzzzzz end\n", i, i, i);
    buf_put_str(&lua, "end)");
    const char *told = judge(stage, buf_cstr(&lua));
    buf_release(&lua);
    for (; *told; told++)
        seen += *told == '\n';
    return seen;
}

/* Further names are passed over. */
static void test_lint__a_file_has_so_many_names_for_records(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(names_seen(stage, LINT_ALIASES_MAX + 1), LINT_ALIASES_MAX);
}

static void tell_all(void *arg, const char *text)
{
    struct told *told = arg;
    told->all = arena_printf(told->arena, "%s%s\n", told->all, text);
}

/* The choices of a lookup are those of the field it shows, whose plugin has the words for them. */
static void test_lint__a_lookup_borrows_its_words(void **state)
{
    struct stage *stage = *state;
    struct told told = {stage->arena, ""};
    const struct plugin *plugin = NULL;
    const char *why = NULL;
    stage_script(stage, "");
    (void)stage_vm(stage);
    for (int i = 0; i < stage->model->plugins_count; i++)
        if (strcmp(stage->model->plugins[i]->id, "t") == 0)
            plugin = stage->model->plugins[i];
    OK(lint_plugin(&stage->ctx, stage->model, plugin, tell_all, &told, &why));
    assert_non_null(strstr(told.all, "\"thing.level.a\" of thing.level is missing"));
    assert_non_null(strstr(told.all, "\"part.level\" of part.level is missing"));
    assert_null(strstr(told.all, "\"thing.level.a\" of part.level"));
}

static void test_lint__scripts_that_do_not_load_are_told_with_their_line(void **state)
{
    struct stage *stage = *state;
    struct told told = {stage->arena, ""};
    const char *why = NULL;
    stage_script(stage, "local x = 1\nlocal y = = 2");
    (void)stage_broken(stage);
    const struct plugin *plugin = NULL;
    for (int i = 0; i < stage->model->plugins_count; i++)
        if (strcmp(stage->model->plugins[i]->id, "t") == 0)
            plugin = stage->model->plugins[i];
    assert_int_equal(lint_plugin(&stage->ctx, stage->model, plugin, tell, &told, &why), ERR_PLUGIN);
    assert_non_null(strstr(why, "t/init.lua:2:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_lint__##name, stage_setup, stage_teardown)
        T(fields_of_the_records_event),
        T(tables_that_are_asked_for_and_written),
        T(globals_settings_events_and_texts),
        T(what_is_not_certain_is_passed_over),
        T(a_function_of_two_entities_may_use_what_either_has),
        T(a_function_has_so_many_entities),
        T(a_file_has_so_many_names_for_records),
        T(a_lookup_borrows_its_words),
        T(scripts_that_do_not_load_are_told_with_their_line),
#undef T
    };
    return cmocka_run_group_tests_name("script/lint", tests, NULL, NULL);
}
