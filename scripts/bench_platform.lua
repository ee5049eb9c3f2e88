-- bench_platform - what plugins cost: cold and warm tenants, many of them, a reload under load, an
-- attacker on the same worker. Run by itself or behind scripts/bench.
-- SPDX-License-Identifier: MIT
--
-- usage: lua5.4 scripts/bench_platform.lua [TENANTS]     (default 1000, at least 40)
-- The settings of scripts/bench hold here too. Figures come with the machine's load beside them.
local kit = dofile("scripts/bench_kit.lua")
local run, must, read, write, start, stop, now =
  kit.run, kit.must, kit.read, kit.write, kit.start, kit.stop, kit.now
local tenants = tonumber(arg[1]) or 1000
local seconds = tonumber(os.getenv("PERIGEE_BENCH_SECONDS")) or 5
local build = os.getenv("PERIGEE_BENCH_BUILD") or "build/benchmark"
local perigee = build .. "/perigee"
local folder = (os.getenv("PERIGEE_BENCH_DATA") or "build/bench") .. "/platform"
local data = folder .. "/data"
local PASSWORD, SAMPLE, PLUGINS = "Lamp-over-water-9", 20, 10
assert(tenants >= 2 * SAMPLE, "bench: at least " .. 2 * SAMPLE .. " companies are asked of")
local LEAD = '{"name":"Li","phones":["13800138000"]}'

local function say(...) print(string.format(...)) io.stdout:flush() end
local function name_of(i) return string.format("t%04d", i) end
local function host_of(i) return name_of(i) .. ".test" end

-- The first ten of the product's plugins, or those that PERIGEE_BENCH_PLUGINS names.
local function product()
  local list, named = {}, os.getenv("PERIGEE_BENCH_PLUGINS")
  if named then return named, select(2, named:gsub("[^,]+", "")) end
  for id in must("ls plugins/*/plugin.json"):gmatch("plugins/([%w_]+)/") do
    if id ~= "core" and #list < PLUGINS then list[#list + 1] = id end
  end
  return table.concat(list, ","), #list
end

local function create_tenant(name, host, plugins)
  return string.format("%s tenant create %s --host %s --plugins %s --data %s && " ..
    "echo %s | %s user create %s admin --role admin --password-stdin --data %s", perigee, name,
    host, plugins, data, PASSWORD, perigee, name, data)
end

local function bundle(id, files)
  local path = folder .. "/" .. id
  must("mkdir -p " .. path)
  write(path .. "/plugin.json", string.format('{ "id": "%s", "version": "1.0.0", "api": 1, ' ..
    '"title": "%s", "requires": { "leads": "^1" } }', id, id))
  for name, text in pairs(files) do write(path .. "/" .. name, text) end
  return path
end

local function deploy(tenant, path)
  must(string.format("%s plugin deploy %s %s --data %s", perigee, tenant, path, data))
end

local function make_data()
  local plugins, count = product()
  must("rm -rf " .. folder .. " && mkdir -p " .. folder)
  must(perigee .. " init --data " .. data)
  write(data .. "/perigee.json", '{"rate_per_s": 100000, "rate_burst": 100000, ' ..
    '"access_log": false, "conns_per_address_max": 4000}')
  must(create_tenant("probe", "127.0.0.1", plugins))
  must(create_tenant("evil", "evil.test", plugins))
  local started = now()
  for i = 1, tenants do
    if i <= 2 * SAMPLE then
      must(create_tenant(name_of(i), host_of(i), plugins))
    else
      must(string.format("%s tenant create %s --host %s --plugins %s --data %s", perigee,
        name_of(i), host_of(i), plugins, data))
    end
  end
  return (now() - started) / tenants, count
end

local function serve(workers, gateways)
  return start(string.format("%s serve --data %s --listen 127.0.0.1:0 --workers %d --gateways %d",
    perigee, data, workers, gateways), "ready (http%S+)", folder .. "/serve.out")
end

local function sign_in(url, host)
  local out = must("curl -s -H 'Host: " .. host .. "' " .. url .. "/api/v1/sessions " ..
    "-H 'Content-Type: application/json' -d '{\"login\":\"admin\",\"password\":\"" .. PASSWORD ..
    "\"}'")
  return (assert(out:match('"token":"([^"]+)"'), out))
end

-- Milliseconds of one request, and its status.
local function ask(url, host, token, path, body)
  local out = must(string.format("curl -s -o /dev/null -w '%%{time_total} %%{http_code}' " ..
    "-H 'Host: %s' -H 'Authorization: Bearer %s' %s '%s/api/v1/%s'", host, token,
    body and "-H 'Content-Type: application/json' -d '" .. body .. "'" or "", url, path))
  local time, status = out:match("(%S+) (%d+)")
  return tonumber(time) * 1000, tonumber(status)
