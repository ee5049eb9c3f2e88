// attacks - a company's bundle that does its worst, and what everybody else notices of it: nothing.
// SPDX-License-Identifier: MIT
//
// One bundle of acme holds every attack; a lead's name says which of its validate handlers runs.
// Each ends at its limit with a sentence in the log that names the plugin; the next lead of acme
// and the next of globex are saved. What has to be killed with its process is in tests/faults.
import assert from "node:assert/strict";
import { test } from "node:test";
import { limit } from "../kit/limits.mjs";
import { bundle, packed } from "../kit/pack.mjs";
import { world } from "../kit/world.mjs";

const LEADS = "/api/v1/records/lead";
const ID = "acme.evil";
/* One runner for all that may wait: what holds it would keep everybody. */
const w = world({ env: { PERIGEE_RUNNERS: 2 } });

const CPU = /used more CPU time than it may/;
const CPU_OR_KEPT = /made the core keep more data than it may|used more/;
const MEMORY = /used more memory than it may/;

/* name: [what its function does, what the log says of it] */
const ATTACKS = {
  loop: ["while true do end", CPU],
  goto_loop: ["::again:: goto again", CPU],
  pcall_swallows: ["while true do pcall(function() while true do end end) end", CPU],
  pcall_of_errors: ["while true do pcall(error) end", CPU],
  handler_loops: ["xpcall(error, function() while true do end end)", CPU],
  close_loops: [
    "local t <close> = setmetatable({}, { __close = function() while true do end end })\n" +
      "while true do end",
    CPU,
  ],
  index_loops: [
    "local t = setmetatable({}, { __index = function() while true do end end })\n" +
      "while true do pcall(function() return t.x end) end",
    CPU,
  ],
  coroutine_loops: [
    "local co = coroutine.wrap(function() while true do coroutine.yield() end end)\n" +
      "while true do co() end",
    CPU,
  ],
  coroutine_swallows: [
    "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    CPU,
  ],
  coroutine_in_pcall: [
    "while true do\n" +
      "  pcall(coroutine.wrap(function() pcall(function() while true do end end) end))\n" +
      "end",
    CPU,
  ],
  coroutine_yields_in_pcall: [
    "local co = coroutine.wrap(function()\n" +
      "  while true do pcall(function() coroutine.yield() while true do end end) end\nend)\n" +
      "while true do co() end",
    CPU,
  ],
  coroutines_nest: [
    "local function deeper() return coroutine.wrap(deeper)() end deeper()",
    /more than 16 coroutines wait for one another/,
  ],
  coroutine_resets: ["coroutine.close(coroutine.create(f))", /field 'close'/],
  gsub_yields: [
    "coroutine.wrap(function() return (('abc'):gsub('.', coroutine.yield)) end)()",
    /attempt to yield across a C-call boundary/,
  ],
  sort_yields: [
    "coroutine.wrap(function() table.sort({ 3, 2, 1 }, coroutine.yield) end)()",
    /attempt to yield across a C-call boundary/,
  ],
  yields_out: ["coroutine.yield()", /attempt to yield from outside a coroutine/],
  tables: ["local t = {} while true do t[#t + 1] = {} end", MEMORY],
  strings: ["local s = 'x' while true do s = s .. s end", MEMORY],
  strings_in_pcall: [
    "local s = 'x' while true do pcall(function() s = s .. s end) end",
    /used more (memory|CPU time) than it may/,
  ],
  coroutines: [
    "local t = {} while true do t[#t + 1] = coroutine.create(f) end",
    /used more (memory|CPU time) than it may/,
  ],
  repeats: ["return ('x'):rep(1e10)", /string\.rep: the result would be longer/],
  formats: ["return ('%99.99f'):rep(1e5):format(1)", /bad argument #\d to 'format'/],
  pattern: [
    "return ('a'):rep(60):find(('a-'):rep(40) .. 'b')",
    /pattern too complex: more than 1000000 steps/,
  ],
  patterns_in_pcall: [
    "while true do pcall(string.match, ('a'):rep(60), ('a-'):rep(40) .. 'b') end",
    CPU,
  ],
  pattern_nests: ["return ('a'):rep(999):find(('a?'):rep(999))", /pattern too complex/],
  gsub_loops: ["return ('a'):gsub('', function() while true do end end)", CPU],
  ranges: ["return table.unpack({}, 1, 1 << 60)", /a range may span at most 1000000 items/],
  borders: [
    "local t = {} for i = 0, 61 do t[1 << i] = 1 end t[5] = 1 table.insert(t, 1, 1)",
    /a range may span at most 1000000 items/,
  ],
  lengths: [
    "table.concat(setmetatable({}, { __len = function() return 1 << 60 end }))",
    /a plain table is expected/,
  ],
  sort_disorder: [
    "local t = {} for i = 1, 20000 do t[i] = i * 7919 % 20011 end\n" +
      "while true do table.sort(t, function() return true end) end",
    CPU,
  ],
  sort_loops: ["table.sort({ 2, 1 }, function() while true do end end)", CPU],
  recursion: ["local function deeper() return 1 + deeper() end deeper()", /used more|overflow/],
  c_recursion: [
    "local function deeper(s) return (s:gsub('.', deeper)) end deeper('x')",
    /C stack overflow/,
  ],
  tostring_loops: [
    "error(setmetatable({}, { __tostring = function() while true do end end }))",
    CPU,
  ],
  error_is_huge: ["error(('x'):rep(2000000))", /:evil_\w+ .{900,1200}$/],
  error_is_no_text: ["error('\\xff\\xfe' .. ('\\0'):rep(10), 0)", /evil:evil_\w+ \?\?/],
  error_is_table: ["error({})", /the error is a table/],
  finalizer: ["setmetatable({}, { __gc = function() end })", /may not have __gc/],
  weak: ["setmetatable({}, { __mode = 'k' })", /may not have __mode/],
  hash_flood: [
    "local t = {} for i = 1, 1e7 do t[i * 2147483647] = i end",
    /used more (memory|CPU time) than it may/,
  ],
  complains_long: ["ev:fail('name', ('x'):rep(1000000))", /a message is at most 1000 bytes long/],
  complains_for_ever: [
    "while true do ev:fail('name', ('x'):rep(1000)) end",
    /made the core keep more data than it may|used more CPU time/,
  ],
  keeps_for_ever: [
    "local s = ('x'):rep(1000000) while true do ctx.t('@key', { s }) end",
    /made the core keep more data than it may|used more CPU time/,
  ],
  copies_for_ever: [
    "local s, t = ('x'):rep(1000000), {} for i = 1, 19999 do t[i] = s end ctx.t('@key', t)",
    /made the core keep more data than it may|used more CPU time/,
  ],
  keys_for_ever: [
    "local s, t = ('x'):rep(100000), {} for i = 1, 30 do t[s .. i] = i end\n" +
      "local all = {} for i = 1, 600 do all[i] = t end ctx.t('@key', all)",
    /made the core keep more data than it may|used more/,
  ],
  posts_for_ever: ["while true do ctx.queue:push('unused') end", /wrote more often than|CPU time/],
  time_runs_out: [
    "local at = ctx.now() while true do at = at:add { weeks = 100000000 } end",
    /that is beyond the calendar/,
  ],
  day_runs_out: [
    "local day = ctx.now():date() while true do day = day:add { weeks = -100000000 } end",
    /that is beyond the calendar/,
  ],
  works_for_ages: [
    "local hours = crm.calendar { week = { mon = { '09:00-12:00' } } }\n" +
      "local from = crm.datetime('0001-01-02T00:00:00Z')\n" +
      "local to = crm.datetime('9999-12-30T00:00:00Z')\n" +
      "while true do hours:between(from, to) end",
    CPU,
  ],
  logs_for_ever: ["while true do ctx.log.info(('x'):rep(100)) end", CPU],
  reads_for_ever: ["while true do ctx.db.lead:count {} end", /read more often than it may/],
  writes: ["ctx.db.lead:insert { name = 'more' }", /insert works only in/],
  /* formats and packs */
  format_precision: ["return ('%.999999999s'):format('x')", /invalid (conversion|format)/],
  format_arguments: ["return ('%d'):rep(200000):format(1)", /bad argument #\d+ to 'format'/],
  format_quotes: [
    "local s = ('\\0'):rep(3000000) return ('%q'):format(s)",
    /string\.format: the result would be longer|used more memory/,
  ],
  format_tostring: [
    "local s = setmetatable({}, { __tostring = function() return ('x'):rep(3000000) end })\n" +
      "return ('%s%s%s%s'):format(s, s, s, s)",
    /string\.format: the result would be longer|used more memory/,
  ],
  packs: ["return string.pack('c2000000000', '')", /used more (memory|CPU time) than it may/],
  packs_for_ever: ["while true do string.pack('c100000', '') end", CPU],
  unpacks: [
    "return string.unpack(('B'):rep(900000), ('x'):rep(900000))",
    /too many results|stack overflow|used more/,
  ],
  dumps: ["return string.dump(f)", /field 'dump'/],
  concat_separators: [
    "local t, s = {}, ('x'):rep(100000) for i = 1, 1000 do t[i] = '' end\n" +
      "return table.concat(t, s)",
    /table\.concat: the result would be longer|used more memory/,
  ],
  concat_in_pcall: [
    "local t, s = {}, ('x'):rep(100000) for i = 1, 1000 do t[i] = '' end\n" +
      "while true do pcall(table.concat, t, s) end",
    /used more (memory|CPU time) than it may/,
  ],
  utf8_counts: ["local s = ('一'):rep(300000) while true do utf8.len(s) end", CPU],
  utf8_codes: ["while true do for _ in utf8.codes(('一'):rep(100000)) do end end", CPU],
  utf8_pattern: [
    "local s = ('\\xe4\\xb8'):rep(300000) while true do s:find(utf8.charpattern .. '$') end",
    /pattern too complex|used more CPU time/,
  ],
  utf8_chars: [
    "local t = {} for i = 1, 200000 do t[i] = 0x7fffffff end utf8.char(table.unpack(t))",
    /too many results to unpack|stack overflow|used more/,
  ],
  gsub_grows: [
    "local s = ('x'):rep(1000) return (s:gsub('x', ('y'):rep(100000)))",
    /string\.gsub: the result would be longer|used more memory/,
  ],
  gsub_references: [
    "return (('x'):rep(3000):gsub('x+', ('%0'):rep(5000)))",
    /string\.gsub: the result would be longer|used more memory/,
  ],
  gmatch_forever: ["for _ in (('x'):rep(900000)):gmatch('.-') do end while true do end", CPU],
  frontier: [
    "return ('a'):rep(5000):find(('%f[%a]a-'):rep(200) .. 'b')",
    /pattern too complex|used more CPU time/,
  ],
  balances: [
    "local s = ('('):rep(100000) while true do s:find('%b()') end",
    /pattern too complex|used more CPU time/,
  ],

  /* comparators and metamethods that lie */
  sort_grows: [
    "local t = {} for i = 1, 1000 do t[i] = i end\n" +
      "table.sort(t, function() t[#t + 1] = 1 return true end) while true do end",
    /invalid order function|attempt to compare|used more/,
  ],
  sort_empties: [
    "local t = {} for i = 1, 1000 do t[i] = i end\n" +
      "table.sort(t, function(a, b) for i = 1, 1000 do t[i] = nil end return a < b end)",
    /attempt to compare|invalid order function/,
  ],
  sort_metamethods: [
    "local less = { __lt = function() while true do end end }\n" +
      "table.sort({ setmetatable({}, less), setmetatable({}, less) })",
    CPU,
  ],
  sort_proxies: [
    "table.sort(setmetatable({}, { __len = function() return 1e9 end,\n" +
      "  __index = function() return 1 end, __newindex = function() end }))",
    /a plain table is expected/,
  ],
  index_chain: [
    "local t = {} for i = 1, 100000 do t = setmetatable({}, { __index = t }) end return t.x",
    /'__index' chain too long|used more/,
  ],
  calls_chain: [
    "local t = f for i = 1, 100000 do t = setmetatable({}, { __call = t }) end return t()",
    /stack overflow|used more|attempt to call/,
  ],
  concats_lie: [
    "local t = setmetatable({}, { __concat = function() while true do end end }) return t .. t",
    CPU,
  ],
  pairs_lie: [
    "local t = setmetatable({}, { __pairs = function() return function() return 1 end end })\n" +
      "for _ in pairs(t) do end",
    CPU,
  ],
  names_lie: [
    "local t = setmetatable({}, { __name = ('x'):rep(1000000) }) return t + 1",
    /attempt to perform arithmetic/,
  ],
  tostring_is_huge: [
    "error(setmetatable({}, { __tostring = function() return ('x'):rep(3000000) end }))",
    /:evil_\w+ .{1,1200}$/,
  ],
  tostring_lies: [
    "error(setmetatable({}, { __tostring = function() return 5 end }))",
    /'__tostring' must return a string|evil:evil_\w+ 5$/,
  ],
  errors_nest: [
    "local function again(e) error(setmetatable({}, { __tostring = again })) end\n" +
      "xpcall(error, again) error(setmetatable({}, { __tostring = again }))",
    /evil:evil_\w+ /,
  ],
  handlers_nest: [
    "local function deeper() xpcall(error, deeper) end deeper() while true do end",
    CPU,
  ],
  proxies_of_record: [
    "local t = setmetatable({}, { __index = ev.record, __newindex = ev.record })\n" +
      "t.name = 'other'",
    /only before_|read-only|cannot be (set|changed)|works only in/,
  ],
  proxies_of_context: ["getmetatable(ctx).__index = nil", /attempt to index a (boolean|nil) value/],
  context_is_fixed: ["ctx.user = { login = 'admin' }", /evil:evil_\w+ .*(read-only|cannot be set)/],
  config_is_fixed: ["ctx.config.x = 1", /evil:evil_\w+ .*(read-only|cannot be set|no setting)/],

  /* coroutines without end */
  wraps_storm: [
    "while true do coroutine.wrap(function() coroutine.yield() end)() end",
    /used more (memory|CPU time) than it may/,
  ],
  wraps_fail: [
    "while true do pcall(coroutine.wrap(function() error(('x'):rep(1000)) end)) end",
    /used more (memory|CPU time) than it may/,
  ],
  wraps_of_itself: [
    "local co co = coroutine.wrap(function() return co() end) return co()",
    /cannot resume non-suspended coroutine|more than 16 coroutines/,
  ],
  coroutines_deep_stacks: [
    "local function deep(n)\n" +
      "  if n > 0 then return 1 + deep(n - 1) end coroutine.yield() return 0\nend\n" +
      "local t = {} for i = 1, 100000 do t[i] = coroutine.wrap(deep) t[i](10000) end",
    /used more (memory|CPU time) than it may|stack overflow/,
  ],

  sort_wraps: [
    "table.sort({ 3, 2, 1 }, function()\n" +
      "  return coroutine.wrap(function() while true do end end)()\nend)",
    CPU,
  ],
  sort_sorts: [
    "local t = { 3, 2, 1 } local function less(a, b) table.sort(t, less) return a < b end\n" +
      "table.sort(t, less)",
    /C stack overflow/,
  ],
  sort_long_strings: [
    "local s, t = ('\\0'):rep(700000), {}\n" +
      "for i = 1, 2 do t[i] = s .. i end\n" +
      "for i = 3, 60000 do t[i] = t[i % 2 + 1] end table.sort(t)",
    /used more (memory|CPU time) than it may/,
  ],
  gsub_of_tables: [
    "return (('a'):gsub('.', setmetatable({}, { __index = function() while true do end end })))",
    CPU,
  ],
  environment_loops: [
    "_ENV = setmetatable({}, { __index = function() while true do end end }) return x",
    CPU,
  ],
  environment_is_fixed: ["_ENV.pairs = nil", /"pairs" cannot be set as a global/],
  null_is_fixed: ["crm.null.x = 1", /attempt to index a userdata value/],
  money_is_fixed: ["getmetatable(crm.money('1.00')).__add = f", /attempt to index a boolean value/],
  registers_late: [
    "crm.on('lead', 'validate', { id = 'late' }, f)",
    /crm\.on works only while loading/,
  ],
  repeats_nothing: ["while true do local _ = (''):rep(1 << 62, '') end", CPU],
  digits_for_ever: ["local s = ('z'):rep(1000000) while true do tonumber(s, 36) end", CPU],
  sizes_for_ever: ["while true do string.packsize(('i16'):rep(50000)) end", CPU],
  arguments_grow: [
    "local function more(...) return more(1, ...) end more()",
    /used more (memory|CPU time) than it may|stack overflow/,
  ],

  /* what the core keeps and does for it */
  template_multiplies: [
    "local t = {} for i = 1, 3000 do t[i] = { n = i } end\n" +
      "return ctx.template('cubes', { a = t })",
    /cubes\.zh-CN\.txt:1: it takes more steps than it may/,
  ],
  texts_fill_themselves: [
    "local s = ('{1}'):rep(100000) while true do s = ctx.t('@key', { s }) end",
    CPU_OR_KEPT,
  ],
  calendar_wide: [
    "local d = {} for i = 1, 200000 do d[i] = '00:00-00:01' end\n" +
      "return crm.calendar { week = { mon = d } }",
    /more than 20000 values|used more/,
  ],
  finds_for_ever: [
    "while true do pcall(function() ctx.db.lead:find { limit = 200 } end) end",
    /read more (often|rows) than it may|used more/,
  ],
  searches_for_ever: [
    "while true do ctx.db.lead:find { q = 'beside', limit = 200 } end",
    /read more (often|rows) than it may|used more/,
  ],
  sums_for_ever: [
    "while true do ctx.db.lead:aggregate { group = { 'status' }, measure = { 'count' } } end",
    /read more often than it may|used more/,
  ],
  filter_deep: [
    "local t = { name = 'x' } for i = 1, 100000 do t = { ['and'] = { t } } end\n" +
      "ctx.db.lead:count { where = t }",
    /tables are nested too deep|used more/,
  ],
  filter_wide: [
    "local t = {} for i = 1, 30000 do t[i] = { name = 'x' .. i } end\n" +
      "ctx.db.lead:count { where = { ['or'] = t } }",
    /filter|conditions|more than \d+ values|used more/,
  ],
  filter_long: [
    "local t = {} for i = 1, 50000 do t[i] = 'x' .. i end\n" +
      "ctx.db.lead:count { where = { name = t } }",
    /evil:evil_\w+ .*(more than|too|at most)|used more/,
  ],
  filter_circles: [
    "local t = {} t['and'] = { t } ctx.db.lead:count { where = t }",
    /tables are nested too deep/,
  ],
  filter_contains: [
    "while true do ctx.db.lead:count { where = { name = { contains = ('a'):rep(200) } } } end",
    /read more often than it may|used more/,
  ],
  json_deep: [
    "local t = {} for i = 1, 100000 do t = { t } end return crm.json_encode(t)",
    /tables are nested too deep|used more/,
  ],
  json_decodes_deep: [
    "assert(crm.json_decode(('['):rep(1000000)))",
    /evil:evil_\w+ .*(deep|nested)|used more/,
  ],
  json_decodes_wide: [
    "while true do crm.json_decode('[' .. ('1,'):rep(100000) .. '1]') end",
    /used more|made the core keep/,
  ],
  hashes_for_ever: ["local s = ('x'):rep(1000000) while true do crm.sha256(s) end", CPU],
  decimals_for_ever: [
    "local d = crm.decimal('999999999999.999999') while true do d = d * d end",
    /evil:evil_\w+ .*(large|overflow|range|big)/,
  ],
  texts_for_ever: [
    "while true do ctx.t('@' .. ('x'):rep(1000000)) end",
    /made the core keep|used more/,
  ],
  calls_for_ever: [
    "while true do pcall(ctx.call, 'acme.evil.again', {}) end",
    /used more|overflow|nested|deep/,
  ],
  files_for_ever: ["while true do ctx.file(1) end", /read more often than it may|used more/],
  kv_reads_for_ever: ["while true do ctx.kv:list('') end", /read more often than it may|used more/],
  kv_floods: ["while true do ctx.kv:set('a', 1) end", /works only in/],
  emits: ["ctx.emit('acme.evil', {})", /works only in|declares no event|there is no event/],
  notifies: ["ctx.notify(1, { text = 'x' })", /works only in/],
  letters_for_ever: [
    "while true do ctx.mail { to = 'a@example.com', subject = 's', text = 't' } end",
    /wrote more often than it may|used more/,
  ],
  letters_are_huge: [
    "local s = ('x'):rep(900000)\n" +
      "while true do assert(ctx.mail { to = 'a@example.com', subject = 's', text = s }) end",
    /evil:evil_\w+ .*too_long|made the core keep|used more/,
  ],
  queue_is_huge: [
    "while true do ctx.queue:push('unused', { s = ('x'):rep(60000) }) end",
    /wrote more often than it may|made the core keep|used more/,
  ],
  others_jobs: ["ctx.queue:push('recycle', {})", /acme\.evil offers no job "recycle"/],
  as_somebody: ["ctx.queue:push('unused', {}, { as = 1 })", /capability "user:act"/],
  long_part: [
    "ctx.queue:push('unused', {}, { part = ('x'):rep(61) })",
    /"part" is a text of at most 60 bytes/,
  ],
  fields_for_ever: ["while true do ctx.fields('lead') end", CPU_OR_KEPT],
  fields_of_nothing: ["ctx.fields('nothing')", /there is no entity "nothing"/],
  objects_are_kept_apart: ["setmetatable(crm.object(), {})", /a protected metatable/],
  targets_for_ever: ["while true do ctx.http.may('http://127.1/') end", CPU_OR_KEPT],
  others_rights: ["return ctx.may(1, 'lead:pick')", /capability "db:user:r"/],
  http: ["ctx.http.get('http://127.0.0.1/')", /evil:evil_\w+ .*(http|capability|only)/],
  files: ["return io.open('/etc/passwd')", /undeclared global "io"/],
  host: ["return os.execute('id')", /undeclared global "os"/],
  internals: ["return debug.getregistry()", /undeclared global "debug"/],
  loads: ["return load('return 1')()", /undeclared global "load"/],
  requires: ["return require('../../core/init')", /require works only while loading/],
  collects: ["collectgarbage('stop')", /undeclared global "collectgarbage"/],
  string_library: ["getmetatable('').__index = nil", /attempt to index a boolean value/],
  others_library: ["string.format = nil", /this is read-only: "format" cannot be set/],
  raw_library: ["rawset(string, 'format', nil)", /undeclared global "rawset"/],
  other_data: ["return ctx.db:as_system().user:find {}", /does not declare the capability/],
  other_tenant: ["return ctx.db.tenant:find {}", /there is no entity "tenant"/],
};

/* What may write does it without end, in an action or a route (ctx.tx and without). */
const WROTE = /wrote more often than it may|used more|made the core keep/;
const FLOODS = {
  kv: ["local n = 0 while true do n = n + 1 ctx.kv:set('k' .. n, ('x'):rep(16000)) end", WROTE],
  kv_in_pcall: ["while true do pcall(ctx.kv.incr, 'n') end", WROTE],
  jobs: [
    "local n = 0 while true do n = n + 1\n" +
      "  ctx.queue:push('unused', { s = ('x'):rep(60000) }, { key = 'k' .. n })\nend",
    WROTE,
  ],
  letters: [
    "while true do ctx.mail { to = 'a@example.com', subject = 's', text = ('t'):rep(50000) } end",
    WROTE,
  ],
  notices: ["while true do ctx.notify(ctx.user.id, { text = 'x' }) end", WROTE],
  records: ["while true do ctx.db.lead:insert { name = 'more' } end", WROTE],
  onces: ["local n = 0 while true do n = n + 1 ctx.once('k' .. n, f) end", WROTE],
  events: ["ctx.emit('acme.again', { n = 1 })", /acme\.again|deep|nested|overflow|used more/],
  logs: [
    "while true do ctx.log.warn('flood', { s = ('x'):rep(1000000) }) end",
    /used more|made the core keep/,
  ],
  updates: [
    "while true do ctx.db.lead:update(crm.id_parse(id), { title = tostring({}) }) end",
    WROTE,
  ],
};

const CUBES = `${"{{for x in a}}".repeat(3)}xxxxxxxxxx${"{{end}}".repeat(3)}`;
const scripts = {
  "templates/cubes.en.txt": CUBES,
  "templates/cubes.zh-CN.txt": CUBES,
  "i18n/zh-CN.json": { key: "{1}" },
  "i18n/en.json": { key: "{1}" },
  "events/again.json": { name: "acme.again", summary: "Again.", payload: { n: "int" } },
  "init.lua":
    'local attacks = require("attacks")\n' +
    Object.keys(ATTACKS)
      .map(
        (name) =>
          `crm.on("lead", "validate", { id = "evil_${name}", when = { name = "${name}" } },\n` +
          `  attacks.${name})\n`,
      )
      .join("") +
    'crm.job("unused", attacks.unused)\n' +
    'crm.job("bomb", { retry = 0 }, attacks.bomb)\n' +
    'crm.action("lead", "bomb", function(_, ctx) ctx.queue:push("bomb") end)\n' +
    'crm.on("acme.again", { id = "again" }, attacks.again)\n' +
    Object.keys(FLOODS)
      .map(
        (name) =>
          `crm.action("lead", "flood_${name}", attacks.action_${name})\n` +
          `crm.route("POST", "/${name}", { body = { id = "text!" } }, attacks.route_${name})\n` +
          `crm.route("POST", "/tx/${name}", { body = { id = "text!" } }, attacks.tx_${name})\n`,
      )
      .join("") +
    'crm.service("acme.evil.again", function(_, ctx) return ctx.call("acme.evil.again", {}) end)\n',
  "attacks.lua":
    "local attacks = {}\nlocal function f() end\n" +
    Object.entries(ATTACKS)
      .map(([name, [body]]) => `function attacks.${name}(ev, ctx)\n${body}\nend\n`)
      .join("") +
    "function attacks.again(ev, ctx) ctx.emit('acme.again', { n = ev.payload.n + 1 }) end\n" +
    Object.entries(FLOODS)
      .map(
        ([name, [body]]) =>
          `local function flood_${name}(id, ctx)\n${body}\nend\n` +
          `function attacks.action_${name}(ev, ctx)\n` +
          `  flood_${name}(crm.id_text(ev.record.id), ctx)\nend\n` +
          `function attacks.route_${name}(req, ctx) flood_${name}(req.body.id, ctx) end\n` +
          `function attacks.tx_${name}(req, ctx)\n` +
          `  ctx.tx(function() flood_${name}(req.body.id, ctx) end)\nend\n`,
      )
      .join("") +
    "function attacks.bomb(job, ctx)\n  for k = 1, 20 do\n    ctx.tx(function()\n" +
    "      for i = 1, 50 do ctx.queue:push('bomb', { k = k, i = i }) end\n" +
    "    end)\n  end\nend\n" +
    "attacks.unused = f\nreturn attacks\n",
};
const files = bundle(ID, scripts, { capabilities: ["mail"] });

/* The log is another pipe than the answer: it may come later. */
async function logged(from, told) {
  for (let tries = 0; ; tries += 1) {
    const lines = w.server.log.slice(from).split("\n").slice(0, -1);
    const messages = lines
      .filter((line) => line.includes(`"plugin":"${ID}"`))
      .map((line) => JSON.parse(line).msg);
    if (messages.some((msg) => told.test(msg))) return;
    assert.ok(tries < 3000, `${told} in vain: ${messages.join("\n").slice(0, 2000)}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

const lead = (tenant, name) =>
  tenant.as("sales1", "POST", LEADS, { body: { name, phones: ["13800138000"] } });

test("the bundle is taken: nothing in it is wrong but what it does", async () => {
  const path = `/api/v1/admin/plugins/${ID}/deploys`;
  const answer = await w.acme.as("admin", "POST", path, packed(files));
  assert.equal(answer.status, 201, answer.text);
});

/* What a bundle does while it is tried: it is refused, and what runs goes on. */
const TRIED = {
  fields_without_end: [
    "local t = {} for i = 0, 61 do t[1 << i] = 'name' end t[5] = 'name'\n" +
      "crm.on('lead', 'validate', { id = 'a', fields = t }, function() end)",
    /names more fields than lead has/,
  ],
  ids_with_lines: [
    "crm.on('lead', 'validate', { id = 'a\"} 1\\nb' }, function() end)",
    /id.*is letters, digits/,
  ],
  registers_for_ever: [
    "local long = ('x'):rep(1000000)\n" +
      "for i = 1, 10000 do crm.service(long .. i, function() end) end",
    /made the core keep more data than it may|used more/,
  ],
  registers_in_pcall: [
    "local long = { summary = ('x'):rep(1000000), rate = 'never' }\n" +
      "while true do pcall(crm.route, 'GET', '/x', long, function() end) end",
    /made the core keep more data than it may|used more/,
  ],
  loads_for_ever: ["while true do pcall(error) end", /(used more CPU|took more) time than it may/],
  requires_itself: ["require('init')", /modules require each other/],
  requires_deep: ["require('m1')", /C stack overflow|nested|too deep|stack overflow/],
  requires_in_pcall: ["while true do pcall(require, 'm1') end", /used more/],
  requires_outside: ["require('../leads/init')", /a module's name is small letters, digits and _/],
  requires_undeclared: ["require('tickets.sla')", /acme\.tried\/init\.lua:1: .*tickets/],
  lends_nothing_to_change: [
    "local m = require('leads.scoring') for k in pairs(m) do m[k] = nil end",
    /read-only/,
  ],
  parses_deep: [`local t = ${"{".repeat(100_000)}${"}".repeat(100_000)}`, /stack overflow|levels/],
  parses_long: [`local s = ${"1 .. ".repeat(100_000)}1`, /C stack overflow|levels|registers/],
  parses_locals: [
    Array.from({ length: 300 }, (_, i) => `local a${i} = ${i}`).join("\n"),
    /too many local variables/,
  ],
  parses_bytecode: ["\u001bLua", /unexpected symbol|binary chunk|bytecode|not allowed/],
  registers_hooks: [
    "for i = 1, 100000 do\n" +
      "  crm.on('lead', 'validate', { id = 'a' .. i }, function() end)\nend",
    /handlers|used more|made the core keep/,
  ],
  registers_jobs: [
    "for i = 1, 100000 do crm.job('a' .. i, {}, function() end) end",
    /jobs|used more|made the core keep/,
  ],
  registers_routes: [
    "for i = 1, 100000 do crm.route('GET', '/a' .. i, function() end) end",
    /routes|used more|made the core keep/,
  ],
};
const CHAIN = Object.fromEntries(
  Array.from({ length: 400 }, (_, i) => [
    `m${i + 1}.lua`,
    i < 399 ? `return { require("m${i + 2}") }\n` : "return {}\n",
  ]),
);

for (const [name, [body, told]] of Object.entries(TRIED)) {
  test(`${name} is refused before it runs`, async () => {
    const path = "/api/v1/admin/plugins/acme.tried/deploys";
    const more = name.startsWith("requires_") ? CHAIN : {};
    const tried = bundle("acme.tried", { "init.lua": `${body}\n`, ...more });
    const answer = await w.acme.as("admin", "POST", path, packed(tried));
    assert.equal(answer.status, 422, answer.text);
    assert.match(answer.json.error.message, told);
    assert.match(answer.json.error.message, /acme\.tried/);
    assert.equal((await lead(w.acme, `after ${name}`)).status, 201);
    assert.equal((await lead(w.globex, `beside ${name}`)).status, 201);
  });
}

/* What stands in its other files: nothing of it is taken, and looking at it takes nobody's time. */
const field = (name, more) => ({
  "entities/a.json": {
    extend: "lead",
    fields: [{ no: 1, name, type: "text", label: "L", ...more }],
  },
});
const texts = (letter) =>
  Object.fromEntries(Array.from({ length: 60_000 }, (_, i) => [`${letter}${i}`, "x"]));
const below = (name, other) => ({
  name,
  label: "L",
  title: "name",
  parent: "up",
  fields: [
    { no: 1, name: "name", type: "text", label: "L" },
    { no: 2, name: "up", type: "ref", entity: other, label: "L" },
  ],
});
const DECLARED = {
  texts_by_the_thousand: [
    { "i18n/en.json": JSON.stringify(texts("a")), "i18n/zh-CN.json": JSON.stringify(texts("b")) },
    /"\w0" lacks its text in i18n\/\S+\.json \(and 119999 more\)/,
  ],
  a_name_that_looks_alike: [field("x_l\u0435vel"), /a\.json:6: .* does not match/],
  a_name_with_what_nobody_sees: [field("x_le\u200bvel"), /a\.json:6: .* does not match/],
  a_name_in_capitals: [field("x_Level"), /a\.json:6: .* does not match/],
  a_name_that_ends_early: [field("x_a\0b"), /a text holds a zero character/],
  a_condition_without_end: [
    { "entities/a.json": `{"extend":"lead","when":${'{"not":'.repeat(100_000)}` },
    /nested too deeply/,
  ],
  values_by_the_thousand: [
    field("x_e", { type: "enum", values: Array.from({ length: 30_000 }, (_, i) => `v${i}`) }),
    /needs "values", 1 to 500 of them/,
  ],
  parents_in_a_circle: [
    { "entities/a.json": below("x_a", "x_b"), "entities/b.json": below("x_b", "x_a") },
    /stands below more than 4 parents/,
  ],
  a_day_that_never_comes: [
    { "init.lua": 'crm.job("a", { cron = "0 0 30 2 *" }, function() end)\n' },
    /there is no such day/,
  ],
};

for (const [name, [files, told]] of Object.entries(DECLARED)) {
  test(`${name} is refused, and nobody else notices`, async () => {
    const path = "/api/v1/admin/plugins/acme.tried/deploys";
    const deploying = w.acme.as("admin", "POST", path, packed(bundle("acme.tried", files)));
    assert.equal((await lead(w.globex, `beside ${name}`)).status, 201);
    const answer = await deploying;
    assert.ok([413, 422].includes(answer.status), answer.text);
    assert.match(answer.json.error.message, told);
    assert.equal((await lead(w.acme, `after ${name}`)).status, 201);
  });
}

/* What is deployed for the first time has nothing to migrate. */
const MIGRATES = {
  a_migration_loops: ["while true do pcall(error) end", /001_a\.lua:2: it used more CPU/],
  a_migration_writes_for_ever: [
    "while true do pcall(function() ctx.db.lead:insert { name = 'more' } end) end",
    /001_a\.lua:2: it (wrote more often|used more)/,
  ],
};
test("a migration ends at its limit, and nothing of it stays", async () => {
  const path = "/api/v1/admin/plugins/acme.tried";
  const deploy = (files) =>
    w.acme.as("admin", "POST", `${path}/deploys`, packed(bundle("acme.tried", files)));
  assert.equal((await deploy({})).status, 201);
  const count = async () =>
    (await w.acme.ok("admin", "GET", `${LEADS}?name=more&count=true`)).count;
  const before = await count();
  for (const [name, [body, told]] of Object.entries(MIGRATES)) {
    const file = `return { up = function(ctx)\n  ${body}\nend }\n`;
    const answer = await deploy({ "migrations/001_a.lua": file });
    assert.equal(answer.status, 422, answer.text);
    assert.match(answer.json.error.message, told);
    assert.equal((await lead(w.acme, `after ${name}`)).status, 201);
    assert.equal((await lead(w.globex, `beside ${name}`)).status, 201);
  }
  assert.equal(await count(), before);
  await w.acme.ok("admin", "POST", `${path}/disable`, {});
});

/* What its own tests do while they are asked: in a process of their own, so whatever they do is
 * told by name and the rest goes on. A build with sanitizers lets scripts run longer than the
 * process may: there its bound is met first. */
const CASE = "acme\\.tested/tests/a_test\\.lua:\\d+: ";
const STOPPED =
  "its tests were stopped, they (used more CPU time than they may|do not come to an end): ";
const TESTED = {
  test_loops: [
    "while true do pcall(error) end",
    new RegExp(`\\n- a: .*used more CPU time|${STOPPED}${CASE}a$`),
  ],
  tests_without_end: [
    "while true do end end)\n" +
      "for i = 1, 400 do crm.test('b' .. i, function() while true do end end) end\n" +
      "crm.test('c', function()",
    new RegExp(`${STOPPED}${CASE}`),
  ],
  test_hangs_in_c: [
    "local t = {} for i = 1, 131073 do t[i * 262143] = true end",
    new RegExp(`${STOPPED}${CASE}a$`),
  ],
  test_hogs: ["local t = {} while true do t[#t + 1] = {} end", /\n- a: .*used more memory/],
  test_reads_files: ["return io.open('/etc/passwd')", /\n- a: .*undeclared global "io"/],
  test_says_much: [
    "end)\nfor i = 1, 200 do crm.test(('x'):rep(9000) .. i, function() end) end\n" +
      "crm.test('b', function()",
    /its tests were stopped, they say more than anybody listens to/,
  ],
};

for (const [name, [body, told]] of Object.entries(TESTED)) {
  test(`${name} is refused, and nobody else notices`, async () => {
    const path = "/api/v1/admin/plugins/acme.tested/deploys";
    const file = `crm.test("a", function(t) ${body}\nend)\n`;
    const from = w.server.log.length;
    const deploying = w.acme.as(
      "admin",
      "POST",
      path,
      packed(bundle("acme.tested", { "tests/a_test.lua": file })),
    );
    assert.equal((await lead(w.acme, `during ${name}`)).status, 201);
    assert.equal((await lead(w.globex, `beside ${name}`)).status, 201);
    const answer = await deploying;
    assert.equal(answer.status, 422, answer.text);
    assert.match(answer.json.error.message, told);
    assert.ok(answer.text.length < 100_000, `${answer.text.length} bytes of answer`);
    assert.doesNotMatch(w.server.log.slice(from), /is killed/);
    assert.equal((await w.acme.as("admin", "GET", path)).status, 404, "nothing of it is there");
  });
}

test("jobs of everybody go on while tests of a bundle take their time", async () => {
  const exported = async (tenant) => {
    const job = await tenant.ok("admin", "POST", "/api/v1/exports", { entity: "lead" });
    return (await tenant.settled("admin", `/api/v1/jobs/${job.id}`)).state;
  };
  const slow = `${"crm.test('b', function() while true do end end)\n".repeat(400)}`;
  const path = "/api/v1/admin/plugins/acme.tested/deploys";
  const files = packed(bundle("acme.tested", { "tests/a_test.lua": slow }));
  let is_over = false;
  const deploying = w.acme.as("admin", "POST", path, files).finally(() => (is_over = true));
  assert.deepEqual(await Promise.all([exported(w.globex), exported(w.acme)]), ["done", "done"]);
  assert.equal(is_over, false, "they were served while it went on");
  const answer = await deploying;
  assert.equal(answer.status, 422, answer.text);
  assert.match(answer.json.error.message, new RegExp(STOPPED));
});

for (const [name, [, told]] of Object.entries(ATTACKS)) {
  test(`${name} ends at its limit, and nobody else notices`, async () => {
    const before = w.server.log.length;
    const answer = await lead(w.acme, name);
    assert.equal(answer.status, 500, answer.text);
    assert.equal(answer.json.error.code, "plugin_error", answer.text);
    assert.ok(answer.text.length < 200_000, `${answer.text.length} bytes of answer`);
    await logged(before, told);
    const [next, other] = await Promise.all([
      lead(w.acme, `after ${name}`),
      lead(w.globex, `beside ${name}`),
    ]);
    assert.equal(next.status, 201, next.text);
    assert.equal(other.status, 201, other.text);
  });
}

/* Each try costs what it may use and a new VM: who is killed again and again rests. */
test("what is killed again and again is refused without being called", async () => {
  const tries = [];
  for (let n = 0; n <= limit("FUSE_KILLS") && !tries.at(-1)?.headers["retry-after"]; n += 1)
    tries.push(await lead(w.acme, "goto_loop"));
  const last = tries.at(-1);
  assert.ok(last.headers["retry-after"] > 0, last.text);
  for (const answer of tries) {
    assert.equal(answer.status, 500, answer.text);
    assert.equal(answer.json.error.code, "plugin_error", answer.text);
  }
  const [next, other] = await Promise.all([lead(w.acme, "beside it"), lead(w.globex, "goto_loop")]);
  assert.equal(next.status, 201, next.text);
  assert.equal(other.status, 201, other.text);
});

/* As administrators see it: what was begun is not there. */
async function kept() {
  const count = async (path) => (await w.acme.ok("admin", "GET", path)).items.length;
  const leads = (await w.acme.ok("admin", "GET", `${LEADS}?name=more&count=true`)).count;
  const jobs = await count("/api/v1/jobs?limit=200");
  const letters = await count("/api/v1/admin/mail/letters?limit=200");
  return { leads, jobs, letters };
}

for (const [name, [, told]] of Object.entries(FLOODS)) {
  for (const way of ["action", "route", "tx"]) {
    test(`a flood of ${name} in ${way} ends at its limit, and nobody else notices`, async () => {
      const { id } = await w.acme.create("admin", "lead", { name: `flooded by ${name}` });
      const was = await kept();
      const before = w.server.log.length;
      const path = {
        action: `${LEADS}/${id}/actions/flood_${name}`,
        route: `/api/v1/x/${ID}/${name}`,
        tx: `/api/v1/x/${ID}/tx/${name}`,
      }[way];
      const flooding = w.acme.as("admin", "POST", path, {
        body: way === "action" ? {} : { id },
      });
      const beside = lead(w.globex, `beside a flood of ${name}`);
      const answer = await flooding;
      assert.equal(answer.status, 500, answer.text);
      assert.equal(answer.json.error.code, "plugin_error", answer.text);
      await logged(before, told);
      const [next, other] = await Promise.all([lead(w.acme, `after ${name}`), beside]);
      assert.equal(next.status, 201, next.text);
      assert.equal(other.status, 201, other.text);
      if (way !== "route") assert.deepEqual(await kept(), was, "nothing of it stays");
      const lines = w.server.log.slice(before).length;
      assert.ok(lines < 2_000_000, `${lines} bytes of log`);
    });
  }
}

test("jobs that ask for ever more of themselves are paused, and nobody else notices", async () => {
  const { id } = await w.acme.create("admin", "lead", { name: "bombed" });
  await w.acme.ok("admin", "POST", `${LEADS}/${id}/actions/bomb`, {});
  const path = "/api/v1/admin/jobs";
  const bomb = async () => {
    const { items } = await w.acme.ok("admin", "GET", `${path}?limit=200`);
    return items.find(({ name, plugin }) => name === "bomb" && plugin === ID);
  };
  for (let tries = 0; !(await bomb()).paused_at; tries += 1) {
    assert.ok(tries < 600, JSON.stringify(await bomb()));
    const [mine, other] = await Promise.all([
      lead(w.acme, `while it goes on ${tries}`),
      lead(w.globex, `beside it ${tries}`),
    ]);
    assert.equal(mine.status, 201, mine.text);
    assert.equal(other.status, 201, other.text);
    await new Promise((done) => setTimeout(done, 100));
  }
  const full = new RegExp(`${limit("JOB_WAITING_MAX")} runs of the job "bomb" wait already`);
  assert.match(w.server.log.replaceAll("\\", ""), full);
});

test("neither answer nor log shows an address", async () => {
  const before = w.server.log.length;
  const answer = await lead(w.acme, "error_is_table");
  await logged(before, /^acme\.evil:evil_\w+ .*the error is a table/);
  assert.doesNotMatch(answer.text + w.server.log.slice(before), /0x[0-9a-f]{6}/);
});

test("who looks after plugins reads whose code failed and where, others a sentence", async () => {
  const body = { name: "error_is_table", phones: ["13800138000"] };
  const told = (await w.acme.as("admin", "POST", LEADS, { body })).json.error;
  assert.equal(told.plugin, "acme.evil");
  assert.match(told.handler, /^evil/);
  assert.match(told.detail, /^acme\.evil:evil/);
  const seen = (await w.acme.as("sales1", "POST", LEADS, { body })).json.error;
  assert.equal(seen.code, "plugin_error");
  assert.ok(seen.message && seen.trace);
  for (const name of ["plugin", "handler", "detail", "stack"]) assert.ok(!(name in seen), name);
  assert.doesNotMatch(JSON.stringify(seen), /acme\.evil|\.lua/);
});

test("a company without that bundle has none of its handlers", async () => {
  const answer = await lead(w.globex, "loop");
  assert.equal(answer.status, 201, answer.text);
});
