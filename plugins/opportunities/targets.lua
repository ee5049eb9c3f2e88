-- targets - what persons and departments have reached of what they are to reach in a month.
-- SPDX-License-Identifier: MIT
--
-- The actual is kept on the target, so that a report sets both beside each other by person,
-- department and month. It is worked out by a job whenever a deal that counts has changed, and each
-- night for two months, since people change departments.
local targets = {}

local DEPTH_MAX = 20 -- departments below each other
local PERCENT_MAX = 99999

local function first_of(day) return crm.date(tostring(day):sub(1, 7) .. "-01") end

-- --- whose deals count ---

local function subtree(db, top)
  local all, level = { top }, { top }
  for _ = 1, DEPTH_MAX do
    local below = {}
    for row in db.department:each { where = { parent = level } } do below[#below + 1] = row.id end
    if #below == 0 then break end
    table.move(below, 1, #below, #all + 1, all)
    level = below
  end
  return all
end

-- The condition on owner and department of what counts for a target.
local function whose(db, target, prefix)
  local where = {}
  if target.user then where[prefix .. "owner"] = target.user end
  if target.for_department then
    where[prefix .. "department"] = subtree(db, target.for_department)
  end
  return where
end

local function span(where, field, month)
  where[field] = { gte = month, lt = month:add { months = 1 } }
  return where
end

-- The service target.actual: { target, month, where } -> { actual } in the company's currency, or
-- nothing where nobody counts that kind. Receipts are the plugin contracts' to count.
function targets.actual(asked, ctx)
  if asked.kind == "receipts" then
    if not ctx.has("contracts") then return {} end
    return ctx.call("receipt.total", asked)
  end
  local db = ctx.db:as_system()
  local where = span(whose(db, asked, ""), "closed_on", asked.month)
  where.kind = "won"
  local rows = assert(db.opportunity:aggregate { where = where, measure = { "sum.amount" } })
  local sum = rows[1] and rows[1]["sum.amount"]
  return { actual = type(sum) == "table" and sum.amount or nil }
end

-- For others that count: the condition of a target on an entity whose owner a path leads to.
function targets.condition(asked, ctx)
  return span(whose(ctx.db:as_system(), asked, asked.prefix or ""), asked.field, asked.month)
end

-- --- counting ---

local function percent_of(actual, amount)
  if amount.minor == 0 then return nil end
  local hundredths = actual.minor * 10000 // amount.minor
  return crm.decimal(math.min(hundredths, PERCENT_MAX * 100)):div(100, 2)
end

local function count_one(db, target, ctx)
  local found = ctx.call("target.actual", {
    user = target.user, for_department = target.for_department, kind = target.kind,
    month = first_of(target.month),
  })
  local actual = found.actual and crm.money(found.actual) or crm.money("0")
  assert(db.target:update(target.id, {
    actual = actual, reached = percent_of(actual, target.amount) or crm.null,
  }))
end

-- Those of one month, or each night of this one and the one before.
function targets.count(job, ctx)
  local db = ctx.db:as_system()
  local this = first_of(job.args and job.args.month or ctx.now():date())
  local from = job.args and job.args.month and this or this:add { months = -1 }
  for target in db.target:each {
    where = { month = { gte = from, lt = this:add { months = 1 } } }, order = "id",
  } do
    count_one(db, target, ctx)
  end
end

local function ask(ctx, day)
  if not day then return end
  local month = tostring(first_of(day))
  ctx.queue:push("targets", { month = month }, { key = "targets:" .. month, again = true })
end

-- The service target.changed: { on }: something that counts has changed on that day.
function targets.changed(asked, ctx)
  ask(ctx, asked.on)
  return {}
end

function targets.deal(ev, ctx)
  local now, old = ev.record, ev.old
  if now.kind == "won" then ask(ctx, now.closed_on) end
  if old and old.kind == "won" then ask(ctx, old.closed_on) end
end

function targets.shape(ev)
  if ev.record.month then ev.record.month = first_of(ev.record.month) end
end

function targets.check(ev)
  if not ev.record.user and not ev.record.for_department then
    ev:fail("user", "@target_whose")
  end
end

function targets.set(ev, ctx) ask(ctx, ev.record.month) end

return targets
