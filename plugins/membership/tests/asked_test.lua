-- asked_test - what is asked wrongly is told on its field, and changes nothing.
-- SPDX-License-Identifier: MIT

local function card(t)
  local p = t.db.program:insert { name = "P" }
  local a = t.db.member:insert { name = "A", program = p.id }
  t.db.points_opening:insert { member = a.id, points = 100 }
  return a, p
end

crm.test("a text that cannot be kept is refused, and so is a key that is none", function(t)
  local a = card(t)
  for _, case in ipairs {
    { "redeem", { points = 5, key = 7 }, "key" },
    { "redeem", { points = 5, key = ("k"):rep(101) }, "key" },
    { "redeem", { points = 5, reason = ("r"):rep(256) }, "reason" },
    { "redeem", { points = 5, reason = {} }, "reason" },
    { "hold", { points = 5, ref = ("r"):rep(101) }, "ref" },
    { "top_up", { amount = "5", key = true }, "key" },
  } do
    t.expect_fail(function() t.action("member", a.id, case[1], case[2]) end,
      { [case[3]] = "@text_wrong" })
  end
  t.action("member", a.id, "redeem", {
    points = 5, reason = ("谢"):rep(255), key = ("k"):rep(100),
  })
  t.eq(t.db.member:get(a.id).available, 95)
end)

crm.test("points are not given for a day that is over or none", function(t)
  t.clock.set("2026-03-01T02:00:00Z")
  local a = card(t)
  local function adjust(last)
    return function()
      t.action("member", a.id, "adjust", { points = 5, reason = "x", expires_on = last })
    end
  end
  t.expect_fail(adjust("2026-02-28"), { expires_on = "@opening_expired" })
  t.expect_fail(adjust("tomorrow"), { expires_on = "@day_wrong" })
  adjust("2026-03-01")()
  t.eq(t.db.member:get(a.id).balance, 105)
end)

crm.test("a purchase of tomorrow is none yet; a hold tells what it took", function(t)
  t.clock.set("2026-03-01T02:00:00Z")
  local a = card(t)
  t.expect_fail(function()
    t.db.purchase:insert {
      member = a.id, amount = t.money("1", "CNY"), bought_on = t.date("2026-03-02"),
    }
  end, { bought_on = "@purchase_future" })
  local hold = crm.id_parse(t.action("member", a.id, "hold", { points = 50 }).hold)
  local took = t.action("points_hold", hold, "capture", { points = 30 })
  t.eq({ took.points, took.taken, took.available }, { 50, 30, 70 })
  t.eq(t.action("points_hold", hold, "capture", {}), took)
end)

crm.test("a rule that does not say what it gives stops no purchase: it is refused", function(t)
  local a, p = card(t)
  for _, case in ipairs {
    { { kind = "multiply" }, "multiplier" }, { { kind = "per_order" }, "points" },
    { { kind = "bonus", points = 1 }, "event" }, { { kind = "bonus", event = "qr" }, "points" },
  } do
    case[1].name, case[1].program = "R", p.id
    t.expect_fail(function() t.db.earning_rule:insert(case[1]) end, { [case[2]] = "@rule_needs" })
  end
  t.expect_fail(function()
    t.db.earning_rule:insert { name = "R", program = p.id, kind = "per_order", points = 1,
      valid_from = t.date("2026-02-02"), valid_to = t.date("2026-02-01") }
  end, { valid_to = "@coupon_dates" })
  t.db.purchase:insert { member = a.id, amount = t.money("10", "CNY") }
  t.eq(t.db.member:get(a.id).balance, 110)
end)

crm.test("a program counts in money that there is, for a day at least", function(t)
  t.expect_fail(function() t.db.program:insert { name = "P", currency = "XXZ" } end,
    { currency = "@program_currency" })
  t.expect_fail(function() t.db.program:insert { name = "P", expiry = "days" } end,
    { expiry_span = "@program_span" })
  t.db.program:insert { name = "P", currency = "JPY", expiry = "month_end" }
end)

crm.test("a coupon is used by somebody there is, a reward sent to a real address", function(t)
  local a, p = card(t)
  local coupon = t.db.coupon:insert { code = "C1", program = p.id }
  for _, name in ipairs { "member", "purchase" } do
    for _, wrong in ipairs { "zz", crm.id_text(a.id + 1), 7 } do
      t.expect_fail(function() t.action("coupon", coupon.id, "use", { [name] = wrong }) end,
        { [name] = "@record_unknown" })
    end
  end
  t.action("coupon", coupon.id, "use", { member = crm.id_text(a.id) })
  local reward = t.db.reward:insert { name = "R", program = p.id, kind = "gift", points = 5 }
  t.expect_fail(function()
    t.action("member", a.id, "exchange", { reward = crm.id_text(reward.id), address = 7 })
  end, { address = true })
  t.eq(t.db.member:get(a.id).balance, 100)
end)

crm.test("a redemption is canceled by the operation, which gives its points back", function(t)
  local a, p = card(t)
  t.user { login = "clerk", roles = { "loyalty_manager" } }
  local reward = t.db.reward:insert { name = "R", program = p.id, kind = "gift", points = 5 }
  local id = crm.id_parse(t.action("member", a.id, "exchange", {
    reward = crm.id_text(reward.id),
  }).redemption)
  t.as("clerk")
  t.expect_fail(function() t.db.redemption:update(id, { status = "canceled" }) end,
    { status = "@redemption_cancel" })
  t.db.redemption:update(id, { status = "shipped" })
  t.eq(t.action("redemption", id, "cancel", {}).balance, 100)
  t.as()
  t.eq(t.check(), {})
end)
