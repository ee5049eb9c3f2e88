-- bench - runs Perigee and tests/bench/limit in turn under wrk and prints a table of ratios.
-- SPDX-License-Identifier: MIT
local rows = tonumber(arg[1]) or 100000
local seconds = tonumber(os.getenv("PERIGEE_BENCH_SECONDS")) or 5
local perigee, limit = "build/benchmark/perigee", "build/benchmark/tests/limit"
local folder = "build/bench"
local data, csv = folder .. "/data", folder .. "/leads.csv"

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local out = pipe:read("a")
  local ok = pipe:close()
  return out, ok
end

local function must(command)
  local out, ok = run(command)
  if not ok then
    io.stderr:write("bench: ", command, "\n", out)
    os.exit(1)
  end
  return out
end

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

local function read(path)
  local file = io.open(path)
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text
end

local function now()
  return tonumber((must("date +%s.%N")))
end

-- Starts a server in the background; gives its pid and what it printed when `pattern` matched.
local function start(command, pattern, log)
  os.remove(log)
  must(string.format("sh -c '%s >%s 2>%s.err & echo $! >%s.pid'", command, log, log, log))
  local pid = read(log .. ".pid"):match("%d+")
  for _ = 1, 200 do
    local found = read(log):match(pattern)
    if found then return pid, found end
    must("sleep 0.05")
  end
  error("not ready: " .. command .. "\n" .. read(log .. ".err"))
end

local function stop(pid)
  run("kill " .. pid)
  for _ = 1, 240 do
    if not select(2, run("kill -0 " .. pid)) then return end
    must("sleep 0.05")
  end
end

local function wrk(url, script, headers, connections)
  local out = must(string.format("wrk -t2 -c%d -d%ds --latency %s %s %s", connections or 64, seconds,
    script and "-s " .. script or "", headers or "", url))
  local function ms(text)
    local n, unit = (text or "0us"):match("([%d.]+)(%a+)")
    return tonumber(n) * ({ us = 0.001, ms = 1, s = 1000 })[unit]
  end
  return { rate = tonumber(out:match("Requests/sec:%s+([%d.]+)")), p50 = ms(out:match("50%%%s+(%S+)")),
    p99 = ms(out:match("99%%%s+(%S+)")), bad = tonumber(out:match("Non%-2xx or 3xx responses: (%d+)") or 0) }
end

local function make_data()
  must("rm -rf " .. folder .. " && mkdir -p " .. folder)
  must(perigee .. " init --data " .. data)
  write(data .. "/perigee.json", '{"rate_per_s": 100000, "rate_burst": 100000, "access_log": false, "conns_per_address_max": 4000}')
  must(perigee .. " tenant create bench --host 127.0.0.1 --plugins people,leads --data " .. data)
  must("printf 'Lamp-over-water-9\\n' | " .. perigee ..
    " user create bench admin --role admin --password-stdin --data " .. data)
  must("lua5.4 scripts/demo.lua " .. folder .. " " .. rows)
  local started = now()
  must(perigee .. " import bench lead " .. folder .. "/lead.csv --map scripts/demo.d/bench.json --data " .. data)
  return rows / (now() - started)
end

local function sign_in(url)
  local out = must("curl -s " .. url .. "/api/v1/sessions -H 'Content-Type: application/json' " ..
    "-d '{\"login\":\"admin\",\"password\":\"Lamp-over-water-9\"}'")
  return (assert(out:match('"token":"([^"]+)"'), out))
end

local function get(url, token)
  return must("curl -s -H 'Authorization: Bearer " .. token .. "' '" .. url .. "'")
end

local function memory(pid)
  local total, count = 0, 0
  for child in (pid .. " " .. run("pgrep -P " .. pid)):gmatch("%d+") do
    total = total + tonumber(read("/proc/" .. child .. "/smaps_rollup"):match("Pss:%s+(%d+)") or 0)
    count = count + 1
  end
  return total / 1024, count
end

local lines = {}
local function line(name, ours, theirs, bar)
  local ratio = theirs and string.format("%3.0f %%", ours.rate / theirs * 100) or "-"
  lines[#lines + 1] = string.format("| %-44s | %9.0f | %9s | %6s | %-9s | %7.2f | %7.2f |%s", name, ours.rate,
    theirs and string.format("%.0f", theirs) or "-", ratio, bar or "", ours.p50 or 0, ours.p99 or 0,
    (ours.bad or 0) > 0 and " " .. ours.bad .. " refused" or "")
end

local function lua_script(name, body)
  local path = folder .. "/" .. name .. ".lua"
  write(path, body)
  return path
end

