-- bench_platform - what plugins cost: many tenants, a reload under load, an attacker on the same
-- worker. What one tenant costs is bench_tenant's. Run by itself or behind scripts/bench.
-- SPDX-License-Identifier: MIT
--
-- usage: lua5.4 scripts/bench_platform.lua [TENANTS]     (default 1000, at least 20)
--        lua5.4 scripts/bench_platform.lua attacker      only what a probe notices of one
-- The settings of scripts/bench hold here too. Figures come with the machine's load beside them.
local kit = dofile("scripts/bench_kit.lua")
local run, must, read, write, start, stop, now =
  kit.run, kit.must, kit.read, kit.write, kit.start, kit.stop, kit.now
local sign_in, usage = kit.sign_in, kit.usage
local attack_only = arg[1] == "attacker"
local tenants = attack_only and 0 or tonumber(arg[1]) or 1000
local seconds = tonumber(os.getenv("PERIGEE_BENCH_SECONDS")) or 5
local build = os.getenv("PERIGEE_BENCH_BUILD") or "build/benchmark"
local perigee = build .. "/perigee"
local folder = (os.getenv("PERIGEE_BENCH_DATA") or "build/bench") .. "/platform"
local data = folder .. "/data"
local SAMPLE, PLUGINS = 20, 10
assert(attack_only or tenants >= SAMPLE, "bench: at least " .. SAMPLE .. " companies are asked of")
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
  must(kit.create_tenant(perigee, data, "probe", "127.0.0.1", plugins))
  must(kit.create_tenant(perigee, data, "evil", "evil.test", plugins))
  local started = now()
  for i = 1, tenants do
    if i <= SAMPLE then
      must(kit.create_tenant(perigee, data, name_of(i), host_of(i), plugins))
    else
      must(string.format("%s tenant create %s --host %s --plugins %s --data %s", perigee,
        name_of(i), host_of(i), plugins, data))
    end
  end
  return (now() - started) / math.max(tenants, 1), count
end

local function serve(workers, gateways)
  return start(string.format("%s serve --data %s --listen 127.0.0.1:0 --workers %d --gateways %d",
    perigee, data, workers, gateways), "ready (http%S+)", folder .. "/serve.out")
end

local function wrk_script(name, body)
  write(folder .. "/" .. name .. ".lua", body)
  return folder .. "/" .. name .. ".lua"
end

local function wrk(url, script, connections, time)
  local out = must(string.format("wrk -t1 -c%d -d%ds --timeout 30s --latency -s %s %s", connections,
    time or seconds, script, url))
  local n, unit = (out:match("99%%%s+(%S+)") or "0us"):match("^([%d.]+)(%a+)")
  assert(n, "bench: nothing was answered\n" .. out)
  return {
    p99 = tonumber(n) * ({ us = 0.001, ms = 1, s = 1000, m = 60000 })[unit],
    rate = tonumber(out:match("Requests/sec:%s+([%d.]+)")),
    bad = tonumber(out:match("Non%-2xx or 3xx responses: (%d+)") or 0),
    lost = out:match("Socket errors: ([^\n]+)") or "none",
  }
end

-- Reads and, one in four, creates; as these people of these companies by turns. With `pause` each
-- connection waits so many milliseconds behind an answer.
local function mixed(name, people, pause)
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
    %s
  ]], table.concat(list, ", "), LEAD, pause and "delay = function() return " .. pause .. " end" or
    ""))
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

local LOOPS = 'crm.on("lead", "validate", { id = "loop" }, function() while true do end end)\n'
local WORKS = 'crm.on("lead", "validate", { id = "loop" }, function() end)\n'

-- Generators and server share the machine's cores: a probe that asks as fast as it can would
-- measure who gets the cores, whatever the other's scripts do. So both ask at a pace: the probe for
-- about a quarter of what the machine can do, the neighbour for some three times what rates let one
-- key ask. And the probe is compared with itself beside that very neighbour while its scripts are
-- harmless; beside nobody at all it stands there, too.
local PROBE_PAUSE, NEIGHBOUR_PAUSE = 10, 50

local function neighbour(script, url, time)
  must(string.format("sh -c 'wrk -t1 -c8 -d%ds --timeout 30s -s %s %s >%s/evil.out 2>&1 &'", time,
    script, url, folder))
end

-- The probe's p99 on the worker of a company whose scripts loop; the last worker is for slow ones.
local function beside_attacker()
  deploy("evil", bundle("evil.loop", { ["init.lua"] = WORKS }))
  local pid, url = serve(2, 2)
  for _, name in ipairs { "probe", "evil" } do
    must(string.format("%s tenant move %s --worker 0 --data %s", perigee, name, data))
  end
  local probe = { { host = "127.0.0.1", token = sign_in(url, "127.0.0.1") } }
  local evil = { { host = "evil.test", token = sign_in(url, "evil.test") } }
  local script = mixed("probe", probe, PROBE_PAUSE)
  local other = mixed("evil", evil, NEIGHBOUR_PAUSE)
  wrk(url, script, 4, 3) -- what is built on first use is not measured
  local alone = wrk(url, script, 4, 10)
  neighbour(other, url, 12)
  must("sleep 1")
  local harmless = wrk(url, script, 4, 10)
  must("sleep 2")
  deploy("evil", bundle("evil.loop", { ["init.lua"] = LOOPS }))
  neighbour(other, url, 42)
  local first = wrk(url, script, 4, 10)
  must("sleep 5")
  local moved = run(string.format("%s tenant show evil --data %s --json", perigee, data))
    :match('"worker": ?(%d+)')
  local later = wrk(url, script, 4, 20)
  stop(pid)
  say("beside an attacker on the same worker: p99 %.1f ms (%.1f beside nobody) while its " ..
    "scripts are harmless, %.1f in its first 10 s (bar 2x + 250), %.1f afterwards (bar 2x; it " ..
    "lives on worker %s of 0-1); %.0f requests/s, %d, %d, %d, %d refused", harmless.p99, alone.p99,
    first.p99, later.p99, moved or "?", later.rate, alone.bad, harmless.bad, first.bad, later.bad)
end

local function main()
  local create_s, plugins = make_data()
  if attack_only then return beside_attacker() end
  for i = 0, 1 do
    must("mkdir -p " .. folder .. "/bench.v" .. i)
    must("cp -r " .. bundle("bench.look", { ["init.lua"] = GREET:format(i) }) .. "/. " .. folder ..
      "/bench.v" .. i)
  end
  many(plugins, create_s)
  reload()
  beside_attacker()
  say("%d cores, load %s", tonumber((must("nproc"))), read("/proc/loadavg"):match("^%S+ %S+ %S+"))
end

main()
