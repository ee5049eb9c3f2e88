/* test_plan - VMs of one model that share what its scripts registered, and load them when called.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "script/plan.h"
#include "tenant/folder.h"

static const char counting[] =
    "local seen = 0\n"
    "crm.on('thing', 'before_create', { id = 'number' }, function(ev, ctx)\n"
    "  seen = seen + 1\n"
    "  ev.record.amount = seen * 100 + ctx.config.most\n"
    "end)\n"
    "crm.on('thing', 'validate', { id = 'look', when = { level = 'c' } }, function(ev, ctx)\n"
    "  ev:fail('level', '@bad')\n"
    "end)\n"
    "crm.service('run', function(arg, ctx) return { ctx.tenant.name, seen } end)\n"
    "crm.service('other', function(arg, ctx) return ctx.call('run') end)\n"
    "crm.action('thing', 'tell', function(ev) return { seen = seen } end)\n"
    "crm.job('tidy', { every = '1h' }, function() end)\n"
    "crm.check('whole', { entity = 'thing' }, function() end)\n"
    "crm.route('GET', '/seen', { auth = 'session' }, function() return { seen = seen } end)\n";

static struct script *script_t(struct vm *vm)
{
    struct script *script = vm_script(vm, "t");
    assert_non_null(script);
    return script;
}

/* acme has run the scripts; bolt, with the same plugins, is on stage now. */
static struct vm *two_tenants(struct stage *stage, const char *lua, struct vm **first)
{
    stage_write(stage, "t/init.lua", lua);
    *first = stage_vm(stage);
    stage_switch(stage, "bolt");
    stage_enable(stage, "t");
    return stage_vm(stage);
}

static void test_plan__a_second_tenant_loads_nothing_before_a_call(void **state)
{
    struct stage *stage = *state;
    struct vm *acme, *bolt = two_tenants(stage, counting, &acme);
    int tasks, checks;
    assert_ptr_equal(acme->plan, bolt->plan);
    assert_ptr_not_equal(acme->hooks, bolt->hooks);
    assert_true(script_t(acme)->is_loaded);
    assert_false(script_t(bolt)->is_open);
    assert_true(vm_bytes(bolt) < vm_bytes(acme));
    assert_true(hook_wants(vm_hooks(bolt), "thing", HOOK_BEFORE_CREATE));
    assert_int_equal(bolt->plan->tasks_count, 1);
    (void)tasks, (void)checks;
    int64_t id;
    OK(stage_create(stage, "thing", "{'name':'one'}", &id));
    assert_true(script_t(bolt)->is_loaded);
    assert_string_equal(stage_field(stage, "thing", id, "amount"), "107");
    assert_int_equal(stage_create(stage, "thing", "{'name':'bad','level':'c'}", NULL),
                     ERR_VALIDATION);
}

