-- shop - stores, promotions and purchases, and what members of the demo company spend points on.
-- SPDX-License-Identifier: MIT
local kit = require("kit")
local shop = {}

local GOODS = {
  { "羊绒围巾 1 条", "clothing", 459 }, { "保温杯 2 只", "home", 238 }, { "蓝牙耳机", "electronics", 699 },
  { "儿童绘本套装", "children", 168 }, { "护肤礼盒", "beauty", 520 }, { "坚果大礼包", "food", 139 },
}

local function stores()
  local list = kit.ids("admin", "department", "name[contains]=店&sort=name")
  for i, id in ipairs(list) do
    kit.change("admin", "department", id, { industry_retail_code = string.format("S%03d", i),
      industry_retail_kind = "own", industry_retail_hours = "10:00-22:00" })
  end
  return list
end

local function purchases(list)
  local promotion = kit.create("gao.feng", "retail_promotion", { name = "冬季满 300 减 50",
    starts_on = kit.day(-20), ends_on = kit.day(20), kind = "reduction",
    reduction = kit.yuan(50), least = kit.yuan(300), budget = kit.yuan(20000) })
  kit.create("gao.feng", "retail_promotion", { name = "会员日九折", starts_on = kit.day(6),
    ends_on = kit.day(8), kind = "percent", percent = 10 })
  local names, customers = { "赵雅", "钱一鸣", "孙可欣", "李文静", "周子涵", "吴思远" }, {}
  for i, name in ipairs(names) do
    customers[i] = kit.create("he.xin", "contact", { name = name,
      phones = { string.format("1390010%04d", 2000 + i * 11) }, gender = i % 2 == 0 and "male" or
      "female", industry_retail_store = list[1] })
  end
  for i = 1, 12 do
    local goods = GOODS[i % #GOODS + 1]
    kit.create(i % 2 == 0 and "he.xin" or "gao.feng", "retail_purchase", {
      contact = customers[i % #customers + 1], store = list[i % #list + 1],
      bought_on = kit.day(-i), category = goods[2], items = goods[1], amount = kit.yuan(goods[3]),
      promotion = goods[3] >= 300 and promotion or nil, payment = "wechat" })
  end
end

local function points()
  local members = kit.ids("he.xin", "member", "sort=-balance&status=active")
  local rewards = kit.ids("he.xin", "reward", "sort=points")
  for i = 1, 6 do
    kit.act("he.xin", "member", members[i], "exchange", { reward = rewards[i % 2 + 1],
      key = "demo-exchange-" .. i, note = "门店自提" })
  end
  kit.act("gao.feng", "member", members[7], "adjust", { points = 200, key = "demo-adjust",
    reason = "活动补发" })
  kit.act("he.xin", "member", members[8], "hold", { points = 100, key = "demo-hold",
    ref = "收银台待支付", minutes = 60 })
  kit.act("gao.feng", "program", kit.ids("gao.feng", "program", "")[1], "issue_coupons", {
    batch = "冬季关怀券", count = 20, worth = "20.00", valid_from = kit.day(0),
    valid_to = kit.day(30) })
end

-- Points for more than buying, and money on a card.
local function visits()
  local program = kit.ids("gao.feng", "program", "")[1]
  local function rule(fields)
    fields.program, fields.kind = program, "bonus"
    return kit.create("gao.feng", "earning_rule", fields)
  end
  rule { name = "到店签到", event = "check_in", points = 5, per_member = 1, period = "day" }
  rule { name = "晒单评价", event = "custom", code = "review", points = 30, per_member = 2,
    period = "month" }
  local code = kit.create("gao.feng", "qr_code", { name = "门店海报", store = "S001",
    rule = rule { name = "扫码有礼", event = "qr", points = 20 } })
  local token = kit.call("gao.feng", "GET", "/records/qr_code/" .. code):match('"token":"(%x+)"')
  local members = kit.ids("he.xin", "member", "sort=card_no&status=active")
  for i = 1, 6 do
    local key = "demo-visit-" .. i
    kit.act("he.xin", "member", members[i], "check_in", { store = "S001", key = key })
    kit.act("he.xin", "member", members[i], "scan", { token = token, key = key .. "-scan" })
    kit.act("he.xin", "member", members[i], "happened", { event = "review", key = key .. "-own" })
    kit.act("he.xin", "member", members[i], "top_up", { amount = i .. "00.00",
      reason = "门店充值", key = key .. "-money" })
  end
  kit.act("he.xin", "member", members[1], "pay", { amount = "36.00", reason = "饮品",
    key = "demo-pay" })
end

function shop.make()
  purchases(stores())
  points()
  visits()
end

return shop
