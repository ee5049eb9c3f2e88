-- expenses_test - what a deal has cost, and what is left of it.
-- SPDX-License-Identifier: MIT

local function shown(t, id)
  local deal = t.db.opportunity:get(id)
  return {
    deal.expenses and tostring(deal.expenses), deal.profit and tostring(deal.profit),
    deal.expenses_count,
  }
end

crm.test("Expenses are rows, their sum is the deal's, and profit is what is left", function(t)
  local deal = t.db.opportunity:insert { name = "X", amount = crm.money("100.00") }
  local other = t.db.opportunity:insert { name = "Y" }
  t.eq(shown(t, deal.id), { nil, "100.00 CNY", 0 })
  local row = t.db.opportunity_expense:insert {
    name = "Train", opportunity = deal.id, kind = "travel", amount = crm.money("30.00"),
  }
  t.db.opportunity_expense:insert {
    name = "Copies", opportunity = deal.id, kind = "bidding", amount = crm.money("5.50"),
  }
  t.eq(shown(t, deal.id), { "35.50 CNY", "64.50 CNY", 2 })
  t.expect_fail(function()
    t.db.opportunity:update(deal.id, { expenses = crm.money("1.00") })
  end, { expenses = "@expenses_sum" })
  t.expect_fail(function()
    t.db.opportunity_expense:insert {
      name = "Flight", opportunity = deal.id, amount = t.money("9.00", "USD"),
    }
  end, { amount = "@currency_mixed" })
  t.db.opportunity_expense:update(row.id, { opportunity = other.id })
  t.eq(shown(t, deal.id), { "5.50 CNY", "94.50 CNY", 1 })
  t.eq(shown(t, other.id), { "30.00 CNY", nil, 1 })
  t.db.opportunity_expense:delete(row.id)
  t.eq(shown(t, other.id), { nil, nil, 0 })
  t.eq(t.check(), {})
end)

crm.test("expenses without rows are written by hand", function(t)
  local deal = t.db.opportunity:insert {
    name = "X", amount = crm.money("10.00"), expenses = crm.money("12.00"),
  }
  t.eq(shown(t, deal.id), { "12.00 CNY", "-2.00 CNY", 0 })
end)

crm.test("the day of a bid follows its hour", function(t)
  local deal = t.db.opportunity:insert { name = "X", bid_at = "2026-03-10T17:30:00Z" }
  t.eq(tostring(t.db.opportunity:get(deal.id).bid_on), "2026-03-11") -- in Shanghai
end)
