-- profit_test - what contracts contribute: their total without tax, less what their lines cost.
-- SPDX-License-Identifier: MIT

local function cny(t, amount) return t.money(amount, "CNY") end

local function contract(t, fields)
  local account = t.db.account:insert { name = "A" }
  fields = fields or {}
  fields.name, fields.account = "C", account.id
  return t.db.contract:insert(fields)
end

local function line(t, made, fields)
  fields.contract, fields.name = made.id, fields.name or "L"
  fields.quantity = fields.quantity or crm.decimal("2")
  return t.db.contract_line:insert(fields)
end

local function told(t, made)
  local now = t.db.contract:get(made.id)
  return {
    tostring(now.total), now.cost and tostring(now.cost) or "-",
    now.profit and tostring(now.profit) or "-", now.cost_missing,
  }
end

crm.test("a line costs what its product costs, and the profit follows", function(t)
  t.db.product:insert { name = "Pump", code = "P1", price = cny(t, "100"), cost = cny(t, "60") }
  local made = contract(t)
  local one = line(t, made, { sku = "P1", unit_price = cny(t, "100") })
  t.eq(tostring(one.cost), "120.00 CNY")
  t.eq(told(t, made), { "200.00 CNY", "120.00 CNY", "80.00 CNY", 0 })
  line(t, made, { unit_price = cny(t, "10") })
  t.eq(told(t, made), { "220.00 CNY", "120.00 CNY", "100.00 CNY", 1 })
  t.db.contract:update(made.id, { tax = cny(t, "20") })
  t.eq(told(t, made), { "240.00 CNY", "120.00 CNY", "100.00 CNY", 1 })
  t.eq(t.check(), {})
end)

crm.test("without a known cost there is no profit to tell", function(t)
  local made = contract(t)
  line(t, made, { sku = "none", unit_price = cny(t, "10") })
  t.eq(told(t, made), { "20.00 CNY", "-", "-", 1 })
  local one = t.db.contract_line:find { where = { contract = made.id } }[1]
  t.db.contract_line:update(one.id, { unit_cost = cny(t, "11") })
  t.eq(told(t, made), { "20.00 CNY", "22.00 CNY", "-2.00 CNY", 0 })
  t.expect_fail(function()
    t.db.contract_line:update(one.id, { unit_cost = t.money("1", "USD") })
  end, { unit_cost = "@currency" })
end)

crm.test("a cost is no term: it is mended after approval, a price is not", function(t)
  local made = contract(t)
  local one = line(t, made, { unit_price = cny(t, "10") })
  t.db.contract:update(made.id, { approval_state = "approved" })
  t.db.contract_line:update(one.id, { unit_cost = cny(t, "4") })
  t.eq(told(t, made), { "20.00 CNY", "8.00 CNY", "12.00 CNY", 0 })
  t.expect_fail(function()
    t.db.contract_line:update(one.id, { unit_price = cny(t, "9") })
  end, { contract = "@amend_only" })
end)

crm.test("what winning the deal has cost lessens the profit of its first contract", function(t)
  local account = t.db.account:insert { name = "A" }.id
  local deal = t.db.opportunity:insert { name = "D", account = account }
  local function spend(amount)
    t.db.opportunity_expense:insert { opportunity = deal.id, name = "E", amount = cny(t, amount) }
  end
  spend("30")
  local first = contract(t, { opportunity = deal.id })
  line(t, first, { unit_price = cny(t, "100"), unit_cost = cny(t, "60") })
  local second = contract(t, { opportunity = deal.id })
  t.eq(told(t, first), { "200.00 CNY", "120.00 CNY", "50.00 CNY", 0 })
  spend("5")
  t.eq(told(t, first)[3], "45.00 CNY")
  t.eq(t.db.contract:get(second.id).expenses, nil)
  t.eq(t.check(), {})
  t.db.contract:update(first.id, { stage = "void", void_reason = "r" })
  t.eq(t.db.contract:get(first.id).expenses, nil)
  t.eq(tostring(t.db.contract:get(second.id).expenses), "35.00 CNY", "the next bears it")
  t.db.contract:update(second.id, { opportunity = crm.null })
  t.eq(t.db.contract:get(second.id).expenses, nil)
  t.eq(t.check(), {})
end)