/* What a script keeps to itself, and its settings, are each tenant's own. */
static void test_plan__nothing_of_a_tenant_is_shared(void **state)
{
    struct stage *stage = *state;
    struct vm *acme;
    const char *answer;
    int64_t id;
    (void)two_tenants(stage, counting, &acme);
    for (int i = 0; i < 3; i++)
        OK(stage_create(stage, "thing", "{'name':'x'}", NULL));
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"bolt\",3]");
    OK(store_begin(stage->tenant->store, true));
    OK(tenant_plugin_put(stage->tenant, "t", "1.0.0", "enabled", SLICE("{\"most\":9}")));
    OK(store_commit(stage->tenant->store));
    stage_switch(stage, "bolt");
    OK(stage_create(stage, "thing", "{'name':'x'}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "amount"), "109");
    stage_switch(stage, "acme");
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"acme\",0]");
    OK(stage_create(stage, "thing", "{'name':'x'}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "amount"), "107");
    assert_ptr_equal(stage_vm(stage), acme);
}

static void test_plan__each_kind_of_function_is_found(void **state)
{
    struct stage *stage = *state;
    struct vm *acme, *bolt = two_tenants(stage, counting, &acme);
    struct buf out = BUF_INIT;
    int64_t id, records = 0;
    OK(vm_service(bolt, &stage->ctx, "other", NULL, &out)); /* through ctx.call */
    assert_string_equal(buf_cstr(&out), "[\"bolt\",0]");
    buf_release(&out);
    OK(stage_create(stage, "part", "{'name':'p','amount':21}", &id)); /* a computed field */
    assert_string_equal(stage_field(stage, "part", id, "twice"), "42");
    (void)records;
}

static void test_plan__a_computed_field_alone_loads_its_script(void **state)
{
    struct stage *stage = *state;
    struct vm *acme;
    int64_t id;
    (void)two_tenants(stage, "", &acme);
    OK(stage_create(stage, "part", "{'name':'p','amount':4}", &id));
    assert_string_equal(stage_field(stage, "part", id, "twice"), "8");
}

/* The plan outlives the VM that made it, and VMs that are made anew begin with it. */
static void test_plan__stays_while_its_model_does(void **state)
{
    struct stage *stage = *state;
    struct vm *acme, *bolt = two_tenants(stage, counting, &acme);
    const struct plan *plan = bolt->plan;
    int64_t id;
    stage_switch(stage, "acme");
    stage->tenant->vm_free(stage->tenant->vm);
    stage->tenant->vm = NULL;
    assert_ptr_equal(stage_vm(stage)->plan, plan);
    OK(stage_create(stage, "thing", "{'name':'x'}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "amount"), "107");
    tenants_drop(stage->tenants, "bolt");
    OK(stage_create(stage, "thing", "{'name':'x'}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "amount"), "207");
}

static void test_plan__other_code_is_another_plan(void **state)
{
    struct stage *stage = *state;
    struct vm *acme, *bolt = two_tenants(stage, counting, &acme);
    const struct plan *before = bolt->plan;
    const char *answer;
    stage_script(stage, "crm.service('run', function() return { 'new' } end)\n");
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"new\"]");
    assert_ptr_not_equal(((struct vm *)stage->tenant->vm)->plan, before);
    stage_switch(stage, "acme");
    OK(stage_run(stage, &answer)); /* its VM goes on with what it has loaded */
    assert_string_equal(answer, "[\"acme\",0]");
}

/* Each wrapper finds what it wraps, also where several do and none of the scripts is loaded yet. */
static void test_plan__wrappers_are_shared(void **state)
{
    struct stage *stage = *state;
    struct vm *acme, *bolt;
    const char *answer;
    bolt = two_tenants(stage,
                       "crm.service('run', function(arg, ctx) return { ctx.tenant.name } end)\n"
                       "crm.wrap('run', function(next, arg) return { next(arg)[1], 'one' } end)\n"
                       "crm.service('other', function() return {} end)\n"
                       "crm.wrap('run', function(next, arg)\n"
                       "  local inner = next(arg)\n"
                       "  return { inner[1], inner[2], 'two' }\n"
                       "end)\n",
                       &acme);
    assert_ptr_equal(acme->plan, bolt->plan);
    assert_false(script_t(bolt)->is_loaded);
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"bolt\",\"one\",\"two\"]");
    stage_switch(stage, "acme");
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"acme\",\"one\",\"two\"]");
}

/* The wrapper's script is loaded by the call, and the other one when the wrapper goes on to it. */
static void test_plan__what_another_plugin_offers_is_wrapped(void **state)
{
    struct stage *stage = *state;
    struct vm *acme, *bolt;
    const char *answer;
    stage_write(stage, "u/plugin.json",
                "{\"id\":\"u\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"U\","
                "\"requires\":{\"t\":\"^1\"}}");
    stage_write(stage, "u/init.lua",
                "crm.wrap('run', function(next, arg)\n"
                "  return { next(arg)[1], 'wrapped' }\n"
                "end)\n");
    stage_enable(stage, "u");
    stage_write(stage, "t/init.lua",
                "crm.service('run', function(arg, ctx) return { ctx.tenant.name } end)\n");
    acme = stage_vm(stage);
    stage_switch(stage, "bolt");
    stage_enable(stage, "t");
    stage_enable(stage, "u");
    bolt = stage_vm(stage);
    assert_ptr_equal(acme->plan, bolt->plan);
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"bolt\",\"wrapped\"]");
}

/* Numbers that scripts draw are seeded by tenant: these register differently for each. */
static void test_plan__who_registers_otherwise_is_told_once(void **state)
{
    struct stage *stage = *state;
    struct vm *acme;
    const char *answer;
    (void)two_tenants(stage,
                      "crm.service('run', function(arg, ctx) return { ctx.tenant.name } end)\n"
                      "for i = 1, math.random(1, 1000000) % 97 do\n"
                      "  crm.service('s' .. i, function() end)\n"
                      "end\n",
                      &acme);
    assert_int_equal(stage_run(stage, NULL), ERR_PLUGIN);
    assert_non_null(strstr(stage->ctx.err.detail, "than it did when it was loaded first"));
    OK(stage_run(stage, &answer)); /* all scripts were run this time */
    assert_string_equal(answer, "[\"bolt\"]");
    stage_switch(stage, "acme");
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"acme\"]");
}

/* Loading in the middle of a unit takes nothing from what the unit may do. */
static void test_plan__an_error_while_loading_late_names_the_line(void **state)
{
    struct stage *stage = *state;
    struct vm *acme, *bolt;
    bolt = two_tenants(stage, counting, &acme);
    (void)bolt;
    OK(stage_create(stage, "thing", "{'name':'x'}", NULL));
    stage_fails(stage, "local x = nil; return x.y", "t/init.lua:2:");
}

/* --- a bundle on top --- */

static void own_file(struct stage *stage, const char *name, const char *text)
{
    const char *folder = arena_printf(stage->arena, "%s/custom/own/1.0.0", stage->tenant->folder);
    const char *path = arena_printf(stage->arena, "%s/%s", folder, name);
    char *slash = strrchr(path, '/');
    OK(folder_make(arena_slice(stage->arena, slice_of(path, (size_t)(slash - path))).at));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* bolt has a bundle with this init.lua besides; acme is as in two_tenants. */
static struct vm *with_bundle(struct stage *stage, const char *lua)
{
    stage_switch(stage, "bolt");
    stage_enable(stage, "t");
    own_file(stage, "plugin.json",
             "{\"id\":\"own\",\"version\":\"1.0.0\",\"api\":1,\"title\":\"Own\","
             "\"requires\":{\"t\":\"^1\"}}");
    own_file(stage, "entities/all.json",
             "[{\"extend\":\"thing\",\"fields\":[{\"no\":1,\"name\":\"x_seen\",\"type\":\"text\"},"
             "{\"no\":2,\"name\":\"x_long\",\"type\":\"computed\",\"result\":\"int\","
             "\"fn\":\"calc.long\",\"deps\":[\"name\"]}]},"
             "{\"name\":\"x_note\",\"title\":\"name\",\"fields\":[{\"no\":1,\"name\":\"name\","
             "\"type\":\"text\"}]}]");
    own_file(stage, "calc.lua", "return { long = function(r) return #r.name end }\n");
    own_file(stage, "init.lua", lua);
    stage_enable(stage, "own");
    return stage_vm(stage);
}

static const char adding[] =
    "crm.on('thing', 'before_create', { id = 'mark', before = 't:number' }, function(ev)\n"
    "  ev.record.x_seen = tostring(ev.record.amount)\n"
    "end)\n"
    "crm.on('*', 'validate', { id = 'every' }, function(ev)\n"
    "  if ev.record.name == 'no' then ev:fail('name', '@bad') end\n"
    "end)\n"
    "crm.wrap('run', function(next, arg) return { next(arg)[1], 'wrapped' } end)\n"
    "crm.service('own', function() return { 'own' } end)\n"
    "crm.job('own', { every = '1h' }, function() end)\n"
    "crm.check('own', { entity = 'thing' }, function() end)\n"
    "crm.route('GET', '/own', { auth = 'session' }, function() return {} end)\n";

static void test_plan__a_bundle_lies_on_what_its_products_register(void **state)
{
    struct stage *stage = *state;
    const char *answer;
    int64_t id;
    stage_write(stage, "t/init.lua", counting);
    struct vm *acme = stage_vm(stage);
    struct vm *bolt = with_bundle(stage, adding);
    assert_ptr_equal(bolt->plan->below, acme->plan);
    assert_false(script_t(bolt)->is_loaded);
    assert_true(vm_script(bolt, "own")->is_loaded);
    assert_int_equal(bolt->plan->tasks_count, 2);
    assert_int_equal(bolt->plan->checks_count, 2);
    assert_int_equal(bolt->plan->endpoints_count, 2);
    assert_int_equal(acme->plan->tasks_count, 1);
    assert_int_equal(acme->plan->checks_count, 1);
    assert_int_equal(acme->plan->endpoints_count, 1);
    OK(stage_create(stage, "thing", "{'name':'four','amount':3}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "amount"), "107"); /* t:number, behind */
    assert_string_equal(stage_field(stage, "thing", id, "x_seen"), "\"3\"");
    assert_string_equal(stage_field(stage, "thing", id, "x_long"), "4");
    assert_int_equal(stage_create(stage, "thing", "{'name':'no'}", NULL), ERR_VALIDATION);
    assert_int_equal(stage_create(stage, "x_note", "{'name':'no'}", NULL), ERR_VALIDATION);
    assert_int_equal(stage_create(stage, "thing", "{'name':'x','level':'c'}", NULL),
                     ERR_VALIDATION);
    OK(stage_create(stage, "part", "{'name':'p','amount':21}", &id));
    assert_string_equal(stage_field(stage, "part", id, "twice"), "42");
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"bolt\",\"wrapped\"]");
    stage_switch(stage, "acme");
    OK(stage_create(stage, "thing", "{'name':'no'}", NULL));
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"acme\",1]");
    assert_false(hook_wants(vm_hooks(acme), "part", HOOK_VALIDATE));
    assert_null(map_get(&acme->plan->services, SLICE("own")));
}

/* Whoever comes first, and also when its VM is made anew. */
static void test_plan__a_bundle_needs_nobody_before_it(void **state)
{
    struct stage *stage = *state;
    const char *answer;
    int64_t id;
    stage_write(stage, "t/init.lua", counting);
    struct vm *bolt = with_bundle(stage, adding);
    const struct plan *plan = bolt->plan;
    assert_non_null(plan->below);
    assert_false(script_t(bolt)->is_loaded);
    stage->tenant->vm_free(stage->tenant->vm);
    stage->tenant->vm = NULL;
    bolt = stage_vm(stage);
    assert_ptr_equal(bolt->plan, plan);
    assert_false(vm_script(bolt, "own")->is_loaded);
    OK(stage_create(stage, "thing", "{'name':'four','amount':3}", &id));
    assert_string_equal(stage_field(stage, "thing", id, "x_seen"), "\"3\"");
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"bolt\",\"wrapped\"]");
    stage_switch(stage, "acme");
    assert_ptr_equal(stage_vm(stage)->plan, plan->below);
}

/* What the log says from here on, of this level and above, until log_end. */
static FILE *log_begin(enum log_level least)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    log_init(fileno(file), least, "");
    return file;
}

