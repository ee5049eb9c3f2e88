-- merging - several tickets about one thing become one, or one becomes two; both can be undone.
-- SPDX-License-Identifier: MIT
local states = require("states")

local merging = {}

local MESSAGES_MAX = 150 -- moved at once: they have to fit one unit of work

local function other(ev, db, name)
  local id = type(ev.params[name]) == "string" and crm.id_parse(ev.params[name])
  return id and id ~= ev.record.id and db.ticket:get(id) or nil
end

-- POST …/ticket/{id}/actions/merge { into }: messages move and remember where they came from.
function merging.merge(ev, ctx)
  local ticket, db = ev.record, ctx.db:as_system()
  local into = other(ev, db, "into")
  if not into or into.merged_into or states.of(into.status) == "closed" then
    return ev:fail("into", "@merge_target")
  end
  if ticket.merged_into then return ev:fail("status", "@ticket_merged") end
  if states.of(ticket.status) == "closed" then return ev:fail("status", "@not_open") end
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
  local before = ticket.status
  assert(db.ticket:update(ticket.id, {
    status = "merged", merged_into = into.id, status_before_merge = before,
  }))
  ctx.emit("ticket.merged", { ticket = ticket.id, into = into.id })
  return { into = crm.id_text(into.id), number = into.number }
end

local DEPTH_MAX = 8 -- merges of merges whose messages are followed

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
  local last = ticket
  while last.merged_into do last = db.ticket:get(last.merged_into) end
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
  local done = assert(db.ticket:update(ticket.id, { status = "open", merged_into = crm.null }))
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
    moving[i] = message.id
  end
  if #moving == 0 then return ev:fail("messages", "@split_messages") end
  local new = assert(db.ticket:insert {
    subject = ev.params.subject, channel = ticket.channel, type = ticket.type,
    priority = ticket.priority, account = ticket.account, contact = ticket.contact,
    requester_name = ticket.requester_name, requester_email = ticket.requester_email,
    requester_phone = ticket.requester_phone, owner = ticket.owner, team = ticket.team,
    split_from = ticket.id,
  })
  for _, id in ipairs(moving) do
    assert(db.ticket_message:update(id, { ticket = new.id, came_from = ticket.id }))
  end
  ctx.emit("ticket.split", { ticket = ticket.id, new = new.id })
  return { ticket = crm.id_text(new.id), number = new.number }
end

return merging
