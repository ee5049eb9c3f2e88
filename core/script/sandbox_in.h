/* sandbox_in - what the files of the sandbox share; private to this folder.
 *
 * Functions that stand in for Lua's own and call them have the original as upvalue 1.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

#include <lualib.h>

#include "script/bind.h"

/* Goes on as the C function in upvalue 1, which has no upvalues itself. */
int sandbox_original(lua_State *L);
/* The value at `at` as tostring shows it: no addresses. [-0, +1] */
void sandbox_push_text(lua_State *L, int at);

/* --- sandbox_table.c: plain tables only, ranges bounded, the end of the time noticed --- */

int sandbox_insert(lua_State *L);
int sandbox_remove(lua_State *L);
int sandbox_concat(lua_State *L);
int sandbox_unpack(lua_State *L);
int sandbox_move(lua_State *L);
int sandbox_sort(lua_State *L); /* stable */

/* --- sandbox_string.c --- */

int sandbox_rep(lua_State *L);
int sandbox_format(lua_State *L);

/* --- sandbox_coroutine.c --- */

/* The functions of `coroutine`, no close among them: a thread that failed is dropped, never reset.
 * [-0, +1] */
int sandbox_open_coroutine(lua_State *L);