static const char *log_end(struct stage *stage, FILE *file)
{
    char text[8192];
    log_init(STDERR_FILENO, LOG_INFO, "");
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    (void)fclose(file);
    return arena_strdup(stage->arena, text);
}

/* A module that registers for its plugin when somebody else loads it: all scripts are run then, and
 * that the first try failed is no error. */
static void test_plan__a_bundle_that_needs_all_scripts_to_run(void **state)
{
    struct stage *stage = *state;
    const char *answer;
    stage_write(stage, "t/init.lua",
                "crm.service('run', function() return { 'run' } end)\nrequire 'late'\n");
    stage_write(stage, "t/late.lua",
                "crm.service('late', function() return { 'late' } end)\nreturn {}\n");
    FILE *log = log_begin(LOG_INFO);
    struct vm *bolt = with_bundle(stage, "require 't.late'\ncrm.service('own', function() end)\n");
    const char *said = log_end(stage, log);
    assert_non_null(strstr(said, "does not load alone, all scripts run"));
    assert_null(strstr(said, "\"level\":\"error\""));
    assert_null(bolt->plan->below);
    assert_true(script_t(bolt)->is_loaded);
    assert_non_null(map_get(&bolt->plan->services, SLICE("late")));
    assert_non_null(map_get(&bolt->plan->services, SLICE("own")));
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"run\"]");
}

