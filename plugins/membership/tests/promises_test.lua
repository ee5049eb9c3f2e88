-- promises_test - more of what a ledger promises, and what others got wrong.
-- SPDX-License-Identifier: MIT

local function program(t, fields)
  fields.name = "P"
  return t.db.program:insert(fields)
end

local function card(t, p, name) return t.db.member:insert { name = name or "A", program = p.id } end
local function read(t, member) return t.db.member:get(member.id) end

local function bought(t, member, amount)
  return t.db.purchase:insert { member = member.id, amount = t.money(amount, "CNY") }
end

local function lot(t, member, points, last)
  return t.db.points_opening:insert {
    member = member.id, points = points, expires_on = last and t.date(last),
  }
end

local function kinds(t, member)
  local list, own = {}, { member = member.id }
  for i, entry in ipairs(t.db.points_entry:find { where = own, order = "seq", limit = 200 }) do
    list[i] = entry.kind
  end
  return list
end

local function spend(t, member, points)
  return t.action("member", member.id, "redeem", { points = points })
end

crm.test("Redemption draws on the same pool that the balance check used.", function(t)
  t.clock.set("2026-03-01T02:00:00Z")
  local a = card(t, program(t, { lock_days = 7 }))
  bought(t, a, "100") -- waits, and is no part of it
  lot(t, a, 30, "2026-03-01")
  lot(t, a, 20)
  t.action("member", a.id, "hold", { points = 10, minutes = 2880 })
  t.expect_fail(function() spend(t, a, 41) end, { points = "@not_enough" })
  t.eq(read(t, a).available, 40)
  t.clock.set("2026-03-01T16:00:00Z") -- the next day in Shanghai: nothing has run, 30 are over
  t.expect_fail(function() spend(t, a, 11) end, { points = "@not_enough" })
  spend(t, a, 10)
  t.eq({ read(t, a).balance, read(t, a).available, read(t, a).pending }, { 10, 0, 100 })
  t.eq(t.check(), {})
end)

crm.test("Expiry works by the tenant's date, is idempotent, writes one entry per lot; a spent lot "
  .. "cannot expire again.", function(t)
  t.clock.set("2026-03-01T02:00:00Z")
  local a = card(t, program(t, {}))
  for _, points in ipairs { 10, 20, 30 } do lot(t, a, points, "2026-03-31") end
  spend(t, a, 15) -- the first lot is spent, the second half so
  t.clock.set("2026-03-31T15:59:00Z") -- still the last day in Shanghai
  t.run_job("settle")
  t.eq(read(t, a).balance, 45)
  t.clock.set("2026-03-31T16:00:00Z")
  for _ = 1, 3 do t.run_job("settle") end
  t.eq(kinds(t, a), { "adjust", "adjust", "adjust", "redeem", "expire", "expire" })
  t.eq(read(t, a).balance, 0)
  for _, entry in ipairs(t.db.points_entry:find { where = { kind = "expire" } }) do
    t.eq(t.db.points_draw:count { where = { entry = entry.id } }, 1)
  end
  t.eq(t.db.points_lot:count { where = { state = "spent" } }, 1)
  t.eq(t.check(), {})
end)

local function ladder(t, p)
  t.db.tier:insert { name = "Silver", program = p.id, threshold = 0 }
  return t.db.tier:insert { name = "Gold", program = p.id, threshold = 100 }
end

crm.test("The tier uses qualifying points earned, not the current balance.", function(t)
  local p = program(t, {})
  local gold = ladder(t, p)
  local a, b = card(t, p), card(t, p, "B")
  bought(t, a, "100")
  spend(t, a, 100)
  t.action("member", a.id, "evaluate", {})
  t.eq({ read(t, a).balance, read(t, a).tier }, { 0, gold.id }, "spending lowers no tier")
  t.action("member", b.id, "adjust", { points = 500, reason = "gift" })
  t.action("member", b.id, "evaluate", {})
  t.ok(read(t, b).tier ~= gold.id, "what is given does not qualify")
end)

crm.test("The tier counts what the program says: points, money or orders.", function(t)
  for basis, reached in pairs { earned = 50, spend = 100, orders = 2 } do
    local p = program(t, {
      points_per_unit = t.decimal("0.5"), tier_basis = basis, currency = "JPY",
    })
    local step = t.db.tier:insert { name = "Gold", program = p.id, threshold = reached }
    local a = card(t, p)
    local function buy(yen)
      return t.db.purchase:insert { member = a.id, amount = t.money(yen, "JPY") }
    end
    buy("60")
    t.eq(read(t, a).tier, nil, basis)
    buy("40")
    t.eq(read(t, a).tier, step.id, basis)
  end
end)

crm.test("Pending points are visible, not spendable.", function(t)
  local p = program(t, { lock_days = 7, transfer_allowed = true })
  local a, b = card(t, p), card(t, p, "B")
  bought(t, a, "100")
  t.eq({ read(t, a).pending, read(t, a).available }, { 100, 0 })
  for action, params in pairs {
    redeem = { points = 1 }, hold = { points = 1 }, adjust = { points = -1, reason = "x" },
    transfer = { points = 1, to = crm.id_text(b.id) },
  } do
    t.expect_fail(function() t.action("member", a.id, action, params) end,
      { points = "@not_enough" })
  end
  t.expect_fail(function() t.action("member", a.id, "merge", { into = crm.id_text(b.id) }) end,
    { pending = "@merge_waits" })
end)

