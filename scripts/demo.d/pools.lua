-- pools - leads and customers in pools 公海, what people may have, and two who were one.
-- SPDX-License-Identifier: MIT
local kit = require("kit")
local pools = {}

local SELLERS = { "zhang.wei", "li.na", "zhou.tao" }
local STATUSES = { { "待联系", "open" }, { "洽谈中", "ongoing" }, { "明年再说", "hold" },
  { "信息无效", "lost" } }

local function rules(users)
  local pool = kit.create("wang.fang", "pool", { name = "客户公海", holds = { "account" },
    hidden_fields = { "phones", "emails" }, admins = { users["wang.fang"] } })
  kit.create("wang.fang", "pick_rule", { name = "每日领取", pool = pool, daily_limit = 20,
    cool_off_days = 7, daily_views = 50 })
  kit.create("wang.fang", "recycle_rule", { name = "60 天无商机", of = "account", pool = pool,
    no_deal_days = 60, warn_days = 7, levels = { "b", "c", "d" } })
  kit.create("wang.fang", "recycle_rule", { name = "30 天未跟进", of = "lead", idle_days = 30 })
  for _, seller in ipairs(SELLERS) do
    kit.create("wang.fang", "capacity", { name = seller .. " 线索库容", user = users[seller],
      of = "lead", max_open = 400 })
    local of_customers = kit.create("wang.fang", "capacity", { name = seller .. " 客户库容",
      user = users[seller], of = "account", max_open = 40, max_locked = 3 })
    kit.act("wang.fang", "capacity", of_customers, "measure")
  end
  for i, one in ipairs(STATUSES) do
    kit.create("wang.fang", "lead_status", { name = one[1], kind = one[2], order = i * 10 })
  end
  return pool
end

-- Some of the imported customers, which nobody has, are picked; one is given back.
local function picking(pool)
  local common = kit.ids("wang.fang", "pool", "is_default=true")[1]
  local free = kit.ids("wang.fang", "account", "pool=" .. common .. "&sort=id")
  for i = 1, 9 do kit.act(SELLERS[(i - 1) % #SELLERS + 1], "account", free[i], "pick") end
  kit.act("zhang.wei", "account", free[1], "lock")
  kit.act("li.na", "account", free[2], "return", { pool = pool, reason = "行业不匹配" })
end

local function merging(customer)
  local twice = kit.create("zhang.wei", "account", { name = "苏州锐捷精密", phone = "0512-62110200",
    level = "b", website = "https://ruijie.example.com" })
  kit.create("zhang.wei", "contact", { name = "王建国", account = twice, title = "技术总监" })
  kit.act("wang.fang", "account", twice, "merge", { into = customer })
end

function pools.make(users, customers)
  picking(rules(users))
  merging(customers[1].id)
end

return pools
