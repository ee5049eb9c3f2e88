-- wallet_test - stored value and cash back: entries that add up, and nothing twice.
-- SPDX-License-Identifier: MIT

local function card(t, name, fields)
  fields = fields or {}
  fields.name = fields.name or "P"
  local p = t.db.program:find { where = { name = fields.name }, limit = 1 }[1]
    or t.db.program:insert(fields)
  return t.db.member:insert { name = name or "A", program = p.id }, p
end

local function told(t, member)
  local now = t.db.member:get(member.id)
  return { tostring(now.stored_value), tostring(now.cash_back) }
end

crm.test("stored value is paid in and spent, and never below zero", function(t)
  local a = card(t)
  t.action("member", a.id, "top_up", { amount = "100.00", key = "t1" })
  t.action("member", a.id, "top_up", { amount = "100.00", key = "t1" })
  local paid = t.action("member", a.id, "pay", { amount = "30.50", key = "p1" })
  t.eq(paid.stored_value, "69.50 CNY")
  t.eq(t.action("member", a.id, "pay", { amount = "30.50", key = "p1" }), paid)
  t.expect_fail(function() t.action("member", a.id, "pay", { amount = "69.51" }) end,
    { amount = "@wallet_lacks" })
  t.expect_fail(function()
    t.action("member", a.id, "pay", { amount = "1", account = "cash_back" })
  end, { amount = "@wallet_lacks" })
  t.eq(told(t, a), { "69.50 CNY", "0.00 CNY" })
  t.eq(t.check(), {})
end)

crm.test("an amount that is none, or in another currency, is refused on its field", function(t)
  local a = card(t)
  for _, amount in ipairs { "0", "-1", "x", "", "1.005", "12 USD", true } do
    t.expect_fail(function() t.action("member", a.id, "top_up", { amount = amount }) end,
      { amount = "@wallet_amount" })
  end
  t.expect_fail(function() t.action("member", a.id, "top_up", {}) end,
    { amount = "@wallet_amount" })
  t.expect_fail(function() t.action("member", a.id, "pay", { amount = "1", account = "x" }) end,
    { account = "@wallet_account" })
  t.expect_fail(function() t.action("member", a.id, "pay", { amount = "1", purchase = "x" }) end,
    { purchase = "@wallet_purchase" })
  t.eq(t.db.wallet_entry:count {}, 0)
end)

crm.test("wallet entries are never updated or deleted; a wrong one is reversed, once", function(t)
  local a = card(t)
  t.action("member", a.id, "top_up", { amount = "50.00" })
  local paid = t.action("member", a.id, "pay", { amount = "20.00" })
  local id = crm.id_parse(paid.entry)
  t.ok(not pcall(t.db.wallet_entry.update, t.db.wallet_entry, id, { reason = "x" }))
  t.ok(not pcall(t.db.wallet_entry.delete, t.db.wallet_entry, id))
  local back = t.action("wallet_entry", id, "reverse", { amount = "5.00", key = "b" })
  t.eq(back.stored_value, "35.00 CNY")
  t.eq(t.action("wallet_entry", id, "reverse", { amount = "5.00", key = "b" }).entry, back.entry)
  t.expect_fail(function() t.action("wallet_entry", id, "reverse", { amount = "15.01" }) end,
    { amount = "@wallet_reversed" })
  t.action("wallet_entry", id, "reverse", {})
  t.expect_fail(function() t.action("wallet_entry", id, "reverse", {}) end,
    { amount = "@wallet_reversed" })
  t.expect_fail(function()
    t.action("wallet_entry", crm.id_parse(back.entry), "reverse", {})
  end, { kind = "@wallet_not_reversible" })
  t.eq(told(t, a)[1], "50.00 CNY")
  t.eq(t.check(), {})
end)

local function rich(t)
  local a, p = card(t)
  t.action("member", a.id, "adjust", { points = 1000, reason = "opening" })
  local function reward(fields)
    fields.program, fields.name = p.id, fields.name or "R"
    return t.db.reward:insert(fields)
  end
  return a, reward
end

