-- merging - several tickets about one thing become one, or one becomes two; both can be undone.
-- SPDX-License-Identifier: MIT
local states = require("states")

local merging = {}

local MESSAGES_MAX = 150 -- moved at once: they have to fit one unit of work

local function other(ev, db, name)
  local id = type(ev.params[name]) == "string" and crm.id_parse(ev.params[name])
  return id and id ~= ev.record.id and db.ticket:get(id) or nil
end

local PLAIN = {
  "requester_name", "requester_email", "requester_phone", "type", "category", "priority",
  "product", "serial",
}
local REFS = { "account", "contact" }

local function fields_each(fn)
  for _, name in ipairs(PLAIN) do fn(name, false) end
  for _, name in ipairs(REFS) do fn(name, true) end
end

-- A value as it is written down, so that it can be put back.
local function noted(value, is_ref) return value and is_ref and crm.id_text(value) or value end
local function restored(value, is_ref)
  if value == nil or value == crm.null then return crm.null end
  return is_ref and crm.id_parse(value) or value
end

-- The values of `take` that the surviving ticket is to have, and those that it has there now; nil
-- where a name is none that can be chosen.
local function chosen(take, ticket, into)
  local values, after, before, left = {}, {}, {}, {}
  if take ~= nil and type(take) ~= "table" and type(take) ~= "userdata" then return nil end
  for _, name in ipairs(take or {}) do left[name] = true end
  fields_each(function(name, is_ref)
    if left[name] and ticket[name] ~= into[name] then
      values[name] = ticket[name] == nil and crm.null or ticket[name]
      after[name], before[name] = noted(ticket[name], is_ref), noted(into[name], is_ref)
    end
    left[name] = nil
  end)
  if next(left) then return nil end
  return values, { after = after, before = before }
end

-- POST …/ticket/{id}/actions/merge { into, take = [fields] }: messages move and remember where they
-- came from; what is taken replaces what the other ticket has, with the rights of who asks.
function merging.merge(ev, ctx)
  local ticket, db = ev.record, ctx.db:as_system()
  local into = other(ev, db, "into")
  if not into or into.merged_into or states.of(into.status) == "closed" then
    return ev:fail("into", "@merge_target")
  end
  if ticket.merged_into then return ev:fail("status", "@ticket_merged") end
  if states.of(ticket.status) == "closed" then return ev:fail("status", "@not_open") end
  local values, taken = chosen(ev.params.take, ticket, into)
  if not values then return ev:fail("take", "@merge_take") end
  local messages = db.ticket_message:find {
    where = { ticket = ticket.id }, order = "sent_at", limit = MESSAGES_MAX + 1,
  }
  if #messages > MESSAGES_MAX then
    return ev:fail("into", "@merge_many", { max = MESSAGES_MAX })
  end
  for _, message in ipairs(messages) do
    assert(db.ticket_message:update(message.id, {
      ticket = into.id, came_from = message.came_from or ticket.id,
    }))
  end
  if next(values) then assert(ctx.db.ticket:update(into.id, values)) end
  assert(db.ticket:update(ticket.id, {
    status = "merged", merged_into = into.id, status_before_merge = ticket.status,
    merged_values = next(values) and taken or crm.null,
  }))
  ctx.emit("ticket.merged", { ticket = ticket.id, into = into.id })
  return { into = crm.id_text(into.id), number = into.number }
end

-- Puts back what a merge has taken; what was changed since stays as it is, and what is over.
local function give_back(db, ticket)
  local into, taken, values = db.ticket:get(ticket.merged_into), ticket.merged_values, {}
  if not into or not taken or states.of(into.status) == "closed" then return end
  local after, before = taken.after or {}, taken.before or {}
  fields_each(function(name, is_ref)
    local was_taken = after[name] ~= nil or before[name] ~= nil
    if was_taken and noted(into[name], is_ref) == after[name] then
      values[name] = restored(before[name], is_ref)
    end
  end)
  if next(values) then assert(db.ticket:update(into.id, values)) end
end

local DEPTH_MAX = 100 -- merges of merges that are followed; they lead on, never back

-- The ticket that this one has become part of; itself where it is not merged.
function merging.survivor(db, ticket)
  for _ = 1, DEPTH_MAX do
    if not ticket.merged_into then break end
    ticket = db.ticket:get(ticket.merged_into)
  end
  return ticket
end

-- The ticket and all that were merged into it before: what lay on it came from one of them.
local function with_losers(db, id)
  local list, at = { id }, 1
  while list[at] and at <= DEPTH_MAX do
    for _, loser in ipairs(db.ticket:find { where = { merged_into = list[at] }, limit = 20 }) do
      list[#list + 1] = loser.id
    end
    at = at + 1
  end
  return list
end

-- POST …/ticket/{id}/actions/unmerge
function merging.unmerge(ev, ctx)
  local ticket, db = ev.record, ctx.db:as_system()
  if not ticket.merged_into then return ev:fail("status", "@not_merged") end
  local last = merging.survivor(db, ticket)
  local messages = db.ticket_message:find {
    where = { ticket = last.id, came_from = { ["in"] = with_losers(db, ticket.id) } },
    limit = MESSAGES_MAX + 1,
  }
  if #messages > MESSAGES_MAX then
    return ev:fail("status", "@merge_many", { max = MESSAGES_MAX })
  end
  for _, message in ipairs(messages) do
    local own = message.came_from == ticket.id
    assert(db.ticket_message:update(message.id, {
      ticket = ticket.id, came_from = own and crm.null or message.came_from,
    }))
  end
  give_back(db, ticket)
  local done = assert(db.ticket:update(ticket.id, {
    status = "open", merged_into = crm.null, merged_values = crm.null,
  }))
  return { status = done.status }
end

-- POST …/ticket/{id}/actions/split { subject, messages = [ids] }
function merging.split(ev, ctx)
  local ticket, db = ev.record, ctx.db:as_system()
  if type(ev.params.subject) ~= "string" or ev.params.subject == "" then
    return ev:fail("subject", "@subject_required")
  end
  local moving = {}
  for i, text in ipairs(ev.params.messages or {}) do
    local id = type(text) == "string" and crm.id_parse(text)
    local message = id and db.ticket_message:get(id)
    if not message or message.ticket ~= ticket.id then
      return ev:fail("messages", "@split_messages")
    end
    moving[i] = message
  end
  if #moving == 0 then return ev:fail("messages", "@split_messages") end
  local new = assert(db.ticket:insert {
    subject = ev.params.subject, channel = ticket.channel, type = ticket.type,
    priority = ticket.priority, account = ticket.account, contact = ticket.contact,
    requester_name = ticket.requester_name, requester_email = ticket.requester_email,
    requester_phone = ticket.requester_phone, owner = ticket.owner, -- whose team it is then
    split_from = ticket.id,
  })
  for _, message in ipairs(moving) do
    assert(db.ticket_message:update(message.id, {
      ticket = new.id, came_from = message.came_from or ticket.id,
    }))
  end
  ctx.emit("ticket.split", { ticket = ticket.id, new = new.id })
  return { ticket = crm.id_text(new.id), number = new.number }
end

return merging
