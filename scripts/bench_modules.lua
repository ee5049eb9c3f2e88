-- bench_modules - points, tickets and their imports: the yardsticks of the modules.
-- SPDX-License-Identifier: MIT
--
-- usage: lua5.4 scripts/bench_modules.lua [TICKETS]     (default 10000 open ones)
-- PERIGEE_BENCH_BUILD a build folder that is ready (build/benchmark), PERIGEE_BENCH_SECONDS (5),
-- PERIGEE_BENCH_DATA (build/bench_modules), PERIGEE_DATASETS the folder of the public data sets,
-- PERIGEE_BENCH_PURCHASES how many of the 69,659 purchases are taken.
local kit = dofile("scripts/bench_kit.lua")
local must, read, write, now = kit.must, kit.read, kit.write, kit.now
local tickets = tonumber(arg[1]) or 10000
local purchases = tonumber(os.getenv("PERIGEE_BENCH_PURCHASES")) or 69659
local seconds = tonumber(os.getenv("PERIGEE_BENCH_SECONDS")) or 5
local perigee = (os.getenv("PERIGEE_BENCH_BUILD") or "build/benchmark") .. "/perigee"
local folder = os.getenv("PERIGEE_BENCH_DATA") or "build/bench_modules"
local sets = os.getenv("PERIGEE_DATASETS") or "../shared/data"
local data = folder .. "/data"
local url, token

local function row(name, value, unit, bar, more)
  print(string.format("| %-52s | %9.0f %-6s | %-9s | %s |", name, value, unit, bar or "",
    more or ""))
end

local function init()
  must("rm -rf " .. folder .. " && mkdir -p " .. folder)
  must(perigee .. " init --data " .. data)
  write(data .. "/perigee.json", '{"rate_per_s": 100000, "rate_burst": 100000, ' ..
    '"access_log": false, "conns_per_address_max": 4000}')
  must(perigee .. " tenant create bench --host 127.0.0.1 --plugins people,membership,tickets" ..
    " --data " .. data)
  must("printf 'Lamp-over-water-9\\n' | " .. perigee ..
    " user create bench admin --role admin --password-stdin --data " .. data)
end

local function ask(method, path, body)
  local given = body and string.format("-H 'Content-Type: application/json' -d '%s' ", body) or ""
  return must(string.format("curl -sf -X %s %s-H 'Authorization: Bearer %s' '%s/api/v1%s'", method,
    given, token or "", url, path))
end

local function serve()
  local pid
  pid, url = kit.start(perigee .. " serve --data " .. data .. " --listen 127.0.0.1:0",
    "ready (http%S+)", folder .. "/serve.out")
  token = nil
  token = ask("POST", "/sessions", '{"login":"admin","password":"Lamp-over-water-9"}')
    :match('"token":"([^"]+)"')
  return pid
end

local function import(entity, path, more)
  local started = now()
  must(string.format("%s import bench %s %s %s --data %s", perigee, entity, path, more or "", data))
  return now() - started
end

-- --- points ---

