-- recycling - leads that nobody works on go back to their pool, and their owners are told before.
-- SPDX-License-Identifier: MIT
local picking = require("picking")

local recycling = {}

local RULES = 20

-- When a rule's days are over for a lead, or nil when it names none.
function recycling.due(rule, lead)
  local times = {}
  local function add(from, days)
    if from and days then times[#times + 1] = from:add { days = days } end
  end
  local active = lead.last_follow_at
  if not active or lead.moved_at and lead.moved_at > active then active = lead.moved_at end
  add(active or lead.created_at, rule.idle_days)
  add(lead.moved_at or lead.created_at, rule.owned_days)
  add(lead.received_at or lead.created_at, rule.age_days)
  local due
  for _, time in ipairs(times) do
    if not due or rule.combine == "all" and time > due or rule.combine ~= "all" and time < due then
      due = time
    end
  end
  return due
end

-- Should this lead go back, and when? asked: lead (a record), rules. The earliest rule counts.
function recycling.judge(asked)
  local found = {}
  for _, rule in ipairs(asked.rules) do
    local due = recycling.due(rule, asked.lead)
    if due and (not found.due or due < found.due) and crm.matches(asked.lead, rule.match or {}) then
      found = { due = due, rule = rule.id, pool = rule.pool, reasons = { rule.name } }
      found.warn_at = due:add { days = -(rule.warn_days or 0) }
    end
  end
  return found
end

local function consider(ctx, db, lead)
  -- Records of one batch do not outlive it: the rules are read with each.
  local rules = db.recycle_rule:find {
    where = { enabled = true }, order = "order,id", limit = RULES,
  }
  if #rules == 0 then return end
  local found, now = ctx.call("pool.should_recycle", { lead = lead, rules = rules }), ctx.now()
  if not found.due then
    if lead.recycle_at then assert(db.lead:update(lead.id, { recycle_at = crm.null })) end
    return
  end
  if found.due <= now then
    assert(picking.put_back(ctx, lead, found.pool, "recycled", found.reasons[1]))
    return
  end
  if found.warn_at > now then return end
  if lead.recycle_at == found.due and lead.recycle_warned_at then return end
  assert(db.lead:update(lead.id, { recycle_at = found.due, recycle_warned_at = now }))
  ctx.emit("lead.recycle_warned", { lead = lead.id, owner = lead.owner, at = found.due })
end

-- Every night. Twice a day does what once does.
function recycling.run(job, ctx)
  local db = ctx.db:as_system()
  job:each({
    entity = "lead", as_system = true, batch = 50,
    where = {
      owner = { ne = crm.null }, locked = { ne = true },
      status = { "new", "assigned", "working", "qualified" },
    },
  }, function(lead) consider(ctx, db, lead) end)
end

return recycling
