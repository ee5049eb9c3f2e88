-- waiting - stages that a deal enters by approval: it stays where it is until that is given.
--
-- A stage names one of the company's flows (approval_flow). Whoever moves a deal there hands it in
-- (purpose "stage"), by whatever way; the deal says where it wants to (stage_wanted), and goes
-- there in the transaction of the last approval. A flow that is switched off, or whose condition
-- does not fit the deal, bars nothing. While the plugin approval is switched off, deals move as if
-- there were no flows; what waits goes on waiting when it is switched on again, unless the deal has
-- moved on meanwhile.
-- SPDX-License-Identifier: MIT
local people = require("people.notices")
local refusals = require("people.refusals")
local stages = require("stages")

local waiting = {}

local PURPOSE = "stage"

-- The flow that this deal has to pass to stand in that stage, or nil.
local function flow_of(ctx, deal, stage)
  if not stage or not ctx.has("approval") or not stage.approval_flow then return nil end
  local flow = ctx.db:as_system().approval_flow:get(stage.approval_flow)
  if not flow or not flow.active or not crm.matches(deal, flow.match or {}) then return nil end
  return flow
end

-- The stage that this very change asks for, or nil.
function waiting.wanted(ev, ctx)
  if not ctx.has("approval") or not ev.record.stage_wanted then return nil end
  return ev.changed("stage_wanted") and stages.get(ctx, ev.record.stage_wanted) or nil
end

-- Before a deal is saved that is to stand in `stage`: that one, or the one in which it waits.
function waiting.enter(ev, ctx, stage)
  local deal, old = ev.record, ev.old
  local flow = flow_of(ctx, deal, stage)
  if not flow or ev.source == "import" and not old then return stage end
  if old and old.stage == stage.id or ev.changed("reopened_at") then return stage end
  if old and old.stage_wanted == stage.id and not deal.stage_wanted then return stage end -- granted
  if not old or not old.stage or not ctx.user or ev.changed("pipeline") then
    ev:fail("stage", "@stage_by_approval", { stage = stage.name })
    return stage
  end
  deal.stage_wanted, deal.stage = stage.id, old.stage
  return stages.get(ctx, old.stage)
end

-- Behind the save: it is handed in.
function waiting.ask(ev, ctx)
  local deal, stage = ev.record, waiting.wanted(ev, ctx)
  if not stage then return end
  local asked = ctx.call("approval.submit", {
    entity = "opportunity", id = deal.id, purpose = PURPOSE, flow = stage.approval_flow,
    title = deal.name .. " → " .. stage.name,
  })
  if asked.why then ev:fail("stage", refusals.sentence(asked.why)) end
end

-- --- what comes of it ---

local function asked(ev, ctx)
  local told = ev.payload
  if told.entity ~= "opportunity" or told.purpose ~= PURPOSE then return nil end
  local deal = ctx.db:as_system().opportunity:get(told.record)
  return deal and deal.stage_wanted and deal or nil
end

-- Has it gone elsewhere since it was handed in, as it could while approvals were switched off?
local function has_moved_on(ev, ctx, deal)
  local approval = ctx.db:as_system().approval:get(ev.payload.approval)
  return approval and deal.entered_at and deal.stage ~= deal.stage_wanted
    and deal.entered_at > approval.submitted_at
end

-- What was done meanwhile counts: it stays there, and its owner is told.
local function stay(ctx, deal)
  local db = ctx.db:as_system()
  local wanted = db.stage:get(deal.stage_wanted)
  assert(db.opportunity:update(deal.id, { stage_wanted = crm.null }))
  people.tell(ctx, deal.owner, { entity = "opportunity", record = deal },
    "@notice.stage_moved_on", "warning", { stage = wanted and wanted.name or "" })
end

function waiting.granted(ev, ctx)
  local deal = asked(ev, ctx)
  if not deal then return end
  if has_moved_on(ev, ctx, deal) then return stay(ctx, deal) end
  local done, why = ctx.db:as_system().opportunity:update(deal.id, {
    stage = deal.stage_wanted, stage_wanted = crm.null,
  })
  if not done then
    ev:abort("@stage_not_entered", { why = refusals.sentence(why) })
  end
end

function waiting.refused(ev, ctx)
  local deal = asked(ev, ctx)
  if not deal then return end
  assert(ctx.db:as_system().opportunity:update(deal.id, { stage_wanted = crm.null }))
end

-- A stage's flow is one for deals.
function waiting.check(ev, ctx)
  local stage = ev.record
  local flow = stage.approval_flow and ctx.db:as_system().approval_flow:get(stage.approval_flow)
  if flow and flow.entity ~= "opportunity" then ev:fail("approval_flow", "@flow_foreign") end
end

-- While the plugin approval is active. judge: what a stage asks for (guards.lua).
function waiting.bind(on, judge)
  if not pcall(crm.entity, "approval") then return end
  local asks = { id = "approval", fields = { "stage_wanted" } }
  on("opportunity", "validate", { id = "wanted", fields = { "stage_wanted" } }, judge)
  on("opportunity", "after_update", asks, waiting.ask)
  on("stage", "validate", { id = "flow", fields = { "approval_flow" } }, waiting.check)
  on("approval.approved", { id = "stage" }, waiting.granted)
  for _, ended in ipairs { "rejected", "returned", "withdrawn", "revoked" } do
    on("approval." .. ended, { id = "stage" }, waiting.refused)
  end
end

return waiting
