-- amending - what was agreed changes, and the version before is kept.
-- SPDX-License-Identifier: MIT
local lines = require("lines")
local refusals = require("people.refusals")
local sums = require("sums")

local amending = {}

local LINES_MAX = 60 -- changed by one amendment: they have to fit one unit of work

local MAY = {
  name = true, type = true, discount = true, tax = true, total = true, start_on = true,
  end_on = true, payment_terms = true, auto_renew = true, renew_interval = true,
  renew_unit = true, renew_max = true, notice_days = true, notice_unit = true, clauses = true,
}
local LINE_MAY = {
  name = true, sku = true, quantity = true, unit_price = true, discount = true, start_on = true,
  end_on = true, unit = true, sort = true,
}

local function plain(value)
  local out = {}
  for key, one in pairs(value or {}) do out[key] = one end
  return out
end

-- --- carrying it out ---

local function keep_version(db, ctx, contract, amendment)
  local list = {}
  for i, line in ipairs(lines.rows(db, contract)) do list[i] = crm.data(line) end
  assert(db.contract_version:insert {
    contract = contract.id, no = contract.amendment_no or 0, amendment = amendment.id,
    snapshot = crm.data(contract), lines = list, on = ctx.now():date(),
    label = string.format("%s v%d", contract.number, contract.amendment_no or 0),
  })
end

-- The line a change is about, or nil where it is a new one. Second: what is wrong with it. What was
-- delivered and has ended stays as it was, whatever is agreed for the time to come.
local function line_of(db, contract, change, today)
  local id = sums.text(change.id) and crm.id_parse(change.id)
  local line = id and db.contract_line:get(id)
  if change.id ~= nil and (not line or line.contract ~= contract.id) then return nil, "@no_line" end
  if line and (line.canceled or line.end_on and line.end_on < today) then
    return nil, "@line_ended"
  end
  return line
end

local function change_line(db, contract, change, today)
  local line, wrong = line_of(db, contract, change, today)
  if wrong then return nil, wrong end
  if change.cancel then
    if not line then return nil, "@no_line" end
    return db.contract_line:update(line.id, { canceled = true })
  end
  local fields = {}
  for key, value in pairs(change) do
    if LINE_MAY[key] then fields[key] = value end
  end
  if line then return db.contract_line:update(line.id, fields) end
  fields.contract = contract.id
  return db.contract_line:insert(fields)
end

-- Gives what was wrong and where, or nothing.
function amending.apply(ctx, db, amendment)
  local contract = db.contract:get(amendment.contract)
  if sums.is_closed(contract) then return "@closed" end
  keep_version(db, ctx, contract, amendment)
  local done, why = db.contract:update(contract.id, { amending = amendment.id })
  if not done then return why end
  for _, change in ipairs(amendment.lines or {}) do
    done, why = change_line(db, contract, change, ctx.now():date())
    if not done then return why, "lines" end
  end
  local fields = plain(amendment.fields)
  fields.amendment_no = (contract.amendment_no or 0) + 1
  done, why = db.contract:update(contract.id, fields)
  if not done then return why end
  assert(db.contract:update(contract.id, { amending = crm.null }))
  assert(db.contract_amendment:update(amendment.id, {
    state = "applied", applied_at = ctx.now(),
  }))
  ctx.emit("contract.amended", {
    contract = contract.id, amendment = amendment.id, no = fields.amendment_no,
  })
end

-- --- asking for it ---

local function check_asked(ev, ctx, db, contract)
  local asked, changes = ev.params.fields or {}, {}
  local list = ev.params.lines or {}
  if not sums.is_table(asked) or not sums.is_table(list) then
    return ev:fail("fields", "@fields_needed")
  end
  local before = crm.data(contract)
  for name, value in pairs(asked) do
    if not MAY[name] then
      return ev:fail("fields", "@not_amendable", { field = tostring(name) })
    end
    changes[name] = { from = before[name], to = value }
  end
  for _, change in ipairs(list) do
    if not sums.is_table(change) then return ev:fail("lines", "@no_line") end
    local _, wrong = line_of(db, contract, change, ctx.now():date())
    if wrong then return ev:fail("lines", wrong) end
  end
  if #list > LINES_MAX then return ev:fail("lines", "@lines_many", { max = LINES_MAX }) end
  if next(changes) == nil and #list == 0 then return ev:fail("fields", "@fields_needed") end
  return asked, list, changes
end

local STAGES = { pending_sign = true, signed = true, performing = true }

-- POST …/contract/{id}/actions/amend { reason, fields, lines }: a line with an id is changed or
-- ({ id, cancel = true }) cancelled, one without is new.
function amending.amend(ev, ctx)
  local db, reason = ctx.db:as_system(), sums.text(ev.params.reason)
  local contract = db.contract:get(ev.record.id)
  if not STAGES[contract.stage] then return ev:fail("stage", "@not_in_this_stage") end
  if not reason then return ev:fail("reason", "@reason_needed") end
  local waiting = db.contract_amendment:count {
    where = { contract = contract.id, state = "pending" },
  }
  if waiting > 0 then return ev:fail("stage", "@amendment_waits") end
  local fields, list, changes = check_asked(ev, ctx, db, contract)
  if not fields then return nil end
  local no = db.contract_amendment:count { where = { contract = contract.id } } + 1
  local amendment = assert(db.contract_amendment:insert {
    contract = contract.id, no = no, reason = reason, fields = fields, lines = list,
    changes = changes, base_version = contract.version,
    label = string.format("%s #%d", contract.number, no),
  })
  if ctx.call("approval.needed", { entity = "contract_amendment", record = amendment }) then
    local result = ctx.call("approval.submit", {
      entity = "contract_amendment", id = amendment.id, title = amendment.label, comment = reason,
      chosen = ev.params.chosen,
    })
    if result.why then return refusals.tell(ev, result.why, "reason") end
  else
    local why, field = amending.apply(ctx, db, amendment)
    if why then return ev:fail(field or "fields", (why:gsub("^[%u_]+: ", ""))) end
  end
  local now = db.contract_amendment:get(amendment.id)
  return { amendment = crm.id_text(now.id), no = no, state = now.state }
end

return amending
