-- checks_test - the company's check names what is damaged among messages in and out.
-- SPDX-License-Identifier: MIT

local SECRET = "hook-secret-of-2026-first"

local function hook(t)
  return t.db.webhook:insert { name = "ERP", url = "https://erp.example.com/x", secret = SECRET,
    entities = { "account" } }.id
end

local function delivery(t, of, seq, fields)
  local made = { webhook = of, seq = seq, event = "account.created", entity_name = "account",
    record_id = "0000000000abc", payload = "{}", label = "account.created " .. seq }
  for name, value in pairs(fields or {}) do made[name] = value end
  return t.db.delivery:insert(made).id
end

local function told(t, check, sentence)
  local found = t.check()
  t.eq(#found, 1, table.concat(found, " | "))
  t.ok(found[1]:find(check, 1, true) and found[1]:find(sentence, 1, true), found[1])
end

crm.test("a try that is in no log", function(t)
  delivery(t, hook(t), 1, { tries = 1, state = "dead" })
  told(t, "delivery.log", "it was tried 1 times and the log has 0")
end)

crm.test("sent, nobody knows when", function(t)
  local id = delivery(t, hook(t), 1)
  t.eq(t.check(), {})
  t.db.delivery:update(id, { state = "sent" })
  told(t, "delivery.log", "it was sent and does not say when")
end)

crm.test("in order per record: what came behind it was sent before it", function(t)
  local of = hook(t)
  delivery(t, of, 1)
  delivery(t, of, 3, { record_id = "0000000000xyz", state = "sent", sent_at = t.clock.now() })
  t.eq(t.check(), {}, "another record may be faster")
  delivery(t, of, 2, { state = "sent", sent_at = t.clock.now() })
  told(t, "delivery.order", "what came behind it was sent before it")
end)

crm.test("a message that is done and made nothing", function(t)
  local inbound = t.db.inbound_hook:insert { name = "ERP", secret = SECRET,
    entity_name = "account", field_map = { name = "name" },
    acts_as = t.user { login = "u", roles = { "admin" } } }
  local message = t.db.inbound_message:insert {
    inbound_hook = inbound.id, message_key = "k", body = "{}", label = "k",
  }
  t.eq(t.check(), {})
  t.db.inbound_message:update(message.id, { state = "done" })
  told(t, "message.done", "it is done and does not say when or what came of it")
end)

local function mapping(t)
  local connection = t.db.connection:insert { name = "C", connector = "rest",
    base_url = "https://far.example.com", acts_as = t.user { login = "u", roles = { "admin" } } }
  return t.db.mapping:insert { connection = connection.id, entity_name = "account",
    remote = "account", field_map = { name = "name" } }.id
end

crm.test("keys that say other than the fields", function(t)
  local map = mapping(t)
  local own = crm.id_text(map) .. ":"
  local ref = t.db.external_ref:insert { mapping = map, external_id = "x", record_id = "y",
    entity_name = "account", our_key = own .. "y", their_key = own .. "x" }
  t.eq(t.check(), {})
  t.db.external_ref:update(ref.id, { their_key = own .. "z" })
  told(t, "ref.keys", "its key is not that of theirs")
end)

crm.test("an item that waits twice", function(t)
  local map = mapping(t)
  local function item()
    t.db.failed_item:insert { mapping = map, stream = "pull", item_id = "x", item_key = "k",
      label = "pull x", error = "e", state = "open" }
  end
  item()
  t.eq(t.check(), {})
  item()
  t.eq(#t.check(), 2, "each of the two says so")
  t.ok(t.check()[1]:find("it waits 2 times", 1, true))
end)

crm.test("a second mapping of the same two, however it came there", function(t)
  local map = t.db.mapping:get(mapping(t))
  local other = t.db.connection:insert { name = "D", connector = "rest",
    base_url = "https://far2.example.com", acts_as = t.user { login = "v", roles = { "admin" } } }
  t.db.mapping:insert { connection = other.id, entity_name = "account", remote = "account",
    field_map = { name = "name" } }
  t.eq(t.check(), {})
  local same = { base_url = "https://far.example.com", credential = "k" }
  t.expect_fail(function() t.db.connection:update(other.id, same) end,
    { base_url = "@mapped_already" })
  t.db.mapping:update(map.id, { active = false })
  t.db.connection:update(other.id, same)
  t.eq(t.check(), {})
  t.db.connection:update(map.connection, { connector = "wecom" })
  t.db.mapping:update(map.id, { active = true }) -- messages are no records
  t.db.connection:update(map.connection, { connector = "rest" })
  t.eq(#t.check(), 2, "each of the two says so")
  t.ok(t.check()[1]:find("another one is between the same two", 1, true))
end)
