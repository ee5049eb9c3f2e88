-- bulk - who deletes, gives away or takes out many records in a short time needs a second person
-- for it.
-- SPDX-License-Identifier: MIT
--
-- Counted is what one person does, by whatever way: a call for many, or many calls for one. Beyond
-- the company's thresholds a pending operation is the way; what plugins do (that one, too) is their
-- own matter and not counted, nor are imports and their undo, nor parts that go with their whole.
-- The file of an export is there already: it waits in a pending operation, as it was written.
local bulk = {}

local WINDOW_MINUTES = 10
local UNCOUNTED = { hook = true, job = true, import = true, command = true }

local function is_counted(ev, ctx)
  return ctx.user and not UNCOUNTED[ev.source] and not crm.entity(ev.entity).parent
end

-- How many of these it makes in this stretch of ten minutes, with the new ones.
local function total(ctx, what, entity, by)
  local window = tostring(ctx.now()):sub(1, 15) -- "2026-01-31T09:3"
  local key = string.format("bulk:%s:%s:%s:%s", what, entity, crm.id_text(ctx.user.id), window)
  return ctx.kv:incr(key, by, { ttl = 2 * WINDOW_MINUTES * 60 })
end

-- In the transaction of the change itself: what is refused has not been counted.
local function count(ev, ctx, what, threshold)
  if threshold == 0 or not is_counted(ev, ctx) then return end
  if total(ctx, what, ev.entity, 1) > threshold then
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

-- What is held back has not been taken out, so it does not count.
function bulk.exported(ev, ctx)
  local threshold, told = ctx.config.export_threshold, ev.payload
  if threshold == 0 or not ctx.user or told.rows == 0 then return end
  if total(ctx, "exported", told.entity, told.rows) <= threshold then return end
  total(ctx, "exported", told.entity, -told.rows)
  assert(ctx.db:as_system().pending_operation:insert {
    entity = told.entity, operation = "export", file = told.file, count = told.rows,
    owner = ctx.user.id,
  })
end

return bulk
