-- bench_modules - points, tickets and their imports: the yardsticks of the modules.
-- SPDX-License-Identifier: MIT
--
-- usage: lua5.4 scripts/bench_modules.lua [TICKETS]     (default 10000 open ones)
-- The settings of bench_company.lua; PERIGEE_BENCH_PURCHASES how many of the 69,659 purchases are
-- taken, and PERIGEE_BENCH_LOTS how many more are made up, so that as many lots lie there.
local kit = dofile("scripts/bench_kit.lua")
local company = dofile("scripts/bench_company.lua")
local row, ask, import = company.row, company.ask, company.import
local tickets = tonumber(arg[1]) or 10000
local purchases = tonumber(os.getenv("PERIGEE_BENCH_PURCHASES")) or 69659
local more_lots = tonumber(os.getenv("PERIGEE_BENCH_LOTS")) or 0

-- --- points ---

local function import_purchases()
  local members, seen, bought, count = { "name,customer_no,program" }, {}, {}, 0
  bought[1] = "number,member,bought_on,quantity,amount"
  for line in io.lines(company.sets .. "/cdnow_master.txt") do
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
  company.import_row("members of cdnow", "member", #members - 1,
    company.file("members.csv", members))
  company.import_row(count .. " purchases, each earns", "purchase", count,
    company.file("bought.csv", bought))
  if more_lots == 0 then return end
  local lines = { bought[1] }
  for i = 1, more_lots do
    local member = members[2 + i % (#members - 1)]:match(",(%d+),")
    lines[i + 1] = string.format("X%d,%s,19%02d-%02d-%02d,1,%d.50", i, member, 90 + i % 9,
      1 + i % 12, 1 + i % 28, 5 + i % 95)
  end
  row("import: " .. more_lots .. " purchases more",
    more_lots / import("purchase", company.file("more.csv", lines)), "rows/s")
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
  local rate, p99, refused = company.wrk("redeem", "/records/member", string.format([[
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
  company.report("liability by month of expiry over all lots", "points_lot",
    '{"filter":{"state":{"in":["active","pending","debt"]},' ..
    '"earned_on":{"gte":"19%02d-01-01"}},"group":[{"f":"expires_on","by":"month"}],' ..
    '"measure":["sum.worth","sum.remaining","count"]}')
end

-- --- tickets ---

local function promise()
  local week = {}
  for _, day in ipairs { "mon", "tue", "wed", "thu", "fri" } do
    week[#week + 1] = '"' .. day .. '":["09:00-12:00","13:30-18:00"]'
  end
  local calendar = company.made("calendar",
    '{"name":"Office","zone":"Asia/Shanghai","week":{' .. table.concat(week, ",") .. "}}")
  local policy = company.made("sla_policy", '{"name":"All","calendar":"' .. calendar .. '"}')
  company.made("sla_target", '{"policy":"' .. policy ..
    '","priority":"normal","first_response":60,"next_response":120,"resolution":960}')
  return calendar
end

local function recount(calendar)
  ask("PATCH", "/records/calendar/" .. calendar, '{"days":{"2026-12-24":[]}}')
  local started = kit.now()
  for _ = 1, 2400 do
    local state = ask("GET", "/admin/jobs"):match('"name":"recalculate".-"last_state":"?(%w+)')
    if state == "done" then break end
    kit.must("sleep 0.1")
  end
  local took = kit.now() - started
  row(string.format("recount the clocks of %d open tickets", tickets), tickets / took, "/s", "",
    string.format("%.1f s", took))
end

local function main()
  company.create("people,membership,tickets")
  print("| work | figure | bar | more |\n|---|---|---|---|")
  company.serve()
  ask("POST", "/records/program", '{"name":"cdnow","points_per_unit":"10","expiry":"month_end",' ..
    '"expiry_span":400,"point_value":{"amount":"0.01","currency":"CNY"}}')
  local calendar = promise()
  import_purchases()
  redeem()
  liability()
  local lines = { "subject,body,status" }
  for i = 1, tickets do lines[i + 1] = "Ticket " .. i .. ",It leaks,open" end
  company.import_row("open tickets, each with two clocks", "ticket", tickets,
    company.file("tickets.csv", lines))
  recount(calendar)
  company.import_row("support_tickets.csv", "ticket", 8469, company.sets .. "/support_tickets.csv",
    "--map tests/fixtures/import/support_tickets.json")
  local started = kit.now()
  kit.must(company.perigee .. " check bench --data " .. company.data)
  row("perigee check of it all", kit.now() - started, "s")
  company.stop()
end

main()
