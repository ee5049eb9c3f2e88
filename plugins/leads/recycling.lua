-- recycling - what nobody works on goes back to its pool, and its owner is told before.
-- SPDX-License-Identifier: MIT
local facts = require("facts")
local kinds = require("kinds")
local picking = require("picking")
local pools = require("pools")

local recycling = {}

local RULES = 20

local function later(a, b)
  if not a or not b then return a or b end
  return a > b and a or b
end

-- When a rule's days are over for a record, or nil when they never are. What is known of a
-- customer's deals and contracts stands in `known` (facts.lua).
function recycling.due(rule, record, known)
  known = known or {}
  local had_at = record.moved_at or record.created_at
  local due, never = nil, false
  local function add(from, days)
    if not days then return end
    local time = from and from:add { days = days }
    if not time then
      never = true
    elseif not due or (rule.combine == "all") == (time > due) then
      due = time
    end
  end
  add(later(record.last_follow_at, had_at), rule.idle_days)
  add(had_at, rule.owned_days)
  add(known.received_at or record.created_at, rule.age_days)
  add(not known.is_dealing and later(had_at, known.deal_at), rule.no_deal_days)
  add(later(had_at, known.won_at), rule.no_win_days)
  add(known.contract_ended_at, rule.contract_days)
  if never and rule.combine == "all" then return nil end
  return due
end

local function has(list, item)
  local any = false
  for _, one in ipairs(list or {}) do
    if one == item then return true end
    any = true
  end
  return not any
end

-- Is the rule about this one at all? Levels and stages left empty are all of them.
local function fits(rule, record, asked, ctx)
  if asked.entity == "account" then
    if not has(rule.levels, record.level) then return false end
    if ctx.has("opportunities") and not has(rule.stages, asked.known.stage) then return false end
  end
  return crm.matches(record, rule.match or {})
end

-- Should this go back, and when? asked: entity (absent: lead), lead or account (a record), rules,
-- known. The earliest rule counts.
function recycling.judge(asked, ctx)
  local found, record = {}, asked[asked.entity or "lead"]
  for _, rule in ipairs(asked.rules) do
    local due = recycling.due(rule, record, asked.known)
    if due and (not found.due or due < found.due) and fits(rule, record, asked, ctx) then
      found = { due = due, rule = rule.id, pool = rule.pool, reasons = { rule.name } }
      found.warn_at = due:add { days = -(rule.warn_days or 0) }
    end
  end
  return found
end

-- Records of one batch do not outlive it: the rules are read with each.
local function rules_of(db, kind)
  local of = { { of = kind.entity } }
  if kind.entity == "lead" then of[2] = { of = crm.null } end
  return db.recycle_rule:find {
    where = { enabled = true, ["or"] = of }, order = "order,id", limit = RULES,
  }
end

-- Does the pool take it by itself?
local function is_taken(db, kind, id)
  local pool = id and db.pool:get(id) or pools.default(db, kind)
  if not pool then return true end -- the first one is made when it is needed
  return pool.enabled ~= false and pool.auto_recycle ~= false and pools.takes(pool, kind)
end

local function forget(db, kind, record)
  if record.recycle_at then
    assert(db[kind.entity]:update(record.id, { recycle_at = crm.null }))
  end
end

local function consider(ctx, db, kind, record)
  local rules = rules_of(db, kind)
  if #rules == 0 then return forget(db, kind, record) end
  local found, now = ctx.call("pool.should_recycle", {
    entity = kind.entity, [kind.entity] = record, rules = rules,
    known = facts.of(ctx, kind, record, rules),
  }), ctx.now()
  if not found.due or not is_taken(db, kind, found.pool) then return forget(db, kind, record) end
  if found.due <= now then
    -- What is locked by others (an approval that runs) waits for another night.
    local done, why = picking.put_back(ctx, kind, record, found.pool, "recycled", found.reasons[1])
    if not done then
      ctx.log.info("not recycled", { id = crm.id_text(record.id), why = why })
    end
    return
  end
  if found.warn_at > now then return end
  if record.recycle_at == found.due and record.recycle_warned_at then return end
  assert(db[kind.entity]:update(record.id, { recycle_at = found.due, recycle_warned_at = now }))
  ctx.emit(kind.entity .. ".recycle_warned", {
    [kind.entity] = record.id, owner = record.owner, at = found.due,
  })
end

local function run(kind)
  return function(job, ctx)
    local db, where = ctx.db:as_system(), { owner = { ne = crm.null }, locked = { ne = true } }
    for field, value in pairs(kind.worked) do where[field] = value end
    job:each({ entity = kind.entity, as_system = true, batch = 50, where = where },
      function(record) consider(ctx, db, kind, record) end)
  end
end

-- Every night. Twice a day does what once does.
recycling.leads = run(kinds.lead)
recycling.accounts = run(kinds.account)

return recycling
