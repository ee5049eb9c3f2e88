-- mappings_test - one mapping between two of the same, syncs that are stuck, one effect of a pull.
-- SPDX-License-Identifier: MIT

local BASE = "https://far.example.com"

local function connection(t, fields)
  local made = { name = "远方", connector = "rest", base_url = BASE, credential = "k",
    acts_as = t.user { login = "u" .. tostring(t.db.user:count {}), roles = { "admin" } } }
  for name, value in pairs(fields or {}) do made[name] = value end
  return t.db.connection:insert(made).id
end

local function mapping(t, of, fields)
  local made = { connection = of, entity_name = "account", remote = "account",
    field_map = { name = "name" } }
  for name, value in pairs(fields or {}) do made[name] = value end
  return t.db.mapping:insert(made).id
end

crm.test("a second mapping of the same two is refused, also by another connection", function(t)
  local one = connection(t)
  local first = mapping(t, one)
  local function again(of, fields)
    t.expect_fail(function() mapping(t, of, fields) end, { remote = "@mapped_already" })
  end
  again(one)
  again(one, { direction = "pull" })
  again(connection(t))
  mapping(t, one, { entity_name = "contact" })
  mapping(t, one, { remote = "partner" })
  mapping(t, connection(t, { base_url = "https://other.example.com" }))
  local off = mapping(t, one, { active = false })
  t.expect_fail(function() t.db.mapping:update(off, { active = true }) end,
    { remote = "@mapped_already" })
  t.db.mapping:update(first, { priority = 5 })
  t.db.mapping:update(first, { active = false })
  t.db.mapping:update(off, { active = true })
end)

crm.test("pushes that fit different records, and messages, have nothing in common", function(t)
  local one = connection(t)
  local function push(prefix)
    return mapping(t, one, { direction = "push", match = { name = { prefix = prefix } } })
  end
  push("甲")
  push("乙")
  t.expect_fail(function() push("甲") end, { remote = "@mapped_already" })
  t.expect_fail(function() mapping(t, one, { direction = "push" }) end,
    { remote = "@mapped_already" })
  local robot = connection(t, { connector = "wecom" })
  for _ = 1, 2 do mapping(t, robot, { direction = "push", remote = "robot" }) end
end)

