-- operations - what people do with a deal.
-- SPDX-License-Identifier: MIT
local refusals = require("people.refusals")
local stages = require("stages")

local operations = {}

local function id_of(ev, name)
  local text = ev.params[name]
  return type(text) == "string" and crm.id_parse(text) or nil
end

local function day_of(ev)
  if ev.params.on == nil then return nil, true end
  local fits, day = pcall(crm.date, ev.params.on)
  if not fits then ev:fail("on", "@people:bad_time") end
  return fits and day or nil, fits
end

-- What the operations call fields of a deal.
local NAMES = { lost_reason = "reason", lost_note = "note", closed_on = "on" }

-- With the rights of who asks: their fields, their complaints.
local function set(ev, ctx, fields)
  local deal = ev.record
  local done, why = ctx.db:as_system().opportunity:update(deal.id, fields, {
    if_version = deal.version,
  })
  if not done then return refusals.tell(ev, why, "stage", NAMES) end
  local waits = ctx.has("approval") and done.stage_wanted
  return {
    stage = crm.id_text(done.stage), kind = done.kind, probability = done.probability,
    waits_for = waits and crm.id_text(waits) or nil, version = done.version,
  }
end

local function is_open(ev)
  if ev.record.kind == "open" or ev.record.kind == "hold" then return true end
  ev:fail("stage", "@is_closed")
  return false
end

-- POST …/opportunity/{id}/actions/move { stage }
function operations.move(ev, ctx)
  local id = id_of(ev, "stage")
  local stage = id and stages.get(ctx, id)
  if not stage then return ev:fail("stage", "@stage_unknown") end
  if not is_open(ev) then return end
  if stage.kind == "lost" then return ev:fail("stage", "@lost_reason") end
  return set(ev, ctx, { stage = id })
end

local function finish(ev, ctx, kind, fields)
  local stage = stages.first(ctx.db:as_system(), ev.record.pipeline, kind)
  if not stage then return ev:fail("stage", "@no_kind_stage") end
  fields.stage = stage.id
  return set(ev, ctx, fields)
end

-- POST …/opportunity/{id}/actions/win { amount, on }: won again is won once.
function operations.win(ev, ctx)
  if ev.record.kind == "won" then return { kind = "won", version = ev.record.version } end
  if not is_open(ev) then return end
  local day, fits = day_of(ev)
  if not fits then return end
  local fields = { closed_on = day }
  if ev.params.amount ~= nil then
    local known, amount = pcall(crm.money, ev.params.amount)
    if not known then return ev:fail("amount", "@core:bad_money", { digits = 2 }) end
    fields.amount = amount
  end
  if not fields.amount and not ev.record.amount then return ev:fail("amount", "@won_amount") end
  if not ev.record.account then return ev:fail("account", "@won_account") end
  return finish(ev, ctx, "won", fields)
end

-- POST …/opportunity/{id}/actions/lose { reason, note, on }
function operations.lose(ev, ctx)
  if ev.record.kind == "lost" then return { kind = "lost", version = ev.record.version } end
  if not is_open(ev) then return end
  if type(ev.params.reason) ~= "string" then return ev:fail("reason", "@lost_reason") end
  local day, fits = day_of(ev)
  if not fits then return end
  return finish(ev, ctx, "lost", {
    lost_reason = ev.params.reason, lost_note = ev.params.note, closed_on = day,
  })
end

-- POST …/opportunity/{id}/actions/invalidate { note, on }: it was none.
function operations.invalidate(ev, ctx)
  if ev.record.kind == "invalid" then return { kind = "invalid", version = ev.record.version } end
  if not is_open(ev) then return end
  local day, fits = day_of(ev)
  if not fits then return end
  return finish(ev, ctx, "invalid", { lost_note = ev.params.note, closed_on = day })
end

-- POST …/opportunity/{id}/actions/reopen: back to where it was last open.
function operations.reopen(ev, ctx)
  local deal = ev.record
  if not stages.is_closed(deal.kind) then return ev:fail("stage", "@not_closed") end
  local back = deal.last_open_stage and stages.get(ctx, deal.last_open_stage)
  if not back or back.pipeline ~= deal.pipeline then
    back = stages.first(ctx.db:as_system(), deal.pipeline, "open")
  end
  if not back then return ev:fail("stage", "@no_kind_stage") end
  return set(ev, ctx, { stage = back.id, reopened_at = ctx.now(), lost_reason = crm.null })
end

-- POST …/opportunity/{id}/actions/switch { pipeline, stage }
function operations.switch(ev, ctx)
  local id, db = id_of(ev, "pipeline"), ctx.db:as_system()
  local pipeline = id and db.pipeline:get(id)
  if not pipeline or pipeline.active == false then
    return ev:fail("pipeline", "@pipeline_unknown")
  end
  if not is_open(ev) then return end
  local fields = { pipeline = id }
  if ev.params.stage ~= nil then
    fields.stage = id_of(ev, "stage")
    local stage = fields.stage and stages.get(ctx, fields.stage)
    if not stage or stage.pipeline ~= id then return ev:fail("stage", "@stage_foreign") end
    if stage.kind ~= "open" and stage.kind ~= "hold" then
      return ev:fail("stage", "@stage_foreign")
    end
  end
  return set(ev, ctx, fields)
end

-- POST …/opportunity/{id}/actions/explain: where its probability comes from.
function operations.explain(ev, ctx)
  local deal, reasons = ev.record, {}
  for _, reason in ipairs(deal.probability_reasons or {}) do reasons[#reasons + 1] = reason end
  if stages.is_closed(deal.kind) then
    reasons = { ctx.t("@reason." .. deal.kind) }
  elseif deal.probability_manual then
    reasons[#reasons + 1] = ctx.t("@reason.manual")
  end
  return {
    probability = deal.probability, auto = deal.probability_auto,
    manual = deal.probability_manual, forecast = deal.forecast, reasons = reasons,
  }
end

-- For conversion: a new deal of a lead, by the system, with what the lead said: its id, or why not.
function operations.from_lead(fields, ctx)
  fields.source = fields.source or "lead"
  local made, why = ctx.db:as_system().opportunity:insert(fields)
  return { id = made and made.id, why = why }
end

local MOST = 400 -- that go along with their customer

-- A customer was given to somebody else: open deals of who had it follow, where that was asked for.
function operations.follow_account(ev, ctx)
  local told, db = ev.payload, ctx.db:as_system()
  if not told.opportunities then return end
  local deals = db.opportunity:find {
    where = {
      account = told.account, owner = told.from or crm.null, kind = { "open", "hold" },
    }, order = "id", limit = MOST,
  }
  -- What refuses to be changed (an approval that runs) stays with who had it.
  for _, deal in ipairs(deals) do db.opportunity:update(deal.id, { owner = told.to }) end
end

return operations
