-- retail_test - promotions, what a purchase costs and earns, returns, and the words of the trade.
-- SPDX-License-Identifier: MIT

local function cny(t, amount) return t.money(amount, "CNY") end

local function promotion(t, fields)
  local made = {
    name = "P", kind = "percent", percent = 10, starts_on = t.date("2026-03-01"),
    ends_on = t.date("2026-03-31"),
  }
  for name, value in pairs(fields or {}) do made[name] = value end
  return t.db.retail_promotion:insert(made).id
end

local function purchase(t, fields)
  local made = {
    amount = cny(t, "100"), bought_on = t.date("2026-03-10"), category = "shoes",
    contact = fields.contact or t.db.contact:insert { name = "Kim" }.id,
  }
  for name, value in pairs(fields) do made[name] = value end
  return t.db.retail_purchase:insert(made)
end

crm.test("a promotion takes off percents, or money but never more than all of it", function(t)
  t.clock.set("2026-03-10T02:00:00Z")
  for _, case in ipairs {
    { {}, "100", "10.00", "90.00" },
    { { percent = 33 }, "9.99", "3.30", "6.69" },
    { { kind = "reduction", reduction = cny(t, "30") }, "100", "30.00", "70.00" },
    { { kind = "reduction", reduction = cny(t, "30") }, "20", "20.00", "0.00" },
  } do
    local bought = purchase(t, { promotion = promotion(t, case[1]), amount = cny(t, case[2]) })
    t.eq({ bought.discount, bought.paid }, { cny(t, case[3]), cny(t, case[4]) })
  end
  local bare = purchase(t, {})
  t.eq({ bare.discount, bare.paid }, { nil, cny(t, "100") })
end)

crm.test("a promotion that does not hold for a purchase refuses it, and says why", function(t)
  t.clock.set("2026-03-10T02:00:00Z")
  for _, case in ipairs {
    { {}, { bought_on = t.date("2026-02-28") }, "@promotion_not_running" },
    { {}, { bought_on = t.date("2026-04-01") }, "@promotion_not_running" },
    { { category = "food" }, {}, "@promotion_other_category" },
    { { least = cny(t, "100.01") }, {}, "@promotion_too_little" },
    { { least = t.money("1", "USD") }, {}, "@promotion_other_currency" },
  } do
    local bought = case[2]
    bought.promotion = promotion(t, case[1])
    t.expect_fail(function() purchase(t, bought) end, { promotion = case[3] })
  end
  for _, day in ipairs { "2026-03-01", "2026-03-31" } do
    purchase(t, { promotion = promotion(t), bought_on = t.date(day) })
  end
  purchase(t, { promotion = promotion(t, { least = cny(t, "100"), category = "shoes" }) })
  t.expect_fail(function() promotion(t, { ends_on = t.date("2026-02-28") }) end,
    { ends_on = "@ends_before_start" })
end)

crm.test("another amount is worked out anew with the promotion that it has", function(t)
  t.clock.set("2026-03-10T02:00:00Z")
  local bought = purchase(t, { promotion = promotion(t) })
  bought = t.db.retail_purchase:update(bought.id, { amount = cny(t, "200") })
  t.eq(bought.paid, cny(t, "180"))
  bought = t.db.retail_purchase:update(bought.id, { promotion = crm.null })
  t.eq({ bought.discount, bought.paid }, { nil, cny(t, "200") })
end)

crm.test("a card earns with what was paid, once, and gives it back with a return", function(t)
  t.clock.set("2026-03-10T02:00:00Z")
  local contact = t.db.contact:insert { name = "Kim" }.id
  local program = t.db.program:insert { name = "Shop" }.id
  local card = t.db.member:insert { name = "Kim", contact = contact, program = program }.id
  local function balance() return t.db.member:get(card).balance end
  local bought = purchase(t, { contact = contact, promotion = promotion(t) })
  t.eq(balance(), 90)
  t.db.retail_purchase:update(bought.id, { remark = "gift" })
  t.eq(balance(), 90, "counted once")
  t.eq(t.db.purchase:count { where = { member = card } }, 1)
  t.db.retail_purchase:update(bought.id, { status = "returned", return_reason = "size" })
  t.eq(balance(), 0)
  purchase(t, {}) -- somebody without a card
  t.eq(t.db.purchase:count {}, 1)
end)

crm.test("a return is in time on its last day, and late on the next", function(t)
  local gone = { status = "returned", return_reason = "size" }
  t.clock.set("2026-03-10T02:00:00Z")
  local one, two = purchase(t, {}), purchase(t, {})
  t.clock.set("2026-03-17T02:00:00Z") -- return_days is 7
  t.eq(t.db.retail_purchase:update(one.id, gone).status, "returned")
  t.clock.set("2026-03-18T02:00:00Z")
  t.expect_fail(function() t.db.retail_purchase:update(two.id, gone) end,
    { status = "@return_too_late" })
  t.eq(t.db.retail_purchase:get(two.id).status, "paid")
end)

crm.test("the words of the trade are there, and no others are taken", function(t)
  t.clock.set("2026-03-10T02:00:00Z")
  for _, word in ipairs { "clothing", "drinks", "gift" } do purchase(t, { category = word }) end
  for _, word in ipairs { "wechat", "cash", "stored" } do purchase(t, { payment = word }) end
  t.expect_fail(function() purchase(t, { category = "cars" }) end, { category = true })
  t.expect_fail(function() purchase(t, { payment = "barter" }) end, { payment = true })
  t.ok(t.db.account:insert { name = "S", industry = "supermarket" }, "added to another's words")
end)

crm.test("a customer has what was bought and when last, returns are not counted", function(t)
  t.clock.set("2026-03-10T02:00:00Z")
  local contact = t.db.contact:insert { name = "Kim" }.id
  local back = purchase(t, { contact = contact, amount = cny(t, "50") })
  purchase(t, { contact = contact, bought_on = t.date("2026-03-09") })
  local function known()
    local row = t.db.contact:get(contact)
    return {
      row.industry_retail_purchases, row.industry_retail_spent,
      tostring(row.industry_retail_last_on),
    }
  end
  t.eq(known(), { 2, cny(t, "150"), "2026-03-10" })
  t.db.retail_purchase:update(back.id, { status = "returned", return_reason = "size" })
  t.eq(known(), { 1, cny(t, "100"), "2026-03-09" })
end)
