-- targets_test - what counts for a target, and when it is counted again.
-- SPDX-License-Identifier: MIT

local function won(t, amount, day)
  t.clock.set(day .. "T02:00:00Z")
  local account = t.db.account:insert { name = "Customer " .. amount .. day }
  local deal = t.db.opportunity:insert {
    name = "Deal " .. amount, amount = crm.money(amount), account = account.id,
  }
  t.action("opportunity", deal.id, "win", {})
  return deal.id
end

local function shown(t, id)
  local target = t.db.target:get(id)
  return { target.actual and target.actual.amount, target.reached and tostring(target.reached) }
end

crm.test("a target is for somebody", function(t)
  t.expect_fail(function()
    t.db.target:insert { month = "2026-03-01", amount = crm.money("1") }
  end, { user = "@target_whose" })
end)

crm.test("deals won in the month count for their owner, from the day they are won", function(t)
  t.clock.set("2026-03-15T02:00:00Z")
  local seller = t.user { login = "sales1", roles = { "sales" } }
  t.as("sales1")
  local march = won(t, "250.00", "2026-03-15")
  won(t, "80.00", "2026-04-01")
  t.as()
  local id = t.db.target:insert {
    user = seller, month = "2026-03-20", amount = crm.money("1000.00"),
  }.id
  t.eq(tostring(t.db.target:get(id).month), "2026-03-01")
  t.run_job("targets", { month = "2026-03-01" })
  t.eq(shown(t, id), { "250.00", "25.00" })
  t.db.opportunity:delete(march)
  t.run_job("targets", { month = "2026-03-01" })
  t.eq(shown(t, id), { "0.00", "0.00" })
end)
