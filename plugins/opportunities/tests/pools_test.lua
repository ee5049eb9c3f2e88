-- pools_test - customers that go back to their pool for want of deals or contracts.
-- SPDX-License-Identifier: MIT

local function owned(t, fields)
  t.clock.set("2026-03-02T02:00:00Z")
  local ann = t.user { login = "ann", roles = { "sales" } }
  fields = fields or {}
  fields.name, fields.owner = "客户", ann
  return t.db.account:insert(fields).id
end

-- The days after which a customer goes back.
local function days_until(t, id, most)
  for day = 1, most do
    t.clock.advance { days = 1 }
    t.run_job("leads:recycle_accounts")
    if not t.db.account:get(id).owner then return day end
  end
  return nil
end

local function rule(t, fields)
  fields.name, fields.of = "R", "account"
  return t.db.recycle_rule:insert(fields).id
end

local function deal(t, account, fields)
  fields = fields or {}
  fields.name, fields.account, fields.amount = "商机", account, crm.money("10.00")
  return t.db.opportunity:insert(fields).id
end

crm.test("without an opportunity for so many days, and never while one is open", function(t)
  local id = owned(t)
  rule(t, { no_deal_days = 3 })
  local open = deal(t, id)
  t.eq(days_until(t, id, 5), nil)
  t.action("opportunity", open, "lose", { reason = "price" })
  t.eq(days_until(t, id, 3), 1, "three days behind the deal's beginning are long over")
end)

crm.test("without a deal won for so many days", function(t)
  local id = owned(t)
  rule(t, { no_win_days = 4 })
  local open = deal(t, id)
  t.eq(days_until(t, id, 3), nil)
  t.action("opportunity", open, "win", {})
  t.eq(days_until(t, id, 5), 4, "since it was won")
end)

crm.test("only customers of a level, and whose deal stands in a stage", function(t)
  local id = owned(t, { level = "b" })
  local open = deal(t, id)
  local stage = t.db.opportunity:get(open).stage
  local other = t.db.stage:find { where = { order = 20 } }[1].id
  local one = rule(t, { owned_days = 1, levels = { "a" } })
  t.eq(days_until(t, id, 2), nil)
  t.db.recycle_rule:update(one, { levels = { "a", "b" }, stages = { other } })
  t.eq(days_until(t, id, 2), nil)
  t.db.recycle_rule:update(one, { stages = { stage, other } })
  t.eq(days_until(t, id, 1), 1)
end)

crm.test("so many days after the last approved contract ended", function(t)
  local id = owned(t)
  rule(t, { contract_days = 2 })
  t.eq(days_until(t, id, 3), nil, "it never had one")
  local made = t.db.contract:insert {
    name = "C", account = id, total = crm.money("10.00"), start_on = crm.date("2026-01-01"),
    end_on = crm.date("2026-03-08"),
  }
  t.eq(t.action("contract", made.id, "submit", {}).approval_state, "auto_approved")
  t.eq(days_until(t, id, 3), nil, "one goes on until the eighth")
  t.eq(days_until(t, id, 4), 2, "the tenth is two days behind its end")
end)

crm.test("an unbounded company turns no customer away, a bound does", function(t)
  local id = owned(t)
  local ann = t.db.account:get(id).owner
  t.db.capacity:insert { name = "安", user = ann, of = "account", max_open = 1 }
  local other = t.db.account:insert { name = "乙" }.id
  t.as("ann")
  t.expect_fail(function() t.action("account", other, "pick") end, { owner = "@leads:pool_full" })
end)
