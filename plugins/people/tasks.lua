-- tasks - what is planned: reminders, and the activity that a task becomes once.
-- SPDX-License-Identifier: MIT
local refusals = require("refusals")

local tasks = {}

local KINDS = {
  note = true, call = true, visit = true, mail = true, meeting = true, message = true, other = true,
}

-- The activity of a task: made once, found ever after; or nil and what is wrong with it.
local function record(ctx, task, params)
  local db = ctx.db:as_system()
  local before = db.activity:find { where = { task = task.id }, limit = 1 }[1]
  if before then return before end
  return db.activity:insert {
    subject = task.subject, type = params.method or task.type, about = task.about,
    account = task.account, contact = task.contact, happened_at = ctx.now(),
    content = params.content or task.content, result = params.result, task = task.id,
    owner = ctx.user and ctx.user.id or task.owner,
  }
end

-- Times that change are looked at anew.
function tasks.changed(ev, ctx)
  local task = ev.record
  if ev.changed("remind_at") then task.reminded_at = nil end
  if ev.changed("due_at") then task.overdue_at = nil end
  if ev.changed("status") then task.done_at = task.status == "done" and ctx.now() or nil end
end

-- However a task comes to be done, it has its record.
function tasks.moved(ev, ctx)
  local task = ev.record
  if ev.to ~= "done" then return end
  local activity = task.activity or assert(record(ctx, task, {})).id
  if not task.activity then
    assert(ctx.db:as_system().task:update(task.id, { activity = activity }))
  end
  ctx.emit("task.completed", { task = task.id, activity = activity })
end

-- POST …/task/{id}/actions/complete { content, method, result }: twice is the same as once.
function tasks.complete(ev, ctx)
  local task, params = ev.record, ev.params
  if task.status == "done" then return { activity = crm.id_text(task.activity) } end
  if task.status ~= "open" then return ev:fail("status", "@task_over") end
  if params.method ~= nil and not KINDS[params.method] then
    return ev:fail("method", "@follow_kind")
  end
  local activity, why = record(ctx, task, params)
  if not activity then return refusals.tell(ev, why, "content") end
  assert(ctx.db:as_system().task:update(task.id, { status = "done", activity = activity.id }))
  return { activity = crm.id_text(activity.id) }
end

-- POST …/task/{id}/actions/cancel
function tasks.cancel(ev, ctx)
  if ev.record.status ~= "open" then return ev:fail("status", "@task_over") end
  assert(ctx.db:as_system().task:update(ev.record.id, { status = "canceled" }))
  return { status = "canceled" }
end

-- Every five minutes: what is due to be remembered, and what was not done in time, each told once.
function tasks.remind(job, ctx)
  local now, db = ctx.now(), ctx.db:as_system()
  job:each({
    entity = "task", as_system = true, batch = 100,
    where = {
      status = "open",
      ["or"] = {
        { remind_at = { lte = now }, reminded_at = crm.null },
        { due_at = { lt = now }, overdue_at = crm.null },
      },
    },
  }, function(task)
    local fields = {}
    if task.remind_at and task.remind_at <= now and not task.reminded_at then
      fields.reminded_at = now
      ctx.emit("task.reminded", { task = task.id })
    end
    if task.due_at and task.due_at < now and not task.overdue_at then
      fields.overdue_at = now
      ctx.emit("task.overdue", { task = task.id })
    end
    assert(db.task:update(task.id, fields))
  end)
end

return tasks
