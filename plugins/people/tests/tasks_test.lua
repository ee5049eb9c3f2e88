-- tasks_test - reminders over a moving clock, and the one activity that a task becomes.
-- SPDX-License-Identifier: MIT

local function told(t, field)
  return t.db.task:count { where = { [field] = { null = false } } }
end

crm.test("a task is reminded of once, and once more when its time is moved", function(t)
  t.clock.set("2026-03-02T01:00:00Z")
  local task = t.db.task:insert {
    subject = "Call", remind_at = t.datetime("2026-03-02T02:00:00Z"),
    due_at = t.datetime("2026-03-02T03:00:00Z"),
  }
  t.run_job("remind")
  t.eq(told(t, "reminded_at"), 0, "before its time")
  t.clock.advance { hours = 1 }
  t.run_job("remind")
  t.eq(t.db.task:get(task.id).reminded_at, t.clock.now())
  local version = t.db.task:get(task.id).version
  t.run_job("remind")
  t.eq(t.db.task:get(task.id).version, version, "the second run has nothing to do")
  t.db.task:update(task.id, { remind_at = t.datetime("2026-03-02T02:30:00Z") })
  t.eq(t.db.task:get(task.id).reminded_at, nil)
  t.clock.advance { hours = 2 }
  t.run_job("remind")
  t.eq(t.db.task:get(task.id).reminded_at, t.clock.now())
  t.eq(t.db.task:get(task.id).overdue_at, t.clock.now())
end)

crm.test("what was done or canceled is not reminded of", function(t)
  local at = t.clock.now()
  local done = t.db.task:insert { subject = "A", remind_at = at }
  local off = t.db.task:insert { subject = "B", remind_at = at }
  t.action("task", done.id, "complete", {})
  t.action("task", off.id, "cancel")
  t.clock.advance { days = 2 }
  t.run_job("remind")
  t.eq(told(t, "reminded_at"), 0)
end)

crm.test("Completing a plan creates its follow-up record once", function(t)
  local contact = t.db.contact:insert { name = "Li" }
  local task = t.db.task:insert { subject = "Call", contact = contact.id }
  local first = t.action("task", task.id, "complete", { method = "call", content = "Agreed" })
  t.clock.advance { hours = 1 }
  t.eq(t.action("task", task.id, "complete", { method = "call" }), first)
  local list = t.db.activity:find { where = { task = task.id } }
  t.eq(#list, 1)
  t.eq(list[1].content, "Agreed")
  t.eq(t.db.contact:get(contact.id).last_follow_at, list[1].happened_at, "the talk counts")
  t.expect_fail(function() t.action("task", task.id, "cancel") end, { status = "@task_over" })
end)

crm.test("what does not fit is told on its field, and the task stays open", function(t)
  local id = t.db.task:insert { subject = "回电" }.id
  t.expect_fail(function() t.action("task", id, "complete", { result = "wrong" }) end,
    { result = true })
  t.expect_fail(function() t.action("task", id, "complete", { method = "fax" }) end,
    { method = "@follow_kind" })
  t.eq({ t.db.task:get(id).status, t.db.activity:count {} }, { "open", 0 })
end)

crm.test("a note is no contact with the customer", function(t)
  local contact = t.db.contact:insert { name = "Li" }
  t.db.activity:insert { subject = "N", type = "note", contact = contact.id }
  t.eq(t.db.contact:get(contact.id).last_follow_at, nil)
end)
