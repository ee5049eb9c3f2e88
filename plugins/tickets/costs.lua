-- costs - the working time that a ticket took, and what it cost.
-- SPDX-License-Identifier: MIT
local costs = {}

-- Is this number of minutes refused? Told on the field. nil is none.
function costs.refuses(ev)
  local minutes = ev.params.minutes
  if minutes == nil or math.type(minutes) == "integer" and minutes >= 0 and minutes <= 100000 then
    return false
  end
  ev:fail("minutes", "@minutes_range")
  return true
end

function costs.add(ctx, ticket_id, minutes)
  if not minutes or minutes == 0 then return end
  local db = ctx.db:as_system()
  local total = (db.ticket:get(ticket_id).cost_minutes or 0) + minutes
  local rate = ctx.config.cost_per_hour
  assert(db.ticket:update(ticket_id, {
    cost_minutes = total,
    cost_amount = rate > 0 and crm.money {
      minor = rate * 100 * total // 60, currency = ctx.tenant.currency,
    } or nil,
  }))
end

return costs
