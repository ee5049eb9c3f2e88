-- routing - who gets a new lead that nobody has.
-- SPDX-License-Identifier: MIT
local capacity = require("capacity")
local kinds = require("kinds")
local pools = require("pools")
local states = require("states")

local routing = {}

local RULES = 20
local MEMBERS = 50

-- Members in the order in which they are asked: whose turn it is first.
local function by_turn(ctx, rule, members)
  local total, order = 0, {}
  for _, member in ipairs(members) do total = total + (member.weight or 1) end
  local turn, first = (ctx.kv:incr("turn:" .. rule.id) - 1) % total, 1
  for index, member in ipairs(members) do
    turn = turn - (member.weight or 1)
    if turn < 0 then
      first = index
      break
    end
  end
  for index = 0, #members - 1 do order[#order + 1] = members[(first - 1 + index) % #members + 1] end
  return order
end

local OPEN = states.of("open", "ongoing", "hold")

-- Members with the fewest open leads first; among equals in their own order.
local function by_load(ctx, members)
  local db, loads, order = ctx.db:as_system(), {}, {}
  for index, member in ipairs(members) do
    loads[member.user] = db.lead:count { where = { owner = member.user, status = OPEN } }
    order[index] = { member = member, index = index }
  end
  table.sort(order, function(a, b)
    local one, other = loads[a.member.user], loads[b.member.user]
    if one ~= other then return one < other end
    return a.index < b.index
  end)
  for index, entry in ipairs(order) do order[index] = entry.member end
  return order
end

local function choose(ctx, rule)
  local db = ctx.db:as_system()
  if rule.method == "pool" then return { pool = rule.pool, reasons = { rule.name } } end
  local members = db.route_member:find {
    where = { rule = rule.id, active = true }, order = "id", limit = MEMBERS,
  }
  if #members == 0 then return {} end
  local order = rule.method == "least_busy" and by_load(ctx, members)
    or by_turn(ctx, rule, members)
  for _, member in ipairs(order) do
    local user = db.user:get(member.user)
    if user and user.active and not capacity.full(ctx, kinds.lead, user.id) then
      return { owner = user.id, reasons = { rule.name } }
    end
  end
  return {}
end

-- For a lead that comes in: owner or pool, and why. A company puts its own in place.
function routing.route(lead, ctx)
  for _, rule in ipairs(ctx.db:as_system().route_rule:find {
    where = { enabled = true }, order = "order,id", limit = RULES,
  }) do
    if crm.matches(lead, rule.match or {}) then
      local chosen = choose(ctx, rule)
      if chosen.owner or chosen.pool then return chosen end
    end
  end
  return {}
end

local WARN_PERCENT = 75

-- How soon it is to be answered: the first rule that it fits, else the company's setting.
local function response(lead, ctx)
  for _, rule in ipairs(ctx.db:as_system().response_rule:find {
    where = { enabled = true }, order = "order,id", limit = RULES,
  }) do
    if crm.matches(lead, rule.match or {}) then
      return rule.hours, rule.warn_percent or WARN_PERCENT, rule.id
    end
  end
  return ctx.config.response_hours, WARN_PERCENT, nil
end

-- Who has it now has to answer it, and anew to act on it.
local function promise(ev, ctx)
  local lead = ev.record
  lead.no_action_at, lead.escalated_at = nil, nil
  if lead.first_response_at then return end
  lead.response_by, lead.response_warn_at, lead.response_rule, lead.sla_state = nil, nil, nil, nil
  if not lead.owner then return end
  local hours, percent, rule = response(lead, ctx)
  lead.response_rule = rule
  if not hours then return end -- nobody waits for it
  lead.response_by = ctx.now():add { hours = hours }
  lead.response_warn_at = ctx.now():add { minutes = hours * 60 * percent // 100 }
  lead.sla_state = "pending"
end

function routing.place(ev, ctx)
  local lead = ev.record
  if not lead.owner and not lead.pool and lead.status ~= "dead" then
    local found = ctx.call("lead.route", lead)
    if found.owner then
      lead.owner, lead.moved_reason = found.owner, "routed"
      if lead.status == "new" then lead.status = "assigned" end
    elseif found.pool then
      lead.pool = found.pool
    end
  end
  routing.moved(ev, ctx)
end

-- Its owner or pool is another one.
function routing.moved(ev, ctx)
  pools.place(ev, ctx)
  promise(ev, ctx)
end

return routing
