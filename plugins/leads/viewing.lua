-- viewing - contact details that a pool hides, shown one lead at a time and counted.
-- SPDX-License-Identifier: MIT
local viewing = {}

local DAYS_KEPT = 2

-- The fewest views a day that a rule of the pool allows, or nil.
local function limit_of(db, pool)
  local least
  for _, rule in ipairs(db.pick_rule:find {
    where = { pool = pool, enabled = true, daily_views = { ne = crm.null } }, limit = 10,
  }) do
    if not least or rule.daily_views < least then least = rule.daily_views end
  end
  return least
end

-- Counts this lead among those the person has looked at today; false when there is no room. The
-- same lead again costs nothing.
local function count(ctx, lead, limit)
  local key = string.format("views:%s:%s", crm.id_text(ctx.user.id), tostring(ctx.now():date()))
  local seen, id = {}, crm.id_text(lead)
  for _, other in ipairs(ctx.kv:get(key) or {}) do
    if other == id then return true end
    seen[#seen + 1] = other
  end
  if #seen >= limit then return false end
  seen[#seen + 1] = id
  ctx.kv:set(key, seen, { ttl = DAYS_KEPT * 86400 })
  return true
end

-- POST …/lead/{id}/actions/view: what its pool hides.
function viewing.view(ev, ctx)
  local db = ctx.db:as_system()
  local lead = db.lead:get(ev.record.id)
  local pool = lead.pool and db.pool:get(lead.pool)
  if not pool or not ctx.user then return ev:fail("pool", "@pool_unknown") end
  local may = ctx.call("pool.can_view", { lead = lead.id, user = ctx.user.id })
  if not may.ok then return ev:fail("pool", may.key, may.args) end
  local limit = limit_of(db, pool.id)
  if limit and not count(ctx, lead.id, limit) then
    return ev:fail("pool", "@view_daily", { max = limit })
  end
  local fields = {}
  for _, field in ipairs(pool.hidden_fields or {}) do fields[field] = lead[field] or crm.null end
  return { fields = fields }
end

return viewing
