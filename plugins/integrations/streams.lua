-- streams - one way of one mapping: from its cursor to its end, or until a step has done enough.
-- SPDX-License-Identifier: MIT
--
-- The position of a pull is the connector's. That of a push is "<seq>" of the log of changes, or
-- "<id>@<seq>" while a mapping that is new gives the records that exist, by id: behind them the log
-- goes on from the seq that was the newest when that began.
local connections = require("connections")
local failed = require("failed")
local maps = require("maps")
local webhooks = require("webhooks")

local streams = {}

local PAGE = 20 -- items of a page
local CHANGES = 200
-- What a step keeps in reserve of each: one item must fit in. Where a company's plan allows less
-- than twice as much, half of that.
local RESERVE = {
  http = 4, reads = 100, writes = 100, rows = 1000, cpu_ms = 300, wall_ms = 15000, kept_kb = 8192,
}

-- A function that says whether the step should end, and another one go on.
function streams.budget(ctx)
  local begun = ctx.limits()
  return function()
    local left = ctx.limits()
    for what, least in pairs(RESERVE) do
      if left[what] and left[what] < math.min(least, begun[what] // 2) then return true end
    end
    return false
  end
end

-- Faults that concern the connection, and not one item.
function streams.of_connection(fault) return fault.code == "auth" or fault.code == "retry" end

local function cursor_of(ctx, map, stream)
  local db = ctx.db:as_system()
  local key = crm.id_text(map.id) .. ":" .. stream
  local found = db.sync_cursor:find { where = { stream_key = key }, limit = 1 }[1]
  return found or
    assert(db.sync_cursor:insert { mapping = map.id, stream = stream, stream_key = key })
end

-- Nothing where somebody has taken the cursor away meanwhile: then it goes on from the beginning.
local function move(ctx, cursor, position, lag)
  local fields = { looked_at = ctx.now(), lag = lag }
  if position and position ~= cursor.position then
    fields.position, fields.moved_at = position, ctx.now()
  end
  local db = ctx.db:as_system()
  return db.sync_cursor:get(cursor.id) and assert(db.sync_cursor:update(cursor.id, fields))
end

-- Gives items done, and whether there is more.
function streams.pull(ctx, map, connection, take, tired)
  local cursor, count = cursor_of(ctx, map, "pull"), 0
  while not tired() do
    local page = connections.call(ctx, connection, "pull",
      { remote = map.remote, position = cursor.position, limit = PAGE })
    if page.fault then return count, false, page.fault end
    for _, item in ipairs(page.items or {}) do
      local done, why = pcall(take, ctx, map, item)
      if done then
        failed.done(ctx, map, "pull", item.id)
      else
        failed.keep(ctx, map, "pull", item.id, item, why)
      end
      count = count + 1
    end
    cursor = move(ctx, cursor, page.position, page.lag)
    if not cursor then return count, true end
    if not page.more then return count, false end
  end
  return count, true
end

-- --- push ----------------------------------------------------------------------------------------

-- A connector of messages tells what happens from the day of its mapping on, not what there was.
local function told_from(ctx, map, connection)
  local traits = connections.call(ctx, connection, "traits", {})
  return traits.from_now and map.created_at or nil
end

-- Where a push begins that has no place yet. The log alone would do, and does where records are
-- known already and one of them may be gone; but a log of years is long, and says of most records
-- many times what need be said once.
local function beginning(ctx, map, from)
  local known = ctx.db:as_system().external_ref:find { where = { mapping = map.id }, limit = 1 }
  if from or #known > 0 then return "0" end
  local _, _, newest = ctx.changes { since = 0, limit = 1 }
  return "@" .. newest
end

-- Gives a fault of the connection, or nil.
local function tell(ctx, map, connection, give, id, op)
  local done, fault = pcall(give, ctx, map, connection, id, op)
  if done and fault and streams.of_connection(fault) then return fault end
  if done and not fault then
    failed.done(ctx, map, "push", crm.id_text(id))
  elseif not (done and fault.code == "changed") then -- pulling it decides
    failed.keep(ctx, map, "push", crm.id_text(id), nil, fault)
  end
end

-- The records behind the place, or a fault.
local function next_records(ctx, map, after)
  local all = {}
  if map.match then all[#all + 1] = maps.plain(map.match) end
  if map.since then all[#all + 1] = { updated_at = { gte = map.since } } end
  if after ~= "" then all[#all + 1] = { id = { gt = after } } end
  local where = #all > 0 and { ["and"] = all } or nil
  local done, found, left = pcall(function()
    local db = ctx.db[map.entity_name]
    return assert(db:find { where = where, order = "id", limit = PAGE }),
      assert(db:count { where = where })
  end)
  if not done then return nil, { code = "retry", why = maps.reason(found) } end
  return found, nil, left
end

-- What exists. Gives items done, whether it came to no end, a fault; and the cursor.
local function push_existing(ctx, map, connection, cursor, give, tired)
  local count, after, seq = 0, cursor.position:match("^(.-)@(%d+)$")
  while after and not tired() do
    local found, fault, left = next_records(ctx, map, after)
    if fault then return count, false, fault end
    for at, record in ipairs(found) do
      if tired() then return count, true end
      local peer, id = connection.peer, record.id
      if not peer or record.created_by ~= peer and record.updated_by ~= peer then
        fault = tell(ctx, map, connection, give, id, "create")
        if fault then return count, false, fault end
        count = count + 1
      end
      after = crm.id_text(id)
      cursor = move(ctx, cursor, after .. "@" .. seq, left - at)
      if not cursor then return count, true end
    end
    if #found < PAGE then
      cursor = move(ctx, cursor, seq, 0)
      return count, not cursor, nil, cursor
    end
  end
  return count, after ~= nil, nil, cursor
end

-- What has happened since.
local function push_changes(ctx, map, connection, cursor, give, tired, from)
  local count, at = 0, math.tointeger(tonumber(cursor.position))
  while not tired() do
    local items, last, newest =
      ctx.changes { since = at, limit = CHANGES, entity = map.entity_name }
    for _, item in ipairs(items) do
      local came_from_there = connection.peer and item.actor == connection.peer
      local is_past = from and item.at < from
      if item.source ~= "restore" and not came_from_there and not is_past then
        if tired() then return count, true end
        local fault = tell(ctx, map, connection, give, item.id, item.op)
        if fault then return count, false, fault end
        count = count + 1
        cursor = move(ctx, cursor, tostring(item.seq), newest - item.seq)
        if not cursor then return count, true end
      end
    end
    local stood = last == at
    at = last
    cursor = move(ctx, cursor, tostring(at), newest - at)
    if not cursor then return count, true end
    if stood or last >= newest then return count, false end
  end
  return count, true
end

function streams.push(ctx, map, connection, give, tired)
  if not webhooks.entity(map.entity_name) then return 0, false end -- its plugin is gone
  local cursor, from = cursor_of(ctx, map, "push"), told_from(ctx, map, connection)
  if not cursor.position then
    cursor = move(ctx, cursor, beginning(ctx, map, from))
    if not cursor then return 0, true end
  end
  local count, more, fault, now = push_existing(ctx, map, connection, cursor, give, tired)
  if more or fault then return count, more, fault end
  local behind
  behind, more, fault = push_changes(ctx, map, connection, now, give, tired, from)
  return count + behind, more, fault
end

return streams
