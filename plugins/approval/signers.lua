-- signers - more people decide, or others: added in front or behind, delegated, rerouted.
-- SPDX-License-Identifier: MIT
local approvers = require("approvers")
local deciding = require("deciding")
local engine = require("engine")

local signers = {}

local ADDED_MAX = 10

local function fit(ctx, db, id) return approvers.fit(ctx, db, id) and id or nil end

-- Users named by params.users who may still be added; nil after a refusal.
local function asked(ev, ctx, db, approval)
  local users, taken = approvers.ids(ev.params.users), {}
  if #users == 0 or #users > ADDED_MAX then
    ev:fail("users", "@users_needed", { max = ADDED_MAX })
    return nil
  end
  for _, task in ipairs(engine.tasks(db, approval, { "open", "waiting" })) do
    taken[task.owner] = true
  end
  for _, id in ipairs(users) do
    if not fit(ctx, db, id) or taken[id] or id == approval.submitter then
      ev:fail("users", "@user_unfit")
      return nil
    end
    taken[id] = true
  end
  return users
end

local function add(ctx, db, approval, task, users, kind)
  for n, user in ipairs(users) do
    engine.add(ctx, db, approval, {
      owner = user, kind = kind, asked_by = task.id, state = "open",
      position = task.position + (kind == "before" and n - 50 or n),
    })
  end
end

-- POST …/approval_task/{id}/actions/add_before { users }: they decide, then who asked them.
function signers.add_before(ev, ctx)
  local db = ctx.db:as_system()
  local task, approval = deciding.mine(ev, ctx, db)
  local users = task and asked(ev, ctx, db, approval)
  if not users then return nil end
  assert(db.approval_task:update(task.id, { state = "waiting" }, { if_version = task.version }))
  add(ctx, db, approval, task, users, "before")
  return { added = #users }
end

-- POST …/approval_task/{id}/actions/add_after { users, comment }: approves, and they decide too.
function signers.add_after(ev, ctx)
  local db = ctx.db:as_system()
  local task, approval = deciding.mine(ev, ctx, db)
  local users = task and asked(ev, ctx, db, approval)
  if not users then return nil end
  deciding.note(ev, ctx, db, task, "approved")
  add(ctx, db, approval, task, users, "after")
  engine.advance(ctx, db, approval.id)
  return { added = #users }
end

-- The task goes to somebody else: the old one is closed, the new one stands in its place.
local function hand_over(ctx, db, approval, task, to)
  local new = engine.add(ctx, db, approval, {
    owner = to, kind = task.kind, asked_by = task.asked_by, state = task.state,
    position = task.position, delegated_from = task.owner,
  })
  for _, other in ipairs(engine.tasks(db, approval)) do
    if other.asked_by == task.id then
      assert(db.approval_task:update(other.id, { asked_by = new.id }))
    end
  end
  return new
end

-- POST …/approval_task/{id}/actions/delegate { to, comment }
function signers.delegate(ev, ctx)
  local db = ctx.db:as_system()
  local task, approval = deciding.mine(ev, ctx, db)
  if not task then return nil end
  local to = fit(ctx, db, approvers.ids { ev.params.to }[1])
  if not to or to == task.owner or to == approval.submitter then
    return ev:fail("to", "@user_unfit")
  end
  local new = hand_over(ctx, db, approval, task, to)
  deciding.note(ev, ctx, db, task, "delegated")
  return { task = crm.id_text(new.id) }
end

-- POST …/approval_task/{id}/actions/reroute { to }: by who looks after approvals.
function signers.reroute(ev, ctx)
  local db = ctx.db:as_system()
  local task = db.approval_task:get(ev.record.id)
  local approval = db.approval:get(task.approval)
  if task.state ~= "open" and task.state ~= "waiting" then
    return ev:fail("state", "@not_running")
  end
  local to = fit(ctx, db, approvers.ids { ev.params.to }[1])
  if not to or to == task.owner or to == approval.submitter then
    return ev:fail("to", "@user_unfit")
  end
  local new = hand_over(ctx, db, approval, task, to)
  assert(db.approval_task:update(task.id, { state = "delegated", decided_at = ctx.now() }))
  return { task = crm.id_text(new.id) }
end

-- Tasks of people who have left, or may decide no more, go to whoever stands in for them.
function signers.watch(job, ctx)
  local db, moved = ctx.db:as_system(), 0
  job:each({
    entity = "approval_task", as_system = true, batch = 20,
    where = { state = { "open", "waiting" } },
  }, function(task)
    if fit(ctx, db, task.owner) then return end
    local approval = db.approval:get(task.approval)
    if approval.state ~= "running" then return end
    local to = approvers.successor(ctx, db, task.owner, approval, engine.settings(db, approval))
    if not to or to == task.owner then return end
    hand_over(ctx, db, approval, task, to)
    assert(db.approval_task:update(task.id, { state = "delegated", decided_at = ctx.now() }))
    moved = moved + 1
  end)
  return { moved = moved }
end

return signers
