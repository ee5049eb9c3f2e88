/* match - find, match, gmatch and gsub of strings, bounded.
 *
 * What Lua's own do, to the letter of their results and errors, with three bounds that Lua's lack:
 * an attempt at one place of the text takes at most SCRIPT_STEPS_MAX steps, the end of the script's
 * time is noticed in the middle of one, and a result is at most SCRIPT_STRING_BYTES_MAX long. The
 * plain search takes time in proportion to the text.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

struct lua_State;

int match_find(struct lua_State *L);
int match_match(struct lua_State *L);
int match_gmatch(struct lua_State *L);
int match_gsub(struct lua_State *L);
