-- webhooks - who is told of what: the settings of a target, and what people do with it.
-- SPDX-License-Identifier: MIT
local webhooks = {}

local WEBHOOKS_MAX = 50
local REPLAY_MAX = 200
local SECRET_MIN = 16

-- The entity of that name; nil where there is none.
function webhooks.entity(name)
  local found, declared = pcall(crm.entity, name)
  return found and declared or nil
end

-- https, or http where the company has allowed it.
function webhooks.url_fits(url, ctx)
  if url:find("^https://[^/?#@]+") then return true end
  return ctx.config.allow_http and url:find("^http://[^/?#@]+") ~= nil
end

-- Complains of an address that cannot be called; one inside the network when it is written only.
function webhooks.check_url(ev, ctx, field)
  local url = ev.record[field]
  if not url then return end
  if not webhooks.url_fits(url, ctx) then
    ev:fail(field, ctx.config.allow_http and "@bad_url" or "@https_only")
  elseif not (ev.old and not ev:changed(field)) and not ctx.http.may(url) then
    ev:fail(field, "@inside")
  end
end

function webhooks.prepare(ev, ctx)
  local found = ctx.db:as_system().webhook:count {}
  if found >= WEBHOOKS_MAX then ev:abort("@too_many_webhooks", { max = WEBHOOKS_MAX }) end
end

local function check_what(ev, hook)
  local entities = hook.entities or {}
  for _, name in ipairs(entities) do
    if name ~= "*" and not webhooks.entity(name) then
      return ev:fail("entities", "@no_entity", { name = name })
    end
  end
  local one = #entities == 1 and entities[1] ~= "*" and entities[1]
  if hook.match and not one then return ev:fail("match", "@match_one_entity") end
  if not hook.match then return end
  local fits, why = crm.filter_check(one, hook.match)
  if not fits then ev:fail("match", "@bad_filter", { why = why }) end
end

function webhooks.check(ev, ctx)
  local hook = ev.record
  webhooks.check_url(ev, ctx, "url")
  if hook.skip_own and not hook.acts_as then ev:fail("acts_as", "@skip_whose") end
  check_what(ev, hook)
end

local function change(ev, ctx, fields)
  local db = ctx.db:as_system()
  local hook = assert(db.webhook:update(ev.record.id, fields))
  if hook.state == "active" then webhooks.wake(ctx, hook.id) end
  return { state = hook.state, version = hook.version }
end

-- Lets what waits for that target be sent.
function webhooks.wake(ctx, id)
  local text = crm.id_text(id)
  ctx.queue:push("deliver", { webhook = text }, { key = text, part = text, again = true })
end

function webhooks.pause(ev, ctx) return change(ev, ctx, { state = "paused" }) end

function webhooks.resume(ev, ctx)
  return change(ev, ctx, {
    state = "active", failures = 0, first_failed_at = crm.null, retry_at = crm.null,
    paused_why = crm.null,
  })
end

-- POST …/webhook/{id}/actions/rotate { secret, hours }: signs with both for so many hours.
function webhooks.rotate(ev, ctx)
  local secret, hours = ev.params.secret, ev.params.hours or 24
  if type(secret) ~= "string" or #secret < SECRET_MIN then
    return ev:fail("secret", "@short_secret", { min = SECRET_MIN })
  end
  if math.type(hours) ~= "integer" or hours < 0 or hours > 720 then
    return ev:fail("hours", "@bad_hours")
  end
  local other = not ev.record.uses_other
  return change(ev, ctx, {
    [other and "secret_other" or "secret"] = secret,
    uses_other = other,
    previous_until = ctx.now():add { hours = hours },
  })
end

-- The handles to sign with: the present secret first, then the previous one while it is good.
function webhooks.secrets(hook, ctx)
  local new = crm.secret(hook, hook.uses_other and "secret_other" or "secret")
  local old = crm.secret(hook, hook.uses_other and "secret" or "secret_other")
  local list = { new }
  if old and hook.previous_until and hook.previous_until:ms() > ctx.now():ms() then
    list[2] = old
  end
  return list
end

-- POST …/webhook/{id}/actions/ping: one delivery that tells of nothing.
function webhooks.ping(ev, ctx)
  local db, now = ctx.db:as_system(), ctx.now()
  local record = crm.id_text(ev.record.id)
  local row = assert(db.delivery:insert {
    webhook = ev.record.id, seq = -now:ms(), event = "webhook.ping", label = "webhook.ping",
    entity_name = "webhook", record_id = record,
    payload = crm.json_encode { event = "webhook.ping", at = tostring(now), id = record },
  })
  webhooks.wake(ctx, ev.record.id)
  return { delivery = crm.id_text(row.id) }
end

-- Sends it again, as if it had never been tried. Its place among those of its record stays.
local function again(db, delivery)
  assert(db.delivery:update(delivery.id, {
    state = "waiting", tries = 0, next_at = crm.null, error = crm.null,
    replays = delivery.replays + 1,
  }))
end

function webhooks.replay_one(ev, ctx)
  again(ctx.db:as_system(), ev.record)
  webhooks.wake(ctx, ev.record.webhook)
  return { state = "waiting" }
end

-- POST …/webhook/{id}/actions/replay { from_seq, to_seq, state }: at most 200 at once; `next` is
-- where to go on. Without a state: dead letters.
function webhooks.replay(ev, ctx)
  local db, params = ctx.db:as_system(), ev.params
  local seq = { gte = params.from_seq or 0 }
  if params.to_seq then seq.lte = params.to_seq end
  for _, name in ipairs { "from_seq", "to_seq" } do
    if params[name] and math.type(params[name]) ~= "integer" then
      return ev:fail(name, "@whole_number")
    end
  end
  if params.state and params.state ~= "dead" and params.state ~= "sent" then
    return ev:fail("state", "@replay_state")
  end
  local found = db.delivery:find {
    where = { webhook = ev.record.id, state = params.state or "dead", seq = seq },
    order = "seq", limit = REPLAY_MAX,
  }
  for _, delivery in ipairs(found) do again(db, delivery) end
  if #found > 0 then webhooks.wake(ctx, ev.record.id) end
  return { count = #found, next = #found == REPLAY_MAX and found[#found].seq + 1 or nil }
end

return webhooks
