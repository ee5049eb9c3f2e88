-- sync - one item of a mapping, theirs or ours, and the job that takes a mapping's items.
-- SPDX-License-Identifier: MIT
--
-- The tag that keeps a change from coming back is the pair of versions in external_ref: ours that
-- was written by a pull is not pushed, theirs that was made by a push is not pulled.
local connections = require("connections")
local failed = require("failed")
local maps = require("maps")
local streams = require("streams")

local sync = {}

-- Script points, which a company's bundle may wrap.
function sync.transform(given) return given.fields end

-- "theirs", "ours" or "manual", for a record that has changed on both sides.
function sync.conflict(given)
  if given.rule ~= "newest" then return given.rule end
  if not given.theirs_at then return "manual" end
  return given.theirs_at > given.ours_at and "theirs" or "ours"
end

local function our_key(map, id) return crm.id_text(map.id) .. ":" .. id end
local function their_key(map, id) return crm.id_text(map.id) .. ":" .. id end

local function ref_by(db, field, key)
  return db.external_ref:find { where = { [field] = key }, limit = 1 }[1]
end

-- Inside a transaction.
local function keep_ref(ctx, map, ref, external, record, theirs)
  local db = ctx.db:as_system()
  local id = crm.id_text(record.id)
  local fields = {
    our_version = record.version, their_version = theirs, synced_at = ctx.now(),
    external_id = external, their_key = their_key(map, external),
  }
  if ref then return assert(db.external_ref:update(ref, fields)) end
  fields.mapping, fields.entity_name, fields.record_id = map.id, map.entity_name, id
  fields.our_key = our_key(map, id)
  return assert(db.external_ref:insert(fields))
end

-- --- pull ----------------------------------------------------------------------------------------

local function decide(ctx, map, item, record)
  return ctx.call("mapping.conflict", {
    rule = map.conflict, entity = map.entity_name, theirs_at = item.updated_at,
    ours_at = tostring(record.updated_at), id = record.id,
  })
end

-- Ours stays: the next push tells them, though they have changed meanwhile.
local function keep_ours(ctx, map, item, ref)
  local id = ref.id
  ctx.tx(function()
    assert(ctx.db:as_system().external_ref:update(id, { their_version = item.version }))
  end)
  connections.ask(ctx, map.id, "push", nil, { record = ref.record_id })
end

local function drop(ctx, map, ref)
  local id, record = ref.id, crm.id_parse(ref.record_id)
  local entity = map.entity_name
  ctx.tx(function()
    if ctx.db[entity]:get(record) then assert(ctx.db[entity]:delete(record)) end
    assert(ctx.db:as_system().external_ref:delete(id))
  end)
end

-- What is older than a mapping asks for, and was not taken before.
local function is_past(map, item)
  if not map.since or not item.updated_at then return false end
  local known, at = pcall(crm.datetime, item.updated_at)
  return known and at < map.since
end

-- Their item becomes ours. `force`: a person has decided a conflict.
function sync.take(ctx, map, item, force)
  local db, entity = ctx.db:as_system(), map.entity_name
  local ref = ref_by(db, "their_key", their_key(map, item.id))
  if ref and ref.their_version == item.version and not force then return end
  if item.deleted then return ref and drop(ctx, map, ref) end
  if not ref and is_past(map, item) then return end
  local record = ref and ctx.db[entity]:get(crm.id_parse(ref.record_id))
  if record and record.version > ref.our_version and map.direction == "both" and not force then
    local winner = decide(ctx, map, item, record)
    if winner == "ours" then return keep_ours(ctx, map, item, ref) end
    if winner ~= "theirs" then error({ conflict = true }) end
  end
  local fields = maps.apply(ctx, map.field_map, item.data, "in", entity)
  fields = ctx.call("mapping.transform", { fields = fields, entity = entity, direction = "in" })
  local ref_id, id = ref and ref.id, record and record.id
  ctx.tx(function()
    local now
    if id then
      now = assert(ctx.db[entity]:update(id, fields))
    else
      now = assert(ctx.db[entity]:insert(fields))
    end
    if ref_id and not id then -- ours had been deleted, theirs has changed: it is there again
      assert(ctx.db:as_system().external_ref:delete(ref_id))
      ref_id = nil
    end
    keep_ref(ctx, map, ref_id, item.id, now, item.version)
  end)
end

-- --- push ----------------------------------------------------------------------------------------