/* A mistake in it is told as ever, and nobody else has it. */
static void test_plan__a_bundle_that_does_not_load(void **state)
{
    struct stage *stage = *state;
    const char *answer;
    stage_write(stage, "t/init.lua", counting);
    (void)with_bundle(stage, "crm.service('own', function() end)\n");
    own_file(stage, "init.lua",
             "crm.on('thing', 'validate', { id = 'x', after = 't:nubmer' }, "
             "function() end)\n");
    stage->tenant->vm_free(stage->tenant->vm);
    stage->tenant->vm = NULL;
    FILE *log = log_begin(LOG_ERROR);
    const char *why = stage_broken(stage);
    assert_non_null(strstr(log_end(stage, log), "scripts do not load"));
    assert_non_null(why);
    assert_non_null(strstr(why, "there is no handler called"));
    stage_switch(stage, "acme");
    stage_enable(stage, "t");
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"acme\",0]");
}

/* --- one module of a product --- */

static const char contents[] = "local calls = require 'calls'\n"
                               "local rules = require 'rules'\n"
                               "crm.service('own', function() return { 'init' } end)\n"
                               "crm.service('run', calls.run)\n"
                               "crm.on('thing', 'before_create', { id = 'fill' }, rules.fill)\n";

static void contents_write(struct stage *stage)
{
    stage_write(stage, "t/calls.lua",
                "local calls = { times = 0 }\n"
                "function calls.run(arg, ctx)\n"
                "  calls.times = calls.times + 1\n"
                "  return { ctx.tenant.name, calls.times }\n"
                "end\n"
                "return calls\n");
    stage_write(stage, "t/rules.lua",
                "local calls = require 'calls'\n"
                "return { fill = function(ev) ev.record.amount = calls.times + 40 end }\n");
}

