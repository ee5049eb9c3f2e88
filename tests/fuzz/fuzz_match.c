/* fuzz_match - our pattern matcher against Lua's own: the same results and the same errors.
 *
 * The input is a line of options, the pattern, the text and the replacement, apart by newlines.
 * Ours goes first and tells when it gave up by its count of steps: then Lua, which has none, is
 * not asked.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "script/match.h"
#include "script/sandbox_in.h"

#define PART_MAX 200 /* Lua's own backtracks for as long as it takes */

static struct vm vm; /* never late */
static lua_State *L;

static const char compare[] =
    "local name, own, lua, pattern, text, with, option = ...\n"
    "local function gmatch(fn, ...)\n"
    "  local all, n = {}, 0\n"
    "  for a, b, c in fn(...) do\n"
    "    n = n + 1\n"
    "    all[n] = tostring(a) .. '|' .. tostring(b) .. '|' .. tostring(c)\n"
    "    if n > 300 then break end\n"
    "  end\n"
    "  return table.concat(all, '&')\n"
    "end\n"
    "local function run(fn)\n"
    "  if name == 'gmatch' then return pcall(gmatch, fn, text, pattern, option) end\n"
    "  if name == 'gsub' then\n"
    "    local by = with\n"
    "    if option % 4 == 1 then by = { a = 'A', [''] = false, ab = 7 } end\n"
    "    if option % 4 == 2 then by = function(a, b) return b or (#a > 1 and a) end end\n"
    "    return pcall(fn, text, pattern, by, option > 8 and option or nil)\n"
    "  end\n"
    "  return pcall(fn, text, pattern, option - 8, option % 7 == 3)\n"
    "end\n"
    "local a = table.pack(run(own))\n"
    "if not a[1] and a[2]:find('more than', 1, true) then return end\n"
    "local b = table.pack(run(lua))\n"
    "if a.n ~= b.n then error(name .. ': ' .. a.n .. ' results for ' .. b.n) end\n"
    "for i = 1, a.n do\n"
    "  if a[i] ~= b[i] then\n"
    "    error(name .. ': ' .. tostring(a[i]) .. ' for ' .. tostring(b[i]))\n"
    "  end\n"
    "end\n";

static void open_lua(void)
{
    L = luaL_newstate();
    vm.L = vm.running = L;
    vm.deadline = INT32_MAX;
    *(struct vm **)lua_getextraspace(L) = &vm;
    luaL_openlibs(L);
    if (luaL_loadstring(L, compare))
        abort();
    lua_setglobal(L, "compare");
}

static void push_part(struct slice *rest)
{
    struct slice part = slice_split(rest, '\n');
    lua_pushlstring(L, part.at, part.len < PART_MAX ? part.len : PART_MAX);
}

static void compare_with(const char *name, lua_CFunction own, struct slice input)
{
    struct slice options = slice_split(&input, '\n');
    lua_getglobal(L, "compare");
    lua_pushstring(L, name);
    lua_pushcfunction(L, own);
    lua_getglobal(L, "string");
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
    push_part(&input);
    push_part(&input);
    push_part(&input);
    lua_pushinteger(L, options.len ? (unsigned char)*options.at % 24 : 0);
    if (lua_pcall(L, 7, 0, 0)) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!L)
        open_lua();
    struct slice input = slice_of((const char *)data, size);
    compare_with("find", match_find, input);
    compare_with("match", match_match, input);
    compare_with("gmatch", match_gmatch, input);
    compare_with("gsub", match_gsub, input);
    return 0;
}
