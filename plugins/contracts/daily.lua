-- daily - what the calendar brings: reminders, deadlines, ends. By the company's day.
--
-- What was told is a record with a key of its own (contract_reminder), so a job that runs twice
-- tells nothing twice, and one that comes late tells what was missed.
-- SPDX-License-Identifier: MIT
local plans = require("plans")
local renewing = require("renewing")
local sums = require("sums")

local daily = {}

-- "30,7,1" as numbers, the largest first.
local function days_of(ctx, more)
  local out = {}
  for text in (ctx.config.remind_days or ""):gmatch("%d+") do
    out[#out + 1] = math.min(math.tointeger(tonumber(text)) or 0, 3650)
  end
  if more then out[#out + 1] = more end
  table.sort(out, function(a, b) return a > b end)
  return out
end

local function days_between(from, to)
  return math.tointeger((crm.datetime(tostring(to) .. "T00:00:00Z"):ms()
    - crm.datetime(tostring(from) .. "T00:00:00Z"):ms()) // 86400000)
end

-- Was it not told before? Then it is now.
local function tell(db, ctx, what)
  local key = table.concat({
    what.kind, crm.id_text(what.id), tostring(what.day), what.days or "",
  }, ":")
  if db.contract_reminder:count { where = { key = key } } > 0 then return false end
  assert(db.contract_reminder:insert {
    key = key, contract = what.contract, kind = what.kind, days = what.days,
    on = ctx.now():date(), label = string.format("%s %s", what.kind, tostring(what.day)),
  })
  return true
end

-- Calls fn(n) for each number of days ahead whose day has come and that was not told yet.
local function ahead(db, ctx, list, what, fn)
  local left = days_between(ctx.now():date(), what.day)
  if left < 0 then return end
  for _, days in ipairs(list) do
    if left <= days then
      what.days = days
      if tell(db, ctx, what) then fn(days) end
    end
  end
end

local function contract_due(db, ctx, contract)
  local id, day = contract.id, contract.end_on
  ahead(db, ctx, days_of(ctx), { kind = "expiring", id = id, contract = id, day = day },
    function(days) ctx.emit("contract.expiring", { contract = id, days = days, end_on = day }) end)
  local notice = contract.notice_days
  if notice and notice > 0 and not contract.successor then
    local last = day:add { [(contract.notice_unit or "day") .. "s"] = -notice }
    ahead(db, ctx, days_of(ctx), { kind = "notice_deadline", id = id, contract = id, day = last },
      function(days) ctx.emit("contract.notice_deadline", { contract = id, days = days }) end)
  end
end

function daily.contracts(job, ctx)
  local db, today = ctx.db:as_system(), ctx.now():date()
  local horizon = today:add { days = 3650 }
  job:each({
    entity = "contract", as_system = true, batch = 20,
    where = { stage = "performing", end_on = { lte = horizon } },
  }, function(contract)
    local successor = contract.successor
    if renewing.is_automatic(contract) and contract.end_on <= today then
      successor = renewing.make(ctx, db, contract.id).id
    end
    if contract.end_on >= today then return contract_due(db, ctx, contract) end
    assert(db.contract:update(contract.id, { stage = successor and "renewed" or "expired" }))
    ctx.emit("contract.expired", { contract = contract.id })
  end)
end

function daily.plans(job, ctx)
  local db, today = ctx.db:as_system(), ctx.now():date()
  job:each({
    entity = "payment_plan", as_system = true, batch = 20,
    where = { state = { "waiting", "partial", "overdue" } },
  }, function(plan)
    local contract = db.contract:get(plan.contract)
    if sums.is_closed(contract) then return end
    local state = plans.state(plan, contract, today)
    local class = plans.class(state, plan.due_on, today)
    -- Plans from before it was written down what is still to come get that, too.
    if state ~= plan.state or class ~= plan.overdue_class or not plan.outstanding then
      assert(db.payment_plan:update(plan.id, {
        state = state, overdue_class = class or crm.null,
      }))
    end
    local what = { kind = "due", id = plan.id, contract = contract.id, day = plan.due_on }
    local about = { payment_plan = plan.id, contract = contract.id }
    if state == "overdue" then
      what.kind = "overdue"
      if tell(db, ctx, what) then ctx.emit("payment_plan.overdue", about) end
      return
    end
    ahead(db, ctx, days_of(ctx, plan.remind_days), what, function(days)
      about.days = days
      ctx.emit("payment_plan.due", about)
    end)
  end)
end

function daily.obligations(job, ctx)
  local db = ctx.db:as_system()
  job:each({
    entity = "obligation", as_system = true, batch = 20,
    where = { done_at = crm.null, canceled = false },
  }, function(obligation)
    local contract = db.contract:get(obligation.contract)
    if sums.is_closed(contract) then return end
    local id = obligation.id
    ahead(db, ctx, days_of(ctx),
      { kind = "obligation_due", id = id, contract = contract.id, day = obligation.due_on },
      function(days)
        ctx.emit("contract.obligation_due", {
          contract = contract.id, obligation = id, days = days,
        })
      end)
  end)
end

return daily
