-- invariants_test - what a ledger of points promises, sentence by sentence.
-- SPDX-License-Identifier: MIT

local function program(t, fields)
  fields.name = "P"
  return t.db.program:insert(fields)
end

local function card(t, p, name) return t.db.member:insert { name = name or "A", program = p.id } end
local function read(t, member) return t.db.member:get(member.id) end

local function bought(t, member, amount, fields)
  fields = fields or {}
  fields.member, fields.amount = member.id, t.money(amount, "CNY")
  return t.db.purchase:insert(fields)
end

local function lot(t, id, points, last, on)
  return t.db.points_opening:insert {
    member = id, points = points, expires_on = last and t.date(last), earned_on = on and t.date(on),
  }
end

-- What lots hold, by their expiry; of those that have something.
local function held(t, member)
  local list = {}
  for _, row in ipairs(t.db.points_lot:find {
    where = { member = member.id, remaining = { ne = 0 } }, order = "draws_on,earned_on",
  }) do
    list[#list + 1] = string.format("%s %d", row.expires_on and tostring(row.expires_on) or "never",
      row.remaining)
  end
  return list
end

local function entries(t, member)
  return t.db.points_entry:find { where = { member = member.id }, order = "seq", limit = 200 }
end

local function counts(t, member) return #entries(t, member), read(t, member).balance end