static bool has_module(struct vm *vm, const char *name)
{
    const struct script *script = script_t(vm);
    if (!script->is_open)
        return false;
    lua_rawgeti(vm->L, LUA_REGISTRYINDEX, script->modules);
    bool has = lua_getfield(vm->L, -1, name) == LUA_TTABLE;
    lua_pop(vm->L, 2);
    return has;
}

static void test_plan__a_function_of_a_module_loads_that_alone(void **state)
{
    struct stage *stage = *state;
    struct vm *acme;
    const char *answer;
    int64_t id;
    contents_write(stage);
    struct vm *bolt = two_tenants(stage, contents, &acme);
    assert_ptr_equal(acme->plan, bolt->plan);
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"bolt\",1]");
    assert_false(script_t(bolt)->is_loaded);
    assert_true(has_module(bolt, "calls"));
    assert_false(has_module(bolt, "rules"));
    OK(stage_create(stage, "thing", "{'name':'x'}", &id)); /* which shares what calls has kept */
    assert_string_equal(stage_field(stage, "thing", id, "amount"), "41");
    assert_true(has_module(bolt, "rules"));
    assert_false(script_t(bolt)->is_loaded);
}

/* What only init.lua knows loads it, and what was found before goes on with what it has kept. */
static void test_plan__what_init_makes_loads_all_of_it(void **state)
{
    struct stage *stage = *state;
    struct vm *acme;
    const char *answer;
    struct buf out = BUF_INIT;
    contents_write(stage);
    struct vm *bolt = two_tenants(stage, contents, &acme);
    OK(stage_run(stage, &answer));
    OK(vm_service(bolt, &stage->ctx, "own", NULL, &out));
    assert_string_equal(buf_cstr(&out), "[\"init\"]");
    buf_release(&out);
    assert_true(script_t(bolt)->is_loaded);
    assert_true(has_module(bolt, "rules"));
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"bolt\",2]");
}

static void test_plan__a_bundle_finds_modules_of_its_products(void **state)
{
    struct stage *stage = *state;
    struct vm *acme;
    const char *answer;
    contents_write(stage);
    struct vm *bolt = two_tenants(stage, contents, &acme);
    bolt = with_bundle(stage, "crm.wrap('run', function(next, arg) return next(arg) end)\n");
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"bolt\",1]");
    assert_ptr_equal(bolt->plan->below, acme->plan);
    assert_false(script_t(bolt)->is_loaded);
    assert_true(has_module(bolt, "calls"));
    assert_false(has_module(bolt, "rules"));
}

/* A module that registers, too, comes with its script: its slots follow the order of all. */
static void test_plan__a_module_that_registers_is_not_loaded_alone(void **state)
{
    struct stage *stage = *state;
    struct vm *acme;
    const char *answer;
    stage_write(stage, "t/calls.lua",
                "crm.service('late', function() return { 'late' } end)\n"
                "return { run = function(arg, ctx) return { ctx.tenant.name } end }\n");
    struct vm *bolt = two_tenants(stage,
                                  "crm.service('own', function() return { 'own' } end)\n"
                                  "crm.service('run', require('calls').run)\n",
                                  &acme);
    assert_ptr_equal(acme->plan, bolt->plan);
    OK(stage_run(stage, &answer));
    assert_string_equal(answer, "[\"bolt\"]");
    assert_true(script_t(bolt)->is_loaded);
    struct buf out = BUF_INIT;
    OK(vm_service(bolt, &stage->ctx, "own", NULL, &out));
    assert_string_equal(buf_cstr(&out), "[\"own\"]");
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_plan__##name, stage_setup, stage_teardown)
        T(a_second_tenant_loads_nothing_before_a_call),
        T(nothing_of_a_tenant_is_shared),
        T(each_kind_of_function_is_found),
        T(a_computed_field_alone_loads_its_script),
        T(stays_while_its_model_does),
        T(other_code_is_another_plan),
        T(wrappers_are_shared),
        T(what_another_plugin_offers_is_wrapped),
        T(who_registers_otherwise_is_told_once),
        T(an_error_while_loading_late_names_the_line),
        T(a_function_of_a_module_loads_that_alone),
        T(what_init_makes_loads_all_of_it),
        T(a_bundle_finds_modules_of_its_products),
        T(a_module_that_registers_is_not_loaded_alone),
        T(a_bundle_lies_on_what_its_products_register),
        T(a_bundle_needs_nobody_before_it),
        T(a_bundle_that_needs_all_scripts_to_run),
        T(a_bundle_that_does_not_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
