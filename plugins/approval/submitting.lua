-- submitting - something is handed in, frozen, compared with what was approved before, taken back.
-- SPDX-License-Identifier: MIT
local approvers = require("approvers")
local engine = require("engine")
local flows = require("flows")
local values = require("values")

local submitting = {}

-- --- the frozen picture ---

local KEPT = { -- what the core keeps says nothing about what is decided
  id = true, version = true, created_at = true, created_by = true, updated_at = true,
  updated_by = true, deleted_at = true, origin = true,
}

-- Field by field: { name = { from = …, to = … } }.
local function differences(old, new)
  local out = {}
  for name, value in pairs(new) do
    if not KEPT[name] and not values.equal(value, old[name]) then
      out[name] = { from = old[name], to = value }
    end
  end
  for name, value in pairs(old) do
    if not KEPT[name] and new[name] == nil then out[name] = { from = value } end
  end
  return out
end

local function last_approved(db, about)
  return db.approval:find {
    where = { about = about, state = "approved" }, order = "-created_at", limit = 1,
  }[1]
end

-- The service approval.summary: what approvers see first, { title, snapshot }. A company adds to
-- it what they need to know.
function submitting.summary(argument)
  return { title = argument.title, snapshot = argument.snapshot }
end

local function picture(ctx, record, ask)
  local title = ask.title
  local declared = crm.entity(ask.about.entity)
  if not title then
    local named, value = pcall(function() return record[declared.title or "name"] end)
    title = named and value and tostring(value) or ask.about.entity
  end
  return ctx.call("approval.summary", {
    entity = ask.about.entity, record = record, title = title, purpose = ask.purpose,
    snapshot = crm.data(record),
  })
end

-- --- handing in ---

-- Every name is one of a user who may decide this: whoever hands it in is not, unless the flow lets
-- people decide what is their own.
local function are_fit(ctx, db, given, flow)
  local ids, has_own = approvers.ids(given), flow ~= nil and flow.own == "allow"
  for i = 1, #given do
    if not approvers.fit(ctx, db, ids[i]) then return false end
    if ids[i] == ctx.user.id and not has_own then return false end
  end
  return true
end

local function check_choices(ev, ctx, db, path, flow)
  local chosen = ev.record.chosen
  for _, node in ipairs(path) do
    for _, rule in ipairs(node.approvers) do
      local given = rule.kind == "choice" and (chosen or {})[node.id]
      if rule.kind == "choice" and (not values.is_list(given)) then
        ev:fail("chosen", "@choose", { node = node.name, id = node.id })
      elseif rule.kind == "choice" and not are_fit(ctx, db, given, flow) then
        ev:fail("chosen", "@user_unfit")
      end
    end
  end
end

