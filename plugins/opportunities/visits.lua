-- visits - every stay in a stage with its duration, and stays that take too long.
-- SPDX-License-Identifier: MIT
local stages = require("stages")

local visits = {}

local DAY_SECONDS = 86400

local function enter(ctx, deal)
  local stage = ctx.db:as_system().stage:get(deal.stage)
  assert(ctx.db:as_system().stage_visit:insert {
    label = stage.name, opportunity = deal.id, pipeline = deal.pipeline, stage = deal.stage,
    entered_at = ctx.now(), amount = deal.amount, actor = ctx.user and ctx.user.id,
  })
  return stage
end

function visits.entered(ev, ctx)
  if ev.record.stage then enter(ctx, ev.record) end
end

local function tell(ctx, deal, old, stage, seconds)
  ctx.emit("opportunity.stage_changed", {
    opportunity = deal.id, from = old.stage, to = deal.stage, seconds = seconds,
  })
  if stage.kind == "won" and old.kind ~= "won" then
    ctx.emit("opportunity.won", { opportunity = deal.id, amount = deal.amount })
  elseif stage.kind == "lost" and old.kind ~= "lost" then
    ctx.emit("opportunity.lost", { opportunity = deal.id, reason = deal.lost_reason })
  elseif stages.is_closed(old.kind) and not stages.is_closed(stage.kind) then
    ctx.emit("opportunity.reopened", { opportunity = deal.id, stage = deal.stage })
  end
end

function visits.moved(ev, ctx)
  local deal, old, db = ev.record, ev.old, ctx.db:as_system()
  local last = db.stage_visit:find {
    where = { opportunity = deal.id, left_at = crm.null }, order = "-entered_at", limit = 1,
  }[1]
  local seconds = 0
  if last then
    seconds = (ctx.now() - last.entered_at) // 1000
    local days = crm.decimal(seconds):div(DAY_SECONDS, 2)
    assert(db.stage_visit:update(last.id, {
      left_at = ctx.now(), seconds = seconds, days = days,
    }))
  end
  local stage = enter(ctx, deal)
  if old.stage then tell(ctx, deal, old, stage, seconds) end
end

-- Deals that are in one stage for longer than it says, each told once a stay.
function visits.find_stale(job, ctx)
  local db, now = ctx.db:as_system(), ctx.now()
  job:each({
    entity = "opportunity", as_system = true, batch = 100,
    where = { kind = "open", stale_at = crm.null, ["stage.rot_days"] = { ne = crm.null } },
  }, function(deal)
    local stage = db.stage:get(deal.stage)
    if deal.entered_at and deal.entered_at:add { days = stage.rot_days } <= now then
      assert(db.opportunity:update(deal.id, { stale_at = now }))
      ctx.emit("opportunity.stalled", { opportunity = deal.id, stage = deal.stage })
    end
  end)
end

return visits
