-- bench_reports - every report that a plugin declares, on a table of a million rows.
-- SPDX-License-Identifier: MIT
--
-- usage: lua5.4 scripts/bench_reports.lua [ROWS] [ENTITY…]     (default 1000000, all of them)
-- PERIGEE_BENCH_BUILD a build folder that is ready (build/benchmark), PERIGEE_BENCH_DATA
-- (build/bench_reports) for what it writes: 2 GB for one entity at a time.
--
-- The demo company is the sample: tests/bench/grow takes its rows for a million more, beside 200
-- people, 10,000 accounts, 20,000 members, 500 products and, for what belongs to one of another
-- entity, 400,000 of those. What the reports ask for and the sample has little or none of (states,
-- dates, references) is filled in from the entity's fields, so that no report has an easy life.
-- "Anew" is asked behind a write, so that nothing that was counted before holds; "again" is asked
-- when nothing has been written since. Where others use the machine, look at the processor's time.
local kit = dofile("scripts/bench_kit.lua")
local json = dofile("scripts/json.lua")
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

-- What a file declares: one, or a list of them.
local function each_of(path)
  local source = json.read(path)
  return ipairs(source[1] and source or { source })
end

-- The declared reports by entity: { name, query }.
local function declared()
  local by_entity, entities = {}, {}
  for path in must("ls plugins/*/reports/*.json"):gmatch("%S+") do
    for _, one in each_of(path) do
      if not by_entity[one.entity] then
        by_entity[one.entity] = {}
        entities[#entities + 1] = one.entity
      end
      table.insert(by_entity[one.entity], one)
    end
  end
  return by_entity, entities
end

-- Fields by entity, those that other plugins add among them, and what each entity is part of.
local function fields()
  local all, parents = {}, {}
  for path in must("ls plugins/*/entities/*.json"):gmatch("%S+") do
    for _, one in each_of(path) do
      local name = one.extend or one.name
      all[name] = all[name] or {}
      parents[name] = parents[name] or one.parent
      for _, field in ipairs(one.fields or {}) do all[name][field.name] = field end
    end
  end
  return all, parents
end

local DAY_MS = 86400000
local PEOPLE = { user = "user", owner = "user", team = "team", department = "department" }

-- What grow is to put into a field; nil leaves it as the samples have it.
local function filling(field)
  local now = os.time() * 1000
  if field.values then
    local words = {}
    for i, one in ipairs(field.values) do words[i] = one.value or one end
    return table.concat(words, "|")
  elseif field.type == "ref" or field.type == "user" then return "@" .. (field.entity or "user")
  elseif field.type == "date" then
    return (now // DAY_MS - 365) .. ".." .. (now // DAY_MS + 365)
  elseif field.type == "datetime" then return (now - 365 * DAY_MS) .. ".." .. now
  elseif field.type == "bool" then return "0..1"
  elseif field.type == "int" or field.type == "money" or field.type == "rating" then
    return "1..1000"
  end
end

-- Every name that stands in a query: those that are fields are what its reports look at.
local function names_in(tree, out)
  for name, one in pairs(tree) do
    if type(name) == "string" then out[name] = true end
    if type(one) == "table" then
      names_in(one, out)
    elseif type(one) == "string" then
      for word in one:gmatch("[%w_]+") do out[word] = true end
    end
  end
  return out
end

local function fillings(entity, reports, known, parent)
  local list, asked = {}, names_in(reports, {})
  for name, field in pairs(known[entity] or {}) do
    local given = asked[name] and filling(field)
    if given then list[#list + 1] = name .. "='" .. given .. "'" end
  end
  for name, of in pairs(PEOPLE) do
    if asked[name] and not (known[entity] or {})[name] then
      list[#list + 1] = name .. "=@" .. of
    end
  end
  if parent then list[#list + 1] = parent .. "='<'" end
  table.sort(list)
  return table.concat(list, " ")
end

local function grow(store, entity, count, given)
  return kit.run(string.format("%s/tests/grow %s %s %d %s", build, store, entity, count,
    given or ""))
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
    all[i] = tonumber((ask("POST", "/records/" .. entity .. "/query", report.text))) * 1000
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

-- The text of each report's query, as its file has it.
local function texts(reports)
  for _, report in ipairs(reports) do report.text = json.text(report.query) end
end

local function measure(entity, reports, known, parents)
  local store = must("ls " .. data .. "/tenants/*/tenant.db"):match("%S+")
  local parent = parents[entity]
  local of = parent and known[entity][parent] and known[entity][parent].entity
  if of and known[of] then grow(store, of, rows * 2 // 5, fillings(of, reports, known)) end
  local grown, ok = grow(store, entity, rows, fillings(entity, reports, known, of and parent))
  if not ok then
    print(string.format("| %-24s | %-14s | %s |", "", entity, grown:match("%S.*%S")))
    return
  end
  texts(reports)
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
  local known, parents = fields()
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
    measure(entity, by_entity[entity], known, parents)
  end
  must("rm -rf " .. data)
end

main()
