-- ending - a contract is fulfilled, ended early, or void.
-- SPDX-License-Identifier: MIT
local plans = require("plans")
local refusals = require("people.refusals")
local sums = require("sums")

local ending = {}

local function stop(db, contract)
  for _, plan in ipairs(db.payment_plan:find {
    where = {
      contract = contract.id, state = { "not_effective", "waiting", "partial", "overdue" },
    },
    limit = 500,
  }) do
    assert(db.payment_plan:update(plan.id, { state = "void" }))
  end
  for _, obligation in ipairs(db.obligation:find {
    where = { contract = contract.id, done_at = crm.null, canceled = false }, limit = 500,
  }) do
    assert(db.obligation:update(obligation.id, { canceled = true }))
  end
end

local function in_stage(ev, contract, ...)
  for _, stage in ipairs { ... } do
    if contract.stage == stage then return true end
  end
  ev:fail("stage", "@not_in_this_stage")
  return false
end

-- While somebody decides whether it is void, it does not end otherwise: that decision would come to
-- nothing.
local function is_being_voided(ev, ctx, contract)
  local asked = contract.void_reason and ctx.call("approval.state", {
    entity = "contract", id = contract.id, purpose = "void",
  })
  if not asked or asked.state ~= "running" then return false end
  ev:fail("stage", "@void_asked")
  return true
end

-- POST …/contract/{id}/actions/complete: when everything has been paid.
function ending.complete(ev, ctx)
  local db = ctx.db:as_system()
  local contract = db.contract:get(ev.record.id)
  if not in_stage(ev, contract, "performing", "expired") then return nil end
  if is_being_voided(ev, ctx, contract) then return nil end
  local open = db.payment_plan:count {
    where = { contract = contract.id, state = { "waiting", "partial", "overdue" } },
  }
  if open > 0 then return ev:fail("stage", "@plans_open", { count = open }) end
  assert(db.contract:update(contract.id, { stage = "completed" }))
  return { stage = "completed" }
end

-- POST …/contract/{id}/actions/archive
function ending.archive(ev, ctx)
  local db = ctx.db:as_system()
  local contract = db.contract:get(ev.record.id)
  if not in_stage(ev, contract, "completed", "renewed", "terminated", "expired") then return nil end
  assert(db.contract:update(contract.id, { stage = "archived" }))
  return { stage = "archived" }
end

-- POST …/contract/{id}/actions/terminate { reason, comment, date }
function ending.terminate(ev, ctx)
  local db, reason = ctx.db:as_system(), sums.text(ev.params.reason)
  local contract = db.contract:get(ev.record.id)
  if not in_stage(ev, contract, "signed", "performing") then return nil end
  if is_being_voided(ev, ctx, contract) then return nil end
  if not reason then return ev:fail("reason", "@reason_needed") end
  local day = ctx.now():date()
  if ev.params.date ~= nil then day = sums.day(ev.params.date) end
  if not day then return ev:fail("date", "@day_needed") end
  local done, why = db.contract:update(contract.id, {
    stage = "terminated", terminate_reason = reason, terminated_on = day,
    terminate_comment = sums.text(ev.params.comment),
  })
  if not done then return ev:fail("reason", (select(2, refusals.parts(why)))) end
  stop(db, contract)
  plans.total(ctx, db, contract.id)
  ctx.emit("contract.terminated", { contract = contract.id, reason = reason })
  return { stage = "terminated" }
end

-- Who looks at it where the company has no flow for it: never who asks.
local WHO = {
  { id = "void", name = "void", mode = "any", approvers = { { kind = "superior", levels = 1 } } },
}

-- POST …/contract/{id}/actions/void { reason }: asks for approval; done when that is given.
function ending.void(ev, ctx)
  local db, reason = ctx.db:as_system(), sums.text(ev.params.reason)
  local contract = db.contract:get(ev.record.id)
  if not in_stage(ev, contract, "draft", "pending_sign", "signed", "performing") then return nil end
  if not reason then return ev:fail("reason", "@reason_needed") end
  if sums.minor(contract.received) ~= 0 then return ev:fail("received", "@void_with_receipts") end
  assert(db.contract:update(contract.id, { void_reason = reason }))
  local result = ctx.call("approval.submit", {
    entity = "contract", id = contract.id, purpose = "void", comment = reason, nodes = WHO,
    title = ctx.t("@void_title", { number = contract.number, name = contract.name }),
  })
  if result.why then return refusals.tell(ev, result.why, "stage") end
  if result.automatic then return ev:fail("stage", "@void_needs_approver") end
  return {
    approval = crm.id_text(result.approval), state = result.state,
    stage = db.contract:get(contract.id).stage,
  }
end

function ending.make_void(ctx, db, contract)
  assert(db.contract:update(contract.id, { stage = "void" }))
  stop(db, contract)
  plans.total(ctx, db, contract.id)
  ctx.emit("contract.voided", { contract = contract.id, reason = contract.void_reason })
end

return ending
