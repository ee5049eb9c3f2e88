-- lint_limits - scripts/lint.lua's rule that every limit of core/base/limits*.h is held by a test.
-- SPDX-License-Identifier: MIT
--
-- A test that meets a limit names it, so that both move together. The few that no test can meet
-- stand below with the reason; a reason that is no longer needed is a finding too.

local OWN_FILES = "it is of a file that the system itself brings"
local LONG = "a bench alone could wait for it; shorter ones are met in tests/faults/deadlines"
local APART = "up to a minute of waiting; test_apart meets shorter ones"
local WITHOUT_TEST = {
  PASSWORD_LIST_BYTES_MAX = OWN_FILES,
  OVERSTAY_LONG_MS = LONG,
  LONG_WAIT_MS = LONG,
  MAIL_TIMEOUT_MS = LONG,
  IMAP_TIMEOUT_MS = LONG,
  BUNDLE_TESTS_WALL_MS = APART,
  BUNDLE_TESTS_CPU_S = APART,
  FRAME_WAIT_MS = "both ends are ours and write a frame whole; whoever stops is killed before",
  READ_RUNNER_US_MAX = "ten seconds of one statement; test_tally holds a budget to the letter",
  SCRIPT_ARENA_BYTES_MAX = "a call's time mostly ends first; tests/api/attacks takes either",
  TRIAL_STEPS_MAX = "ten thousand transactions take a minute under sanitizers",
  CHECK_CPU_S_MAX = "behind the limits of scripts, for what no hook sees; a minute of one core",
  CHECK_BYTES_MAX = "behind the limits of scripts; sanitizers need the addresses themselves",
  IMPORT_DRY_KEYS_MAX = "a table of a million rows with a key each",
}

local TESTS = { "^tests/unit/", "^tests/api/", "^tests/faults/", "^tests/stories/", "^tests/fuzz/",
  "^plugins/[%w_]+/tests/" }

local function is_test(path)
  for _, pattern in ipairs(TESTS) do
    if path:find(pattern) then return true end
  end
  return false
end

local function words_into(set, text)
  for word in text:gmatch("[%a_][%w_]*") do set[word] = true end
end

-- The limits in the order of their files, and what core/ and the tests name.
local function survey(files)
  local limits, used, tested = {}, {}, {}
  for _, file in ipairs(files) do
    local is_limits = file.path:find("^core/base/limits[%w_]*%.h$") ~= nil
    for number, line in ipairs(is_limits and file.lines or {}) do
      local name = line:match("^#define ([%u%d_]+)")
      if name then limits[#limits + 1] = { name = name, file = file, line = number } end
      words_into(used, line:gsub("^#define [%u%d_]+", ""):gsub("/%*.*", ""))
    end
    if file.path:find("^core/.*%.[ch]$") and not is_limits then words_into(used, file.text) end
    if is_test(file.path) then words_into(tested, file.text) end
  end
  return limits, used, tested
end

-- Reports each limit that nothing uses, that no test names, and each reason without a limit.
return function(files, report)
  local limits, used, tested = survey(files)
  local left = {}
  for name in pairs(WITHOUT_TEST) do left[name] = true end
  for _, limit in ipairs(limits) do
    local name = limit.name
    left[name] = nil
    if not used[name] then
      report(limit.file, limit.line, "nothing uses %s.", name)
    elseif tested[name] and WITHOUT_TEST[name] then
      report(limit.file, limit.line, "a test names %s: take it off scripts/lint_limits.lua.", name)
    elseif not tested[name] and not WITHOUT_TEST[name] then
      report(limit.file, limit.line, "no test names %s: one at the limit, one beyond.", name)
    end
  end
  for name in pairs(left) do
    report(limits[1].file, 1, "scripts/lint_limits.lua knows %s, which is no limit.", name)
  end
end
