-- tally - counts the tests in one suite's log: "<passed> <failed>".
-- SPDX-License-Identifier: MIT
--
-- Reads TAP (flat, or Node's with its closing counts) and, beside a ctest log, its JUnit file whose
-- bodies hold TAP. A suite that ended badly without naming a failed test counts as one failure, so
-- a crash, a leak found at exit or a missing tool never passes.

local path, code = arg[1], tonumber(arg[2])

local function read(name)
  local file = io.open(name, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

-- Counts of top-level TAP lines. What was skipped counts neither way: cmocka writes it as "not ok".
local function tap(text)
  local passed, failed = 0, 0
  for line in text:gmatch("[^\r\n]+") do
    local is_aside = line:find("# SKIP") or line:find("# TODO")
    if line:find("^not ok") and not is_aside then
      failed = failed + 1
    elseif line:find("^ok") and not is_aside then
      passed = passed + 1
    end
  end
  return passed, failed
end

-- Node nests its tests; its closing counts are of single tests.
local function node(text)
  local passed, failed = text:match("\n# pass (%d+)"), text:match("\n# fail (%d+)")
  local cancelled = text:match("\n# cancelled (%d+)")
  if not passed then return nil end
  return tonumber(passed), tonumber(failed) + tonumber(cancelled or 0)
end

local function junit(text)
  local passed, failed = 0, 0
  for attributes, body in text:gmatch("<testcase ([^>]*)>(.-)</testcase>") do
    local good, bad = tap(body:gsub("<system%-out>", "\n"))
    local status = attributes:match('status="([^"]*)"')
    if status == "fail" and bad == 0 then bad = 1 end
    if status == "run" and good + bad == 0 then good = 1 end
    passed, failed = passed + good, failed + bad
  end
  return passed, failed
end

local log = read(path) or ""
local xml = read((path:gsub("%.log$", ".xml")))
local passed, failed
if xml then
  passed, failed = junit(xml)
else
  passed, failed = node(log)
  if not passed then passed, failed = tap(log) end
end
if code ~= 0 and failed == 0 then failed = 1 end
print(passed .. " " .. failed)
