-- daily_test - what time does to cards: points become active and expire, tiers end, birthdays come.
-- SPDX-License-Identifier: MIT

local function program(t, fields)
  fields.name = fields.name or "P"
  return t.db.program:insert(fields)
end

local function bought(t, member, amount)
  return t.db.purchase:insert { member = member.id, amount = t.money(amount, "CNY") }
end

local function card(t, member) return t.db.member:get(member.id) end

local function kinds(t, member)
  local list, own = {}, { member = member.id }
  for i, entry in ipairs(t.db.points_entry:find { where = own, order = "seq" }) do
    list[i] = entry.kind
  end
  return list
end

crm.test("pending points become active on their day, and expire the day after the last", function(t)
  t.clock.set("2026-01-10T02:00:00Z")
  local p = program(t, { lock_days = 7, expiry = "days", expiry_span = 30 })
  local member = t.db.member:insert { name = "A", program = p.id }
  bought(t, member, "100")
  t.eq({ card(t, member).balance, card(t, member).pending }, { 0, 100 })
  t.clock.set("2026-01-17T02:00:00Z")
  t.run_job("settle")
  t.eq({ card(t, member).balance, card(t, member).pending }, { 100, 0 })
  t.clock.set("2026-02-09T15:00:00Z") -- the last day, in Shanghai
  t.run_job("settle")
  t.eq(card(t, member).balance, 100)
  t.clock.set("2026-02-09T16:00:00Z") -- and the next
  t.run_job("settle")
  t.run_job("settle")
  t.eq(card(t, member).balance, 0)
  t.eq(kinds(t, member), { "earn", "activate", "expire" })
end)

crm.test("after weeks without a job everything is made up for, once", function(t)
  t.clock.set("2026-01-10T02:00:00Z")
  local p = program(t, { lock_days = 7, expiry = "days", expiry_span = 30 })
  local member = t.db.member:insert { name = "A", program = p.id }
  bought(t, member, "100")
  t.clock.set("2026-06-01T02:00:00Z")
  t.run_job("settle")
  t.run_job("settle")
  t.eq({ card(t, member).balance, card(t, member).pending }, { 0, 0 })
  t.eq(kinds(t, member), { "earn", "activate", "expire" })
end)

crm.test("a hold ends by itself", function(t)
  t.clock.set("2026-01-10T02:00:00Z")
  local member = t.db.member:insert { name = "A", program = program(t, {}).id }
  bought(t, member, "100")
  local held = t.action("member", member.id, "hold", { points = 60, minutes = 30 })
  t.eq(held.available, 40)
  t.clock.advance { minutes = 29 }
  t.run_job("settle")
  t.eq(card(t, member).held, 60)
  t.clock.advance { minutes = 1 }
  t.run_job("settle")
  t.eq({ card(t, member).held, card(t, member).available }, { 0, 100 })
  t.expect_fail(function()
    t.action("points_hold", crm.id_parse(held.hold), "capture", {})
  end, { state = "@hold_ended" })
end)

local function ladder(t, p)
  t.db.tier:insert { name = "Silver", program = p.id, threshold = 0 }
  return t.db.tier:insert { name = "Gold", program = p.id, threshold = 100, validity_months = 12 }
end

