-- bench - runs Perigee and tests/bench/limit in turn under wrk and prints a table of ratios.
-- SPDX-License-Identifier: MIT
local kit = dofile("scripts/bench_kit.lua")
local run, must, read, write, start, stop, now =
  kit.run, kit.must, kit.read, kit.write, kit.start, kit.stop, kit.now
local rows = tonumber(arg[1]) or 100000
local seconds = tonumber(os.getenv("PERIGEE_BENCH_SECONDS")) or 5
local build = os.getenv("PERIGEE_BENCH_BUILD") or "build/benchmark"
local perigee, limit, hook_call, sandbox = build .. "/perigee", build .. "/tests/limit",
  build .. "/tests/hook_call", build .. "/tests/sandbox"
local folder = os.getenv("PERIGEE_BENCH_DATA") or "build/bench"
local everything = os.getenv("PERIGEE_BENCH_ALL") -- the company measured has all plugins
local data = folder .. "/data"

local function wrk(url, script, headers, connections)
  connections = connections or 64
  local out = must(string.format("wrk -t%d -c%d -d%ds --latency %s %s %s",
    connections > 1 and 2 or 1, connections, seconds, script and "-s " .. script or "",
    headers or "", url))
  local function ms(text)
    local n, unit = (text or ""):match("([%d.]+)(%a+)")
    return n and tonumber(n) * ({ us = 0.001, ms = 1, s = 1000, m = 60000 })[unit] or 0
  end
  return {
    rate = tonumber(out:match("Requests/sec:%s+([%d.]+)")),
    p50 = ms(out:match("50%%%s+(%S+)")),
    p99 = ms(out:match("99%%%s+(%S+)")),
    bad = tonumber(out:match("Non%-2xx or 3xx responses: (%d+)") or 0),
  }
end

