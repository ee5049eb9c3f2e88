-- deliver - sends what waits for one target: in order per record, again when it fails, and never in
-- the way of others.
-- SPDX-License-Identifier: MIT
local webhooks = require("webhooks")

local deliver = {}

-- Seconds to the next try; together about three days.
deliver.delays = { 10, 60, 300, 1800, 7200, 21600, 43200, 86400, 86400 }
local LOOK = 20 -- deliveries read at once: each may hold 60 KB
local PAGES = 10
local HEAD = 500 -- bytes of an answer that are kept
local TIMEOUT = 8000
local HOLD_MAX = 3600 -- a target that fails is left alone for at most this long
local TOLD_EVERY = 60000

-- A target that could not be reached, is busy or is broken may do better later; others refuse.
local function may_pass(status, name)
  if not status then return name ~= "FORBIDDEN" and name ~= "NOT_SUPPORTED" end
  return status == 408 or status == 425 or status == 429 or status >= 500
end

local function signature(hook, stamp, body, ctx)
  local parts = {}
  for i, secret in ipairs(webhooks.secrets(hook, ctx)) do
    parts[i] = "sha256=" .. crm.hmac_sha256(secret, stamp .. "." .. body)
  end
  return table.concat(parts, ", ")
end

-- Ends this step; the next begins with the answer. Meanwhile others of the company are told.
local function send(job, hook, delivery, ctx)
  local stamp = tostring(ctx.now():ms() // 1000)
  job:await {
    method = "POST", url = hook.url, body = delivery.payload, timeout = TIMEOUT,
    keep = crm.id_text(delivery.id),
    headers = {
      ["Content-Type"] = "application/json",
      ["X-Perigee-Event"] = delivery.event,
      ["X-Perigee-Delivery"] = crm.id_text(delivery.id),
      ["X-Perigee-Attempt"] = tostring(delivery.tries + 1),
      ["X-Perigee-Timestamp"] = stamp,
      ["X-Perigee-Signature"] = signature(hook, stamp, delivery.payload, ctx),
    },
  }
end

-- The first bytes of an answer, as text.
local function head_of(body)
  local head = body and body:sub(1, HEAD) or ""
  head = head:gsub("[%z\1-\8\11\12\14-\31\127]", "?")
  while #head > 0 and not utf8.len(head) do head = head:sub(1, -2) end
  return head ~= "" and head or nil
end

-- Seconds that the other side asks to be left alone for; 0: it does not say.
local function asked_wait(answer)
  local asked = answer and tonumber(answer.headers["retry-after"] or "")
  return asked and asked > 0 and math.min(math.ceil(asked), 86400) or 0
end

local function wait_of(answer, tries)
  local wait = deliver.delays[tries]
  return wait and math.max(wait, asked_wait(answer))
end

-- What came of a try, as one transaction. `outcome`: sent, again or dead.
local function settle(ctx, hook, delivery, answer, why, outcome, wait)
  local now, tries = ctx.now(), delivery.tries + 1
  local id, hook_id, failures = delivery.id, hook.id, hook.failures
  local status = answer and answer.status or crm.null
  local error = outcome ~= "sent" and (why or "HTTP " .. answer.status) or crm.null
  local fields = { tries = tries, status = status, error = error, next_at = crm.null }
  local target
  if outcome == "sent" then
    fields.state, fields.sent_at = "sent", now
    local told = hook.last_ok_at and hook.last_ok_at:ms() or 0
    if failures > 0 or now:ms() - told > TOLD_EVERY then
      target = { last_ok_at = now, failures = 0, first_failed_at = crm.null, retry_at = crm.null,
        last_error = crm.null }
    end
  elseif outcome == "dead" then
    fields.state = "dead"
    target = { last_error = error }
  else
    fields.next_at = now:add { seconds = wait }
    -- Who asks to wait means every call, not that of this record alone.
    local hold = math.min(deliver.delays[math.min(failures + 1, #deliver.delays)], wait)
    hold = math.min(math.max(hold, asked_wait(answer)), HOLD_MAX)
    target = { failures = failures + 1, last_error = error,
      retry_at = now:add { seconds = hold } }
    if failures == 0 then target.first_failed_at = now end
  end
  ctx.tx(function()
    local db = ctx.db:as_system()
    assert(db.delivery:update(id, fields))
    assert(db.delivery_try:insert {
      delivery = id, attempt = tries, at = now, status = status, error = error,
      answer = head_of(answer and answer.body), duration_ms = answer and answer.ms,
      label = outcome .. " " .. tries,
    })
    if target then assert(db.webhook:update(hook_id, target)) end
    if outcome == "dead" then
      ctx.emit("webhook.dead", { webhook = hook_id, delivery = id, reason = error })
    end
  end)
end

-- A target that has failed so often and for so long is asked no more until somebody looks at it.
local function pause_if_hopeless(ctx, id)
  local db = ctx.db:as_system()
  local hook = db.webhook:get(id)
  local since = hook.first_failed_at
  local hours = ctx.config.pause_after_hours * 3600000
  if hook.failures < ctx.config.pause_after or not since or
    ctx.now():ms() - since:ms() < hours then
    return
  end
  local why = hook.last_error or "-"
  local owner = hook.created_by and db.user:get(hook.created_by)
  local email, name = owner and owner.email, hook.name
  ctx.tx(function()
    assert(ctx.db:as_system().webhook:update(id, { state = "paused", paused_why = why }))
    ctx.emit("webhook.paused", { webhook = id, reason = why })
    if email then
      ctx.mail { to = email, key = "paused:" .. crm.id_text(id),
        subject = ctx.t("@mail.paused", { name = name }),
        text = ctx.t("@mail.paused_text", { name = name, why = why }) }
    end
  end)
end

-- What came of the try before this step. True: the next may follow.
local function take(ctx, hook, answer)
  local delivery = ctx.db:as_system().delivery:get(crm.id_parse(answer.kept))
  if not delivery or delivery.state ~= "waiting" then return true end
  local status = answer.status
  local came = status and answer or nil
  if status and status >= 200 and status < 300 then
    settle(ctx, hook, delivery, came, nil, "sent")
    return true
  end
  local wait = may_pass(status, answer.name) and wait_of(came, delivery.tries + 1)
  settle(ctx, hook, delivery, came, answer.error, wait and "again" or "dead", wait)
  if wait then pause_if_hopeless(ctx, hook.id) end
  return not wait
end

-- The first that is due and behind nothing of its record that is not.
local function next_due(db, id, now)
  local blocked, behind = {}, nil
  for _ = 1, PAGES do
    local where = { webhook = id, state = "waiting" }
    if behind then where.seq = { gt = behind } end
    local waiting = db.delivery:find { where = where, order = "seq", limit = LOOK }
    for _, delivery in ipairs(waiting) do
      local about = delivery.entity_name .. delivery.record_id
      if not blocked[about] and (not delivery.next_at or delivery.next_at:ms() <= now) then
        return delivery
      end
      blocked[about] = true
    end
    if #waiting < LOOK then return nil end
    behind = waiting[#waiting].seq
  end
end

function deliver.run(job, ctx)
  local db, id = ctx.db:as_system(), crm.id_parse(job.args.webhook or "")
  local hook = id and db.webhook:get(id)
  if not hook then return end
  if job.answer and not take(ctx, hook, job.answer) then return end
  hook = db.webhook:get(id)
  local now = ctx.now():ms()
  if not hook or hook.state ~= "active" then return end
  if hook.retry_at and hook.retry_at:ms() > now then return end
  local delivery = next_due(db, id, now)
  if delivery then send(job, hook, delivery, ctx) end
end

return deliver
