-- operations - many records are deleted, given away or taken out at once: frozen as a list, or as
-- the file of an export, and carried out when a second person says so.
-- SPDX-License-Identifier: MIT
local values = require("values")

local operations = {}

local IDS_MAX = 2000
local PIECE = 100 -- ids asked for at once
local STEP = 20 -- records changed in one transaction

local function parsed(list)
  local out, seen = {}, {}
  for _, text in ipairs(values.is_table(list) and list or {}) do
    local id = type(text) == "string" and crm.id_parse(text)
    if not id or seen[id] then return nil end
    seen[id] = true
    out[#out + 1] = id
  end
  return out
end

local function piece_of(ids, from)
  return table.move(ids, from, math.min(#ids, from + PIECE - 1), 1, {})
end

local RIGHTS = { delete = "delete", transfer = "update", export = "export" }

local function entitle(op, ctx)
  op.state = "waiting"
  op.title = ctx.t("@operation_title", {
    what = ctx.t("@pending_operation.operation." .. op.operation), entity = op.entity,
    count = op.count,
  })
end

-- The list is what it was when it was asked for, and who asks may do each of it.
function operations.freeze(ev, ctx)
  local op = ev.record
  if not pcall(crm.entity, op.entity) then
    return ev:fail("entity", "@entity_unknown", { entity = op.entity })
  end
  if op.operation == "export" then -- made of an export that was held back (bulk.lua), not by hand
    if not op.file then return ev:fail("operation", "@export_first") end
    return entitle(op, ctx)
  end
  local ids = parsed(op.ids)
  if not ids or #ids == 0 or #ids > IDS_MAX then
    return ev:fail("ids", "@ids_needed", { max = IDS_MAX })
  end
  local right, sheet, found = RIGHTS[op.operation], ctx.db[op.entity], 0
  for from = 1, #ids, PIECE do
    for record in sheet:each { where = { id = piece_of(ids, from) } } do
      if ctx.can(right, record) then found = found + 1 end
    end
  end
  if found ~= #ids then return ev:fail("ids", "@ids_denied", { count = #ids - found }) end
  op.count = #ids
  entitle(op, ctx)
end

function operations.tell(ev, ctx)
  local op = ev.record
  ctx.emit("approval.operation_waiting", { pending_operation = op.id, count = op.count })
end

local function waiting(ev, db)
  local op = db.pending_operation:get(ev.record.id)
  if op.state == "waiting" then return op end
  ev:fail("state", "@not_running")
end

local function settle(ev, ctx, db, op, state)
  local comment = type(ev.params.comment) == "string" and ev.params.comment or nil
  assert(db.pending_operation:update(op.id, {
    state = state, decided_by = ctx.user.id, decided_at = ctx.now(), comment = comment,
    done_count = state == "done" and op.count or nil,
  }, { if_version = op.version }))
  return { state = state }
end

-- POST …/pending_operation/{id}/actions/commit: by somebody else, who may do it too.
function operations.commit(ev, ctx)
  local db = ctx.db:as_system()
  local op = waiting(ev, db)
  if not op then return nil end
  if not ctx.user or op.owner == ctx.user.id or op.created_by == ctx.user.id then
    return ev:fail("owner", "@second_person")
  end
  if not ctx.can(op.entity .. ":" .. RIGHTS[op.operation]) then
    return ev:fail("operation", "@no_right")
  end
  if op.operation == "export" then -- its file shows from now on to who asked for it
    return settle(ev, ctx, db, op, "done")
  end
  ctx.queue:push("carry_out", { operation = op.id }, { key = "carry_out:" .. op.id })
  return settle(ev, ctx, db, op, "running")
end

-- POST …/pending_operation/{id}/actions/refuse
function operations.refuse(ev, ctx)
  local db = ctx.db:as_system()
  local op = waiting(ev, db)
  return op and settle(ev, ctx, db, op, "refused")
end

-- POST …/pending_operation/{id}/actions/cancel: by who asked for it.
function operations.cancel(ev, ctx)
  local db = ctx.db:as_system()
  local op = waiting(ev, db)
  if not op then return nil end
  if not ctx.user or op.owner ~= ctx.user.id then return ev:fail("owner", "@not_yours") end
  return settle(ev, ctx, db, op, "canceled")
end

local function do_one(sheet, op, id)
  if op.operation == "delete" then return sheet:delete(id) end
  return sheet:update(id, { owner = op.to })
end

-- The next piece; gives how far it has come. What has gone or is refused meanwhile is told.
local function carry_on(ctx, db, id, ids)
  local op = db.pending_operation:get(id)
  local failed, done, sheet = {}, op.done_count or 0, ctx.db[op.entity]
  for i, text in ipairs(op.failed or {}) do failed[i] = text end
  local from = done + #failed + 1
  for i = from, math.min(#ids, from + STEP - 1) do
    local ok = do_one(sheet, op, ids[i])
    if ok then done = done + 1 else failed[#failed + 1] = crm.id_text(ids[i]) end
  end
  local at = done + #failed
  assert(db.pending_operation:update(id, {
    done_count = done, failed = failed, state = at >= #ids and "done" or nil,
  }))
  return at
end

-- Runs with the rights of who committed it. Its place is what the operation says of itself, in one
-- transaction with what was done: after a crash nothing is done, or counted, twice.
function operations.carry_out(job, ctx)
  local db, id, at = ctx.db:as_system(), job.args.operation, nil
  local ids = parsed(db.pending_operation:get(id).ids)
  repeat
    ctx.tx(function() at = carry_on(ctx, db, id, ids) end)
    job:save(at)
  until at >= #ids
  return { count = #ids }
end

return operations
