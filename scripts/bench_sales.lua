-- bench_sales - leads and deals: their imports, picking out of a pool, the funnel.
-- SPDX-License-Identifier: MIT
--
-- usage: lua5.4 scripts/bench_sales.lua [DEALS]     (default 100000 opportunities)
-- The settings of bench_company.lua.
local company = dofile("scripts/bench_company.lua")
local row, import = company.row, company.import
local deals = tonumber(arg[1]) or 100000
local PICKS = 20000 -- leads that lie in the pool
local MAPS = "--map tests/fixtures/import/"

-- The public data sets come first: their pipeline brings the stages that it needs.
local function sets()
  company.import_row("x_education_leads.csv", "lead", 9240,
    company.sets .. "/x_education_leads.csv", MAPS .. "x_education_leads.json")
  local pipeline = company.made("pipeline", '{"name":"Hardware","is_default":true}')
  for order, stage in ipairs {
    { "Prospecting", "open", 20 }, { "Engaging", "open", 50 }, { "Won", "won", 100 },
    { "Lost", "lost", 0 },
  } do
    company.made("stage", string.format(
      '{"name":"%s","order":%d,"kind":"%s","probability":%d,"pipeline":"%s"}', stage[1], order,
      stage[2], stage[3], pipeline))
  end
  for _, one in ipairs {
    { "account", "maven_accounts" }, { "product", "maven_products" },
    { "user", "maven_sales_teams" },
  } do
    import(one[1], company.sets .. "/" .. one[2] .. ".csv", MAPS .. one[2] .. ".json")
  end
  company.import_row("maven_sales_pipeline.csv", "opportunity", 8800,
    company.sets .. "/maven_sales_pipeline.csv", MAPS .. "maven_sales_pipeline.json")
end

-- Everybody picks from one list: who comes second is refused, and none is picked twice.
local function pick()
  local me = company.ask("GET", "/me"):match('"id":"(%w+)"')
  company.made("capacity", '{"name":"bench","max_open":100000,"user":"' .. me .. '"}')
  local lines = { "name,company,owner" }
  for i = 1, PICKS do lines[i + 1] = "Lead " .. i .. ",Company " .. i .. "," end
  row("import: leads that go to the pool",
    PICKS / import("lead", company.file("pool.csv", lines)), "rows/s")
  local ids, next_page = {}, ""
  while #ids < PICKS do
    local page = company.ask("GET", "/records/lead?limit=200&fields=id&filter=" ..
      "%7B%22pool%22%3A%7B%22ne%22%3Anull%7D%7D" .. next_page)
    for id in page:gmatch('"id":"(%w+)"') do ids[#ids + 1] = '"' .. id .. '"' end
    local cursor = page:match('"next":"([^"]+)"')
    if not cursor then break end
    next_page = "&cursor=" .. cursor
  end
  local _, p99, refused, picked = company.wrk("pick", "/records/lead", string.format([[
    local ids = { %s }
    wrk.method, wrk.body = 'POST', '{}'
    wrk.headers['Content-Type'] = 'application/json'
    request = function()
      return wrk.format(nil, '/api/v1/records/lead/' .. ids[math.random(#ids)] .. '/actions/pick')
    end
  ]], table.concat(ids, ",")), 64)
  row("pick a lead, durable, 64 connections", picked, "/s", "",
    string.format("p99 %s, beside %d refused, of %d leads", p99, refused, #ids))
end

local function funnel()
  local stages = { "Prospecting", "Engaging", "Won", "Lost" }
  local lines = { "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date," ..
    "close_value" }
  for i = 1, deals do
    local closed = i % 4 > 1
    lines[i + 1] = string.format("M%07d,,GTX Basic,Acme Corporation,%s,2026-%02d-%02d,%s,%s", i,
      stages[1 + i % 4], 1 + i % 12, 1 + i % 28,
      closed and string.format("2026-%02d-28", 1 + i % 12) or "", closed and i % 5000 or "")
  end
  company.import_row(deals .. " opportunities", "opportunity", deals,
    company.file("deals.csv", lines), MAPS .. "maven_sales_pipeline.json")
  company.report("funnel of " .. deals + 8800 .. " opportunities", "opportunity",
    '{"filter":{"created_at":{"gte":"19%02d-01-01T00:00:00Z"}},"group":["pipeline","stage"],' ..
    '"measure":["count","sum.amount","sum.weighted"]}')
  company.report("the same without a filter", "opportunity", '{"group":["pipeline","stage"],' ..
    '"measure":["count","sum.amount","sum.weighted"],"limit":%d}')
end

company.create("people,leads,quotes,opportunities")
print("| work | figure | bar | more |\n|---|---|---|---|")
company.serve()
sets()
pick()
funnel()
company.stop()
