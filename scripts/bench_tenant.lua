-- bench_tenant - what one more company costs a process: the first answer and the memory.
-- SPDX-License-Identifier: MIT
--
-- usage: lua5.4 scripts/bench_tenant.lua [SAMPLE]     (companies of each kind; default 20)
-- One gateway and one worker. "Cold" is the first request of a company after others with the same
-- plugins; "after a start" the first that the processes get at all. What the largest company has
-- is made ready before that (api/warm); another set of plugins is built then.
-- A time stands beside what gateway and worker ran for it, which says more where the machine has
-- other work.
-- Memory is what each further company adds to the process after one read and one create, and after
-- a day's mix and some seconds of rest. PERIGEE_BENCH_KINDS=ten,own measures only those.
local kit = dofile("scripts/bench_kit.lua")
local must, read, write, stop, median = kit.must, kit.read, kit.write, kit.stop, kit.median
local sample = tonumber(arg[1]) or 20
local perigee = (os.getenv("PERIGEE_BENCH_BUILD") or "build/benchmark") .. "/perigee"
local folder = (os.getenv("PERIGEE_BENCH_DATA") or "build/bench") .. "/tenant"
local data = folder .. "/data"
local STARTS, TEN = 5, 10
local LEAD = '{"name":"Li","phones":["13800138000"]}'
assert(sample >= 6, "bench: at least 6 companies are asked of each kind")

local function say(...) print(string.format(...)) io.stdout:flush() end

