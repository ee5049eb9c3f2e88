/* sandbox - what a plugin's code can reach: the safe part of the standard library, `crm`,
 * `require`.
 *
 * Each plugin has its own _ENV, a read-only view without room for globals: an undeclared name is an
 * error that names it. Library tables are read-only views too, shared by the plugins of one tenant.
 * There is no io, os, debug, package, load, loadfile, dofile, string.dump, collectgarbage, rawset,
 * print, coroutine. pcall and xpcall do not keep a kill; setmetatable refuses __gc and __mode;
 * string.rep, concat and the functions of `table` refuse ranges that C would loop over for long;
 * tostring shows no addresses.
 *
 * string.format's own %p and %s of a table still show one; math.random is seeded by Lua itself.
 *
 * string.find, match, gmatch and gsub are Lua's own: a pattern that backtracks for ever stays in C
 * where no hook sees it, and the supervisor's kill of the process is what bounds it.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

/* Names that scripts see, "string.rep" for members, NULL-terminated: the allow-list. */
const char *const *sandbox_names(void);