crm.test("Connector state and stuck syncs are visible", function(t)
  t.clock.set("2026-03-01T02:00:00Z")
  t.http(function(call)
    if call.url:find("/changes", 1, true) then
      return { status = 200, json = { items = {}, next = 7, newest = 7 } }
    end
    return { status = 404 }
  end)
  local map = mapping(t, connection(t), { direction = "pull" })
  t.run_job("sync", { mapping = crm.id_text(map), stream = "pull" })
  local cursor = t.db.sync_cursor:find { where = { mapping = map } }[1]
  t.eq({ cursor.position, cursor.lag }, { "7", 0 })
  local function sweep(minutes)
    t.clock.advance { minutes = minutes }
    t.run_job("sweep")
    return t.db.mapping:get(map).state
  end
  t.eq(sweep(30), "ok", "nobody has asked for it meanwhile")
  t.eq(sweep(14), "ok")
  t.eq(sweep(2), "stuck")
  t.eq(t.check(), {})
  t.db.mapping:update(map, { state = "ok" })
  t.clock.advance { minutes = 30 }
  t.eq(#t.check(), 1)
  t.ok(t.check()[1]:find("it is stuck and its mapping does not say so", 1, true))
  t.run_job("sync", { mapping = crm.id_text(map), stream = "pull" })
  t.eq(sweep(0), "ok", "it has come to its end")
  t.eq(t.check(), {})
end)

crm.test("what is asked of the other side's log is one entity's", function(t)
  t.http(function(call)
    if call.url:find("/changes", 1, true) then
      return { status = 200, json = { items = {}, next = 10000, newest = 10003 } }
    end
  end)
  local map = mapping(t, connection(t), { direction = "pull" })
  t.http(function(call)
    local since = tonumber(call.url:match("since=(%d+)"))
    return { status = 200, json = { items = {}, next = since + 10000, newest = 20000 } }
  end)
  t.run_job("sync", { mapping = crm.id_text(map), stream = "pull" })
  local calls = t.calls()
  t.eq(#calls, 2, "an empty page is not the end of the log")
  for _, call in ipairs(calls) do t.ok(call.url:find("&entity=account", 1, true), call.url) end
  t.eq(t.db.sync_cursor:find { where = { mapping = map } }[1].position, "20000")
end)

crm.test("exactly one effect in: a pulled item is one record however often", function(t)
  local record = { id = "0000000000abc", version = 3, name = "远山" }
  t.http(function(call)
    if call.url:find("/changes", 1, true) then
      return { status = 200, json = { next = 1, newest = 1, items = {
        { seq = 1, entity = "account", id = record.id, op = "create", version = 3 } } } }
    end
    return { status = 200, json = { items = { record } } }
  end)
  local one = connection(t)
  local map = mapping(t, one, { direction = "pull" })
  local function sync()
    local cursor = t.db.sync_cursor:find { where = { mapping = map } }[1]
    if cursor then t.db.sync_cursor:delete(cursor.id) end -- read from the beginning once more
    t.action("connection", one, "sync")
    t.run_outbox()
  end
  for round = 1, 3 do
    sync()
    t.eq(t.db.account:count {}, 1, "round " .. round)
  end
  record.version, record.name = 4, "远山科技"
  sync()
  t.eq({ t.db.account:count {}, t.db.account:find {}[1].name }, { 1, "远山科技" })
  t.eq(t.check(), {})
end)

crm.test("Syncs take a since-date: what is older is neither taken nor given", function(t)
  local pushed = {}
  local theirs = {
    { id = "00000000000a1", version = 1, name = "旧", updated_at = "2026-02-28T23:59:59.000Z" },
    { id = "00000000000a2", version = 1, name = "新", updated_at = "2026-03-01T00:00:00.000Z" },
  }
  t.http(function(call)
    if call.method == "POST" and call.url:find("/records/", 1, true) then
      pushed[#pushed + 1] = crm.json_decode(call.body).name
      return { status = 201, json = { id = "00000000000b" .. #pushed, version = 1 } }
    end
    if call.url:find("/changes", 1, true) then
      local items = {}
      for i, one in ipairs(theirs) do
        items[i] = { seq = i, entity = "account", id = one.id, op = "create", version = 1 }
      end
      return { status = 200, json = { items = items, next = 2, newest = 2 } }
    end
    return { status = 200, json = { items = theirs } }
  end)
  t.clock.set("2026-02-01T00:00:00Z")
  t.db.account:insert { name = "早" }
  t.clock.set("2026-03-02T00:00:00Z")
  t.db.account:insert { name = "晚" }
  local one = connection(t)
  mapping(t, one, { direction = "both", since = t.datetime("2026-03-01T00:00:00Z") })
  t.action("connection", one, "sync")
  t.run_outbox()
  t.eq(pushed, { "晚" })
  local here = {}
  for i, account in ipairs(t.db.account:find { order = "id" }) do here[i] = account.name end
  t.eq(here, { "早", "晚", "新" })
  t.eq(t.check(), {})
end)

crm.test("Secrets are never returned: neither by a record nor in what is sent", function(t)
  t.http(function() return { status = 401, json = { error = { code = "unauthorized" } } } end)
  local id = connection(t, { credential = "very-secret-key" })
  local map = mapping(t, id, { direction = "pull" })
  t.run_job("sync", { mapping = crm.id_text(map), stream = "pull" })
  local now = t.db.connection:get(id)
  t.eq(now.state, "auth_failed")
  t.eq(crm.json_encode(crm.data(now)):find("very-secret-key", 1, true), nil)
end)