crm.test("points become stored value or cash back, and a canceled one takes it back", function(t)
  local a, reward = rich(t)
  local stored = reward { kind = "stored_value", points = 100, worth = t.money("10.00", "CNY") }
  local cash = reward { kind = "cash_back", points = 200, worth = t.money("5.00", "CNY") }
  local function exchange(one)
    return t.action("member", a.id, "exchange", { reward = crm.id_text(one.id) })
  end
  local got = exchange(stored)
  exchange(cash)
  t.eq(told(t, a), { "10.00 CNY", "5.00 CNY" })
  t.action("redemption", crm.id_parse(got.redemption), "cancel", {})
  t.eq(told(t, a), { "0.00 CNY", "5.00 CNY" })
  t.eq(t.db.member:get(a.id).balance, 800)
  local again = exchange(stored)
  t.action("member", a.id, "pay", { amount = "1.00" })
  t.expect_fail(function()
    t.action("redemption", crm.id_parse(again.redemption), "cancel", {})
  end, { status = "@wallet_spent" })
  t.action("member", a.id, "pay_out", { amount = "5.00" })
  t.eq(told(t, a), { "9.00 CNY", "0.00 CNY" })
  t.eq(t.check(), {})
end)

crm.test("a discount for points is a coupon with its terms", function(t)
  local a, reward = rich(t)
  local function got(one, points)
    local made = t.action("member", a.id, "exchange", {
      reward = crm.id_text(one.id), points = points,
    })
    return t.db.coupon:find { where = { code = made.coupon }, limit = 1 }[1], made.points
  end
  local coupon = got(reward { kind = "discount", points = 50, discount_kind = "percent",
    discount = crm.decimal("12.5"), applies_to = "cheapest", worth_max = t.money("30", "CNY") })
  t.eq({ tostring(coupon.discount), coupon.applies_to, tostring(coupon.worth_max) },
    { tostring(coupon.discount), "cheapest", "30.00 CNY" })
  coupon = got(reward { kind = "discount", points = 50, discount_kind = "fixed",
    worth = t.money("8", "CNY"), applies_to = "specific", sku = "TEA" })
  t.eq({ tostring(coupon.worth), coupon.sku }, { "8.00 CNY", "TEA" })
  local per_point = reward { kind = "discount", points = 100, discount_kind = "per_point",
    per_point = t.money("0.02", "CNY") }
  local points
  coupon, points = got(per_point, 250)
  t.eq({ tostring(coupon.worth), points }, { "5.00 CNY", 250 })
  for _, wrong in ipairs { 99, 1.5, "7" } do
    t.expect_fail(function() got(per_point, wrong) end, { points = "@reward_least" })
  end
  t.eq(t.check(), {})
end)

crm.test("a reward whose worth nobody could work out is refused", function(t)
  local _, reward = rich(t)
  for _, case in ipairs {
    { { kind = "stored_value", points = 1 }, "worth" },
    { { kind = "cash_back", points = 1, worth = t.money("1", "USD") }, "worth" },
    { { kind = "discount", points = 1 }, "discount_kind" },
    { { kind = "discount", points = 1, discount_kind = "fixed" }, "worth" },
    { { kind = "discount", points = 1, discount_kind = "percent" }, "discount" },
    { { kind = "discount", points = 1, discount_kind = "per_point" }, "per_point" },
    { { kind = "discount", points = 1, discount_kind = "fixed", worth = t.money("1", "CNY"),
      applies_to = "specific" }, "sku" },
  } do
    t.expect_fail(function() reward(case[1]) end, { [case[2]] = true })
  end
end)

crm.test("what is on a card goes along when it is merged; a closed card pays nothing", function(t)
  local a, b = card(t), card(t, "B")
  t.action("member", a.id, "top_up", { amount = "40.00" })
  t.action("member", b.id, "top_up", { amount = "2.00" })
  t.action("member", a.id, "merge", { into = crm.id_text(b.id) })
  t.eq({ told(t, a)[1], told(t, b)[1] }, { "0.00 CNY", "42.00 CNY" })
  t.expect_fail(function() t.action("member", a.id, "top_up", { amount = "1" }) end,
    { status = "@member_not_active" })
  t.eq(t.check(), {})
end)

crm.test("a wallet that does not add up is found, and said where", function(t)
  local a = card(t)
  t.action("member", a.id, "top_up", { amount = "40.00" })
  t.db.member:update(a.id, { stored_value = t.money("41.00", "CNY") })
  t.eq(t.check(), {
    "wallet.balance: " .. crm.id_text(a.id) .. ": stored_value is 4100, not 4000",
  })
end)
