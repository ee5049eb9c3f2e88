-- notices_test - who is told of what, once each, and nobody of what they did themselves.
-- SPDX-License-Identifier: MIT
local function told(t, user)
  local list = {}
  for _, one in ipairs(t.db.notification:find { where = { owner = user }, order = "id" }) do
    list[#list + 1] = one.kind
  end
  return table.concat(list, " ")
end

crm.test("what others give is told of, what is one's own is not", function(t)
  local one = t.user { login = "one", roles = { "sales" } }
  local two = t.user { login = "two", roles = { "sales" } }
  t.as("two")
  t.db.task:insert { subject = "Mine" }
  t.as()
  t.eq(told(t, two), "")
  local task = t.db.task:insert { subject = "Yours", owner = one }
  t.eq(told(t, one), "given")
  t.db.task:update(task.id, { content = "more of it" })
  t.eq(told(t, one), "given")
  t.db.task:update(task.id, { owner = two })
  t.eq(told(t, two), "given")
end)

crm.test("a task is remembered and then late; who is mentioned hears of it", function(t)
  local now = t.clock.now()
  local one = t.user { login = "one", roles = { "sales" } }
  local two = t.user { login = "two", roles = { "sales" } }
  t.db.task:insert { subject = "Call", owner = one, remind_at = now:add { hours = 1 },
    due_at = now:add { hours = 2 } }
  t.clock.advance { hours = 1 }
  t.run_job("remind")
  t.run_job("remind")
  t.eq(told(t, one), "given reminded")
  t.clock.advance { hours = 2 }
  t.run_job("remind")
  t.eq(told(t, one), "given reminded overdue")
  t.db.activity:insert { subject = "Met", type = "visit", mentions = { two } }
  t.eq(told(t, two), "mentioned")
end)
