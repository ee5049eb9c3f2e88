-- guard - records under approval are locked, and flows begin or bar the way by themselves.
-- SPDX-License-Identifier: MIT
local flows = require("flows")

local guard = {}

local OURS = {
  approval = true, approval_task = true, approval_flow = true, approval_version = true,
  pending_operation = true,
}

local function running(db, id)
  return db.approval:find { where = { about = id, state = "running" }, limit = 1 }[1]
end

-- Was this let through by an approval that has not been used yet? Then it is used now.
local function permit(db, flow, id)
  return db.approval:find {
    where = { about = id, flow = flow.id, state = "approved", used_at = crm.null },
    order = "-created_at", limit = 1,
  }[1]
end

local function check_transitions(ev, db)
  for _, flow in ipairs(flows.of(db, ev.entity, "transition")) do
    local field = flow.transition_field
    if ev.changed(field) and ev.record[field] == flow.transition_to
      and crm.matches(ev.record, flow.match or {}) and not permit(db, flow, ev.record.id) then
      ev:fail(field, "@needs_approval", { flow = flow.name })
    end
  end
end

-- While an approval runs, what it is about stays as it was handed in.
function guard.locked(ev, ctx)
  if not ev.old or OURS[ev.entity] then return end
  local db = ctx.db:as_system()
  local approval = running(db, ev.record.id)
  for _, field in ipairs(approval and approval.guarded or {}) do
    local known, changed = pcall(ev.changed, field)
    if known and changed then ev:fail(field, "@locked", { number = approval.number }) end
  end
  check_transitions(ev, db)
end

function guard.delete(ev, ctx)
  if OURS[ev.entity] then return end
  local db = ctx.db:as_system()
  local approval = running(db, ev.record.id)
  if approval then return ev:fail(nil, "@locked", { number = approval.number }) end
  for _, flow in ipairs(flows.of(db, ev.entity, "delete")) do
    if crm.matches(ev.record, flow.match or {}) and not permit(db, flow, ev.record.id) then
      return ev:fail(nil, "@needs_approval", { flow = flow.name })
    end
  end
end

-- What was decided stays to be read.
function guard.keep(ev) ev:fail(nil, "@kept") end

local function submit(ev, ctx, db)
  if not ctx.user or running(db, ev.record.id) then return end
  assert(db.approval:insert { about = { entity = ev.entity, id = ev.record.id } })
end

-- The service approval.begins: is a record that was made, and has a flow for that, handed in?
-- argument: entity, record. A plugin says no to what only follows from a decision.
function guard.begins() return { begins = true } end

function guard.created(ev, ctx)
  if OURS[ev.entity] or ev.source == "import" then return end
  local db = ctx.db:as_system()
  if flows.choose(db, ev.record, ev.entity, "create")
    and ctx.call("approval.begins", { entity = ev.entity, record = ev.record }).begins then
    submit(ev, ctx, db)
  end
end

local function touches(ev, flow)
  for _, field in ipairs(flow.guarded or {}) do
    local known, changed = pcall(ev.changed, field)
    if known and changed then return true end
  end
  return false
end

local function use_permits(ev, ctx, db)
  for _, flow in ipairs(flows.of(db, ev.entity, "transition")) do
    local field = flow.transition_field
    if ev.changed(field) and ev.record[field] == flow.transition_to then
      local approval = permit(db, flow, ev.record.id)
      if approval then assert(db.approval:update(approval.id, { used_at = ctx.now() })) end
    end
  end
end

function guard.updated(ev, ctx)
  if OURS[ev.entity] then return end
  local db = ctx.db:as_system()
  use_permits(ev, ctx, db)
  local flow = flows.choose(db, ev.record, ev.entity, "update")
  if flow and touches(ev, flow) then submit(ev, ctx, db) end
end

return guard
