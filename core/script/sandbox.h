/* sandbox - what a plugin's code can reach: the safe part of the standard library, `crm`,
 * `require`.
 *
 * Each plugin has its own _ENV, a read-only view without room for globals: an undeclared name is an
 * error that names it. Library tables are read-only views too, shared by the plugins of one tenant.
 * There is no io, os, debug, package, load, loadfile, dofile, string.dump, collectgarbage, rawset,
 * print. What runs long inside C, where no hook sees it, is our own:
 *
 *   string     find match gmatch gsub (match.h); rep and format with a bound, no addresses
 *   table      plain tables, ranges of at most SCRIPT_RANGE_MAX, sort is stable and can be ended
 *   coroutine  create resume wrap yield status isyieldable running; SCRIPT_RESUMES_MAX deep; a kill
 *              passes through; no close
 *   the rest   pcall and xpcall keep no kill, a handler sees none; setmetatable refuses __gc and
 *              __mode; tostring shows no addresses; math.random begins anew with each call, from
 *              tenant, time and event
 *
 * What is left to Lua's own C, such as a table whose keys all collide, is bounded by the
 * supervisor's kill of the process (hook/late.h). A key __mode that is set after setmetatable does
 * make a table weak; nothing of ours is finalized, so that harms only its owner.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once

/* Names that scripts see, "string.rep" for members, NULL-terminated: the allow-list. */
const char *const *sandbox_names(void);
