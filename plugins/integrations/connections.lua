-- connections - other systems: how they are reached, whether they answer, and which of our entities
-- goes where.
-- SPDX-License-Identifier: MIT
--
-- A connector is a plugin with the services connector.<name>.check, .pull and .push; README.md says
-- what they get and give.
local maps = require("maps")
local watching = require("watching")
local webhooks = require("webhooks")

local connections = {}

local EVERY = 60 -- seconds between two pulls, unless the connection's options say otherwise
local HOLDS = { 30, 60, 300, 900, 1800, 3600 }

-- A record and its counterpart find each other by the mapping that made one of the other. A second
-- mapping of the same two would know of neither, take them for news and make each once more.
-- Messages make no records, and pushes that fit different records have nothing in common.
local function are_apart(a, b)
  return a.direction == "push" and b.direction == "push" and a.match and b.match
    and crm.json_encode(a.match) ~= crm.json_encode(b.match)
end

-- What a connector says of itself; most say nothing.
local function traits_of(ctx, connection)
  local told, traits = pcall(ctx.call, "connector." .. connection.connector .. ".traits",
    { connection = { id = connection.id } })
  return told and type(traits) == "table" and traits or {}
end

-- Another mapping in use of the same two, or nil. The connection is as it is to be.
function connections.twin(ctx, map, connection)
  local db, same = ctx.db:as_system(), { connection.id }
  if not map.active or traits_of(ctx, connection).from_now then return nil end
  for _, one in ipairs(db.connection:find {
    where = {
      connector = connection.connector, base_url = connection.base_url or crm.null,
      account_name = connection.account_name or crm.null,
    },
    limit = 50,
  }) do
    same[#same + 1] = one.id
  end
  for other in db.mapping:each {
    where = {
      connection = same, entity_name = map.entity_name, remote = map.remote, active = true,
    },
  } do
    if other.id ~= map.id and not are_apart(map, other) then return other end
  end
end

function connections.check(ev, ctx)
  local one = ev.record
  webhooks.check_url(ev, ctx, "base_url")
  -- One whose plugin has gone can still be paused or looked after.
  local is_new = not ev.old or ev:changed("connector")
  if is_new and one.connector and not ctx.offers("connector." .. one.connector .. ".check") then
    ev:fail("connector", "@no_connector", { name = one.connector })
  end
  if one.peer and ev.old and ev:changed("peer") and ctx.db:as_system().mapping:count {
    where = { connection = one.id, direction = { ne = "push" } },
  } > 0 then
    ev:fail("peer", "@push_only")
  end
  if ev.old and (ev:changed("base_url") or ev:changed("account_name")) then
    for map in ctx.db:as_system().mapping:each { where = { connection = one.id, active = true } } do
      local other = connections.twin(ctx, map, one)
      if other then ev:fail("base_url", "@mapped_already", { label = other.label }) end
    end
  end
  -- Who may change the address must not learn the credential by it.
  if ev.old and ev:changed("base_url") and ev.old.credential and not ev:changed("credential") then
    ev:fail("credential", "@credential_again")
  end
end

function connections.label(ev)
  local map = ev.record
  map.label = (map.entity_name or "?") .. " ⇄ " .. (map.remote or "?")
end

-- Where both sides have a connection, each only pushes: a record that one takes while the other
-- gives it would be there twice.
-- What the connector cannot do at all, told before it fails for each record.
local function check_traits(ev, ctx, connection)
  local map, remotes = ev.record, nil
  if ev.old and not ev:changed("remote") and not ev:changed("direction") then return end
  local traits = traits_of(ctx, connection)
  if traits.push_only and map.direction ~= "push" then ev:fail("direction", "@only_push") end
  for _, name in ipairs(traits.remotes or {}) do
    if name == map.remote then return end
    remotes = remotes and remotes .. ", " .. name or name
  end
  if remotes then ev:fail("remote", "@remotes", { names = remotes }) end
end

function connections.check_mapping(ev, ctx)
  local map = ev.record
  local connection = map.connection and ctx.db:as_system().connection:get(map.connection)
  if connection and connection.peer and map.direction ~= "push" then
    return ev:fail("direction", "@push_only")
  end
  if connection and map.remote then check_traits(ev, ctx, connection) end
  local other = connection and map.remote and connections.twin(ctx, map, connection)
  if other then ev:fail("remote", "@mapped_already", { label = other.label }) end
  local entity = map.entity_name and webhooks.entity(map.entity_name)
  if map.entity_name and not entity then
    return ev:fail("entity_name", "@no_entity", { name = map.entity_name })
  end
  local why = maps.fault(map.field_map)
  if why then return ev:fail("field_map", "@bad_map", { why = why }) end
  local stranger = entity and maps.stranger(ev, ctx, map.entity_name, map.direction == "push")
  if stranger then
    ev:fail("field_map", "@no_such_field", { name = stranger, entity = map.entity_name })
  end
  if map.match and entity then
    local fits, fault = crm.filter_check(map.entity_name, map.match)
    if not fits then ev:fail("match", "@bad_filter", { why = fault }) end
  end
end

-- For `perigee check`.
function connections.check_twin(map, ctx)
  local connection = ctx.db:as_system().connection:get(map.connection)
  local other = connections.twin(ctx, map, connection)
  return other and "another one is between the same two: " .. other.label or nil
end

-- What a connector's service is told about the connection.
function connections.about(connection)
  return {
    id = connection.id, base_url = connection.base_url, account = connection.account_name,
    options = connection.options or {}, credential = crm.secret(connection, "credential"),
    token = crm.secret(connection, "token"),
    token_until = connection.token_until,
  }
end

-- For connectors: keeps a token that is good for a while, encrypted.
function connections.keep_token(given, ctx)
  local db = ctx.db:as_system()
  local seconds = math.max(1, given.seconds or 3600)
  local kept = assert(db.connection:update(given.connection, {
    token = given.token or crm.null, token_until = ctx.now():add { seconds = seconds },
  }))
  return connections.about(kept)
end

-- The other system has answered.
function connections.works(ctx, connection)
  local now = ctx.now()
  local told = connection.last_ok_at and connection.last_ok_at:ms() or 0
  local is_known = connection.state == "ok" and not connection.last_error
  if is_known and now:ms() - told < 60000 then return end
  local id = connection.id
  ctx.tx(function()
    local db = ctx.db:as_system()
    local was = db.connection:get(id).state -- somebody may have paused it meanwhile
    assert(db.connection:update(id, {
      state = was == "paused" and was or "ok", last_ok_at = now, failures = 0,
      retry_at = crm.null, last_error = crm.null,
    }))
    if was ~= "ok" and was ~= "paused" then
      ctx.emit("connection.recovered", { connection = id })
    end
  end)
end

-- It has not: nothing is asked of it for a while.
function connections.fails(ctx, connection, fault)
  local id, failures = connection.id, connection.failures + 1
  local state = fault.code == "auth" and "auth_failed" or "failing"
  local reason = maps.reason(fault.why or fault.code)
  local hold = fault.wait or HOLDS[math.min(failures, #HOLDS)]
  ctx.tx(function()
    local db = ctx.db:as_system()
    local was = db.connection:get(id).state
    assert(db.connection:update(id, {
      state = was == "paused" and was or state, failures = failures, last_error = reason,
      retry_at = ctx.now():add { seconds = hold },
    }))
    if was == "ok" then ctx.emit("connection.failed", { connection = id, reason = reason }) end
  end)
end

function connections.may_go(connection, ctx)
  if connection.state == "paused" then return false end
  return not connection.retry_at or connection.retry_at:ms() <= ctx.now():ms()
end

function connections.ask(ctx, mapping, stream, user, more)
  local args = { mapping = crm.id_text(mapping), stream = stream }
  for name, value in pairs(more or {}) do args[name] = value end
  local map = ctx.db:as_system().mapping:get(mapping)
  if not map then return end
  if not more and map.direction == "both" then
    args.stream = "both"
    stream = "both"
  end
  local single = args.item and "item:" .. args.item or args.record and "record:" .. args.record
  local key = args.mapping .. ":" .. (single or stream)
  ctx.queue:push("sync", args, { key = key, part = args.mapping, again = true, as = user })
end

local function streams(map)
  if map.direction == "both" then return { "pull", "push" } end
  return { map.direction }
end

-- POST …/connection/{id}/actions/sync: all its streams, now.
function connections.ask_sync(ev, ctx)
  local db, count = ctx.db:as_system(), 0
  if ev.record.state == "paused" then return ev:fail("state", "@connection_paused") end
  if ev.record.retry_at then
    assert(db.connection:update(ev.record.id, { retry_at = crm.null }))
  end
  for map in db.mapping:each { where = { connection = ev.record.id, active = true },
    order = "priority" } do
    for _, stream in ipairs(streams(map)) do
      connections.ask(ctx, map.id, stream, ev.record.acts_as)
      count = count + 1
    end
  end
  return { streams = count }
end

function connections.ask_check(ev, ctx)
  ctx.queue:push("check", { connection = crm.id_text(ev.record.id) })
  return { state = ev.record.state }
end

function connections.run_check(job, ctx)
  local db = ctx.db:as_system()
  local connection = db.connection:get(crm.id_parse(job.args.connection))
  if not connection then return end
  local fault = connections.call(ctx, connection, "check", {}).fault
  if fault then return connections.fails(ctx, connection, fault) end
  connections.works(ctx, connection)
end

-- A connector's service: what it gives, or { fault = { code, why, wait } }. Codes: auth and retry
-- concern the connection, anything else this item.
function connections.call(ctx, connection, what, argument)
  connection = ctx.db:as_system().connection:get(connection.id) -- its token may be a new one
  argument.connection = connections.about(connection)
  local done, given =
    pcall(ctx.call, "connector." .. connection.connector .. "." .. what, argument)
  if not done then return { fault = { code = "plugin", why = maps.reason(given) } } end
  return type(given) == "table" and given or {}
end

function connections.sweep(ctx, db)
  local now = ctx.now():ms()
  for connection in db.connection:each { where = { state = { nin = { "paused" } } } } do
    if connections.may_go(connection, ctx) then
      local every = (connection.options or {}).every or EVERY
      for map in db.mapping:each { where = { connection = connection.id, active = true } } do
        local cursors = {}
        for _, stream in ipairs(streams(map)) do
          local at = db.sync_cursor:find {
            where = { stream_key = crm.id_text(map.id) .. ":" .. stream }, limit = 1,
          }[1]
          local looked = at and at.looked_at and at.looked_at:ms() or 0
          local wait = stream == "pull" and every or 10
          if at then cursors[#cursors + 1] = { cursor = at, every = wait } end
          if now - looked >= wait * 1000 then
            connections.ask(ctx, map.id, stream, connection.acts_as)
          end
        end
        watching.mapping(ctx, db, map, cursors)
      end
    end
  end
end

return connections
