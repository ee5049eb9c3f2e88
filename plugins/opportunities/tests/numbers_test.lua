-- numbers_test - what a deal is worth, and whose pipeline it goes through.
-- SPDX-License-Identifier: MIT

local function stages_of(t, deal)
  return t.db.stage:find { where = { pipeline = deal.pipeline }, order = "order" }
end

crm.test("Probability is 0..100; won is 100, lost is 0", function(t)
  local id = t.db.opportunity:insert { name = "X", amount = crm.money("1.00"),
    account = t.db.account:insert { name = "Y" }.id }.id
  for _, value in ipairs { -1, 101 } do
    t.expect_fail(function() t.db.opportunity:update(id, { probability_manual = value }) end,
      { probability_manual = true })
  end
  t.db.opportunity:update(id, { probability_manual = 40 })
  t.eq(t.db.opportunity:get(id).probability, 40)
  t.action("opportunity", id, "win")
  t.eq(t.db.opportunity:get(id).probability, 100)
  t.action("opportunity", id, "reopen")
  t.action("opportunity", id, "lose", { reason = "price" })
  t.eq(t.db.opportunity:get(id).probability, 0)
end)

crm.test("weighted = amount × probability, rounded half to even", function(t)
  local function weighted(amount, percent)
    local id = t.db.opportunity:insert { name = "X", amount = crm.money(amount),
      probability_manual = percent }.id
    return t.db.opportunity:get(id).weighted.minor
  end
  t.eq(weighted("0.05", 50), 2)
  t.eq(weighted("0.15", 50), 8)
  t.eq(weighted("0.07", 50), 4)
  t.eq(weighted("100.00", 33), 3300)
end)

crm.test("a deal begins in its team's pipeline, and no other team's takes it", function(t)
  t.user { login = "ann", roles = { "sales" }, team = "东" }
  t.user { login = "bob", roles = { "sales" }, team = "西" }
  local common = t.db.opportunity:get(t.db.opportunity:insert { name = "X" }.id).pipeline
  local east = t.db.team:find { where = { name = "东" } }[1].id
  local own = t.db.pipeline:insert { name = "东区", teams = { east } }.id
  t.db.stage:insert { name = "一", pipeline = own, order = 1 }
  t.as("ann")
  t.eq(t.db.opportunity:insert { name = "Y" }.pipeline, own)
  t.as("bob")
  t.eq(t.db.opportunity:insert { name = "Z" }.pipeline, common)
  t.expect_fail(function() t.db.opportunity:insert { name = "Z", pipeline = own } end,
    { pipeline = "@pipeline_team" })
  t.as()
  local old = t.db.pipeline:insert { name = "停用", active = false }.id
  t.expect_fail(function() t.db.opportunity:insert { name = "Z", pipeline = old } end,
    { pipeline = "@pipeline_unknown" })
  t.eq(#stages_of(t, t.db.opportunity:find { where = { name = "Y" } }[1]), 1)
end)

crm.test("what was no deal is invalid: neither won nor lost, and may be reopened", function(t)
  local id = t.db.opportunity:insert { name = "X", amount = crm.money("10.00") }.id
  t.action("opportunity", id, "invalidate", { note = "twice" })
  local deal = t.db.opportunity:get(id)
  t.eq({ deal.kind, deal.probability, deal.forecast, deal.lost_note, deal.weighted.minor },
    { "invalid", 0, "omitted", "twice", 0 })
  t.eq(deal.closed_at ~= nil, true)
  t.eq(t.action("opportunity", id, "invalidate", {}).kind, "invalid")
  t.expect_fail(function() t.action("opportunity", id, "win", {}) end, { stage = "@is_closed" })
  t.action("opportunity", id, "reopen")
  deal = t.db.opportunity:get(id)
  t.eq({ deal.kind, deal.closed_at }, { "open" })
  t.eq(t.check(), {})
end)

crm.test("what an operation was given is told under its own name", function(t)
  local id = t.db.opportunity:insert { name = "X", amount = crm.money("10.00"),
    account = t.db.account:insert { name = "Y" }.id }.id
  local function refused(action, params, expected)
    t.expect_fail(function() t.action("opportunity", id, action, params) end, expected)
  end
  refused("lose", { reason = "bogus" }, { reason = true })
  refused("lose", { reason = "price", note = ("长"):rep(300) }, { note = true })
  refused("win", { amount = "abc" }, { amount = "@core:bad_money" })
  refused("win", { on = "2026-02-30" }, { on = "@people:bad_time" })
  t.eq(t.db.opportunity:get(id).kind, "open")
end)
