-- failed - items that could not be taken over: kept, tried again, skipped, decided by a person.
-- SPDX-License-Identifier: MIT
local connections = require("connections")
local maps = require("maps")

local failed = {}

local DELAYS = { 60, 300, 1800, 7200, 43200 } -- seconds; then it waits for a person
local LOST = 3600

local function key_of(map, stream, id) return crm.id_text(map.id) .. ":" .. stream .. ":" .. id end

local function find(db, key)
  return db.failed_item:find {
    where = { item_key = key, state = { "open", "conflict" } }, limit = 1,
  }[1]
end

-- `why`: an error, or a fault { code, why }.
function failed.keep(ctx, map, stream, id, payload, why)
  local db, key = ctx.db:as_system(), key_of(map, stream, id)
  local item = find(db, key)
  local fault = type(why) == "table" and why or { why = why }
  local tries = item and item.tries + 1 or 1
  local wait = not fault.conflict and DELAYS[tries]
  local reason = fault.conflict and ctx.t("@changed_on_both") or
    maps.reason(fault.why or fault.code)
  local fields = {
    error = reason, code = fault.code, tries = tries, payload = payload or crm.null,
    state = fault.conflict and "conflict" or "open",
    next_at = wait and ctx.now():add { seconds = wait } or crm.null,
  }
  local known, mapping = item and item.id, map.id
  ctx.tx(function()
    local tx = ctx.db:as_system()
    if known then
      assert(tx.failed_item:update(known, fields))
    else
      fields.mapping, fields.stream, fields.item_id, fields.item_key = mapping, stream, id, key
      fields.label = stream .. " " .. id
      known = assert(tx.failed_item:insert(fields)).id
    end
    ctx.emit("sync.item_failed", { mapping = mapping, item = known, reason = reason })
  end)
end

-- Asked for while nothing is asked of the connection: it waits until something is again.
function failed.put_off(ctx, map, connection, args)
  if args.record then
    local why = connection.last_error or connection.state
    return failed.keep(ctx, map, "push", args.record, nil, { code = "retry", why = why })
  end
  local db = ctx.db:as_system()
  local item = db.failed_item:get(crm.id_parse(args.item))
  if not item or item.state ~= "open" then return end
  local soon = ctx.now():add { seconds = DELAYS[1] }
  local held = connection.retry_at
  assert(db.failed_item:update(item.id, {
    next_at = held and held:ms() > soon:ms() and held or soon,
  }))
end

-- It has gone through after all.
function failed.done(ctx, map, stream, id)
  local db = ctx.db:as_system()
  local item = find(db, key_of(map, stream, id))
  if item then assert(db.failed_item:update(item.id, { state = "done", next_at = crm.null })) end
end

local function again(ctx, item, more)
  local db = ctx.db:as_system()
  local map = db.mapping:get(item.mapping)
  local connection = db.connection:get(map.connection)
  more.item = crm.id_text(item.id)
  connections.ask(ctx, map.id, item.stream, connection.acts_as, more)
end

-- POST …/failed_item/{id}/actions/retry; the payload may have been edited before.
function failed.retry(ev, ctx)
  again(ctx, ev.record, {})
  return { state = ev.record.state }
end

function failed.skip(ev, ctx)
  local item = assert(ctx.db:as_system().failed_item:update(ev.record.id, {
    state = "skipped", next_at = crm.null,
  }))
  return { state = item.state }
end

-- POST …/failed_item/{id}/actions/resolve { keep = "ours" | "theirs" }
function failed.resolve(ev, ctx)
  local item, keep = ev.record, ev.params.keep
  if item.state ~= "conflict" then return ev:fail("state", "@no_conflict") end
  if keep == "theirs" then
    again(ctx, item, { force = true })
  elseif keep == "ours" then
    local db = ctx.db:as_system()
    local key = crm.id_text(item.mapping) .. ":" .. item.item_id
    local ref = db.external_ref:find { where = { their_key = key }, limit = 1 }[1]
    assert(db.failed_item:update(item.id, { state = "done", next_at = crm.null }))
    if ref then
      assert(db.external_ref:update(ref.id, { their_version = item.payload.version }))
      local map = db.mapping:get(item.mapping)
      local user = db.connection:get(map.connection).acts_as
      connections.ask(ctx, map.id, "push", user, { record = ref.record_id })
    end
  else
    return ev:fail("keep", "@keep_which")
  end
  return { state = item.state }
end

function failed.sweep(ctx, db)
  local found = db.failed_item:find {
    where = { state = "open", next_at = { lte = ctx.now() } }, limit = 20,
  }
  for _, item in ipairs(found) do
    -- Once more later, should the job be lost; what comes of it says when it really is.
    assert(db.failed_item:update(item.id, { next_at = ctx.now():add { seconds = LOST } }))
    again(ctx, item, {})
  end
end

return failed
