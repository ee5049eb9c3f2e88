-- messages - what customer and agents write to each other, and what follows from it.
-- SPDX-License-Identifier: MIT
local costs = require("costs")
local letters = require("letters")
local merging = require("merging")
local refusals = require("refusals")
local sla = require("sla")
local states = require("states")

local messages = {}

-- A message to a merged ticket lands on the one that is left.
function messages.prepare(ev, ctx)
  local message, db = ev.record, ctx.db:as_system()
  local ticket = message.ticket and db.ticket:get(message.ticket)
  if not ticket then return end
  local target = merging.survivor(db, ticket)
  if target.id ~= ticket.id then
    message.came_from = ticket.id
    message.ticket = target.id
  end
  if message.direction == "agent" and ctx.user and not message.author_name then
    message.author_name = ctx.user.name
  end
  local who = message.author_name or ctx.t("@ticket_message.direction." .. message.direction)
  message.label = who:sub(1, 60)
end

-- A letter that was long under way is older than what has been said since.
local function is_older(message, at) return at ~= nil and message.sent_at < at end
local function later(at, message) return is_older(message, at) and at or message.sent_at end

-- A customer's public message starts the clock of the next answer, unless the first is still owed.
local function from_customer(db, ticket, message)
  local fields = { last_customer_message_at = later(ticket.last_customer_message_at, message) }
  local kind = states.of(ticket.status)
  if kind == "paused" and ticket.status == "waiting_customer" or kind == "resolved"
    or ticket.status == "closed" then
    fields.status = "open"
  end
  assert(db.ticket:update(ticket.id, fields))
  if not states.is_live(fields.status or ticket.status) then return end -- rejected, spam …
  if is_older(message, ticket.last_agent_message_at) then return end -- the last word is ours
  if sla.running(db, ticket.id, "first_response") or sla.running(db, ticket.id, "next_response")
    or not ticket.sla_policy then
    return
  end
  local policy = db.sla_policy:get(ticket.sla_policy)
  local target = policy and sla.target(db, policy.id, ticket.priority)
  if target and target.next_response then
    local first = sla.running(db, ticket.id, "resolution")
    sla.start(db, ticket, "next_response", target.next_response, message.sent_at, policy,
      first and first.calendar)
  end
end

local function from_agent(db, ticket, message)
  local fields = { last_agent_message_at = later(ticket.last_agent_message_at, message) }
  if not ticket.first_response_at then fields.first_response_at = message.sent_at end
  if ticket.status == "new" then fields.status = "open" end
  sla.meet(db, ticket.id, "first_response", message.sent_at)
  if not is_older(message, ticket.last_customer_message_at) then
    sla.meet(db, ticket.id, "next_response", message.sent_at)
  end
  assert(db.ticket:update(ticket.id, fields))
end

-- The letter that made the ticket is no reply.
local function is_opening(db, ticket, message)
  return ticket.channel == "mail" and message.message_id ~= nil
    and db.ticket_message:count { where = { ticket = ticket.id } } == 1
end

function messages.arrived(ev, ctx)
  local message, db = ev.record, ctx.db:as_system()
  if not message.public or message.direction == "system" then return end
  local ticket = db.ticket:get(message.ticket)
  if message.direction == "customer" then
    if not message.auto_submitted then from_customer(db, ticket, message) end
    if is_opening(db, ticket, message) then return sla.refresh(ctx, ticket.id) end
    ctx.emit("ticket.customer_replied", { ticket = ticket.id, message = message.id })
  else
    local is_first = ticket.first_response_at == nil
    from_agent(db, ticket, message)
    if is_first then ctx.emit("ticket.first_response", { ticket = ticket.id }) end
    ctx.emit("ticket.agent_replied", { ticket = ticket.id, message = message.id })
    local letter = not message.message_id
      and letters.send(ctx, ticket, "answer", { body = message.body })
    if letter then
      assert(db.ticket_message:update(message.id, { letter = crm.id_text(letter) }))
    end
  end
  sla.refresh(ctx, ticket.id)
end

local function write(ev, ctx, fields)
  if type(ev.params.body) ~= "string" or ev.params.body == "" then
    return ev:fail("body", "@body_required")
  end
  if ev.record.merged_into then return ev:fail("status", "@ticket_merged") end
  if costs.refuses(ev) then return end
  if ev.params.minutes and states.of(ev.record.status) == "closed" then
    return ev:fail("minutes", "@ticket_closed")
  end
  costs.add(ctx, ev.record.id, ev.params.minutes)
  fields.ticket, fields.body, fields.direction = ev.record.id, ev.params.body, "agent"
  local message = assert(ctx.db:as_system().ticket_message:insert(fields))
  local ticket = ctx.db:as_system().ticket:get(ev.record.id)
  return { message = crm.id_text(message.id), status = ticket.status, version = ticket.version }
end

-- POST …/ticket/{id}/actions/reply { body, minutes, status, hold_until }: to the customer; then, if
-- wanted, wait.
function messages.reply(ev, ctx)
  if not states.is_live(ev.record.status) then return ev:fail("status", "@not_open") end
  local status, late = ev.params.status, nil
  if ev.params.hold_until ~= nil then
    local fits, time = pcall(crm.datetime, ev.params.hold_until)
    if not fits then return ev:fail("hold_until", "@bad_time") end
    late = time
  end
  local answer = write(ev, ctx, { public = true })
  if answer and type(status) == "string" then
    local done, why = ctx.db:as_system().ticket:update(ev.record.id, {
      status = status, hold_until = late,
    })
    if not done then return refusals.tell(ev, why, "status") end
    answer.status, answer.version = done.status, done.version
  end
  return answer
end

-- POST …/ticket/{id}/actions/note { body }: seen by colleagues only.
function messages.note(ev, ctx) return write(ev, ctx, { public = false }) end

return messages
