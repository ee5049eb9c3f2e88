-- engine - how an approval goes on: nodes begin, tasks are decided, and it comes to an end.
--
-- The way through the flow was decided when it was submitted (approval.path), so nothing that
-- changes later can lead it astray. A task is decided once, in one transaction with what follows.
-- SPDX-License-Identifier: MIT
local approvers = require("approvers")

local engine = {}

local TASKS_MAX = 100 -- people at one node

local function minutes(from, to) return from and (to:ms() - from:ms()) // 60000 or nil end

engine.minutes = minutes

-- What the flow said about people, in the version that the approval began with.
function engine.settings(db, approval)
  local version = approval.flow_version and db.approval_version:get(approval.flow_version)
  return version and version.settings or { own = "superior", no_approver = "admin" }
end

function engine.emit(ctx, name, approval, more)
  local payload = {
    approval = approval.id, record = approval.about.id, entity = approval.entity,
    purpose = approval.purpose,
  }
  for key, value in pairs(more or {}) do payload[key] = value end
  ctx.emit("approval." .. name, payload)
end

-- --- tasks ---

function engine.tasks(db, approval, state)
  return db.approval_task:find {
    where = { approval = approval.id, round = approval.round, at = approval.at, state = state },
    order = "position", limit = 200,
  }
end

-- fields: owner, position, kind, state, asked_by, delegated_from.
function engine.add(ctx, db, approval, fields)
  local task = assert(db.approval_task:insert {
    approval = approval.id, title = approval.title, about = approval.about,
    entity = approval.entity, node = approval.node, at = approval.at, round = approval.round,
    position = fields.position, kind = fields.kind or "approve", asked_by = fields.asked_by,
    state = fields.state, owner = fields.owner, delegated_from = fields.delegated_from,
    opened_at = fields.state == "open" and ctx.now() or nil,
  })
  if fields.state == "open" then
    engine.emit(ctx, "task_created", approval, { task = task.id, approver = fields.owner })
  end
  return task
end

function engine.open(ctx, db, approval, task)
  assert(db.approval_task:update(task.id, { state = "open", opened_at = ctx.now() }))
  engine.emit(ctx, "task_created", approval, { task = task.id, approver = task.owner })
end

local function cancel(db, approval)
  for _, task in ipairs(engine.tasks(db, approval, { "open", "waiting" })) do
    assert(db.approval_task:update(task.id, { state = "canceled" }))
  end
end

-- --- nodes ---

-- Ends it as approved, rejected, returned, withdrawn or revoked.
function engine.finish(ctx, db, id, state, more)
  local approval = db.approval:get(id)
  cancel(db, approval)
  local decided = db.approval_task:count { where = { approval = id, state = "approved" } }
  local automatic = state == "approved" and decided == 0
  approval = assert(db.approval:update(id, {
    state = state, finished_at = ctx.now(), automatic = automatic,
    minutes = minutes(approval.submitted_at, ctx.now()), reason = more and more.reason,
  }))
  if state == "approved" then more = { automatic = automatic } end
  engine.emit(ctx, state, approval, more)
  engine.emit(ctx, "completed", approval, { state = state, cc = approval.cc or {} })
end

-- Begins with that node, or the first behind it that somebody has to decide.
function engine.begin(ctx, db, id, at)
  local approval = db.approval:get(id)
  local settings, path = engine.settings(db, approval), approval.path
  for i = at, #path do
    local node = path[i]
    local users = approvers.of(ctx, db, approval, node, settings)
    if #users > TASKS_MAX then error("more approvers than one node may have") end
    if #users > 0 then
      approval = assert(db.approval:update(id, { at = i, node = node.name }))
      for n, user in ipairs(users) do
        local waits = node.mode == "sequence" and n > 1
        engine.add(ctx, db, approval, {
          owner = user, position = n * 100, state = waits and "waiting" or "open",
        })
      end
      return
    end
  end
  engine.finish(ctx, db, id, "approved")
end

local function is_passed(node, tasks)
  local open, waiting, approved = 0, 0, false
  for _, task in ipairs(tasks) do
    if task.state == "open" then
      if node.mode ~= "any" or task.kind ~= "approve" then open = open + 1 end
    elseif task.state == "waiting" then
      if node.mode ~= "any" then waiting = waiting + 1 end
    elseif task.state == "approved" and task.kind == "approve" then
      approved = true
    end
  end
  return approved and open == 0 and waiting == 0
end

-- Who waits for signers in front, and then the next in order, may decide now.
local function open_next(ctx, db, approval, node, tasks)
  local busy, is_open = {}, false
  for _, task in ipairs(tasks) do
    local lives = task.state == "open" or task.state == "waiting"
    if task.kind == "before" and lives then busy[task.asked_by] = true end
    is_open = is_open or task.state == "open"
  end
  for _, task in ipairs(tasks) do
    local asked = task.state == "waiting" and not busy[task.id]
    if asked and (node.mode ~= "sequence" or not is_open) then
      engine.open(ctx, db, approval, task)
      is_open = true
    end
  end
end

-- After a task was approved: the node goes on, or the next begins.
function engine.advance(ctx, db, id)
  local approval = db.approval:get(id)
  local node, tasks = approval.path[approval.at], engine.tasks(db, approval)
  if is_passed(node, tasks) then
    cancel(db, approval)
    return engine.begin(ctx, db, id, approval.at + 1)
  end
  open_next(ctx, db, approval, node, tasks)
end

-- The service approval.state: how it stands with a record: { entity, id, purpose }.
function engine.state(argument, ctx)
  local found = ctx.db:as_system().approval:find {
    where = { about = argument.id, purpose = argument.purpose or crm.null },
    order = "-created_at", limit = 1,
  }[1]
  return found and { approval = found.id, state = found.state, node = found.node } or {}
end

return engine