local function product()
  local list = {}
  for id in must("ls plugins/*/plugin.json"):gmatch("plugins/([%w_]+)/") do
    if id ~= "core" then list[#list + 1] = id end
  end
  return list
end

-- Two entities get a field each, one with a list by it; one handler.
local function bundle()
  local path = folder .. "/bench.own"
  must("mkdir -p " .. path .. "/entities " .. path .. "/views")
  write(path .. "/plugin.json", '{ "id": "bench.own", "version": "1.0.0", "api": 1, ' ..
    '"title": "bench.own", "requires": { "leads": "^1", "people": "^1" } }')
  for entity, field in pairs({ lead = "x_level", account = "x_tier" }) do
    write(path .. "/entities/" .. entity .. ".json", '{ "extend": "' .. entity ..
      '", "fields": [ { "no": 1, "name": "' .. field .. '", "type": "text", ' ..
      '"label": "Level" } ] }')
  end
  write(path .. "/views/all.json", '[ { "kind": "list", "entity": "lead", "name": "x_level", ' ..
    '"columns": [ "name", "x_level" ], "sort": "x_level" } ]')
  write(path .. "/init.lua",
    'crm.on("lead", "validate", { id = "look" }, function() end)\n')
  return path
end

-- Companies of one kind: { name, plugins (text), own = true for a bundle of its own }.
local function make(kind)
  for i = 1, kind.count do
    local name = string.format("%s%02d", kind.name, i)
    local plugins = kind.one_by_one and kind.plugins[1] or kind.plugins
    must(kit.create_tenant(perigee, data, name, name .. ".test", plugins))
    for k = 2, kind.one_by_one and #kind.plugins or 0 do
      must(string.format("%s plugin enable %s %s --data %s", perigee, name, kind.plugins[k], data))
    end
    if kind.own then
      must(string.format("%s plugin deploy %s %s --data %s", perigee, name, kind.own, data))
    end
  end
end

local function serve()
  return kit.start(string.format("%s serve --data %s --listen 127.0.0.1:0 --workers 1 " ..
    "--gateways 1", perigee, data), "ready (http%S+)", folder .. "/serve.out")
end

local function ask(url, kind, i, path, body)
  local ms, status = kit.ask(url, kind.hosts[i], kind.tokens[i], path, body)
  assert(status == (body and 201 or 200), status)
  return ms
end

-- The first read and the first create of a company, as milliseconds and those of the processes.
local function touch(url, pids, kind, i, into)
  for what, path in ipairs({ "records/lead?limit=1", "records/lead" }) do
    local before = kit.cpu(pids)
    local ms = ask(url, kind, i, path, what == 2 and LEAD or nil)
    table.insert(into[what].ms, ms)
    table.insert(into[what].cpu, kit.cpu(pids) - before)
  end
end

local function times()
  return { { ms = {}, cpu = {} }, { ms = {}, cpu = {} } }
end

local function told(what, of)
  local ms, most = median(of.ms)
  return string.format("%s %.1f ms (most %.1f; ran %.1f)", what, ms, most, (median(of.cpu)))
end

-- What people of one company do in a day, roughly: other entities and other questions.
local function live(url, kind, i)
  local queries = { "records/lead?sort=-updated_at&limit=20", "records/user?limit=20",
    "records/account?limit=20", "search?q=li", "meta/lead", "me", "changes?limit=1",
    "records/lead?filter=%7B%22status%22%3A%22new%22%7D" }
  for _, path in ipairs(queries) do kit.ask(url, kind.hosts[i], kind.tokens[i], path) end
  kit.ask(url, kind.hosts[i], kind.tokens[i], "records/account", '{"name":"Qiming"}')
  kit.ask(url, kind.hosts[i], kind.tokens[i], "records/lead", LEAD)
end

local function after_start(kind)
  local of = times()
  for _ = 1, STARTS do
    local pid, url = serve()
    must("sleep 1")
    touch(url, kit.pids(pid, "gateway", "worker"), kind, 1, of)
    stop(pid)
  end
  local largest = must("ls -S " .. data .. "/tenants/*/tenant.db"):match("tenants/(%a+)")
  local is_ready = (largest == "all") == (kind.name == "all") -- the others have the same products
  say("%s: after a start%s: %s, %s; bar 10", kind.title, is_ready and ", made ready" or
    ", first of its set", told("read", of[1]), told("create", of[2]))
end

local function further(kind)
  local pid, url = serve()
  local pids, of = kit.pids(pid, "gateway", "worker"), times()
  for i = 1, 3 do touch(url, pids, kind, i, times()) end -- the process itself is warm then
  local gateway, worker = kit.usage(pid, "gateway"), kit.usage(pid, "worker")
  local count = sample - 3
  for i = 4, sample do touch(url, pids, kind, i, of) end
  local gateway_kb = (kit.usage(pid, "gateway") - gateway) * 1024 / count
  local worker_kb = (kit.usage(pid, "worker") - worker) * 1024 / count
  for i = 4, sample do live(url, kind, i) end
  must("sleep 8") -- at rest, memory is given back
  local lively_gateway_kb = (kit.usage(pid, "gateway") - gateway) * 1024 / count
  local lively_worker_kb = (kit.usage(pid, "worker") - worker) * 1024 / count
  stop(pid)
  say("%s: %s, %s; bar 10", kind.title, told("cold read", of[1]), told("cold create", of[2]))
  say("%s: warm %.0f KB in the gateway, %.0f KB in the worker (bar 1024); after more of its " ..
    "work %.0f and %.0f KB", kind.title, gateway_kb, worker_kb, lively_gateway_kb,
    lively_worker_kb)
end

local function main()
  local all = product()
  local ten = table.concat(all, ",", 1, TEN)
  local turned = {}
  for i = TEN, 1, -1 do turned[#turned + 1] = all[i] end
  must("rm -rf " .. folder .. " && mkdir -p " .. folder)
  must(perigee .. " init --data " .. data)
  write(data .. "/perigee.json", '{"rate_per_s": 100000, "rate_burst": 100000, ' ..
    '"access_log": false}')
  local kinds = {
    { name = "ten", title = TEN .. " plugins", plugins = ten },
    { name = "all", title = "all " .. #all .. " plugins", plugins = table.concat(all, ",") },
    { name = "own", title = TEN .. " plugins and a bundle that extends two entities",
      plugins = ten, own = bundle() },
    { name = "turned", title = TEN .. " plugins, enabled one by one the other way round",
      plugins = turned, one_by_one = true },
  }
  local wanted = "," .. (os.getenv("PERIGEE_BENCH_KINDS") or "ten,all,own,turned") .. ","
  for _, kind in ipairs(kinds) do
    kind.is_wanted = wanted:find("," .. kind.name .. ",", 1, true)
    kind.count = kind.is_wanted and sample or 1
    make(kind)
  end
  local pid, url = serve()
  for _, kind in ipairs(kinds) do
    kind.hosts, kind.tokens = {}, {}
    for i = 1, kind.count do
      kind.hosts[i] = string.format("%s%02d.test", kind.name, i)
      kind.tokens[i] = kit.sign_in(url, kind.hosts[i])
    end
  end
  stop(pid)
  for _, kind in ipairs(kinds) do
    if kind.is_wanted then
      after_start(kind)
      further(kind)
    end
  end
  say("%d cores, load %s", tonumber((must("nproc"))), read("/proc/loadavg"):match("^%S+ %S+ %S+"))
end

main()
