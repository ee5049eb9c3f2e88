-- happenings_test - points for events, scans, visits and places, as often as rules say.
-- SPDX-License-Identifier: MIT

local function program(t, fields)
  fields.name = fields.name or "P"
  return t.db.program:insert(fields)
end

local function rule(t, p, fields)
  fields.program, fields.kind = p.id, "bonus"
  fields.name = fields.name or fields.event
  return t.db.earning_rule:insert(fields)
end

local function card(t, p, name) return t.db.member:insert { name = name or "A", program = p.id } end
local function balance(t, member) return t.db.member:get(member.id).balance end

crm.test("an event of the company's own gives its points once per key", function(t)
  local p = program(t, {})
  rule(t, p, { event = "custom", code = "review", points = 20 })
  local a, b = card(t, p), card(t, p, "B")
  local first = t.action("member", a.id, "happened", { event = "review", key = "r1" })
  t.eq({ first.points, first.balance, first.rules[1].name }, { 20, 20, "custom" })
  t.eq(t.action("member", a.id, "happened", { event = "review", key = "r1" }), first)
  t.expect_fail(function()
    t.action("member", b.id, "happened", { event = "review", key = "r1" })
  end, { key = "@key_reused" })
  t.action("member", a.id, "happened", { event = "review", key = "r2" })
  t.eq(balance(t, a), 40)
  t.eq(t.check(), {})
end)

crm.test("what is no event, no key or no rule is refused, and changes nothing", function(t)
  local p = program(t, {})
  rule(t, p, { event = "custom", code = "review", points = 20 })
  local a = card(t, p)
  for _, case in ipairs {
    { { key = "k" }, { event = "@happened_event" } },
    { { event = 7, key = "k" }, { event = "@happened_event" } },
    { { event = ("x"):rep(61), key = "k" }, { event = "@happened_event" } },
    { { event = "review" }, { key = "@happened_key" } },
    { { event = "review", key = "k", store = "" }, { store = "@happened_store" } },
    { { event = "other", key = "k" }, { event = "@happened_nothing" } },
  } do
    t.expect_fail(function() t.action("member", a.id, "happened", case[1]) end, case[2])
  end
  t.eq({ balance(t, a), t.db.earning_event:count {} }, { 0, 0 })
  t.expect_fail(function() rule(t, p, { event = "custom", points = 1 }) end,
    { code = "@rule_code" })
  t.expect_fail(function() rule(t, p, { event = "qr", code = "x", points = 1 }) end,
    { code = "@rule_code" })
end)

crm.test("a check-in gives once a day, a place once for ever, each in its own store", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local p = program(t, {})
  rule(t, p, { event = "check_in", points = 5 })
  rule(t, p, { event = "place", points = 30, match = { store = { "S1", "S2" } } })
  local a = card(t, p)
  t.eq(t.action("member", a.id, "check_in", {}).points, 5)
  t.expect_fail(function() t.action("member", a.id, "check_in", {}) end,
    { store = "@happened_enough" })
  t.eq(t.action("member", a.id, "check_in", { store = "S1" }).points, 30)
  t.expect_fail(function() t.action("member", a.id, "check_in", { store = "S9" }) end,
    { store = "@happened_enough" })
  t.clock.advance { days = 1 }
  t.eq(t.action("member", a.id, "check_in", { store = "S2" }).points, 5)
  t.eq(balance(t, a), 40)
  t.eq(t.check(), {})
end)

crm.test("a rule's period ends with the day, week, month or year of the company", function(t)
  for _, case in ipairs {
    { "day", "2026-03-01T15:59:00Z", "2026-03-01T16:01:00Z" },
    { "week", "2026-03-01T02:00:00Z", "2026-03-02T02:00:00Z" },
    { "month", "2026-02-28T02:00:00Z", "2026-03-01T02:00:00Z" },
    { "year", "2025-12-31T02:00:00Z", "2026-01-01T02:00:00Z" },
  } do
    t.clock.set(case[2])
    local p = program(t, { name = case[1] })
    rule(t, p, { event = "check_in", points = 5, period = case[1], per_member = 2 })
    local a = card(t, p, case[1])
    t.action("member", a.id, "check_in", {})
    t.action("member", a.id, "check_in", {})
    t.expect_fail(function() t.action("member", a.id, "check_in", {}) end,
      { store = "@happened_enough" })
    t.clock.set(case[3])
    t.eq(t.action("member", a.id, "check_in", {}).balance, 15, case[1])
  end
end)

