-- deals - what follows from a deal's stage and amount whenever it is saved.
-- SPDX-License-Identifier: MIT
local activities = require("people.activities")
local forecasting = require("forecasting")
local stages = require("stages")
local waiting = require("waiting")

local deals = {}

-- A change of one of these is worked out anew.
deals.fields = { "stage", "pipeline", "amount", "probability_manual", "closed_on" }

-- Is it a pipeline of deals, and one for the team of who asks?
local function fits(ev, ctx, db)
  local pipeline, team = db.pipeline:get(ev.record.pipeline), ctx.user and ctx.user.team
  if not stages.is_ours(pipeline) then
    ev:fail("pipeline", "@pipeline_unknown")
  elseif not stages.is_for(pipeline, team) then
    ev:fail("pipeline", "@pipeline_team")
  else
    return true
  end
  return false
end

-- Pipeline and stage that were left out; the stage where the pipeline has been changed.
local function place(ev, ctx, db)
  local deal, old = ev.record, ev.old
  if deal.stage and not deal.pipeline then
    local stage = db.stage:get(deal.stage)
    deal.pipeline = stage and stage.pipeline
  elseif not deal.pipeline then
    local pipeline = stages.default_pipeline(db, ctx.user and ctx.user.team)
    deal.pipeline = pipeline and pipeline.id
  end
  if not deal.pipeline then return nil end
  if (not old or ev.changed("pipeline")) and not fits(ev, ctx, db) then return nil end
  if old and old.stage and ev.changed("pipeline") and not ev.changed("stage") then
    local mapped = stages.map(db, deal.pipeline, db.stage:get(old.stage))
    if not mapped then
      ev:fail("pipeline", "@no_kind_stage")
      return nil
    end
    deal.stage = mapped.id
  end
  if not deal.stage then
    local first = stages.first(db, deal.pipeline, "open")
    deal.stage = first and first.id
  end
  return deal.stage and db.stage:get(deal.stage)
end

local NOON = "T12:00:00Z"

-- When it was closed: now, or on the day that was given.
local function close(ev, ctx)
  local deal, today = ev.record, ctx.now():date()
  if not deal.closed_on then deal.closed_on = today end
  deal.closed_at = deal.closed_on == today and ctx.now()
    or crm.datetime(tostring(deal.closed_on) .. NOON)
end

local function enter(ev, ctx, stage)
  local deal, old = ev.record, ev.old
  local moved = not old or ev.changed("stage")
  if moved then deal.entered_at, deal.stale_at, deal.kind = ctx.now(), nil, stage.kind end
  if stages.is_closed(stage.kind) then
    if moved or ev.changed("closed_on") then close(ev, ctx) end
  elseif moved or ev.changed("closed_on") then
    deal.closed_at, deal.closed_on = nil, nil
    if stage.kind == "open" then deal.last_open_stage = stage.id end
  end
end

-- A deal about one product is worth what that costs this customer, until somebody knows better.
local function value(ctx, deal)
  if deal.amount or not ctx.has("quotes") or not deal.product then return end
  deal.amount = ctx.call("price.find", { product = deal.product, account = deal.account }).price
end

function deals.shape(ev, ctx)
  local db = ctx.db:as_system()
  value(ctx, ev.record)
  local stage = waiting.enter(ev, ctx, place(ev, ctx, db))
  if not stage then
    if not ev.record.kind then ev.record.kind = "open" end
    return
  end
  enter(ev, ctx, stage)
  forecasting.fill(ctx, ev.record, stage)
end

-- The day of the bid follows its hour.
function deals.bid(ev)
  if ev.record.bid_at then ev.record.bid_on = ev.record.bid_at:date() end
end

-- What is left of a deal behind what it has cost; nothing where there are two currencies.
function deals.profit(ev)
  local deal = ev.record
  local amount, spent = deal.amount, deal.expenses
  local same = amount and (not spent or spent.currency == amount.currency)
  deal.profit = same and (spent and amount - spent or amount) or nil
end

local A_YEAR = { monthly = 12, quarterly = 4, yearly = 1 }

-- What comes again and again, as what comes in a year, so that it can be compared and added up.
function deals.recurring(ev)
  local deal = ev.record
  local times = A_YEAR[deal.recurring_plan or ""]
  deal.recurring_year = deal.recurring and times and deal.recurring * times or nil
end

local BATCH = 50

-- Figures that deals from before they were worked out lack: each of them is saved as it is.
function deals.catch_up(job, ctx)
  local db = ctx.db:as_system()
  job:each({
    entity = "opportunity", as_system = true, batch = BATCH,
    where = { ["or"] = {
      { profit = crm.null, amount = { ne = crm.null } },
      { recurring_year = crm.null, recurring = { ne = crm.null },
        recurring_plan = { ne = crm.null } },
    } },
  }, function(deal)
    local figures = { amount = deal.amount, expenses = deal.expenses, recurring = deal.recurring,
      recurring_plan = deal.recurring_plan }
    deals.profit { record = figures }
    deals.recurring { record = figures }
    -- What an approval holds fast is asked again the next night.
    db.opportunity:update(deal.id, {
      profit = figures.profit or crm.null, recurring_year = figures.recurring_year or crm.null,
    })
  end)
end

-- --- what others are told ---

local function is_big(ctx, amount)
  local digits = 100
  return amount and amount.minor >= ctx.config.big_deal * digits
end

function deals.told(ev, ctx)
  local deal, old = ev.record, ev.old
  if not old then ctx.emit("opportunity.created", { opportunity = deal.id }) end
  if old and ev.changed("amount") then
    ctx.emit("opportunity.amount_changed", { opportunity = deal.id })
  end
  if is_big(ctx, deal.amount) and not (old and is_big(ctx, old.amount)) then
    ctx.emit("opportunity.big_deal", { opportunity = deal.id, amount = deal.amount })
  end
  if old and old.forecast and ev.changed("forecast") then
    ctx.emit("opportunity.forecast_changed", {
      opportunity = deal.id, from = old.forecast, to = deal.forecast,
    })
  end
end

-- --- activities ---

-- What is done about a deal is done with its account.
function deals.place(ev, ctx)
  local activity = ev.record
  if not activity.about or activity.about.entity ~= "opportunity" then return end
  local deal = ctx.db:as_system().opportunity:get(activity.about.id)
  if deal and not activity.account then activity.account = deal.account end
end

function deals.followed(ev, ctx)
  local activity, db = ev.record, ctx.db:as_system()
  if not activity.about or activity.about.entity ~= "opportunity" then return end
  if not activities.is_talk(activity) then return end
  local deal, at = db.opportunity:get(activity.about.id), activity.happened_at or ctx.now()
  if deal and (not deal.last_follow_at or deal.last_follow_at < at) then
    assert(db.opportunity:update(deal.id, { last_follow_at = at }))
  end
end

function deals.task_overdue(ev, ctx)
  local task = ctx.db:as_system().task:get(ev.payload.task)
  if task and task.about and task.about.entity == "opportunity" then
    ctx.emit("opportunity.task_overdue", { opportunity = task.about.id, task = task.id })
  end
end

return deals
