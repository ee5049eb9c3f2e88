-- deciding - approve, reject, send back: each task once, by who has it.
-- SPDX-License-Identifier: MIT
local engine = require("engine")
local values = require("values")

local deciding = {}

local BATCH_MAX = 20 -- tasks decided in one go: they have to fit one unit of work

local text = values.text

-- The task as it is now, if who asks may decide it; nil after a refusal.
function deciding.mine(ev, ctx, db, id)
  local task = db.approval_task:get(id or ev.record.id)
  if not task or not ctx.user or task.owner ~= ctx.user.id then
    ev:fail("owner", "@not_yours")
    return nil
  end
  if task.state == "waiting" then
    ev:fail("state", "@waits")
    return nil
  end
  if task.state ~= "open" then
    ev:fail("state", "@decided", { state = ctx.t("@approval_task.state." .. task.state) })
    return nil
  end
  local approval = db.approval:get(task.approval)
  if approval.state ~= "running" then
    ev:fail("state", "@not_running")
    return nil
  end
  return task, approval
end

-- Writes the decision; with the version, so that of two at once one is told that it came late.
function deciding.note(ev, ctx, db, task, state, more)
  local fields = {
    state = state, decided_at = ctx.now(), minutes = engine.minutes(task.opened_at, ctx.now()),
    comment = text(ev.params.comment),
  }
  for key, value in pairs(more or {}) do fields[key] = value end
  assert(db.approval_task:update(task.id, fields, { if_version = task.version }))
end

local function answer(db, approval)
  approval = db.approval:get(approval.id)
  return {
    approval = crm.id_text(approval.id), state = approval.state, node = approval.node,
    automatic = approval.automatic,
  }
end

local function approve_one(ev, ctx, db, id)
  local task, approval = deciding.mine(ev, ctx, db, id)
  if not task then return nil end
  if approval.path[approval.at].comment_required and not text(ev.params.comment) then
    ev:fail("comment", "@comment_required")
    return nil
  end
  deciding.note(ev, ctx, db, task, "approved")
  engine.advance(ctx, db, approval.id)
  return approval
end

-- POST …/approval_task/{id}/actions/approve { comment, also = [ids of other tasks] }
function deciding.approve(ev, ctx)
  local db = ctx.db:as_system()
  local also = ev.params.also or {}
  if not values.is_table(also) or #also > BATCH_MAX then
    return ev:fail("also", "@too_many", { max = BATCH_MAX })
  end
  local approval = approve_one(ev, ctx, db)
  for _, other in ipairs(also) do
    local id = type(other) == "string" and crm.id_parse(other)
    if not id then return ev:fail("also", "@no_task") end
    if approval and not approve_one(ev, ctx, db, id) then return nil end
  end
  return approval and answer(db, approval)
end

-- POST …/approval_task/{id}/actions/reject { comment, reason }
function deciding.reject(ev, ctx)
  local db = ctx.db:as_system()
  local task, approval = deciding.mine(ev, ctx, db)
  if not task then return nil end
  if not text(ev.params.comment) then return ev:fail("comment", "@comment_required") end
  local reason = text(ev.params.reason)
  deciding.note(ev, ctx, db, task, "rejected", { reason = reason })
  engine.finish(ctx, db, approval.id, "rejected", { reason = reason })
  return answer(db, approval)
end

local function position_of(approval, id)
  for at, node in ipairs(approval.path) do
    if node.id == id then return at end
  end
end

-- POST …/approval_task/{id}/actions/send_back { to, comment }: to an earlier node, or without one
-- to who submitted it.
function deciding.send_back(ev, ctx)
  local db = ctx.db:as_system()
  local task, approval = deciding.mine(ev, ctx, db)
  if not task then return nil end
  if not text(ev.params.comment) then return ev:fail("comment", "@comment_required") end
  local to = text(ev.params.to)
  local at = to and position_of(approval, to)
  if to and (not at or at >= approval.at) then return ev:fail("to", "@no_earlier_node") end
  deciding.note(ev, ctx, db, task, "returned")
  if not at then
    engine.finish(ctx, db, approval.id, "returned", { to = "submitter" })
    return answer(db, approval)
  end
  for _, other in ipairs(engine.tasks(db, approval, { "open", "waiting" })) do
    assert(db.approval_task:update(other.id, { state = "canceled" }))
  end
  approval = assert(db.approval:update(approval.id, { round = approval.round + 1 }))
  engine.emit(ctx, "returned", approval, { to = to })
  engine.begin(ctx, db, approval.id, at)
  return answer(db, approval)
end

return deciding
