-- bench_reports - every report that a plugin declares, on a table of a million rows.
-- SPDX-License-Identifier: MIT
--
-- usage: lua5.4 scripts/bench_reports.lua [ROWS] [ENTITY…]     (default 1000000, all of them)
-- PERIGEE_BENCH_BUILD a build folder that is ready (build/benchmark), PERIGEE_BENCH_DATA
-- (build/bench_reports) for what it writes: 2 GB for one entity at a time.
--
-- The demo company is the sample: tests/bench/grow takes its rows for a million more, beside 200
-- people, 10,000 accounts, 20,000 members, 500 products and, for their clocks, 100,000 tickets.
-- "Anew" is asked behind a write, so that nothing that was counted before holds; "again" is asked
-- when nothing has been written since. Where others use the machine, look at the processor's time.
local kit = dofile("scripts/bench_kit.lua")
local must = kit.must
local rows = tonumber(arg[1]) or 1000000
local build = os.getenv("PERIGEE_BENCH_BUILD") or "build/benchmark"
local folder = os.getenv("PERIGEE_BENCH_DATA") or "build/bench_reports"
local BAR, TRIES = 300, 5
local perigee, data = build .. "/perigee", folder .. "/data"
local url, token, pid

local function ask(method, path, body)
  local given = ""
  if body then
    kit.write(folder .. "/body.json", body)
    given = "-H 'Content-Type: application/json' -d @" .. folder .. "/body.json "
  end
  return must(string.format("curl -sf -X %s %s-H 'Authorization: Bearer %s' -o %s/answer.json " ..
    "-w '%%{time_total}' '%s/api/v1%s'", method, given, token or "", folder, url, path)),
    kit.read(folder .. "/answer.json")
end

local function serve(login)
  pid, url = kit.start(perigee .. " serve --data " .. data .. " --listen 127.0.0.1:0",
    "ready (http%S+)", folder .. "/serve.out")
  local password = kit.read(data .. "/demo-password"):match("%S+")
  token = nil
  token = select(2, ask("POST", "/sessions", string.format('{"login":"%s","password":"%s"}', login,
    password))):match('"token":"([^"]+)"')
end

-- The declared reports by entity: { name, query }.
local function declared()
  local by_entity, entities = {}, {}
  for path in must("ls plugins/*/reports/*.json"):gmatch("%S+") do
    for one in kit.read(path):match("^%s*%[?(.*)$"):gmatch("%b{}") do
      local entity = one:match('"entity":%s*"([%w_]+)"')
      if not by_entity[entity] then
        by_entity[entity] = {}
        entities[#entities + 1] = entity
      end
      table.insert(by_entity[entity],
        { name = one:match('"name":%s*"([%w_]+)"'), query = one:match('"query":%s*(%b{})') })
    end
  end
  return by_entity, entities
end

-- Milliseconds of processor that the server's processes have had.
local function used()
  local ticks = 0
  for process in (pid .. " " .. must("pgrep -P " .. pid)):gmatch("%d+") do
    local at = 0
    for word in kit.read("/proc/" .. process .. "/stat"):match("%) (.*)"):gmatch("%S+") do
      at = at + 1
      if at == 12 or at == 13 then ticks = ticks + tonumber(word) end
    end
  end
  return ticks * 10
end

-- The middle of some runs, in milliseconds, and what processor one took; before each something is
-- written, where `write` does.
local function median(report, entity, write)
  local all, processor = {}, 0
  for i = 1, TRIES do
    if write then write(i) end
    local before = used()
    all[i] = tonumber((ask("POST", "/records/" .. entity .. "/query", report.query))) * 1000
    processor = processor + used() - before
  end
  table.sort(all)
  return all[(TRIES + 1) // 2], processor / TRIES
end

local function writer()
  local _, made = ask("POST", "/records/account", '{"name":"Bench"}')
  local account = made:match('"id":"(%w+)"')
  return function(i)
    ask("PATCH", "/records/account/" .. account, '{"website":"https://' .. i .. '.example"}')
  end
end

local function measure(entity, reports)
  local store = must("ls " .. data .. "/tenants/*/tenant.db"):match("%S+")
  if entity == "ticket_clock" then must(build .. "/tests/grow " .. store .. " ticket 100000") end
  local grown, ok = kit.run(string.format("%s/tests/grow %s %s %d", build, store, entity, rows))
  if not ok then
    print(string.format("| %-24s | %-14s | %s |", "", entity, grown:match("%S.*%S")))
    return
  end
  serve("admin")
  local write = writer()
  for _, report in ipairs(reports) do
    median(report, entity) -- the machine has read the file
    local anew, processor = median(report, entity, write)
    print(string.format("| %-24s | %-14s | %7.0f | %6.0f | %7.1f | %s |", report.name, entity, anew,
      processor, (median(report, entity)), anew > BAR and "over" or ""))
    io.stdout:flush()
  end
  kit.stop(pid)
end

local function main()
  local by_entity, entities = declared()
  if arg[2] then entities = table.move(arg, 2, #arg, 1, {}) end
  must("rm -rf " .. folder .. " && mkdir -p " .. folder)
  must("PERIGEE_BIN=" .. perigee .. " scripts/demo " .. folder .. "/seed")
  local store = must("ls " .. folder .. "/seed/tenants/*/tenant.db"):match("%S+")
  kit.write(folder .. "/seed/perigee.json", '{"rate_per_s": 100000, "rate_burst": 100000}')
  for _, few in ipairs { "user 200", "account 10000", "product 500", "member 20000" } do
    must(build .. "/tests/grow " .. store .. " " .. few)
  end
  print(string.format("| report on %d rows | of | anew ms | cpu ms | again ms | bar %d ms |", rows,
    BAR))
  print("|---|---|---|---|---|---|")
  for _, entity in ipairs(entities) do
    must(string.format("rm -rf %s && cp -r %s/seed %s", data, folder, data))
    measure(entity, by_entity[entity])
  end
  must("rm -rf " .. data)
end

main()
