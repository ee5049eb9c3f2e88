-- checks_test - the company's check names what is damaged, each by its own sentence.
-- SPDX-License-Identifier: MIT

local function cny(t, amount) return t.money(amount, "CNY") end

local function contract(t, fields)
  local made = { name = "C", total = cny(t, "100"), start_on = t.date("2026-01-01"),
    end_on = t.date("2026-12-31"), account = t.db.account:insert { name = "A" }.id }
  for name, value in pairs(fields or {}) do made[name] = value end
  return t.db.contract:insert(made).id
end

-- As the system, past the operations that would keep it whole; it tells of that and nothing else.
local function damaged(t, check, sentence, id, fields)
  t.eq(t.check(), {}, "before " .. sentence)
  t.db.contract:update(id, fields)
  local found = t.check()
  t.eq(#found, 1, table.concat(found, " | "))
  t.ok(found[1]:find(check, 1, true) and found[1]:find(sentence, 1, true), found[1])
end

local function signed(t, id, more)
  for _, side in ipairs { "ours", "customer" } do
    local one = { contract = id, side = side, name = side, signed_at = t.clock.now() }
    for name, value in pairs(more or {}) do one[name] = value end
    t.db.contract_signature:insert(one)
  end
end

crm.test("sums that are not those of the parts", function(t)
  damaged(t, "contract.sums", "received is 500, not 0", contract(t), { received = cny(t, "5") })
end)

crm.test("a plan that does not add up to what is planned", function(t)
  damaged(t, "contract.sums", "planned is 500, not 0", contract(t), { planned = cny(t, "5") })
end)

crm.test("an invoice that was never written", function(t)
  damaged(t, "contract.sums", "invoiced is 500, not 0", contract(t), { invoiced = cny(t, "5") })
end)

crm.test("expenses of no deal", function(t)
  damaged(t, "contract.expenses", "it bears expenses of no deal", contract(t),
    { expenses = cny(t, "5") })
end)

crm.test("signed by nobody", function(t)
  local id = contract(t)
  t.action("contract", id, "submit")
  damaged(t, "contract.signed", "it is signed 0 times", id, {
    stage = "signed", signed_on = t.date("2026-01-01") })
end)

crm.test("a version that is not there", function(t)
  damaged(t, "contract.versions", "versions is 0, not 1", contract(t), { amendment_no = 1 })
end)

crm.test("a successor that knows nothing of it", function(t)
  local id = contract(t)
  damaged(t, "contract.renewal", "its successor does not know it", id, { successor = contract(t) })
end)

-- Past signing, which nobody has done.
local function beyond(t, ...)
  local id = contract(t)
  t.action("contract", id, "submit")
  for _, stage in ipairs { ... } do t.db.contract:update(id, { stage = stage }) end
  return id, #t.check()
end

local function told(t, before, sentence)
  local found = t.check()
  t.eq(#found, before + 1)
  t.ok(table.concat(found, " | "):find(sentence, 1, true), table.concat(found, " | "))
end

crm.test("renewed by nobody", function(t)
  local id, before = beyond(t, "signed", "performing")
  t.db.contract:update(id, { stage = "renewed" })
  told(t, before, "it is renewed without a successor")
end)

crm.test("instalments of a contract that was ended", function(t)
  local id = contract(t)
  t.db.payment_plan:insert { contract = id, amount = cny(t, "5"), due_on = t.date("2030-01-01") }
  damaged(t, "contract.ended", "1 instalments of it are still open", id,
    { stage = "void", void_reason = "r" })
end)

crm.test("an instalment that has received what nobody paid", function(t)
  local id = contract(t)
  local plan = t.db.payment_plan:insert {
    contract = id, amount = cny(t, "5"), due_on = t.date("2030-01-01"),
  }
  t.eq(t.check(), {})
  t.db.payment_plan:update(plan.id, { received = cny(t, "2") })
  t.eq(#t.check(), 1)
  t.ok(t.check()[1]:find("received is 200, not 0", 1, true))
end)

crm.test("a reversal of nothing", function(t)
  local id, before = beyond(t, "signed")
  local receipt = { contract = id, amount = cny(t, "5") }
  t.db.receipt:insert(receipt)
  receipt.kind, receipt.amount, receipt.reason = "reversal", cny(t, "-5"), "r"
  t.db.receipt:insert(receipt)
  told(t, before, "it reverses nothing")
end)

crm.test("a signature under no document, or under another's", function(t)
  local id = contract(t)
  signed(t, id, { sha256 = ("0"):rep(64) })
  t.ok(table.concat(t.check(), " | "):find("the signed document is gone", 1, true))
end)

crm.test("an instalment that asks another customer", function(t)
  local id = contract(t)
  local plan = t.db.payment_plan:insert {
    contract = id, amount = cny(t, "5"), due_on = t.date("2030-01-01"),
  }
  t.db.payment_plan:update(plan.id, { account = t.db.account:insert { name = "B" }.id })
  t.eq(#t.check(), 1)
  t.ok(t.check()[1]:find("it is another customer's", 1, true))
end)