local function import_purchases()
  local members, seen, bought, count = { "name,customer_no,program" }, {}, {}, 0
  bought[1] = "number,member,bought_on,quantity,amount"
  for line in io.lines(sets .. "/cdnow_master.txt") do
    local id, y, m, d, quantity, amount =
      line:match("^%s*(%d+)%s+(%d%d%d%d)(%d%d)(%d%d)%s+(%d+)%s+([%d.]+)")
    if id and count < purchases then
      count = count + 1
      bought[#bought + 1] = table.concat({
        count, id, y .. "-" .. m .. "-" .. d, quantity, amount,
      }, ",")
      if not seen[id] then
        seen[id] = true
        members[#members + 1] = "C" .. id .. "," .. id .. ",cdnow"
      end
    end
  end
  write(folder .. "/members.csv", table.concat(members, "\n"))
  write(folder .. "/bought.csv", table.concat(bought, "\n"))
  row("import: members of cdnow", (#members - 1) / import("member", folder .. "/members.csv"),
    "rows/s")
  row("import: " .. count .. " purchases, each earns",
    count / import("purchase", folder .. "/bought.csv"), "rows/s")
end

local function wrk(name, path, script, connections)
  local file = folder .. "/" .. name .. ".lua"
  write(file, script)
  local out = must(string.format(
    "wrk -t%d -c%d -d%ds --latency -s %s -H 'Authorization: Bearer %s' %s/api/v1%s",
    connections > 1 and 2 or 1, connections, seconds, file, token, url, path))
  return tonumber(out:match("Requests/sec:%s+([%d.]+)")), out:match("99%%%s+(%S+)"),
    tonumber(out:match("Non%-2xx or 3xx responses: (%d+)") or 0)
end

local function redeem()
  local ids, next_page = {}, ""
  for _ = 1, 25 do
    local page = ask("GET", "/records/member?limit=200&fields=id&filter=" ..
      "%7B%22balance%22%3A%7B%22gte%22%3A20%7D%7D" .. next_page)
    for id in page:gmatch('"id":"(%w+)"') do ids[#ids + 1] = '"' .. id .. '"' end
    local cursor = page:match('"next":"([^"]+)"')
    if not cursor then break end
    next_page = "&cursor=" .. cursor
  end
  local rate, p99, refused = wrk("redeem", "/records/member", string.format([[
    local ids = { %s }
    wrk.method, wrk.body = 'POST', '{"points":1}'
    wrk.headers['Content-Type'] = 'application/json'
    request = function()
      return wrk.format(nil, '/api/v1/records/member/' .. ids[math.random(#ids)] ..
        '/actions/redeem')
    end
  ]], table.concat(ids, ",")), 64)
  row("redeem a point, durable, 64 connections", rate, "/s", ">= 2,000",
    string.format("p99 %s, %d refused, %d cards", p99, refused, #ids))
end

local function liability()
  local rate, p99 = wrk("liability", "/records/points_lot/query", [[
    local n = 0
    wrk.method = 'POST'
    wrk.headers['Content-Type'] = 'application/json'
    request = function()
      n = n + 1
      return wrk.format(nil, nil, nil, '{"filter":{"state":{"in":["active","pending","debt"]},' ..
        '"earned_on":{"gte":"19' .. string.format('%02d', n % 90) .. '-01-01"}},"group":' ..
        '[{"f":"expires_on","by":"month"}],"measure":["sum.worth","sum.remaining","count"]}')
    end
  ]], 1)
  row("liability by month of expiry over all lots", rate, "/s", "< 300 ms", "p99 " .. p99)
end

-- --- tickets ---

local function promise()
  local week = {}
  for _, day in ipairs { "mon", "tue", "wed", "thu", "fri" } do
    week[#week + 1] = '"' .. day .. '":["09:00-12:00","13:30-18:00"]'
  end
  local function made(entity, body)
    return ask("POST", "/records/" .. entity, body):match('"id":"(%w+)"')
  end
  local calendar = made("calendar",
    '{"name":"Office","zone":"Asia/Shanghai","week":{' .. table.concat(week, ",") .. "}}")
  local policy = made("sla_policy", '{"name":"All","calendar":"' .. calendar .. '"}')
  made("sla_target", '{"policy":"' .. policy ..
    '","priority":"normal","first_response":60,"next_response":120,"resolution":960}')
  return calendar
end

local function recount(calendar)
  ask("PATCH", "/records/calendar/" .. calendar, '{"days":{"2026-12-24":[]}}')
  local started = now()
  for _ = 1, 2400 do
    local state = ask("GET", "/admin/jobs"):match('"name":"recalculate".-"last_state":"?(%w+)')
    if state == "done" then break end
    must("sleep 0.1")
  end
  local took = now() - started
  row(string.format("recount the clocks of %d open tickets", tickets), tickets / took, "/s", "",
    string.format("%.1f s", took))
end

local function main()
  init()
  print("| work | figure | bar | more |\n|---|---|---|---|")
  local pid = serve()
  ask("POST", "/records/program", '{"name":"cdnow","points_per_unit":"10","expiry":"month_end",' ..
    '"expiry_span":400,"point_value":{"amount":"0.01","currency":"CNY"}}')
  local calendar = promise()
  import_purchases()
  redeem()
  liability()
  local lines = { "subject,body,status" }
  for i = 1, tickets do lines[i + 1] = "Ticket " .. i .. ",It leaks,open" end
  write(folder .. "/tickets.csv", table.concat(lines, "\n"))
  row("import: open tickets, each with two clocks",
    tickets / import("ticket", folder .. "/tickets.csv"), "rows/s")
  recount(calendar)
  row("import: support_tickets.csv", 8469 / import("ticket", sets .. "/support_tickets.csv",
    "--map tests/fixtures/import/support_tickets.json"), "rows/s")
  local started = now()
  must(perigee .. " check bench --data " .. data)
  row("perigee check of it all", now() - started, "s")
  kit.stop(pid)
  print("load " .. read("/proc/loadavg"):match("^%S+ %S+ %S+") .. ", " .. must("nproc"):match("%d+")
    .. " cores, " .. seconds .. " s a row")
end

main()
