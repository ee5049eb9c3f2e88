-- merging_test - what hangs on a customer or a contact follows when that was there twice.
-- SPDX-License-Identifier: MIT

local function cny(t, amount) return t.money(amount, "CNY") end

crm.test("contacts of a contract follow a merge, once each, and come back", function(t)
  local account = t.db.account:insert { name = "A" }.id
  local function contact(name) return t.db.contact:insert { name = name, account = account }.id end
  local one, two, other = contact("一"), contact("二"), contact("三")
  local function contract(contacts)
    return t.db.contract:insert { name = "C", account = account, contacts = contacts }.id
  end
  local both, single = contract { one, two }, contract { one, other }
  local function of(id)
    local out = {}
    for i, person in ipairs(t.db.contract:get(id).contacts) do out[i] = person end
    return out
  end
  t.action("contact", one, "merge", { into = crm.id_text(two) })
  t.eq({ of(both), of(single) }, { { two }, { two, other } })
  t.action("contact", one, "unmerge")
  t.eq(of(single), { one, other })
  t.eq(t.check(), {})
end)

crm.test("instalments and invoices are for whom their contract is for", function(t)
  local one, two = t.db.account:insert { name = "甲" }.id, t.db.account:insert { name = "乙" }.id
  local contract = t.db.contract:insert { name = "C", account = one, total = cny(t, "10") }.id
  local plan = t.db.payment_plan:insert {
    contract = contract, amount = cny(t, "5"), due_on = t.date("2030-01-01"),
  }
  t.eq(plan.account, one)
  t.action("account", one, "merge", { into = crm.id_text(two) })
  t.eq({ t.db.contract:get(contract).account, t.db.payment_plan:get(plan.id).account },
    { two, two })
  t.action("account", one, "unmerge")
  t.eq({ t.db.contract:get(contract).account, t.db.payment_plan:get(plan.id).account },
    { one, one })
end)
