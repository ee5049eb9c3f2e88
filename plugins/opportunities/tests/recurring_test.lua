-- recurring_test - what comes again and again, compared by the year.
-- SPDX-License-Identifier: MIT

local function year(t, id)
  local sum = t.db.opportunity:get(id).recurring_year
  return sum and tostring(sum)
end

crm.test("what recurs is what it brings in a year, whatever its period", function(t)
  local sheet = t.db.opportunity
  local deal = sheet:insert {
    name = "X", recurring = crm.money("100.10"), recurring_plan = "monthly",
  }
  t.eq(year(t, deal.id), "1201.20 CNY")
  sheet:update(deal.id, { recurring_plan = "quarterly" })
  t.eq(year(t, deal.id), "400.40 CNY")
  sheet:update(deal.id, { recurring = crm.money("7.00"), recurring_plan = "yearly" })
  t.eq(year(t, deal.id), "7.00 CNY")
  sheet:update(deal.id, { recurring_plan = crm.null })
  t.eq(year(t, deal.id), nil, "of no period nothing is known")
  sheet:update(deal.id, { recurring_plan = "yearly" })
  sheet:update(deal.id, { recurring = crm.null })
  t.eq(year(t, deal.id), nil)
  t.eq(t.check(), {})
end)
