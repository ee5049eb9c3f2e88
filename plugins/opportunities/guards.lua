-- guards - what stops a deal from going where somebody wants it.
-- SPDX-License-Identifier: MIT
local stages = require("stages")
local waiting = require("waiting")

local guards = {}

local function transition(db, from, to)
  return db.transition:find { where = { from_stage = from.id, to_stage = to.id }, limit = 1 }[1]
end

local function is_next(db, from, to)
  for _, stage in ipairs(stages.of(db, from.pipeline)) do
    if stage.kind == "open" and stage.order > from.order and stage.order < to.order then
      return false
    end
  end
  return true
end

-- May a deal go from one stage to another of the same pipeline? asked: from, to (ids), opportunity.
-- Answers ok, or key and args, and the fields that this way asks for.
function guards.allows(asked, ctx)
  local db = ctx.db:as_system()
  local from, to = db.stage:get(asked.from), db.stage:get(asked.to)
  local way = transition(db, from, to)
  local fields, names = {}, { from = from.name, to = to.name }
  for _, field in ipairs(way and way.required_fields or {}) do fields[#fields + 1] = field end
  if way then
    if way.enabled == false then return { ok = false, key = "@stage_skip", args = names } end
    return { ok = true, fields = fields }
  end
  if from.kind ~= "open" or to.kind ~= "open" then return { ok = true, fields = fields } end
  if to.order < from.order then
    if not to.allow_rollback then return { ok = false, key = "@stage_back", args = names } end
  elseif not is_next(db, from, to) then
    return { ok = false, key = "@stage_skip", args = names }
  end
  return { ok = true, fields = fields }
end

local function is_empty(deal, field)
  local known, value = pcall(function() return deal[field] end)
  if not known then return false end -- a field that is gone stops nobody
  return value == nil or value == ""
end

local function ask_for(ev, fields, stage)
  for _, field in ipairs(fields or {}) do
    if is_empty(ev.record, field) then ev:fail(field, "@stage_field", { stage = stage.name }) end
  end
end

-- What has to be ticked off before a deal may stand in a stage.
local function ask_checked(ev, stage)
  local done, missing = {}, {}
  for _, item in ipairs(ev.record.checked or {}) do done[item] = true end
  for _, item in ipairs(stage.checklist or {}) do
    if not done[item] then missing[#missing + 1] = item end
  end
  if #missing > 0 then
    ev:fail("checked", "@stage_checklist", {
      stage = stage.name, items = table.concat(missing, ", "),
    })
  end
end

function guards.stage(ev, ctx)
  local deal, old = ev.record, ev.old
  local stage = waiting.wanted(ev, ctx) or stages.get(ctx, deal.stage)
  if not stage then return end
  if stage.pipeline ~= deal.pipeline then return ev:fail("stage", "@stage_foreign") end
  ask_for(ev, stage.required_fields, stage)
  ask_checked(ev, stage)
  if not old or not old.stage or old.stage == stage.id then return end
  local was_closed = stages.is_closed(old.kind)
  if was_closed and stage.kind ~= old.kind and not ev.changed("reopened_at") then
    return ev:fail("stage", "@only_reopen")
  end
  if was_closed or old.pipeline ~= deal.pipeline then return end
  local may = ctx.call("stage.guard", {
    from = old.stage, to = stage.id, opportunity = deal.id,
  })
  if not may.ok then return ev:fail("stage", may.key, may.args) end
  ask_for(ev, may.fields, stage)
end

-- What a deal has to say before it is won or lost, or asks for that.
function guards.ended(ev, ctx)
  local deal, wanted = ev.record, waiting.wanted(ev, ctx)
  local kind = wanted and wanted.kind or deal.kind
  if kind ~= "won" and kind ~= "lost" then return end
  if kind == "lost" then
    if not deal.lost_reason then ev:fail("lost_reason", "@lost_reason") end
    return
  end
  if not deal.account then ev:fail("account", "@won_account") end
  if not deal.amount then ev:fail("amount", "@won_amount") end
end

-- What is asked of a stage is asked before a deal waits for it.
function guards.wanted(ev, ctx)
  if not waiting.wanted(ev, ctx) then return end
  guards.stage(ev, ctx)
  guards.ended(ev, ctx)
end

return guards
