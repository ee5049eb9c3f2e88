-- viewing - contact details that a pool hides, shown one record at a time and counted.
-- SPDX-License-Identifier: MIT
local kinds = require("kinds")

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

-- Counts this record among those the person has looked at today; false when there is no room. The
-- same one again costs nothing.
local function count(ctx, record, limit)
  local key = string.format("views:%s:%s", crm.id_text(ctx.user.id), tostring(ctx.now():date()))
  local seen, id = {}, crm.id_text(record)
  for _, other in ipairs(ctx.kv:get(key) or {}) do
    if other == id then return true end
    seen[#seen + 1] = other
  end
  if #seen >= limit then return false end
  seen[#seen + 1] = id
  ctx.kv:set(key, seen, { ttl = DAYS_KEPT * 86400 })
  return true
end

-- POST …/{lead,account}/{id}/actions/view: what its pool hides.
function viewing.view(ev, ctx)
  local db, kind = ctx.db:as_system(), kinds.of(ev.entity)
  local record = db[kind.entity]:get(ev.record.id)
  local pool = record.pool and db.pool:get(record.pool)
  if not pool or not ctx.user then return ev:fail("pool", "@pool_unknown") end
  local may = ctx.call("pool.can_view", {
    entity = kind.entity, [kind.entity] = record.id, user = ctx.user.id,
  })
  if not may.ok then return ev:fail("pool", may.key, may.args) end
  local limit = limit_of(db, pool.id)
  if limit and not count(ctx, record.id, limit) then
    return ev:fail("pool", "@view_daily", { max = limit })
  end
  local fields = {}
  for _, name in ipairs(pool.hidden_fields or {}) do
    local field = kind.hidden[name]
    if field then fields[field] = record[field] or crm.null end
  end
  return { fields = fields }
end

return viewing