crm.test("Entries are never updated or deleted; a wrong entry is reversed.", function(t)
  local a = card(t, program(t, {}))
  local purchase = bought(t, a, "100")
  local entry = entries(t, a)[1]
  t.ok(not pcall(t.db.points_entry.update, t.db.points_entry, entry.id, { reason = "x" }))
  t.ok(not pcall(t.db.points_entry.delete, t.db.points_entry, entry.id))
  local draw = t.db.points_draw:find { where = { entry = entry.id } }[1]
  t.ok(not pcall(t.db.points_draw.update, t.db.points_draw, draw.id, { points = 1 }))
  t.action("purchase", purchase.id, "refund", {})
  local list = entries(t, a)
  t.eq({ #list, list[1].points, list[2].kind, list[2].points, list[2].reverses },
    { 2, 100, "reverse_earn", -100, entry.id })
end)

crm.test("Balance = Σ entries = Σ remaining of active lots, at every commit.", function(t)
  local p = program(t, { transfer_allowed = true, lock_days = 3 })
  local a, b = card(t, p), card(t, p, "B")
  local function holds()
    for _, one in ipairs { a, b } do
      local sum, waits, lots = 0, 0, { active = 0, pending = 0 }
      for _, entry in ipairs(entries(t, one)) do
        sum, waits = sum + entry.points, waits + entry.pending_points
      end
      for _, row in ipairs(t.db.points_lot:find { where = { member = one.id }, limit = 200 }) do
        if lots[row.state] then lots[row.state] = lots[row.state] + row.remaining end
      end
      local now = read(t, one)
      t.eq({ sum, lots.active, waits, lots.pending },
        { now.balance, now.balance, now.pending, now.pending })
    end
    t.eq(t.check(), {})
  end
  lot(t, a.id, 100, "2099-12-31")
  holds()
  bought(t, a, "40")
  holds()
  t.action("member", a.id, "transfer", { to = crm.id_text(b.id), points = 30 })
  holds()
  t.action("member", b.id, "redeem", { points = 30 })
  holds()
  t.clock.advance { days = 3 }
  t.run_job("settle")
  t.eq({ read(t, a).balance, read(t, a).pending, read(t, b).balance }, { 110, 0, 0 })
  holds()
end)

crm.test("Invariant 2 holds for two balances, pending and active: earn adds to pending, activate "
  .. "moves the points across; without lock_days earn goes straight to active", function(t)
  local a = card(t, program(t, { lock_days = 7 }))
  bought(t, a, "50")
  t.eq({ read(t, a).balance, read(t, a).pending }, { 0, 50 })
  t.clock.advance { days = 7 }
  t.run_job("settle")
  t.eq({ read(t, a).balance, read(t, a).pending }, { 50, 0 })
  local last = entries(t, a)[2]
  t.eq({ last.kind, last.points, last.pending_points }, { "activate", 50, -50 })
  local b = card(t, program(t, {}), "B")
  bought(t, b, "50")
  t.eq({ read(t, b).balance, read(t, b).pending, #entries(t, b) }, { 50, 0, 1 })
  t.eq(t.check(), {})
end)

crm.test("A hold lowers what is available, not the balance.", function(t)
  local a = card(t, program(t, {}))
  bought(t, a, "100")
  t.action("member", a.id, "hold", { points = 60 })
  local now = read(t, a)
  t.eq({ now.balance, now.held, now.available, #entries(t, a) }, { 100, 60, 40, 1 })
  t.expect_fail(function() t.action("member", a.id, "redeem", { points = 41 }) end,
    { points = "@not_enough" })
end)

crm.test("Redeem draws the soonest expiring first, then the oldest; never-expiring lots last.",
  function(t)
    t.clock.set("2026-03-01T02:00:00Z")
    local a = card(t, program(t, {}))
    lot(t, a.id, 10, nil, "2020-01-01")
    lot(t, a.id, 10, "2026-06-30", "2026-02-01")
    lot(t, a.id, 10, "2026-06-30", "2026-01-01")
    lot(t, a.id, 10, "2026-04-30", "2026-02-15")
    local function spend(points) t.action("member", a.id, "redeem", { points = points }) end
    spend(15)
    t.eq(held(t, a), { "2026-06-30 5", "2026-06-30 10", "never 10" })
    local first = t.db.points_lot:find { where = { remaining = 5 } }[1]
    t.eq(tostring(first.earned_on), "2026-01-01", "of two that end together the older")
    spend(15)
    t.eq(held(t, a), { "never 10" })
    spend(10)
    t.eq(held(t, a), {})
  end)

crm.test("The same idempotency_key gives the same result and no second entry.", function(t)
  local p = program(t, { transfer_allowed = true })
  local a, b = card(t, p), card(t, p, "B")
  local purchase = bought(t, a, "100")
  local reward = t.db.reward:insert { name = "R", program = p.id, kind = "gift", points = 5 }
  local spent
  local asked = {
    { "member", a, "redeem", { points = 10 } },
    { "member", a, "adjust", { points = 7, reason = "x" } },
    { "member", a, "adjust", { points = -7, reason = "x" } },
    { "member", a, "hold", { points = 3 } },
    { "member", a, "transfer", { to = crm.id_text(b.id), points = 4 } },
    { "member", a, "exchange", { reward = crm.id_text(reward.id) } },
    { "purchase", purchase, "refund", { amount = "20" } },
    { "points_entry", nil, "give_back", { points = 2 } },
  }
  for i, one in ipairs(asked) do
    one[4].key = "k" .. i
    local on = one[2] or { id = crm.id_parse(spent.entry) }
    local first = t.action(one[1], on.id, one[3], one[4])
    if i == 1 then spent = first end
    local before = { counts(t, a) }
    t.eq(t.action(one[1], on.id, one[3], one[4]), first, one[3])
    t.eq({ counts(t, a) }, before, one[3])
  end
  t.expect_fail(function() t.action("member", a.id, "redeem", { points = 11, key = "k1" }) end,
    { key = "@key_reused" })
  t.expect_fail(function() t.action("member", b.id, "redeem", { points = 10, key = "k1" }) end,
    { key = "@key_reused" })
  t.db.member:update(a.id, { status = "frozen" })
  t.eq(t.action("member", a.id, "redeem", asked[1][4]).entry, spent.entry, "what was done was done")
  t.eq(t.check(), {})
end)

crm.test("A refund reverses earned points in proportion and returns redeemed points to their "
  .. "original lots with their original expiry; where that has passed, to a grace lot.", function(t)
  t.clock.set("2026-03-01T02:00:00Z")
  local p = program(t, { expiry = "days", expiry_span = 400, return_grace_days = 30 })
  local a = card(t, p)
  local purchase = bought(t, a, "90")
  t.eq(t.action("purchase", purchase.id, "refund", { amount = "30" }).reversed, 30)
  t.eq(held(t, a), { "2027-04-05 60" })
  lot(t, a.id, 40, "2026-03-31")
  local spent = t.action("member", a.id, "redeem", { points = 50 })
  t.eq(held(t, a), { "2027-04-05 50" })
  local entry = crm.id_parse(spent.entry)
  t.action("points_entry", entry, "give_back", { points = 15 })
  t.eq(held(t, a), { "2026-03-31 5", "2027-04-05 60" }, "with the expiry they had")
  t.clock.set("2026-04-10T02:00:00Z")
  t.run_job("settle")
  t.action("points_entry", entry, "give_back", {})
  t.eq(held(t, a), { "2026-05-10 35", "2027-04-05 60" }, "and not for ever")
  t.expect_fail(function() t.action("points_entry", entry, "give_back", { points = 1 }) end,
    { points = "@more_than_redeemed" })
  t.clock.set("2026-05-11T02:00:00Z")
  t.run_job("settle")
  t.eq({ counts(t, a) }, { #entries(t, a), 60 })
  t.eq(t.check(), {})
end)

crm.test("Debt policy is explicit: negative, block, or offset the next earn.", function(t)
  for _, case in ipairs {
    { "negative", -60, 0, 40 }, { "offset", 0, 60, 40 }, { "block", 40, 0, 140 },
  } do
    local a = card(t, program(t, { debt = case[1] }))
    local purchase = bought(t, a, "100")
    t.action("member", a.id, "redeem", { points = 60 })
    local function refund() return t.action("purchase", purchase.id, "refund", {}) end
    if case[1] == "block" then
      t.expect_fail(refund, { amount = "@points_spent" })
    else
      t.eq(refund().reversed, 100)
    end
    t.eq({ read(t, a).balance, read(t, a).debt }, { case[2], case[3] }, case[1])
    bought(t, a, "100")
    t.eq({ read(t, a).balance, read(t, a).debt }, { case[4], 0 }, case[1])
  end
  t.eq(t.check(), {})
end)
