-- watching - a stream that is asked for and never comes to its end is said to be stuck.
-- SPDX-License-Identifier: MIT
--
-- A sync that fails tells its connection. One that is killed, or whose job was paused by that,
-- tells nobody: so who asks for streams looks whether they were looked at since.
local watching = {}

local LATE = 60 -- seconds behind the moment when it should have been looked at
local STUCK = 900

local function ms(at) return at and at:ms() or 0 end

-- One stream that may go on: is it stuck? `every`: seconds between two looks.
local function look(ctx, db, cursor, every)
  local now, looked = ctx.now():ms(), ms(cursor.looked_at)
  if now - looked < (every + LATE) * 1000 then return false end
  if ms(cursor.late_since) <= looked then
    assert(db.sync_cursor:update(cursor.id, { late_since = ctx.now() }))
    return false
  end
  return now - ms(cursor.late_since) >= STUCK * 1000
end

local function tell(ctx, map, state)
  local id, connection, label = map.id, map.connection, map.label
  ctx.tx(function()
    assert(ctx.db:as_system().mapping:update(id, { state = state }))
    if state == "stuck" then
      ctx.emit("connection.failed", {
        connection = connection, reason = ctx.t("@stuck", { label = label }),
      })
    end
  end)
end

-- cursors: those of the mapping's streams, each with `every`.
function watching.mapping(ctx, db, map, cursors)
  local is_stuck = false
  for _, one in ipairs(cursors) do
    is_stuck = look(ctx, db, one.cursor, one.every) or is_stuck
  end
  local state = is_stuck and "stuck" or "ok"
  if map.state ~= state then tell(ctx, map, state) end
end

-- For `perigee check`: what has been late for so long says so.
function watching.check(cursor, ctx)
  local late = ms(cursor.late_since)
  if late <= ms(cursor.looked_at) or ctx.now():ms() - late < 2 * STUCK * 1000 then return nil end
  local db = ctx.db:as_system()
  local map = db.mapping:get(cursor.mapping)
  local connection = db.connection:get(map.connection)
  if not map.active or connection.state ~= "ok" then return nil end
  return map.state == "ok" and "it is stuck and its mapping does not say so" or nil
end

return watching
