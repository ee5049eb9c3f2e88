-- approving - a contract is handed in, and what comes of it.
-- SPDX-License-Identifier: MIT
local amending = require("amending")
local ending = require("ending")
local refusals = require("people.refusals")
local rules = require("rules")
local sums = require("sums")

local approving = {}

local function agreed(ctx, db, contract, state)
  assert(db.contract:update(contract.id, { approval_state = state, stage = "pending_sign" }))
  ctx.emit("contract.approved", { contract = contract.id })
end

-- POST …/contract/{id}/actions/submit { comment, chosen }
function approving.submit(ev, ctx)
  local db = ctx.db:as_system()
  local contract = db.contract:get(ev.record.id)
  if contract.stage ~= "draft" or sums.is_fixed(contract) then
    return ev:fail("stage", "@not_a_draft")
  end
  local wrong, warnings = rules.complaints(ctx, contract)
  for _, one in ipairs(wrong) do ev:fail(one[1], one[2]) end
  if #wrong > 0 then return nil end
  local said = {}
  for i, one in ipairs(warnings) do said[i] = ctx.t(one[2]) end
  if not ctx.call("approval.needed", { entity = "contract", record = contract }) then
    ctx.emit("contract.submitted", { contract = contract.id })
    agreed(ctx, db, contract, "auto_approved")
    return { approval_state = "auto_approved", warnings = said }
  end
  assert(db.contract:update(contract.id, { approval_state = "approving" }))
  local result = ctx.call("approval.submit", {
    entity = "contract", id = contract.id, title = contract.number .. " " .. contract.name,
    comment = sums.text(ev.params.comment), chosen = ev.params.chosen,
  })
  if result.why then return refusals.tell(ev, result.why, "approval_state") end
  ctx.emit("contract.submitted", { contract = contract.id, approval = result.approval })
  return {
    approval = crm.id_text(result.approval), warnings = said,
    approval_state = db.contract:get(contract.id).approval_state,
  }
end

-- --- what became of it ---

-- The record that an event of approvals is about: a contract, or an amendment of one.
local function subject(ev, ctx)
  local payload, db = ev.payload, ctx.db:as_system()
  if payload.entity == "contract" then
    return db, db.contract:get(payload.record), payload.purpose
  elseif payload.entity == "contract_amendment" then
    return db, db.contract_amendment:get(payload.record), "amend"
  end
  return db, nil
end

function approving.approved(ev, ctx)
  local db, record, purpose = subject(ev, ctx)
  if not record then return end
  if purpose == "amend" then
    local why = amending.apply(ctx, db, record)
    if why then ev:abort(why) end
  elseif purpose == "void" then
    if sums.minor(record.received) ~= 0 then return ev:abort("@void_with_receipts") end
    ending.make_void(ctx, db, record)
  elseif not purpose then
    agreed(ctx, db, record, ev.payload.automatic and "auto_approved" or "approved")
  end
end

local function back(db, record, purpose, state)
  if purpose == "amend" then
    assert(db.contract_amendment:update(record.id, { state = "rejected" }))
  elseif purpose == "void" then
    assert(db.contract:update(record.id, { void_reason = crm.null }))
  elseif not purpose then
    assert(db.contract:update(record.id, { approval_state = state }))
  end
end

function approving.rejected(ev, ctx)
  local db, record, purpose = subject(ev, ctx)
  if not record then return end
  back(db, record, purpose, "rejected")
  if not purpose then ctx.emit("contract.rejected", { contract = record.id }) end
end

function approving.withdrawn(ev, ctx)
  local db, record, purpose = subject(ev, ctx)
  if record then back(db, record, purpose, "none") end
end

-- Sent back to an earlier node it still runs.
function approving.returned(ev, ctx)
  if ev.payload.to == "submitter" then approving.withdrawn(ev, ctx) end
end

-- An approval that something was built on cannot be revoked.
function approving.revoked(ev, ctx)
  local db, record, purpose = subject(ev, ctx)
  if not record then return end
  if purpose == "amend" or purpose == "void" then return ev:abort("@carried_out") end
  local signed = db.contract_signature:count { where = { contract = record.id } }
  if record.stage ~= "pending_sign" or signed > 0 then return ev:abort("@signed_already") end
  assert(db.contract:update(record.id, { approval_state = "revoked", stage = "draft" }))
end

return approving