local function gone(ctx, map, connection, ref)
  if not ref then return end
  local id = ref.id
  local given = connections.call(ctx, connection, "push", {
    remote = map.remote, id = ref.external_id, deleted = true,
    key = ref.our_key .. ":deleted",
  })
  if given.fault then return given.fault end
  ctx.tx(function() assert(ctx.db:as_system().external_ref:delete(id)) end)
end

-- Our record goes to them. Gives a fault, or nil.
function sync.give(ctx, map, connection, id, op)
  local db, text = ctx.db:as_system(), crm.id_text(id)
  local ref = ref_by(db, "our_key", our_key(map, text))
  if op == "delete" or op == "purge" then return gone(ctx, map, connection, ref) end
  local record = ctx.db[map.entity_name]:get(id)
  if not record or ref and record.version <= ref.our_version then return end
  if map.match and not ref and not crm.matches(record, map.match) then return end
  local data = maps.apply(ctx, map.field_map, crm.data(record), "out", map.entity_name)
  data = ctx.call("mapping.transform",
    { fields = data, entity = map.entity_name, direction = "out" })
  local version, ref_id = record.version, ref and ref.id
  local given = connections.call(ctx, connection, "push", {
    remote = map.remote, id = ref and ref.external_id, data = data,
    version = map.direction == "both" and ref and ref.their_version or nil,
    key = our_key(map, text) .. ":" .. version,
    ours = { entity = map.entity_name, id = text, version = tostring(version) },
  })
  if given.fault then return given.fault end
  ctx.tx(function()
    keep_ref(ctx, map, ref_id, given.id or text, { id = id, version = version },
      given.version and tostring(given.version))
  end)
end

-- --- the job -------------------------------------------------------------------------------------

-- One item that is tried again, or one record that has to be told; what does not go through is
-- kept. Gives a fault of the connection, or nil.
local function one(ctx, map, connection, args)
  local stream, id, payload = "push", args.record, nil
  if args.item then
    local item = ctx.db:as_system().failed_item:get(crm.id_parse(args.item))
    if not item or item.state ~= "open" and item.state ~= "conflict" then return end
    stream, id, payload = item.stream, item.item_id, maps.plain(item.payload)
  end
  local done, why
  if stream == "pull" then
    done, why = pcall(sync.take, ctx, map, payload, args.force)
    why = not done and why or nil
  else
    local record = crm.id_parse(id) -- gone meanwhile, or it is the deletion that failed
    local op = ctx.db:as_system()[map.entity_name]:get(record) and "update" or "delete"
    done, why = pcall(sync.give, ctx, map, connection, record, op)
  end
  if done and not why then return failed.done(ctx, map, stream, id) end
  if done and args.record and why.code == "changed" then return end -- pulling it decides
  failed.keep(ctx, map, stream, id, payload, why)
  return done and streams.of_connection(why) and why or nil
end

-- Where both ways are gone, what we have is told before theirs is asked for: a push that was not
-- noted, because its process died behind it, is repeated and noted first. Its record would else
-- come back as a new one. What has changed over there meanwhile is not overwritten by it.
function sync.run(job, ctx)
  local db, args = ctx.db:as_system(), job.args
  local map = db.mapping:get(crm.id_parse(args.mapping))
  local connection = map and db.connection:get(map.connection)
  if not connection then return end
  local may_go = map.active and connections.may_go(connection, ctx)
  if args.item or args.record then
    -- What a person has decided about theirs asks nothing of the connection.
    if not may_go and not args.force then return failed.put_off(ctx, map, connection, args) end
    local fault = one(ctx, map, connection, args)
    return fault and connections.fails(ctx, connection, fault)
  end
  if not may_go then return end
  local total, tired = 0, streams.budget(ctx)
  local items = { push = sync.give, pull = sync.take }
  for _, stream in ipairs(args.stream == "both" and { "push", "pull" } or { args.stream }) do
    local count, more, fault = streams[stream](ctx, map, connection, items[stream], tired)
    if fault then return connections.fails(ctx, connection, fault) end
    connections.works(ctx, db.connection:get(map.connection))
    if more then
      connections.ask(ctx, map.id, stream, connection.acts_as)
      return { items = total + count }
    end
    if count > 0 then
      ctx.emit("sync.completed", { mapping = map.id, stream = stream, items = count })
    end
    total = total + count
  end
  return { items = total }
end

return sync