local function reads(url, token, ids)
  local auth = "-H 'Authorization: Bearer " .. token .. "'"
  local get_script = lua_script("get", "local ids = {" .. ids .. "}\nrequest = function()\n" ..
    "return wrk.format('GET', '/api/v1/records/lead/' .. ids[math.random(#ids)])\nend\n")
  return wrk(url, get_script, auth),
    wrk(url .. "'/api/v1/records/lead?sort=-updated_at&limit=50'", nil, auth),
    wrk(url .. "'/api/v1/search?q=" .. "zw&entities=lead'", nil, auth),
    wrk(url .. "/api/v1/records/lead/query", lua_script("report", "wrk.method = 'POST'\n" ..
      "wrk.body = '{\"group\":[\"status\"],\"measure\":[\"count\"]}'\n" ..
      "wrk.headers['Content-Type'] = 'application/json'\n"), auth)
end

local function creates(url, token)
  local auth = "-H 'Authorization: Bearer " .. token .. "'"
  return wrk(url .. "/api/v1/records/lead", lua_script("create", "wrk.method = 'POST'\n" ..
    "wrk.headers['Content-Type'] = 'application/json'\nlocal n = 0\nrequest = function()\nn = n + 1\n" ..
    "return wrk.format(nil, nil, nil, '{\"name\":\"张伟\",\"company\":\"上海启明软件有限公司\"," ..
    "\"phones\":[\"138' .. string.format('%08d', n) .. '\"],\"source\":\"website\"}')\nend\n"), auth)
end

local function bare(gateways)
  local db = folder .. "/limit.db"
  must(limit .. " seed " .. db .. " " .. rows .. " 500")
  local pid, port = start(limit .. " serve " .. db .. " " .. gateways, "port (%d+)", folder .. "/limit.out")
  local url = "http://127.0.0.1:" .. port
  local get_rate = wrk(url, lua_script("bare", "request = function()\n" ..
    "return wrk.format('GET', '/get/' .. math.random(" .. rows .. "))\nend\n")).rate
  local list_rate = wrk(url .. "/list").rate
  stop(pid)
  return get_rate, list_rate
end

local function main()
  local gateways = tonumber((must("nproc")))
  local import_rate = make_data()
  local started = now()
  local pid, url = start(perigee .. " serve --data " .. data .. " --listen 127.0.0.1:0", "ready (http%S+)",
    folder .. "/serve.out")
  local start_ms = (now() - started) * 1000
  must("sleep 1")
  local idle_mb, processes = memory(pid)
  local token = sign_in(url)
  local ids = {}
  for id in get(url .. "/api/v1/records/lead?limit=200&fields=id", token):gmatch('"id":"(%w+)"') do
    ids[#ids + 1] = '"' .. id .. '"'
  end
  local one, list, search, report = reads(url, token, table.concat(ids, ","))
  stop(pid)
  local bare_get, bare_list = bare(gateways)
  pid, url = start(perigee .. " serve --data " .. data .. " --listen 127.0.0.1:0", "ready (http%S+)",
    folder .. "/serve.out")
  local create = creates(url, sign_in(url))
  local busy_mb = memory(pid)
  stop(pid)
  local alone = tonumber((must(limit .. " write " .. folder .. "/limit.db 100000 64")))
  local bulk = tonumber((must(limit .. " import " .. folder .. "/limit.db 50000 500")))

  print(string.format("\n%d leads, %d gateways, %d s a row, 64 connections, %d cores, load %s", rows, gateways,
    seconds, gateways, read("/proc/loadavg"):match("^%S+ %S+ %S+")))
  print(string.format("| %-44s | %9s | %9s | %6s | %-9s | %7s | %7s |", "work", "ours/s", "bare/s", "ratio", "bar",
    "p50 ms", "p99 ms"))
  print("|" .. string.rep("-", 46) .. "|" .. string.rep("-", 11) .. "|" .. string.rep("-", 11) .. "|--------|" ..
    string.rep("-", 11) .. "|---------|---------|")
  line("get one record", one, bare_get, ">= 50 %")
  line("list 50, filtered by rights and sorted", list, bare_list, ">= 50 %")
  line("search by initials", search, nil, ">= 3,000")
  line("report: count by status", report, nil, ">= 200")
  line("durable create: hook, audit, tokens", create, alone, ">= 40 %")
  line("import from CSV, hooks on", { rate = import_rate }, bulk, ">= 35 %")
  print(table.concat(lines, "\n"))
  print(string.format("start to ready %.0f ms (bar 300); idle %d processes %.1f MB, after load %.1f MB PSS (bar 40)",
    start_ms, processes, idle_mb, busy_mb))
end

main()
