-- portal - what customers do without an account: ask, see how far it is, answer, find articles.
--
-- Whoever has the token of a request sees what they wrote and what they were answered, never a
-- note. A program that fills in the hidden field is answered as everybody is, and nothing is kept.
-- SPDX-License-Identifier: MIT
local articles = require("articles")
local forms = require("forms")
local letters = require("letters")
local merging = require("merging")
local rating = require("rating")
local refusals = require("refusals")
local states = require("states")

local portal = {}

local function text(value, most)
  if value == nil then return nil end
  value = value:match("^%s*(.-)%s*$")
  if value == "" or utf8.len(value) == nil then return nil end
  return utf8.len(value) > most and value:sub(1, utf8.offset(value, most + 1) - 1) or value
end

portal.request_options = {
  auth = "public", rate = "20/m", summary = "A request from the customer portal",
  body = {
    name = "text", email = "text!", subject = "text!", body = "text!", product = "text",
    serial = "text", type = "text", website = "text", fields = "json",
  },
}

local TYPES = {
  question = true, incident = true, complaint = true, request = true, refund = true, other = true,
}

-- What a request says about itself: product, serial and type as ever, and what the form of its type
-- asks, in `fields`. Nil after a refusal.
local function asked(req, ctx)
  local body = req.body
  local type_, given = TYPES[body.type] and body.type or nil, body.fields
  if given ~= nil and (type(given) ~= "table" and type(given) ~= "userdata") then
    return req:fail("fields", "@form_value")
  end
  local all = { product = text(body.product, 100), serial = text(body.serial, 60) }
  for name, value in pairs(given or {}) do all[name] = value end
  local fields = forms.taken(req, ctx, type_ or "question", all)
  if not fields then return nil end
  fields.product, fields.serial, fields.type = all.product, all.serial, type_
  return fields
end

-- POST /x/tickets/requests; `website` is the field that people do not see.
function portal.request(req, ctx)
  local body = req.body
  local subject, words = text(body.subject, 200), text(body.body, 20000)
  if not subject then req:fail("subject", "@text_required") end
  if not words then req:fail("body", "@text_required") end
  if not (text(body.email, 200) or ""):match("^[^%s@]+@[^%s@]+%.[^%s@]+$") then
    return req:fail("email", text(body.email, 200) and "@core:bad_email" or "@text_required")
  end
  if not subject or not words then return end
  if text(body.website, 10) then return { taken = true, token = crm.token() }, 201 end
  local fields = asked(req, ctx)
  if not fields then return end
  fields.subject, fields.body, fields.channel = subject, words, "portal"
  fields.requester_name, fields.requester_email = text(body.name, 60), text(body.email, 200)
  local token, refused
  ctx.tx(function()
    local ticket, why = ctx.db:as_system().ticket:insert(fields)
    if not ticket then
      refused = why
      return
    end
    letters.auto_reply(ctx, ticket, false)
    ctx.call("form.submit", {
      form = "tickets.portal", entity = "ticket", record = ticket.id, is_new = true,
    })
    token = ticket.rate_token
  end)
  if not token then return refusals.tell(req, refused, "subject") end
  return { taken = true, token = token }, 201
end

-- --- how far it is ---

local LABELS = {
  open = "in_progress", paused = "in_progress", resolved = "solved", closed = "closed",
}

local function label_of(status)
  return status == "waiting_customer" and "waiting_for_you" or LABELS[states.of(status)]
end

-- GET /x/tickets/progress?token=
function portal.progress(req, ctx)
  local own = rating.find(ctx, req.query.token)
  if not own then return req:fail("token", "@rating_unknown") end
  local db, list = ctx.db:as_system(), {}
  local ticket = merging.survivor(db, own)
  -- Of a merged request only what came from it: the rest is somebody else's.
  local where = { ticket = ticket.id, public = true, direction = { "customer", "agent" } }
  if ticket.id ~= own.id then where.came_from = own.id end
  for i, message in ipairs(db.ticket_message:find {
    where = where, order = "sent_at", limit = 100,
  }) do
    list[i] = { from = message.direction, body = message.body, at = tostring(message.sent_at) }
  end
  local word = ticket.own_status and db.ticket_status:get(ticket.own_status)
  return {
    number = own.number, subject = own.subject, state = label_of(ticket.status),
    label = word and word.customer_label,
    received_at = tostring(own.received_at), messages = list, score = own.score,
    can_rate = rating.obstacle(ctx, own) == nil,
  }
end

-- POST /x/tickets/answers { token, body }
function portal.answer(req, ctx)
  local ticket, words = rating.find(ctx, req.body.token), text(req.body.body, 20000)
  if not ticket then return req:fail("token", "@rating_unknown") end
  if not words then return req:fail("body", "@text_required") end
  assert(ctx.db:as_system().ticket_message:insert {
    ticket = ticket.id, direction = "customer", public = true, body = words,
    author_name = ticket.requester_name, author_email = ticket.requester_email,
  })
  return { taken = true }, 201
end

-- GET /x/tickets/articles?q=: what customers may read.
function portal.articles(req, ctx)
  return { items = articles.find(ctx.db:as_system(), req.query.q, nil, "customer") }
end

return portal
