-- receipts_test - receipts and invoices that a second person looks at, where a company wants that.
-- SPDX-License-Identifier: MIT

local function cny(t, amount) return t.money(amount, "CNY") end

local function signed(t, role)
  t.clock.set("2026-03-01T02:00:00Z")
  local boss = t.user { login = "boss", roles = { role or "admin" } }
  t.user { login = "finance", roles = { "finance" }, manager = "boss" }
  local id = t.db.contract:insert { name = "C", total = cny(t, "1000"),
    start_on = t.date("2026-01-01"), account = t.db.account:insert { name = "A" }.id }.id
  t.action("contract", id, "submit")
  t.db.contract:update(id, { stage = "signed", signed_on = t.date("2026-03-01") })
  return id, { { id = "a", name = "一",
    approvers = { { kind = "member", users = { crm.id_text(boss) } } } } }
end

-- Recorded by finance and decided by its superior.
local function recorded(t, id, verb)
  t.as("finance")
  local receipt = t.db.receipt:insert { contract = id, amount = cny(t, "10") }
  local approval = t.db.approval:find { where = { about = receipt.id } }[1]
  t.eq(approval.state, "running")
  t.as("boss")
  local task = t.db.approval_task:find { where = { approval = approval.id } }[1]
  t.action("approval_task", task.id, verb, { comment = "c" })
  t.as()
  return receipt, t.db.receipt:find { where = { reverses = receipt.id } }[1]
end

crm.test("a receipt that is approved stays, one that is not is reversed by itself", function(t)
  local id, nodes = signed(t)
  local plan = t.db.payment_plan:insert { contract = id, amount = cny(t, "10"),
    due_on = t.date("2026-04-01") }
  t.db.approval_flow:insert { name = "F", entity = "receipt", trigger = "create", nodes = nodes }
  local _, back = recorded(t, id, "reject")
  t.eq({ tostring(back.amount), t.db.contract:get(id).received.minor }, { "-10.00 CNY", 0 })
  t.eq(t.db.payment_plan:get(plan.id).received.minor, 0)
  local kept, none = recorded(t, id, "approve")
  t.eq({ none, tostring(t.db.contract:get(id).received) }, { nil, "10.00 CNY" })
  t.eq(t.db.payment_plan:get(plan.id).state, "done")
  t.as("finance")
  t.action("approval", t.db.approval:find { where = { about = kept.id } }[1].id, "revoke")
  t.as()
  t.eq(t.db.contract:get(id).received.minor, 0, "and so is one that is revoked")
end)

crm.test("one is reversed by itself whatever who refuses it may do with receipts", function(t)
  local id, nodes = signed(t, "approver")
  t.db.approval_flow:insert { name = "F", entity = "receipt", trigger = "create", nodes = nodes }
  local receipt, back = recorded(t, id, "reject")
  t.eq({ tostring(back.amount), t.db.contract:get(id).received.minor }, { "-10.00 CNY", 0 })
  t.eq(t.db.approval:count { where = { about = receipt.id, state = "running" } }, 0)
  t.eq(t.db.approval:count { where = { about = back.id } }, 0, "nobody is asked whether it may be")
end)

crm.test("an invoice is issued when a second person has agreed", function(t)
  local id, nodes = signed(t)
  t.db.approval_flow:insert { name = "F", entity = "invoice", trigger = "transition",
    transition_field = "state", transition_to = "issued", nodes = nodes }
  t.as("finance")
  local bill = t.db.invoice:insert { contract = id, title_name = "A", amount = cny(t, "10") }
  local function issue() t.db.invoice:update(bill.id, { state = "issued", number = "1" }) end
  t.eq((pcall(issue)), false)
  local approval = t.db.approval:insert { about = { entity = "invoice", id = bill.id } }
  t.as("boss")
  local task = t.db.approval_task:find { where = { approval = approval.id } }[1]
  t.action("approval_task", task.id, "approve")
  t.as("finance")
  issue()
  t.as()
  t.eq(tostring(t.db.contract:get(id).invoiced), "10.00 CNY")
end)