crm.test("Integers only.", function(t)
  local p = program(t, { points_per_unit = t.decimal("0.3333"), transfer_allowed = true })
  local a, b = card(t, p), card(t, p, "B")
  for _, cents in ipairs { "0.99", "3.00", "7.77", "100.01" } do bought(t, a, cents) end
  t.eq(read(t, a).balance, 0 + 0 + 2 + 33) -- each rounded down, nothing left between
  for _, points in ipairs { 1.5, "1", 0, -1, true } do
    for action, more in pairs {
      redeem = {}, hold = {}, transfer = { to = crm.id_text(b.id) },
    } do
      more.points = points
      t.expect_fail(function() t.action("member", a.id, action, more) end,
        { points = "@whole_points" })
    end
  end
  t.expect_fail(function()
    t.action("member", a.id, "adjust", { points = 0.5, reason = "x" })
  end, { points = "@whole_points" })
  spend(t, a, 35)
  for _, entity in ipairs { "points_entry", "points_lot", "points_draw" } do
    for _, field in ipairs(crm.entity(entity).fields) do
      t.ok(field.type ~= "decimal", entity .. "." .. field.name)
    end
  end
  t.eq({ read(t, a).balance, math.type(read(t, a).balance) }, { 0, "integer" })
end)

crm.test("Opening balances come in as adjust with their expiry.", function(t)
  t.clock.set("2026-03-01T02:00:00Z")
  local a = card(t, program(t, { expiry = "days", expiry_span = 10, lock_days = 5 }))
  lot(t, a, 100, "2026-09-30")
  t.action("member", a.id, "adjust", { points = 50, reason = "old", expires_on = "2026-12-31" })
  t.eq({ kinds(t, a), read(t, a).balance, read(t, a).pending }, { { "adjust", "adjust" }, 150, 0 })
  t.clock.set("2026-10-01T02:00:00Z")
  t.run_job("settle")
  t.eq(read(t, a).balance, 50)
end)

-- --- others got this wrong ---

crm.test("retries count nothing twice, whatever was asked in between", function(t)
  local p = program(t, {})
  local a = card(t, p)
  local purchase = bought(t, a, "100")
  local function refund() return t.action("purchase", purchase.id, "refund", {
    amount = "10", key = "r",
  }) end
  local first = refund()
  t.eq({ first.reversed, first.balance }, { 10, 90 })
  spend(t, a, 20)
  local again = refund()
  t.eq({ again.entry, again.points, again.reversed }, { first.entry, first.points, first.reversed })
  t.eq({ read(t, a).balance, tostring(t.db.purchase:get(purchase.id).refunded) },
    { 70, "10.00 CNY" })
  t.expect_fail(function()
    t.action("purchase", purchase.id, "refund", { amount = "11", key = "r" })
  end, { key = "@key_reused" })
end)

crm.test("a refund keeps no points, also in many small parts and after a downgrade", function(t)
  local p = program(t, { downgrade = "on_return", points_per_unit = t.decimal("1.5") })
  local gold = ladder(t, p)
  local a = card(t, p)
  local purchase = bought(t, a, "99.99")
  t.eq({ read(t, a).balance, read(t, a).tier }, { 149, gold.id })
  for _ = 1, 3 do t.action("purchase", purchase.id, "refund", { amount = "33.33" }) end
  t.eq(read(t, a).balance, 0)
  t.ok(read(t, a).tier ~= gold.id, "and the tier goes with them")
  t.expect_fail(function() t.action("purchase", purchase.id, "refund", { amount = "0.01" }) end,
    { amount = "@refund_amount" })
end)

crm.test("a balance does not collapse when lots that were spent are over", function(t)
  t.clock.set("2026-03-01T02:00:00Z")
  local a = card(t, program(t, {}))
  lot(t, a, 100, "2026-03-31")
  lot(t, a, 100, "2026-12-31")
  spend(t, a, 100)
  t.clock.set("2026-06-01T02:00:00Z")
  t.run_job("settle")
  t.eq(read(t, a).balance, 100)
  spend(t, a, 100)
  t.eq(t.check(), {})
end)

crm.test("a reward of which points were given back is canceled for the rest", function(t)
  local p = program(t, {})
  local a = card(t, p)
  bought(t, a, "100")
  local reward = t.db.reward:insert { name = "R", program = p.id, kind = "gift", points = 80 }
  local got = t.action("member", a.id, "exchange", { reward = crm.id_text(reward.id) })
  local redemption = crm.id_parse(got.redemption)
  local entry = t.db.points_entry:find { where = { redemption = redemption } }[1]
  t.action("points_entry", entry.id, "give_back", { points = 30 })
  t.eq(t.action("redemption", redemption, "cancel", {}).balance, 100)
  t.eq(t.check(), {})
end)