crm.test("a tier ends after its months: kept by what was earned since, else lost", function(t)
  t.clock.set("2026-01-10T02:00:00Z")
  local p = program(t, { downgrade = "at_end", tier_months = 12 })
  local gold = ladder(t, p)
  local kept = t.db.member:insert { name = "K", program = p.id }
  local lost = t.db.member:insert { name = "L", program = p.id }
  bought(t, kept, "100")
  bought(t, lost, "100")
  t.eq(card(t, lost).tier, gold.id)
  t.clock.set("2026-06-10T02:00:00Z")
  bought(t, kept, "150")
  t.clock.set("2027-01-11T02:00:00Z")
  t.run_job("tiers")
  t.run_job("tiers")
  t.eq(card(t, kept).tier, gold.id)
  t.ok(card(t, kept).tier_until > t.clock.now():date())
  t.ok(card(t, lost).tier ~= gold.id)
  local moves = t.db.tier_change:find { where = { member = lost.id }, order = "id" }
  t.eq(moves[#moves].direction, "down")
  t.eq(card(t, lost).balance, 100, "spending and tiers are two things")
end)

crm.test("nobody falls where the program says so", function(t)
  t.clock.set("2026-01-10T02:00:00Z")
  local p = program(t, { downgrade = "none" })
  local gold = ladder(t, p)
  local member = t.db.member:insert { name = "A", program = p.id }
  bought(t, member, "100")
  t.clock.set("2028-02-01T02:00:00Z")
  t.run_job("tiers")
  t.eq(card(t, member).tier, gold.id)
  t.ok(card(t, member).tier_until > t.clock.now():date())
end)

crm.test("a birthday gives once a year, also days late and on the 29th of February", function(t)
  t.clock.set("2027-02-20T02:00:00Z")
  local p = program(t, {})
  t.db.earning_rule:insert {
    name = "Birthday", program = p.id, kind = "bonus", event = "birthday", points = 50,
  }
  local leap = t.db.member:insert { name = "L", program = p.id, birthday = t.date("1992-02-29") }
  local other = t.db.member:insert { name = "O", program = p.id, birthday = t.date("1990-03-02") }
  t.run_job("birthdays")
  t.eq(card(t, leap).balance, 0)
  t.clock.set("2027-03-05T02:00:00Z") -- nothing ran for days
  t.run_job("birthdays")
  t.run_job("birthdays")
  t.eq({ card(t, leap).balance, card(t, other).balance }, { 50, 50 })
  t.clock.set("2028-02-28T02:00:00Z")
  t.run_job("birthdays")
  t.eq(card(t, leap).balance, 50)
  t.clock.set("2028-02-29T02:00:00Z")
  t.run_job("birthdays")
  t.eq(card(t, leap).balance, 100)
end)

crm.test("points that expire soon are told of once for each number of days", function(t)
  t.clock.set("2026-01-10T02:00:00Z")
  local p = program(t, { expiry = "days", expiry_span = 60 })
  local member = t.db.member:insert { name = "A", program = p.id }
  bought(t, member, "100")
  local function warned()
    return t.db.points_lot:find { where = { member = member.id } }[1].warned_days
  end
  t.run_job("warn")
  t.eq(warned(), nil)
  t.clock.set("2026-02-10T02:00:00Z")
  t.run_job("warn")
  t.eq(warned(), 30)
  t.clock.set("2026-03-05T02:00:00Z")
  t.run_job("warn")
  t.run_job("warn")
  t.eq(warned(), 7)
end)

crm.test("a coupon that was not used in time has ended", function(t)
  t.clock.set("2026-01-10T02:00:00Z")
  local p = program(t, {})
  local answer = t.action("program", p.id, "issue_coupons", {
    batch = "spring", count = 45, worth = "10", valid_to = "2026-01-31",
  })
  t.eq(answer.count, 45)
  t.run_outbox()
  t.eq(t.db.coupon:count { where = { batch = "spring", state = "issued" } }, 45)
  local code = t.db.coupon:find { limit = 1 }[1].code
  t.ok(code:match("^%x%x%x%x%x%-%x%x%x%x%x%-%x%x%x%x%x%-%x%x%x%x%x$"), code)
  t.clock.set("2026-02-01T02:00:00Z")
  t.run_job("coupons")
  t.eq(t.db.coupon:count { where = { state = "expired" } }, 45)
end)

crm.test("a batch of coupons that makes no sense is refused on its field", function(t)
  local p = program(t, {})
  for _, case in ipairs {
    { { batch = "b", count = 0, worth = "1" }, "count" },
    { { batch = "b", count = 100001, worth = "1" }, "count" },
    { { batch = "", count = 1, worth = "1" }, "batch" },
    { { batch = "b", count = 1 }, "worth" },
    { { batch = "b", count = 1, worth = "1", discount = "5" }, "worth" },
    { { batch = "b", count = 1, worth = "x" }, "worth" },
    { { batch = "b", count = 1, worth = "1", valid_to = "2026-02-30" }, "valid_to" },
    { { batch = "b", count = 1, worth = "1", uses_max = 0 }, "uses_max" },
  } do
    t.expect_fail(function() t.action("program", p.id, "issue_coupons", case[1]) end, {
      [case[2]] = true,
    })
  end
end)

crm.test("opening balances are adjustments with their own expiry", function(t)
  t.clock.set("2026-01-10T02:00:00Z")
  local p = program(t, { expiry = "days", expiry_span = 10 })
  local member = t.db.member:insert { name = "A", program = p.id }
  for _, row in ipairs { { 100, "2026-03-31" }, { 50, "2026-12-31" } } do
    t.db.points_opening:insert {
      member = member.id, points = row[1], expires_on = t.date(row[2]),
    }
  end
  t.expect_fail(function()
    t.db.points_opening:insert {
      member = member.id, points = 5, expires_on = t.date("2025-12-31"),
    }
  end, { expires_on = "@opening_expired" })
  t.eq(kinds(t, member), { "adjust", "adjust" })
  t.eq(card(t, member).balance, 150)
  t.clock.set("2026-04-01T02:00:00Z")
  t.run_job("settle")
  t.eq(card(t, member).balance, 50)
end)

crm.test("what earns nothing is left out", function(t)
  local p = program(t, { excluded = { "tobacco" } })
  local member = t.db.member:insert { name = "A", program = p.id }
  local cny = function(amount) return t.money(amount, "CNY") end
  t.db.purchase:insert { member = member.id, amount = cny("100"), category = "tobacco" }
  t.eq(card(t, member).balance, 0)
  t.db.purchase:insert { member = member.id, amount = cny("100"), no_points = cny("12") }
  t.eq(card(t, member).balance, 88)
  t.expect_fail(function()
    t.db.purchase:insert { member = member.id, amount = cny("10"), no_points = cny("12") }
  end, { no_points = "@no_points_amount" })
end)

-- They are counted behind whoever asks.
local function figures(t, p)
  t.action("program", p.id, "figures", {})
  t.run_outbox()
  return t.action("program", p.id, "figures", {})
end

crm.test("what a program owes is worth what a point is worth, month by month", function(t)
  t.clock.set("2026-01-10T02:00:00Z")
  local p = program(t, {
    expiry = "month_end", expiry_span = 1, point_value = t.money("0.01", "CNY"),
  })
  local member = t.db.member:insert { name = "A", program = p.id }
  bought(t, member, "100")
  t.clock.set("2026-02-10T02:00:00Z")
  bought(t, member, "250")
  t.action("member", member.id, "redeem", { points = 30 })
  t.eq(t.action("program", p.id, "figures", {}), { counting = true })
  local told = figures(t, p)
  t.eq({ told.outstanding, told.earned, told.redeemed, told.redemption_percent },
    { 320, 350, 30, 8 })
  t.eq({ told.months[1].month, told.months[1].points, told.months[2].points },
    { "2026-02", 70, 250 })
  t.eq(told.months[2].amount, "2.50 CNY")
  local other = program(t, {})
  bought(t, t.db.member:insert { name = "B", program = other.id }, "40")
  local of_other, again = figures(t, other), figures(t, p)
  t.eq({ of_other.outstanding, of_other.earned, of_other.redeemed }, { 40, 40, 0 })
  t.eq({ again.outstanding, again.earned, again.redeemed }, { 320, 350, 30 })
  t.db.program:update(p.id, { point_value = t.money("0.02", "CNY") })
  t.run_outbox()
  local rows = t.db.points_lot:find { where = { member = member.id }, order = "id" }
  t.eq(tostring(rows[2].worth), "5.00 CNY")
end)

crm.test("each night every program is counted", function(t)
  t.clock.set("2026-01-10T02:00:00Z")
  local one, two = program(t, { name = "One" }), program(t, { name = "Two" })
  bought(t, t.db.member:insert { name = "A", program = one.id }, "100")
  bought(t, t.db.member:insert { name = "B", program = two.id }, "40")
  for _ = 1, 2 do t.run_job("liability") end
  t.clock.set("2026-01-11T02:00:00Z")
  t.run_job("liability")
  local owed = {}
  for i, row in ipairs(t.db.program_figures:find { order = "on,id" }) do
    owed[i] = row.outstanding
  end
  t.eq(owed, { 100, 40, 100, 40 })
end)

crm.test("a ledger that does not add up is found, and said where", function(t)
  local member = t.db.member:insert { name = "A", program = program(t, {}).id }
  bought(t, member, "100")
  t.action("member", member.id, "redeem", { points = 30 })
  t.eq(t.check(), {})
  local lot = t.db.points_lot:find { limit = 1 }[1]
  t.db.points_lot:update(lot.id, { remaining = 71 })
  t.eq(t.check(), {
    "points.balance: " .. crm.id_text(member.id) .. ": balance is 70, not 71",
    "points.lot: " .. crm.id_text(lot.id) .. ": remaining is 71, not 70",
  })
  t.db.points_lot:update(lot.id, { remaining = 70 })
  t.db.member:update(member.id, { entry_hash = ("0"):rep(64), held = 5 })
  local wrong = t.check()
  t.eq(#wrong, 2)
  t.ok(wrong[1]:match("^points%.holds: .*: held is 5, not 0$"), wrong[1])
  t.ok(wrong[2]:match("^points%.last: .*: entry_hash is "), wrong[2])
end)

crm.test("a merge of cards takes the person's data that is chosen", function(t)
  local p = program(t, {})
  local old = t.db.member:insert { name = "Old", email = "old@example.com", program = p.id }
  local kept = t.db.member:insert { name = "Kept", email = "kept@example.com", program = p.id }
  local into = crm.id_text(kept.id)
  t.expect_fail(function()
    t.action("member", old.id, "merge", { into = into, take = { "balance" } })
  end, { take = "@merge_take" })
  t.action("member", old.id, "merge", { into = into, take = { "email" } })
  local now = card(t, kept)
  t.eq({ now.name, now.email }, { "Kept", "old@example.com" })
  t.eq(card(t, old).status, "closed")
end)
