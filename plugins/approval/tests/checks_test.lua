-- checks_test - the company's check names what is damaged among approvals, each by its sentence.
-- SPDX-License-Identifier: MIT

local function submitted(t)
  local boss = t.user { login = "boss", roles = { "approver" } }
  local seller = t.user { login = "seller", roles = { "approver", "admin" }, manager = "boss" }
  local flow = t.db.approval_flow:insert { name = "F", entity = "account", nodes = {
    { id = "a", name = "一", approvers = { { kind = "member", users = { crm.id_text(boss) } } } } } }
  t.as("seller")
  local account = t.db.account:insert { name = "A", owner = seller }
  local made = t.db.approval:insert { about = { entity = "account", id = account.id } }
  t.as()
  local task = t.db.approval_task:find { where = { approval = made.id } }[1]
  t.eq({ made.state, task.state, task.owner }, { "running", "open", boss })
  t.eq(t.check(), {})
  return made.id, task.id, flow.id
end

local function told(t, check, sentence)
  local found = table.concat(t.check(), " | ")
  t.ok(found:find(check, 1, true) and found:find(sentence, 1, true), found)
end

crm.test("Every path ends: one that runs and waits for nobody", function(t)
  local _, task = submitted(t)
  t.db.approval_task:update(task, { state = "canceled" })
  told(t, "approval.runs", "it runs and waits for nobody")
end)

crm.test("one that has ended and waits for somebody", function(t)
  local approval = submitted(t)
  t.db.approval:update(approval, { state = "withdrawn", finished_at = t.clock.now() })
  told(t, "approval.runs", "it has ended and 1 tasks of it have not")
end)

crm.test("One decision per task: decided, nobody knows when", function(t)
  local _, task = submitted(t)
  t.db.approval_task:update(task, { state = "approved" })
  told(t, "approval.task", "it is decided and does not say when")
end)

crm.test("a task that waits where its approval is not", function(t)
  local _, task = submitted(t)
  t.db.approval_task:update(task, { at = 2 })
  told(t, "approval.task", "it waits where its approval is not")
end)

crm.test("a task of who may not decide it, once nobody has taken it for an hour", function(t)
  local _, task = submitted(t)
  local clerk = t.user { login = "clerk", roles = { "viewer" } }
  t.db.approval_task:update(task, { owner = clerk })
  t.eq(t.check(), {}, "the job has not looked yet")
  t.clock.advance { hours = 2 }
  told(t, "approval.task", "it waits for somebody who may not decide it")
  t.user { login = "chief", roles = { "admin" } }
  t.run_job("reroute")
  t.eq(t.check(), {})
end)

crm.test("a running instance keeps its version: there is one of it, for ever", function(t)
  local _, _, flow = submitted(t)
  local version = t.db.approval_version:find { where = { flow = flow } }[1]
  t.eq((pcall(t.db.approval_version.delete, t.db.approval_version, version.id)), false)
  t.eq((pcall(t.db.approval_version.update, t.db.approval_version, version.id, { nodes = {} })),
    false)
end)

crm.test("an operation that tells of more than it did, let through by who asked", function(t)
  local account = t.db.account:insert { name = "A" }
  t.user { login = "seller", roles = { "admin" } }
  t.as("seller")
  local op = t.db.pending_operation:insert {
    entity = "account", operation = "delete", ids = { crm.id_text(account.id) },
  }
  t.as()
  t.eq(t.check(), {})
  t.db.pending_operation:update(op.id, { state = "done", done_count = 0 })
  told(t, "operation.count", "it is done and tells of 0 of 1 records")
  t.db.pending_operation:update(op.id, { done_count = 1, decided_by = op.created_by })
  told(t, "operation.count", "who asked for it has let it through")
end)
