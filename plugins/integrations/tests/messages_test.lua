-- messages_test - what goes out waits when it is asked to; what comes in and does not fit is told.
-- SPDX-License-Identifier: MIT

local SECRET = "hook-secret-of-2026-first"

local function webhook(t)
  return t.db.webhook:insert { name = "ERP", url = "https://erp.example.com/x", secret = SECRET,
    entities = { "account" } }.id
end

local function delivery(t, of, seq)
  return t.db.delivery:insert { webhook = of, seq = seq, event = "account.created", payload = "{}",
    entity_name = "account", record_id = "0000000000ab" .. seq, label = "account " .. seq }.id
end

crm.test("a target that asks to be left alone is, for every record", function(t)
  local of = webhook(t)
  for seq = 1, 2 do delivery(t, of, seq) end
  local status, wait = 429, "90"
  t.http(function() return { status = status, headers = { ["retry-after"] = wait } } end)
  local function run(seconds)
    t.clock.advance { seconds = seconds }
    t.run_job("deliver", { webhook = crm.id_text(of) })
    return #t.calls()
  end
  t.eq(run(0), 1)
  t.eq(run(89), 1, "ten seconds would have done without its asking")
  t.eq(run(1), 2)
  wait = "Sun, 06 Nov 2044 08:49:37 GMT"
  t.eq(run(90), 3)
  status, wait = 200, "7"
  t.eq(run(3600), 5, "both are told")
  for one in t.db.delivery:each {} do t.eq(one.state, "sent") end
end)

local function hook(t, fields)
  local made = { name = "ERP", secret = SECRET, entity_name = "account", match_field = "name",
    field_map = { name = "title" }, acts_as = t.user { login = "u" .. t.db.user:count {},
      roles = { "admin" } } }
  for name, value in pairs(fields or {}) do made[name] = value end
  return t.db.inbound_hook:insert(made).id
end

crm.test("a field map names fields that there are", function(t)
  local function refused(map, entity)
    t.expect_fail(function() hook(t, { field_map = map, entity_name = entity }) end,
      { field_map = "@no_such_field" })
  end
  refused { name = "title", nam = "x" }
  refused { name = "title", created_at = "x" }
  refused({ name = "title", website = "x" }, "task")
  hook(t, { field_map = { name = "title", owner = "who",
    text = { from = "x", text = "{name}" } } })
  local of = t.db.connection:insert { name = "远方", connector = "rest", credential = "k",
    base_url = "https://far.example.com", acts_as = t.user { login = "far", roles = { "admin" } } }
  local function mapping(direction, map)
    return t.db.mapping:insert { connection = of.id, entity_name = "account", remote = "account",
      direction = direction, field_map = map }
  end
  for _, direction in ipairs { "pull", "both", "push" } do
    t.expect_fail(function() mapping(direction, { name = "name", nam = "nam" }) end,
      { field_map = "@no_such_field" })
  end
  t.expect_fail(function() mapping("pull", { name = "name", version = "v" }) end,
    { field_map = "@no_such_field" })
  mapping("push", { name = "name", version = "v", kind = { from = "msgtype", default = "text" } })
end)

crm.test("a message that becomes nothing says why, and who made the address is told", function(t)
  local maker = t.user { login = "maker", roles = { "admin" } }
  t.as("maker")
  local of = hook(t)
  t.as()
  local function message(body)
    local id = t.db.inbound_message:insert { inbound_hook = of, body = body, label = body,
      message_key = body }.id
    t.action("inbound_message", id, "retry")
    t.run_outbox() -- with the rights of the hook's user
    return t.db.inbound_message:get(id)
  end
  t.eq(message('{"title":"远山"}').state, "done")
  local failed = message('{"other":1}')
  t.eq({ failed.state, failed.tries }, { "failed", 1 })
  t.ok(failed.error:find("^name: "), failed.error)
  message('{"other":2}')
  local told = t.db.notification:find { where = { owner = maker } }
  t.eq(#told, 1, "once until it is read")
  t.eq({ told[1].kind, told[1].body }, { "inbound", failed.error })
end)

crm.test("a connection names a connector that is there", function(t)
  local user = t.user { login = "far", roles = { "admin" } }
  local function make(name)
    return t.db.connection:insert { name = "远方", connector = name, credential = "k",
      base_url = "https://far.example.com", acts_as = user }
  end
  for _, name in ipairs { "rst", "Rest", "rest.check", "" } do
    t.expect_fail(function() make(name) end, { connector = name == "" and "required" or
      "@no_connector" })
  end
  make("rest")
  local robot = make("wecom").id
  local function map(remote, direction)
    return t.db.mapping:insert { connection = robot, entity_name = "account", remote = remote,
      direction = direction, field_map = { name = { from = "text.content", text = "{name}" } } }
  end
  t.expect_fail(function() map("robt", "push") end, { remote = "@remotes" })
  t.expect_fail(function() map("robot", "both") end, { direction = "@only_push" })
  local fits = map("robot", "push").id
  t.db.mapping:update(fits, { active = false })
end)

crm.test("a connection that works says nothing of before", function(t)
  local of = t.db.connection:insert { name = "远方", connector = "rest", credential = "k",
    base_url = "https://far.example.com",
    acts_as = t.user { login = "far", roles = { "admin" } } }.id
  local status = 401
  t.http(function() return { status = status, json = { items = {} } } end)
  local function check()
    t.run_job("check", { connection = crm.id_text(of) })
    local one = t.db.connection:get(of)
    return { one.state, one.last_error and "said" or "nothing" }
  end
  t.eq(check(), { "auth_failed", "said" })
  t.db.connection:update(of, { state = "ok", last_ok_at = t.clock.now() }) -- as people do
  status = 200
  t.eq(check(), { "ok", "nothing" })
end)
