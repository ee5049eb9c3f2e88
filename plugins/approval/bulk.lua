-- bulk - who deletes or gives away many records in a short time needs a second person for it.
-- SPDX-License-Identifier: MIT
--
-- Counted is what one person does, by whatever way: a call for many, or many calls for one. Beyond
-- the company's thresholds a pending operation is the way; what plugins do (that one, too) is their
-- own matter and not counted, nor are imports and their undo, nor parts that go with their whole.
local bulk = {}

local WINDOW_MINUTES = 10
local UNCOUNTED = { hook = true, job = true, import = true, command = true }

local function is_counted(ev, ctx)
  return ctx.user and not UNCOUNTED[ev.source] and not crm.entity(ev.entity).parent
end

-- In the transaction of the change itself: what is refused has not been counted.
local function count(ev, ctx, what, threshold)
  if threshold == 0 or not is_counted(ev, ctx) then return end
  local window = tostring(ctx.now()):sub(1, 15) -- "2026-01-31T09:3": ten minutes
  local key = string.format("bulk:%s:%s:%s:%s", what, ev.entity, crm.id_text(ctx.user.id), window)
  if ctx.kv:incr(key, 1, { ttl = 2 * WINDOW_MINUTES * 60 }) > threshold then
    ev:abort("@too_many_" .. what, { count = threshold, minutes = WINDOW_MINUTES })
  end
end

function bulk.deleted(ev, ctx)
  count(ev, ctx, "deleted", ctx.config.delete_threshold)
end

-- A record that somebody had goes to somebody else, or to nobody.
function bulk.transferred(ev, ctx)
  local known, changed = pcall(ev.changed, "owner")
  if not known or not changed or not ev.old.owner then return end
  count(ev, ctx, "transferred", ctx.config.transfer_threshold)
end

return bulk