local function coded(t, fields)
  local p = program(t, {})
  fields.rule = rule(t, p, { event = "qr", points = 50 }).id
  fields.name = "Poster"
  return p, t.db.qr_code:insert(fields)
end

crm.test("a code is worth its points once to each member, and nobody can guess one", function(t)
  local p, code = coded(t, {})
  t.ok(code.token:match("^%x+$") and #code.token == 32, code.token)
  local a, b = card(t, p), card(t, p, "B")
  t.eq(t.action("member", a.id, "scan", { token = code.token }).points, 50)
  t.expect_fail(function() t.action("member", a.id, "scan", { token = code.token }) end,
    { token = "@happened_enough" })
  t.eq(t.action("member", b.id, "scan", { token = code.token, key = "s" }).points, 50)
  t.eq(t.action("member", b.id, "scan", { token = code.token, key = "s" }).balance, 50)
  for _, token in ipairs { ("0"):rep(32), code.token:sub(1, 31), "", 7 } do
    t.expect_fail(function() t.action("member", a.id, "scan", { token = token }) end,
      { token = "@scan_unknown" })
  end
  t.eq(t.db.qr_code:get(code.id).uses, 2)
  local new = t.action("qr_code", code.id, "renew", {})
  t.ok(new.token ~= code.token)
  local c = card(t, p, "C")
  t.expect_fail(function() t.action("member", c.id, "scan", { token = code.token }) end,
    { token = "@scan_unknown" })
  t.eq(t.action("member", c.id, "scan", { token = new.token }).points, 50)
  t.eq(t.check(), {})
end)

crm.test("a code ends with its days, its switch and its number of scans", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local p, code = coded(t, { uses_max = 1, valid_to = t.date("2026-03-03") })
  local a, b = card(t, p), card(t, p, "B")
  t.action("member", a.id, "scan", { token = code.token })
  t.expect_fail(function() t.action("member", b.id, "scan", { token = code.token }) end,
    { token = "@scan_used_up" })
  t.db.qr_code:update(code.id, { uses_max = 2, active = false })
  t.expect_fail(function() t.action("member", b.id, "scan", { token = code.token }) end,
    { token = "@scan_ended" })
  t.db.qr_code:update(code.id, { active = true })
  t.clock.advance { days = 2 }
  t.expect_fail(function() t.action("member", b.id, "scan", { token = code.token }) end,
    { token = "@scan_ended" })
  t.expect_fail(function() t.db.qr_code:insert { name = "X", rule = t.db.earning_rule:insert {
    name = "M", program = p.id, kind = "per_order", points = 1,
  }.id } end, { rule = "@code_rule" })
end)

crm.test("rules multiply by product and by label; some products earn nothing", function(t)
  local p = program(t, { excluded = { "GIFT-CARD" } })
  for name, match in pairs { tea = { sku = { "TEA-1" } }, vip = { label = { "vip" } } } do
    t.db.earning_rule:insert {
      name = name, program = p.id, kind = "multiply", multiplier = crm.decimal("2"), match = match,
    }
  end
  local vip = t.db.member:insert { name = "V", program = p.id, tags = { "new", "vip" } }
  local plain = card(t, p)
  local function buy(member, sku)
    return t.db.purchase:insert { member = member.id, amount = t.money("10", "CNY"), sku = sku }
  end
  buy(plain, "TEA-1")
  t.eq(balance(t, plain), 20)
  buy(plain, "GIFT-CARD")
  t.eq(balance(t, plain), 20)
  buy(vip, "TEA-1")
  t.eq(balance(t, vip), 40)
end)

crm.test("judged every so many days, a tier is kept by what was earned since", function(t)
  t.clock.set("2026-01-10T02:00:00Z")
  local p = program(t, { downgrade = "every", downgrade_days = 90, tier_months = 3 })
  t.db.tier:insert { name = "Silver", program = p.id, threshold = 0 }
  local gold = t.db.tier:insert { name = "Gold", program = p.id, threshold = 100 }
  local a = card(t, p)
  t.db.purchase:insert { member = a.id, amount = t.money("100", "CNY") }
  t.eq(tostring(t.db.member:get(a.id).tier_until), "2026-04-10")
  t.eq(t.db.member:get(a.id).tier, gold.id)
  t.clock.set("2026-04-11T02:00:00Z")
  t.run_job("tiers")
  t.ok(t.db.member:get(a.id).tier ~= gold.id)
  t.eq(tostring(t.db.member:get(a.id).tier_until), "2026-07-10")
end)
