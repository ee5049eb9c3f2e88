/* test_vm - keeping VMs: which goes first, what is made anew, what time and marks do.
 *
 * SPDX-License-Identifier: MIT
 */
#include "script/vm.h"

#include "stage.h"

#include "base/limits.h"
#include "base/tuning.h"
#include "hook/late.h"
#include "script/code.h"
#include "script/vm_in.h"
#include "tenant/quarantine.h"

static const char counting[] = "local n = 0\n"
                               "crm.service('run', function() n = n + 1 return { n } end)";

static const char *ran(struct stage *stage)
{
    const char *answer;
    OK(stage_run(stage, &answer));
    return answer;
}

/* Module state lives as long as the VM, so it tells whether that is a new one. */
static void test_vm__the_one_used_longest_ago_goes_first(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, counting);
    assert_string_equal(ran(stage), "[1]");
    struct tenant *acme = stage->tenant;
    stage_switch(stage, "bolt");
    stage_enable(stage, "t");
    assert_string_equal(ran(stage), "[1]");
    assert_non_null(acme->vm);
    vm_trim(SIZE_MAX);
    assert_non_null(acme->vm);
    vm_trim(1);
    assert_null(acme->vm);
    assert_non_null(stage->tenant->vm); /* in use: pinned */
    assert_string_equal(ran(stage), "[2]");
    stage_switch(stage, "acme");
    assert_string_equal(ran(stage), "[1]");
}

/* A tenant's VM has so many bytes whatever its calls may use, and a process so many for all. */
static void test_vm__has_so_many_bytes(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "local kept = {}\n"
                        "crm.service('run', function()\n"
                        "  kept[#kept + 1] = ('x'):rep(1 << 20) .. #kept return { #kept } end)");
    int count = 0;
    while (!stage_run(stage, NULL)) {
        struct vm *vm = stage_vm(stage);
        count++;
        assert_true(vm_bytes(vm) <= VM_BYTES_MAX);
        assert_true(count < 2 * (VM_BYTES_MAX >> 20));
    }
    assert_non_null(strstr(stage->ctx.err.detail, "it used more memory than it may"));
    assert_true(count > (VM_BYTES_MAX >> 20) / 2);
    assert_true(SCRIPT_VMS_BYTES_MAX >= 2 * VM_BYTES_MAX); /* vm_trim keeps to it */
}

/* At rest what calls have left goes, a piece at a time; what scripts keep stays. */
static void test_vm__rests(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "local n = 0\n"
                        "crm.service('run', function()\n"
                        "  local all = {}\n"
                        "  for i = 1, 2000 do all[i] = { i, 'text ' .. i } end\n"
                        "  n = n + 1 return { n } end)");
    assert_string_equal(ran(stage), "[1]");
    struct vm *vm = stage_vm(stage);
    size_t before = vm_bytes(vm);
    clock_fix(STAGE_NOW + VM_REST_MS - 1);
    assert_int_equal(vm_rest(), 0);
    assert_int_equal(vm_bytes(vm), before);
    clock_fix(STAGE_NOW + VM_REST_MS);
    size_t freed = 0;
    while (vm->cycles_due > 0)
        freed += vm_rest();
    assert_true(freed > 50000);
    assert_int_equal(vm_bytes(vm), before - freed);
    assert_int_equal(vm_rest(), 0); /* nothing has run since */
    assert_string_equal(ran(stage), "[2]");
}

static void test_vm__is_made_anew_after_a_kill(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "local n = 0\n"
                        "crm.service('run', function() n = n + 1 return { n } end)\n"
                        "crm.service('loop', function() while true do end end)");
    struct buf out = BUF_INIT;
    assert_string_equal(ran(stage), "[1]");
    assert_string_equal(ran(stage), "[2]");
    assert_int_equal(vm_service(stage_vm(stage), &stage->ctx, "loop", NULL, &out), ERR_PLUGIN);
    buf_release(&out);
    assert_string_equal(ran(stage), "[1]");
}

/* Another model may lie where the one before it lay. */
static void test_vm__is_made_anew_for_another_model(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "local n = 0\n"
                        "crm.service('run', function() n = n + 1 return { n } end)");
    assert_string_equal(ran(stage), "[1]");
    const struct model *before = stage->ctx.model;
    struct model model = *before;
    stage->ctx.model = &model;
    assert_string_equal(ran(stage), "[2]");
    model.serial = 0; /* of none that was built */
    assert_string_equal(ran(stage), "[1]");
    stage->ctx.model = before;
    assert_string_equal(ran(stage), "[1]");
}

/* --- what is set aside --- */

static void set_aside(struct stage *stage, bool is_loading)
{
    char hash[2 * CRYPTO_SHA256_LEN + 1];
    OK(code_hash(arena_printf(stage->arena, "%s/plugins/t", stage->home), hash));
    struct quarantine mark = {"t", hash, is_loading, STAGE_NOW};
    OK(quarantine_put(stage->data, "acme", &mark));
    late_marks_move();
}

static void test_vm__code_that_was_set_aside_fails_closed(void **state)
{
    static struct late late;
    static _Atomic uint32_t marks;
    struct stage *stage = *state;
    late_share(&late, &marks);
    stage_script(stage, "crm.service('run', function() return { 1 } end)\n"
                        "crm.on('part', 'validate', { id = 'v' }, function() end)");
    assert_string_equal(ran(stage), "[1]");
    set_aside(stage, false);
    assert_int_equal(stage_run(stage, NULL), ERR_PLUGIN);
    assert_non_null(strstr(stage->ctx.err.detail, "t is set aside"));
    assert_non_null(strstr(stage->ctx.err.detail, "perigee plugin release acme t"));
    assert_int_equal(stage_create(stage, "part", "{'name':'x'}", NULL), ERR_PLUGIN);
    OK(stage_create(stage, "thing", "{'name':'x'}", NULL)); /* nothing of it is bound there */
    OK(quarantine_release(stage->tenant->folder, "t"));
    late_marks_move();
    assert_string_equal(ran(stage), "[1]");
    OK(stage_create(stage, "part", "{'name':'x'}", NULL));
}

static void test_vm__code_that_hung_while_loading_is_not_even_loaded(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.service('run', function() return { 1 } end)");
    set_aside(stage, true);
    assert_non_null(strstr(stage_broken(stage), "t is set aside"));
    stage_script(stage, "crm.service('run', function() return { 'other code' } end)");
    assert_string_equal(ran(stage), "[\"other code\"]");
}

static void test_vm__marks_are_of_one_tenant(void **state)
{
    struct stage *stage = *state;
    stage_script(stage, "crm.service('run', function() return { 1 } end)");
    set_aside(stage, false);
    stage_switch(stage, "bolt");
    stage_enable(stage, "t");
    assert_string_equal(ran(stage), "[1]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_vm__##name, stage_setup, stage_teardown)
        T(the_one_used_longest_ago_goes_first),
        T(has_so_many_bytes),
        T(rests),
        T(is_made_anew_after_a_kill),
        T(is_made_anew_for_another_model),
        T(code_that_was_set_aside_fails_closed),
        T(code_that_hung_while_loading_is_not_even_loaded),
        T(marks_are_of_one_tenant),
#undef T
    };
    return cmocka_run_group_tests_name("script/vm", tests, NULL, NULL);
}