local function copies(path)
  local out, seen = {}, {}
  for _, node in ipairs(path) do
    for _, id in ipairs(approvers.ids(node.cc)) do
      if not seen[id] then
        seen[id] = true
        out[#out + 1] = id
      end
    end
  end
  return out
end

local function guarded_of(entity, flow)
  if flow and flow.guarded and #flow.guarded > 0 then return flow.guarded end
  local out = {}
  for _, field in ipairs(crm.entity(entity).fields) do
    local derived = field.type == "computed" or field.type == "rollup" or field.type == "lookup"
      or field.type == "autonumber"
    if not field.readonly and not derived and not field.retired then out[#out + 1] = field.name end
  end
  return out
end

-- Who may change the record may hand it in, or has made it where nothing can be changed any more (a
-- receipt); one approval of it runs at a time.
function submitting.prepare(ev, ctx)
  local ask, db = ev.record, ctx.db:as_system()
  if not ctx.user then return ev:abort("@nobody") end
  local about = ask.about
  if not about then return end
  local record = ctx.db[about.entity]:get(about.id)
  if not record then return ev:fail("about", "@no_record") end
  local is_own = record.created_by == ctx.user.id and ctx.can("create", record)
  if not ask.path and not is_own and not ctx.can("update", record) then
    return ev:fail("about", "@no_right")
  end
  if db.approval:count { where = { about = about.id, state = "running" } } > 0 then
    return ev:fail("about", "@running")
  end
  local flow = ask.flow and db.approval_flow:get(ask.flow) -- by the service alone
    or flows.choose_any(db, record, about.entity, ask.purpose)
  local path = ask.path
  if flow then path = flows.path(flow.nodes, record) end
  if not path then return ev:fail("about", "@no_flow") end
  check_choices(ev, ctx, db, path, flow)
  local shown, before = picture(ctx, record, ask), last_approved(db, about.id)
  ask.entity, ask.submitter, ask.submitted_at = about.entity, ctx.user.id, ctx.now()
  ask.owner = ctx.user.id
  ask.flow = flow and flow.id
  ask.flow_version = flow and flows.version(db, flow).id
  ask.path, ask.at, ask.round, ask.state = path, 1, 1, "running"
  ask.title, ask.snapshot = shown.title, shown.snapshot
  ask.changes = differences(before and before.snapshot or {}, shown.snapshot)
  ask.guarded, ask.cc = guarded_of(about.entity, flow), copies(path)
end

function submitting.begin(ev, ctx)
  local db = ctx.db:as_system()
  engine.emit(ctx, "submitted", ev.record)
  engine.begin(ctx, db, ev.record.id, 1)
end

-- The service approval.submit: { entity, id, purpose, title, comment, chosen, nodes, flow }.
-- `nodes` are what is passed where the company has no flow of its own, `flow` is one that was
-- chosen. Gives the approval, or nil and why.
function submitting.submit(argument, ctx)
  local db = ctx.db:as_system()
  local fields = {
    about = { entity = argument.entity, id = argument.id }, purpose = argument.purpose,
    title = argument.title, comment = argument.comment, chosen = argument.chosen,
    flow = argument.flow,
  }
  if argument.nodes then
    local record = ctx.db[argument.entity]:get(argument.id)
    if record then fields.path = flows.path(argument.nodes, record) end
  end
  local made, why = db.approval:insert(fields)
  if not made then return { why = why } end
  local now = db.approval:get(made.id)
  return { approval = now.id, state = now.state, node = now.node, automatic = now.automatic }
end

-- --- by who submitted it ---

local function own(ev, ctx, db)
  local approval = db.approval:get(ev.record.id)
  local is_own = ctx.user and approval.submitter == ctx.user.id
  if not is_own and not ctx.can("approval:delete") then
    ev:fail("submitter", "@not_yours")
    return nil
  end
  return approval
end

-- POST …/approval/{id}/actions/withdraw
function submitting.withdraw(ev, ctx)
  local db = ctx.db:as_system()
  local approval = own(ev, ctx, db)
  if not approval then return nil end
  if approval.state ~= "running" then return ev:fail("state", "@not_running") end
  engine.finish(ctx, db, approval.id, "withdrawn")
  return { state = "withdrawn" }
end

-- POST …/approval/{id}/actions/revoke: what was approved is so no more, if nobody builds on it.
function submitting.revoke(ev, ctx)
  local db = ctx.db:as_system()
  local approval = own(ev, ctx, db)
  if not approval then return nil end
  if approval.state ~= "approved" then return ev:fail("state", "@not_approved") end
  engine.finish(ctx, db, approval.id, "revoked")
  return { state = "revoked" }
end

-- POST …/approval/{id}/actions/urge
function submitting.urge(ev, ctx)
  local db, urged = ctx.db:as_system(), 0
  local approval = own(ev, ctx, db)
  if not approval then return nil end
  if approval.state ~= "running" then return ev:fail("state", "@not_running") end
  local since = ctx.now():add { minutes = -ctx.config.urge_minutes }
  for _, task in ipairs(engine.tasks(db, approval, "open")) do
    if not task.urged_at or task.urged_at <= since then
      assert(db.approval_task:update(task.id, {
        urged_at = ctx.now(), urge_count = (task.urge_count or 0) + 1,
      }))
      urged = urged + 1
    end
  end
  if urged == 0 then
    return ev:fail("state", "@urged_lately", { minutes = ctx.config.urge_minutes })
  end
  engine.emit(ctx, "urged", approval)
  return { urged = urged }
end

local DECISIONS = 200 -- that one answer lists

-- Who was asked and what they said, in order: whoever may see the case may see this.
local function decisions(ctx, approval)
  local db, list = ctx.db:as_system(), {}
  for i, task in ipairs(db.approval_task:find {
    where = { approval = approval.id }, order = "round,position,id", limit = DECISIONS,
  }) do
    local user = db.user:get(task.owner)
    list[i] = {
      id = crm.id_text(task.id), node = task.node, at = task.at, round = task.round,
      kind = task.kind, state = task.state, comment = task.comment,
      who = user and user.name, owner = crm.id_text(task.owner),
      decided_at = task.decided_at and tostring(task.decided_at),
    }
  end
  return list
end

-- POST …/approval/{id}/actions/compare: what was decided on, by whom, and how the record differs
-- now.
function submitting.compare(ev, ctx)
  local approval = ev.record
  local record = ctx.db[approval.entity]:get(approval.about.id)
  return {
    snapshot = approval.snapshot, changes = approval.changes,
    since = record and differences(approval.snapshot, crm.data(record)) or {},
    decisions = decisions(ctx, approval),
  }
end

return submitting