local function all_plugins()
  local list = {}
  for id in must("ls plugins/*/plugin.json"):gmatch("plugins/([%w_]+)/") do
    if id ~= "core" then list[#list + 1] = id end
  end
  return table.concat(list, ","), #list
end

local function import_command()
  return string.format("%s import bench lead %s/lead.csv --map scripts/demo.d/bench.json --data %s",
    perigee, folder, data)
end

local function make_data()
  must("rm -rf " .. folder .. " && mkdir -p " .. folder)
  must(perigee .. " init --data " .. data)
  write(data .. "/perigee.json", '{"rate_per_s": 100000, "rate_burst": 100000, ' ..
    '"access_log": false, "conns_per_address_max": 4000}')
  must(perigee .. " tenant create bench --host 127.0.0.1 --plugins " ..
    (everything and all_plugins() or "people,leads") .. " --data " .. data)
  must(perigee .. " tenant create other --host other.test --plugins " .. (all_plugins()) ..
    " --data " .. data)
  for _, tenant in ipairs { "bench", "other" } do
    must("printf 'Lamp-over-water-9\\n' | " .. perigee .. " user create " .. tenant ..
      " admin --role admin --password-stdin --data " .. data)
  end
  must("lua5.4 scripts/demo.lua " .. folder .. " " .. rows)
  local started = now()
  must(import_command())
  return rows / (now() - started)
end

local function sign_in(url, host)
  local out = must("curl -s " .. (host and "-H 'Host: " .. host .. "' " or "") .. url ..
    "/api/v1/sessions -H 'Content-Type: application/json' " ..
    "-d '{\"login\":\"admin\",\"password\":\"Lamp-over-water-9\"}'")
  return (assert(out:match('"token":"([^"]+)"'), out))
end

local function authorization(token, host)
  return "-H 'Authorization: Bearer " .. token .. "'" ..
    (host and " -H 'Host: " .. host .. "'" or "")
end

-- PSS of a server's processes in MB; with `role` of those alone, without code and files.
local function memory(pid, role)
  local total, count = 0, 0
  for child in (pid .. " " .. run("pgrep -P " .. pid)):gmatch("%d+") do
    if not role or read("/proc/" .. child .. "/cmdline"):find(role, 1, true) then
      local pss = read("/proc/" .. child .. "/smaps_rollup"):match((role and "Pss_Anon" or "Pss") ..
        ":%s+(%d+)")
      total = total + tonumber(pss or 0)
      count = count + 1
    end
  end
  return total / 1024, count
end

local lines = {}
local function line(name, ours, theirs, bar)
  local ratio = theirs and string.format("%3.0f %%", ours.rate / theirs * 100) or "-"
  lines[#lines + 1] = string.format(
    "| %-44s | %9.0f | %9s | %6s | %-9s | %7.2f | %7.2f |%s", name, ours.rate,
    theirs and string.format("%.0f", theirs) or "-", ratio, bar or "", ours.p50 or 0,
    ours.p99 or 0, (ours.bad or 0) > 0 and " " .. ours.bad .. " refused" or "")
end

local function lua_script(name, body)
  local path = folder .. "/" .. name .. ".lua"
  write(path, body)
  return path
end

local SUMS = '"group":["status"],"measure":["count","sum.estimated_amount"]'
local MONTHS = '"group":["status",{"f":"created_at","by":"month"}],' ..
  '"measure":["count","sum.estimated_amount"]'

-- With `again` the same question each time, else one that was never asked before.
local function report(url, auth, query, again)
  local body = "'{\"filter\":{\"created_at\":{\"gte\":\"2000-01-01T' .. os.date('!%X', n) .. " ..
    "'Z\"}}," .. query .. "}'"
  return wrk(url .. "/api/v1/records/lead/query", lua_script("report", string.format([[
    local n, again = math.random(80000), %s
    wrk.method = 'POST'
    wrk.headers['Content-Type'] = 'application/json'
    request = function()
      if not again then n = n + 1 end
      return wrk.format(nil, nil, nil, %s)
    end
  ]], tostring(again), body)), auth)
end

local function reads(url, token, ids)
  local auth = authorization(token)
  local get_script = lua_script("get", "local ids = {" .. ids .. "}\nrequest = function()\n" ..
    "return wrk.format('GET', '/api/v1/records/lead/' .. ids[math.random(#ids)])\nend\n")
  return wrk(url, get_script, auth),
    wrk(url .. "'/api/v1/records/lead?sort=-updated_at&limit=50'", nil, auth),
    wrk(url .. "'/api/v1/search?q=zw&entities=lead'", nil, auth),
    wrk(url .. "'/api/v1/search?q=zw'", nil, auth),
    report(url, auth, SUMS, false), report(url, auth, SUMS, true),
    report(url, auth, MONTHS, false), report(url, auth, MONTHS, true)
end

local function creates(url, token, connections, host)
  return wrk(url .. "/api/v1/records/lead", lua_script("create", [[
    wrk.method = 'POST'
    wrk.headers['Content-Type'] = 'application/json'
    local n = 0
    request = function()
      n = n + 1
      return wrk.format(nil, nil, nil, '{"name":"张伟","company":"上海启明软件有限公司",' ..
        '"phones":["138' .. string.format('%08d', n) .. '"],"source":"website"}')
    end
  ]]), authorization(token, host), connections)
end

local function bare(gateways)
  local db = folder .. "/limit.db"
  must(limit .. " seed " .. db .. " " .. rows .. " 500")
  local pid, port = start(limit .. " serve " .. db .. " " .. gateways, "port (%d+)",
    folder .. "/limit.out")
  local url = "http://127.0.0.1:" .. port
  local get_rate = wrk(url, lua_script("bare", "request = function()\n" ..
    "return wrk.format('GET', '/get/' .. math.random(" .. rows .. "))\nend\n")).rate
  local list_rate = wrk(url .. "/list").rate
  stop(pid)
  return get_rate, list_rate
end

local function serve(workers)
  return start("PERIGEE_WORKERS=" .. (workers or 4) .. " " .. perigee .. " serve --data " .. data ..
    " --listen 127.0.0.1:0", "ready (http%S+)", folder .. "/serve.out")
end

-- The first answer of a tenant nobody has asked for yet, and what it holds in each gateway then.
local function cold()
  local pid, url = serve()
  local token, bench = sign_in(url, "other.test"), sign_in(url)
  stop(pid)
  pid, url = serve()
  for _ = 1, 20 do must("curl -s " .. authorization(bench) .. " " .. url .. "/api/v1/me") end
  local before, gateways = memory(pid, "gateway")
  local ask = "curl -s -o /dev/null -w '%{time_total}' " .. authorization(token, "other.test") ..
    " '" .. url .. "/api/v1/records/lead?limit=1'"
  local first = tonumber((must(ask))) * 1000
  for _ = 1, 20 do must(ask) end
  local warm_kb = (memory(pid, "gateway") - before) * 1024 / gateways
  stop(pid)
  return first, warm_kb
end

-- Reads and single creates while an import runs; everybody shares one worker.
local function beside_import()
  local pid, url = serve(1)
  local token, other = sign_in(url), sign_in(url, "other.test")
  creates(url, other, 1, "other.test") -- its scripts are loaded, its first rows are there
  local quiet = creates(url, other, 1, "other.test")
  must("sh -c '" .. import_command() .. " >" .. folder .. "/import.out 2>&1 &'")
  must("sleep 1")
  local read_row = wrk(url .. "'/api/v1/records/lead?sort=-updated_at&limit=50'", nil,
    authorization(token), 8)
  local same = creates(url, token, 1)
  local elsewhere = creates(url, other, 1, "other.test")
  local over = read(folder .. "/import.out") ~= ""
  stop(pid)
  return read_row, same, quiet, elsewhere, over
end

local function measure()
  local m = { gateways = tonumber((must("nproc"))) }
  m.import = make_data()
  local started = now()
  local pid, url = serve()
  m.start_ms = (now() - started) * 1000
  must("sleep 15") -- at rest: what starting took besides has been given back
  m.idle_mb, m.processes = memory(pid)
  local token = sign_in(url)
  local ids = {}
  local page = must("curl -s " .. authorization(token) .. " '" .. url ..
    "/api/v1/records/lead?limit=200&fields=id'")
  for id in page:gmatch('"id":"(%w+)"') do ids[#ids + 1] = '"' .. id .. '"' end
  m.one, m.list, m.search, m.everywhere, m.sums, m.sums_again, m.months, m.months_again =
    reads(url, token, table.concat(ids, ","))
  stop(pid)
  m.bare_get, m.bare_list = bare(m.gateways)
  local store = data .. "/tenants/bench/tenant.db"
  local copy = limit .. " copy " .. folder .. "/copy.db "
  -- The same rows as ours, as many of them: a tree of tokens twice as high is slower for both.
  m.bulk = tonumber((must(copy .. rows .. " 500 " .. store ..
    " lead lead_owner change visit import_item")))
  must("rm -f " .. folder .. "/copy.db*")
  pid, url = serve()
  m.create = creates(url, sign_in(url))
  m.busy_mb = memory(pid)
  stop(pid)
  m.same = tonumber((must(copy .. "50000 64 " .. store .. " lead lead_owner change visit")))
  m.alone = tonumber((must(limit .. " write " .. folder .. "/limit.db 100000 64")))
  m.hook_ns = tonumber((must(hook_call):match("ns (%d+)")))
  m.loop, m.validator, m.vm_ms, m.vm_kb =
    must(sandbox):match("loop (%S+) validator (%S+) vm_ms (%S+) vm_kb (%S+)")
  m.cold_ms, m.warm_kb = cold()
  m.read_row, m.in_tenant, m.quiet, m.elsewhere, m.import_over = beside_import()
  return m
end

local function main()
  local m = measure()
  print(string.format("\n%d leads in a company with %s, %d gateways, %d s a row, " ..
    "64 connections, %d cores, load %s", rows, everything and "all plugins" or "people and leads",
    m.gateways, seconds, m.gateways, read("/proc/loadavg"):match("^%S+ %S+ %S+")))
  print(string.format("| %-44s | %9s | %9s | %6s | %-9s | %7s | %7s |", "work", "ours/s",
    "bare/s", "ratio", "bar", "p50 ms", "p99 ms"))
  print((("|46|11|11|8|11|9|9|"):gsub("%d+", function(n) return ("-"):rep(tonumber(n)) end)))
  line("get one record", m.one, m.bare_get, ">= 50 %")
  line("list 50, filtered by rights and sorted", m.list, m.bare_list, ">= 50 %")
  line("search by initials, leads alone", m.search, nil, ">= 3,000")
  line("search by initials, all entities", m.everywhere, nil, ">= 3,000")
  line("count and sum by status, each asked anew", m.sums, nil, ">= 200")
  line("count and sum by status, asked again", m.sums_again, nil, ">= 200")
  line("the same by status and month, anew", m.months, nil, ">= 200")
  line("the same by status and month, again", m.months_again, nil, ">= 200")
  line("durable create; bare: row, log and tokens", m.create, m.same, ">= 40 %")
  line("durable create; bare: the row alone", m.create, m.alone)
  line("import from CSV; bare: row, log and tokens", { rate = m.import }, m.bulk, ">= 35 %")
  line("list 50 beside an import, 8 connections", m.read_row, nil, "p99 < 50")
  line("create one by one in the importing tenant", m.in_tenant, nil, "p99 < 250")
  line("create one by one in another, nobody else", m.quiet)
  line("create one by one in another, same worker", m.elsewhere, nil, "p99 < 2x")
  print(table.concat(lines, "\n"))
  if m.import_over then print("the import was over before the last rows: give it more leads") end
  print(string.format("start to ready %.0f ms (bar 300); idle %d processes %.1f MB, after load " ..
    "%.1f MB PSS (bar 40)", m.start_ms, m.processes, m.idle_mb, m.busy_mb))
  print(string.format("hook C to Lua and back %d ns (bar 1000); cold tenant of %d plugins " ..
    "%.1f ms (bar 10), warm in a gateway %.0f KB (bar 1024)", m.hook_ns,
    select(2, all_plugins()), m.cold_ms, m.warm_kb))
  print(string.format("sandbox over stock Lua: hot loop %+.1f %%, validator %+.1f %% (bar 10); " ..
    "scripts of a tenant made anew in %.2f ms, %d KB", m.loop, m.validator, m.vm_ms, m.vm_kb))
end

main()
