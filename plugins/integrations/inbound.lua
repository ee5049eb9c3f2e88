-- inbound - what other systems send: kept before anything is done with it, then one effect.
-- SPDX-License-Identifier: MIT
--
-- A message's key makes it one: the sender's X-Perigee-Delivery or Idempotency-Key, or the member
-- that the hook names, or else the digest of its bytes. Who sends it again is told the same answer.
local mapping = require("maps")
local webhooks = require("webhooks")

local inbound = {}

local SKEW = 300 -- seconds a signature is good for
local BODY_MAX = 60000

function inbound.prepare(ev) ev.record.path = crm.token() end

function inbound.check(ev, ctx)
  local hook = ev.record
  if hook.entity_name and not webhooks.entity(hook.entity_name) then
    return ev:fail("entity_name", "@no_entity", { name = hook.entity_name })
  end
  local why = mapping.fault(hook.field_map)
  if why then return ev:fail("field_map", "@bad_map", { why = why }) end
  local stranger = hook.entity_name and mapping.stranger(ev, ctx, hook.entity_name)
  if stranger then
    ev:fail("field_map", "@no_such_field", { name = stranger, entity = hook.entity_name })
  end
  if hook.match_field and not (hook.field_map or {})[hook.match_field] then
    ev:fail("match_field", "@match_unmapped")
  end
end

local function signed(hook, req, ctx)
  local stamp = req.headers["x-perigee-timestamp"] or ""
  local given = req.headers["x-perigee-signature"] or ""
  local at = math.tointeger(tonumber(stamp))
  if not at or math.abs(ctx.now():ms() // 1000 - at) > SKEW then return false end
  local right = "sha256=" .. crm.hmac_sha256(crm.secret(hook, "secret"), stamp .. "." .. req.text)
  for one in given:gmatch("[^, ]+") do
    if crm.same(one, right) then return true end
  end
  return false
end

local function key_of(hook, req, body)
  local named = hook.message_id and mapping.get(body, hook.message_id)
  local sent = named ~= nil and named ~= crm.null and tostring(named) or
    req.headers["x-perigee-delivery"] or req.headers["idempotency-key"]
  return crm.id_text(hook.id) .. ":" .. crm.sha256(sent or req.text)
end

function inbound.wake(ctx, message, hook, user)
  local id = crm.id_text(message)
  ctx.queue:push("process", { message = id }, { key = id, part = crm.id_text(hook), as = user })
end

-- POST /api/v1/x/integrations/in/{path}
function inbound.receive(req, ctx)
  local db = ctx.db:as_system()
  local hook = db.inbound_hook:find { where = { path = req.params.path }, limit = 1 }[1]
  if not hook or not hook.active or not signed(hook, req, ctx) then
    return { error = { code = "bad_signature", message = ctx.t("@bad_signature") } }, 401
  end
  if #req.text > BODY_MAX then
    return { error = { code = "too_large", message = ctx.t("@message_too_large") } }, 413
  end
  local body, why = crm.json_decode(req.text)
  if type(body) ~= "table" then
    return { error = { code = "malformed", message = why or "an object is expected" } }, 400
  end
  local key, id, user, text = key_of(hook, req, body), hook.id, hook.acts_as, req.text
  local kept = ctx.tx(function()
    local tx = ctx.db:as_system()
    local before = tx.inbound_message:find { where = { message_key = key }, limit = 1 }[1]
    if before then return { before.id, false } end
    local message = assert(tx.inbound_message:insert {
      inbound_hook = id, message_key = key, body = text, label = key:sub(15, 30),
    })
    inbound.wake(ctx, message.id, id, user)
    return { message.id, true }
  end)
  return { id = crm.id_text(kept[1]), duplicate = not kept[2] }, 202
end

-- With the rights of the hook's user: the record and the message's end are one transaction.
local function take(ctx, hook, message)
  local body = crm.json_decode(message.body)
  local fields = mapping.apply(ctx, hook.field_map, body, "in", hook.entity_name)
  local match, id = hook.match_field, message.id
  local entity = hook.entity_name
  ctx.tx(function()
    local mine, system = ctx.db[entity], ctx.db:as_system()
    if system.inbound_message:get(id).state == "done" then return end
    local found = match and fields[match] ~= nil and
      mine:find { where = { [match] = fields[match] }, limit = 1 }[1]
    local record = found and assert(mine:update(found.id, fields)) or assert(mine:insert(fields))
    assert(system.inbound_message:update(id, {
      state = "done", done_at = ctx.now(), error = crm.null, record_entity = entity,
      record_id = crm.id_text(record.id),
    }))
  end)
end

function inbound.process(job, ctx)
  local db = ctx.db:as_system()
  local message = db.inbound_message:get(crm.id_parse(job.args.message))
  if not message or message.state ~= "waiting" and message.state ~= "failed" then return end
  local hook = db.inbound_hook:get(message.inbound_hook)
  local id, tries = message.id, message.tries
  local owner, name, of = hook.created_by, hook.name, hook.id
  local done, why = pcall(take, ctx, hook, message)
  if done then return end
  local reason = mapping.reason(why)
  ctx.tx(function()
    local system = ctx.db:as_system()
    assert(system.inbound_message:update(id, {
      state = "failed", error = reason, tries = tries + 1,
    }))
    if not owner then return end
    ctx.notify(owner, {
      text = "@notice.inbound", args = { what = name }, body = reason, tone = "warning",
      kind = "inbound", about = system.inbound_hook:get(of), key = "inbound:" .. crm.id_text(of),
    })
  end)
end

function inbound.retry(ev, ctx)
  local db = ctx.db:as_system()
  local hook = db.inbound_hook:get(ev.record.inbound_hook)
  assert(db.inbound_message:update(ev.record.id, { state = "waiting" }))
  inbound.wake(ctx, ev.record.id, hook.id, hook.acts_as)
  return { state = "waiting" }
end

function inbound.skip(ev, ctx)
  assert(ctx.db:as_system().inbound_message:update(ev.record.id, { state = "skipped" }))
  return { state = "skipped" }
end

-- Messages whose job was lost wait no longer than this.
function inbound.sweep(ctx, db)
  local late = ctx.now():add { minutes = -2 }
  local found = db.inbound_message:find {
    where = { state = "waiting", updated_at = { lt = late } }, limit = 50,
  }
  for _, message in ipairs(found) do
    local hook = db.inbound_hook:get(message.inbound_hook)
    if hook then inbound.wake(ctx, message.id, hook.id, hook.acts_as) end
  end
end

return inbound
