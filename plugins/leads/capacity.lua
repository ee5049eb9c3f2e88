-- capacity - how much a person or a department may have 库容.
-- SPDX-License-Identifier: MIT
local kinds = require("kinds")
local pools = require("pools")

local capacity = {}

local RULES = 10

-- The rule of a person or department for this kind; one that says no kind is about leads.
function capacity.rule(db, kind, where)
  for _, rule in ipairs(db.capacity:find { where = where, order = "id", limit = RULES }) do
    if (rule.of or "lead") == kind.entity then return rule end
  end
  return nil
end

local function count(db, kind, rule, whose)
  local where = kind.held(rule and rule.count_converted)
  for field, value in pairs(whose) do where[field] = value end
  return db[kind.entity]:count { where = where }
end

-- Why this person may not have one more, as key and arguments; nil when there is room.
function capacity.full(ctx, kind, user_id)
  local db = ctx.db:as_system()
  local own = capacity.rule(db, kind, { user = user_id })
  local max = own and own.max_open or ctx.config[kind.max_open]
  -- No customer is turned away where a company has set no bound.
  local bounded = own or kind.entity == "lead" or max > 0
  if bounded and count(db, kind, own, { owner = user_id }) >= max then
    return "@pool_full", { max = max }
  end
  local user = db.user:get(user_id)
  local all = user and user.department
    and capacity.rule(db, kind, { for_department = user.department })
  if not all then return nil end
  if count(db, kind, all, { department = user.department }) >= all.max_open then
    return "@department_full", { max = all.max_open }
  end
  return nil
end

-- A new record is its maker's, a rule's, or was given to somebody else.
local function is_given(ev, ctx)
  local record = ev.record
  return ev.source ~= "import" and record.moved_reason == "created" and ctx.user
    and record.owner ~= ctx.user.id
end

-- An owner that was written without any of the operations: by hand, in bulk, by an import of what
-- is there; or that a new record is given to.
function capacity.check(ev, ctx)
  local record, kind = ev.record, kinds.of(ev.entity)
  if not record.owner then return end
  if ev.old and pools.is_operation(ev) and record.moved_reason ~= "changed" then return end
  if not ev.old and not is_given(ev, ctx) then return end
  if kind.is_over(record) then return end
  local key, args = capacity.full(ctx, kind, record.owner)
  if key then ev:fail("owner", key, args) end
end

-- --- load against capacity, as the report shows it ---

local PERCENT_MAX = 99999

local function measure(ctx, db, rule)
  local whose = rule.user and { owner = rule.user } or { department = rule.for_department }
  if not rule.user and not rule.for_department then return end
  local load, used = count(db, kinds.of(rule.of), rule, whose), crm.null
  if rule.max_open > 0 then
    used = crm.decimal(math.min(load * 100, PERCENT_MAX * rule.max_open)):div(rule.max_open, 2)
  end
  assert(db.capacity:update(rule.id, { load = load, used = used, measured_at = ctx.now() }))
end

-- Every night.
function capacity.measure(job, ctx)
  local db = ctx.db:as_system()
  job:each({ entity = "capacity", as_system = true, batch = 50 },
    function(rule) measure(ctx, db, rule) end)
end

-- POST …/capacity/{id}/actions/measure: now.
function capacity.measure_one(ev, ctx)
  local db = ctx.db:as_system()
  measure(ctx, db, ev.record)
  local rule = db.capacity:get(ev.record.id)
  return { load = rule.load, max_open = rule.max_open, used = rule.used and tostring(rule.used) }
end

return capacity