end

local function processes(pid)
  return (pid .. " " .. run("pgrep -P " .. pid)):gmatch("%d+")
end

-- MB of private memory (and, for nil, of all of it), open files; of processes with `role`.
local function usage(pid, role)
  local mb, files = 0, 0
  for child in processes(pid) do
    if not role or read("/proc/" .. child .. "/cmdline"):find(role, 1, true) then
      local rollup = read("/proc/" .. child .. "/smaps_rollup")
      mb = mb + tonumber(rollup:match((role and "Pss_Anon" or "Pss") .. ":%s+(%d+)") or 0)
      files = files + (tonumber((run("ls /proc/" .. child .. "/fd | wc -l"))) or 0)
    end
  end
  return mb / 1024, files
end

local function wrk_script(name, body)
  write(folder .. "/" .. name .. ".lua", body)
  return folder .. "/" .. name .. ".lua"
end

local function wrk(url, script, connections, time)
  local out = must(string.format("wrk -t1 -c%d -d%ds --timeout 30s --latency -s %s %s", connections,
    time or seconds, script, url))
  local n, unit = (out:match("99%%%s+(%S+)") or "0us"):match("([%d.]+)(%a+)")
  return {
    p99 = tonumber(n) * ({ us = 0.001, ms = 1, s = 1000, m = 60000 })[unit],
    rate = tonumber(out:match("Requests/sec:%s+([%d.]+)")),
    bad = tonumber(out:match("Non%-2xx or 3xx responses: (%d+)") or 0),
    lost = out:match("Socket errors: ([^\n]+)") or "none",
  }
end

