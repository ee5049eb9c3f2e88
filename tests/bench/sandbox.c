/* sandbox - what the sandbox costs: the same Lua in a tenant's VM and in stock Lua, by turns.
 *
 * Prints the percentage more of CPU time for a hot loop without string work and for a typical
 * validator, the milliseconds in which a VM of all product plugins is made anew from what was
 * compiled before, and its kilobytes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "stage.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

#include "base/clock.h"

#define ROUNDS 60
#define MAKES  40

static const char *const plugins[] = {"people", "leads", "hello"};

static const char loop[] = "local t, sum = {}, 0\n"
                           "local function add(a, b) return a + b end\n"
                           "for i = 1, 100000 do\n"
                           "  t[i % 64] = i\n"
                           "  sum = add(sum, t[(i * 7) % 64] or 1) % 1000003\n"
                           "end\n"
                           "return { sum }";

static const char validator[] =
    "local bad = 0\n"
    "local record = { name = 'Zhang Wei', phone = '+86 138-0013-8000', level = 'A',\n"
    "  amount = 1200, tags = { 'new', 'east' }, mail = 'zhang@example.com' }\n"
    "local function check(r)\n"
    "  if r.level == 'A' and r.amount < 1000 then bad = bad + 1 end\n"
    "  local digits = r.phone:gsub('%D', '')\n"
    "  if #digits < 7 or #digits > 15 then bad = bad + 1 end\n"
    "  if not r.mail:find('^[^@%s]+@[%w.-]+$') then bad = bad + 1 end\n"
    "  for _, tag in ipairs(r.tags) do\n"
    "    if type(tag) ~= 'string' or #tag > 20 then bad = bad + 1 end\n"
    "  end\n"
    "  if string.format('%s %d', r.name, r.amount) == '' then bad = bad + 1 end\n"
    "end\n"
    "for i = 1, 2000 do record.amount = i check(record) end\n"
    "return { bad }";

static int64_t stock_us(lua_State *L, int ref)
{
    int64_t started_us = clock_cpu_us();
    lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
    assert_int_equal(lua_pcall(L, 0, 1, 0), LUA_OK);
    lua_pop(L, 1);
    return clock_cpu_us() - started_us;
}

static int64_t ours_us(struct stage *stage)
{
    const char *answer;
    int64_t started_us = clock_cpu_us();
    OK(stage_run(stage, &answer));
    return clock_cpu_us() - started_us;
}

/* By turns, so that whatever else the machine does falls on both; the best of each counts. */
static double more_percent(struct stage *stage, const char *body)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    assert_int_equal(luaL_loadstring(L, body), LUA_OK);
    int ref = luaL_ref(L, LUA_REGISTRYINDEX);
    stage_script(stage,
                 arena_printf(stage->arena, "crm.service('run', function()\n%s\nend)", body));
    int64_t ours = INT64_MAX, stock = INT64_MAX;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t us = stock_us(L, ref), our_us = ours_us(stage);
        stock = us < stock ? us : stock;
        ours = our_us < ours ? our_us : ours;
    }
    lua_close(L);
    return (double)(ours - stock) * 100 / (double)stock;
}

static void bench_sandbox(void **state)
{
    struct stage *stage = *state;
    double hot = more_percent(stage, loop), typical = more_percent(stage, validator);
    for (size_t i = 0; i < sizeof plugins / sizeof *plugins; i++) {
        stage_product(stage, plugins[i]);
        stage_enable(stage, plugins[i]);
    }
    int64_t best_us = INT64_MAX;
    size_t bytes = 0;
    for (int i = 0; i < MAKES; i++) {
        vm_free(stage->tenant->vm);
        stage->tenant->vm = NULL;
        int64_t started_us = clock_cpu_us();
        bytes = vm_bytes(stage_vm(stage));
        int64_t us = clock_cpu_us() - started_us;
        best_us = us < best_us ? us : best_us;
    }
    printf("loop %.1f validator %.1f vm_ms %.2f vm_kb %zu\n", hot, typical, (double)best_us / 1000,
           bytes / 1024);
}

int main(void)
{
    const struct CMUnitTest benches[] = {
        cmocka_unit_test_setup_teardown(bench_sandbox, stage_setup, stage_teardown)};
    return cmocka_run_group_tests(benches, NULL, NULL);
}