-- Reads and, one in four, creates; as these people of these companies by turns.
local function mixed(name, people)
  local list = {}
  for _, one in ipairs(people) do
    list[#list + 1] = string.format("{ ['Host'] = '%s', ['Authorization'] = 'Bearer %s', " ..
      "['Content-Type'] = 'application/json' }", one.host, one.token)
  end
  return wrk_script(name, string.format([[
    local people, n = { %s }, 0
    request = function()
      n = n + 1
      local person = people[n %% #people + 1]
      if n %% 4 == 0 then
        return wrk.format('POST', '/api/v1/records/lead', person, '%s')
      end
      return wrk.format('GET', '/api/v1/records/lead?limit=20', person)
    end
  ]], table.concat(list, ", "), LEAD))
end

local function median(list)
  table.sort(list)
  return list[(#list + 1) // 2], list[#list]
end

-- One worker and one gateway: the first read and the first write of companies nobody asked for.
local function cold_and_warm(from)
  local pid, url = serve(1, 1)
  local tokens = {}
  for i = from, from + SAMPLE - 1 do tokens[i] = sign_in(url, host_of(i)) end
  stop(pid)
  pid, url = serve(1, 1)
  for i = from, from + 2 do -- the process itself is warm then
    ask(url, host_of(i), tokens[i], "records/lead?limit=1")
    ask(url, host_of(i), tokens[i], "records/lead", LEAD)
  end
  local gateway, worker = usage(pid, "gateway"), usage(pid, "worker")
  local reads, writes, count = {}, {}, SAMPLE - 3
  for i = from + 3, from + SAMPLE - 1 do
    local status
    reads[#reads + 1] = ask(url, host_of(i), tokens[i], "records/lead?limit=1")
    writes[#writes + 1], status = ask(url, host_of(i), tokens[i], "records/lead", LEAD)
    assert(status == 201, status)
  end
  local read_ms, read_most = median(reads)
  local write_ms, write_most = median(writes)
  local warm_gateway = (usage(pid, "gateway") - gateway) * 1024 / count
  local warm_worker = (usage(pid, "worker") - worker) * 1024 / count
  stop(pid)
  say("cold tenant: first read %.1f ms (most %.1f), first write %.1f ms (most %.1f; bar 10)",
    read_ms, read_most, write_ms, write_most)
  say("warm tenant: %.0f KB in the gateway, %.0f KB in the worker with its scripts (bar 1024)",
    warm_gateway, warm_worker)
end

local function many(plugins, create_s)
  local began = now()
  local pid, url = serve(4, 2)
  local ready_ms = (now() - began) * 1000
  local idle_mb, idle_files = usage(pid)
  local people = {}
  for i = 1, SAMPLE do people[i] = { host = host_of(i), token = sign_in(url, host_of(i)) } end
  local before = wrk(url, mixed("before", people), 8)
  local lines = {}
  for i = 1, tenants do
    lines[#lines + 1] = string.format('%surl = "%s/api/v1/me"\nheader = "Host: %s"\n' ..
      'header = "Authorization: Bearer nobody"\nsilent\noutput = /dev/null\n',
      i > 1 and "next\n" or "", url, host_of(i))
  end
  write(folder .. "/touch", table.concat(lines))
  local started = now()
  must("curl -K " .. folder .. "/touch")
  local touch_ms = (now() - started) * 1000 / tenants
  local touched_mb, touched_files = usage(pid)
  local after = wrk(url, mixed("after", people), 8)
  stop(pid)
  say("%d tenants of %d plugins: %.2f s to create one; ready after %.0f ms, %.0f MB, %d files",
    tenants, plugins, create_s, ready_ms, idle_mb, idle_files)
  say("all touched, %.1f ms each: %.0f MB, %d files; p99 of %d of them %.1f ms before, " ..
    "%.1f after (%d and %d refused)", touch_ms, touched_mb, touched_files, SAMPLE, before.p99,
    after.p99, before.bad, after.bad)
end

local GREET = 'crm.on("lead", "validate", { id = "look" }, function() local _ = %d end)\n'

local function reload()
  local pid, url = serve(4, 2)
  local people = { { host = "127.0.0.1", token = sign_in(url, "127.0.0.1") } }
  local script = mixed("reload", people)
  local stopped = folder .. "/stopped"
  os.remove(stopped)
  must(string.format("sh -c '(%s) >%s/deploys.out 2>&1 &'", table.concat({
    "n=0; while [ ! -e " .. stopped .. " ]; do n=$((n+1))",
    string.format("%s plugin deploy probe %s/bench.v$((n%%2)) --data %s || echo FAILED", perigee,
      folder, data), "echo deploy; done" }, "; "), folder))
  local under = wrk(url, script, 8, 2 * seconds)
  write(stopped, "")
  must("sleep 1")
  local out = read(folder .. "/deploys.out")
  stop(pid)
  say("reload: %d deploys (%d failed) beside %.0f requests/s, %d refused, socket errors %s, " ..
    "p99 %.1f ms", select(2, out:gsub("deploy\n", "")), select(2, out:gsub("FAILED", "")),
    under.rate, under.bad, under.lost, under.p99)
end

-- The probe's p99 on the worker of a company whose scripts loop; the last worker is for slow ones.
local function beside_attacker()
  deploy("evil", bundle("evil.loop", { ["init.lua"] =
    'crm.on("lead", "validate", { id = "loop" }, function() while true do end end)\n' }))
  local pid, url = serve(2, 2)
  for _, name in ipairs { "probe", "evil" } do
    must(string.format("%s tenant move %s --worker 0 --data %s", perigee, name, data))
  end
  local probe = { { host = "127.0.0.1", token = sign_in(url, "127.0.0.1") } }
  local evil = { { host = "evil.test", token = sign_in(url, "evil.test") } }
  local script, attack = mixed("probe", probe), mixed("evil", evil)
  local alone = wrk(url, script, 4, 10)
  must(string.format("sh -c 'wrk -t1 -c8 -d45s --timeout 30s -s %s %s >%s/evil.out 2>&1 &'", attack,
    url, folder))
  local first = wrk(url, script, 4, 10)
  must("sleep 5")
  local moved = run(string.format("%s tenant show evil --data %s --json", perigee, data))
    :match('"worker": ?(%d+)')
  local later = wrk(url, script, 4, 10)
  stop(pid)
  say("beside an attacker on the same worker: p99 %.1f ms alone, %.1f in the first 10 s " ..
    "(bar 2x + 250), %.1f when it lives on worker %s of 0-1 (bar 2x); %d, %d, %d refused",
    alone.p99, first.p99, later.p99, moved or "?", alone.bad, first.bad, later.bad)
end

local function main()
  local create_s, plugins = make_data()
  for i = 0, 1 do
    must("mkdir -p " .. folder .. "/bench.v" .. i)
    must("cp -r " .. bundle("bench.look", { ["init.lua"] = GREET:format(i) }) .. "/. " .. folder ..
      "/bench.v" .. i)
  end
  cold_and_warm(SAMPLE + 1)
  many(plugins, create_s)
  reload()
  beside_attacker()
  say("%d cores, load %s", tonumber((must("nproc"))), read("/proc/loadavg"):match("^%S+ %S+ %S+"))
end

main()
