-- letters - what customers are written by mail, where the company wants it.
-- SPDX-License-Identifier: MIT
local letters = {}

local AUTO_MAX = 5 -- automatic answers to one sender
local AUTO_SECONDS = 7200 -- in so long: two programs that answer each other fall silent

local function link_of(ctx, ticket)
  local base = ctx.config.portal_url
  return base and base ~= "" and base:gsub("/+$", "") .. "/?token=" .. ticket.rate_token or nil
end

-- Posts one to whoever asks, unless letters are off or nobody can be written to: its id, or nil.
function letters.send(ctx, ticket, template, more)
  if not ctx.config.letters or not ticket.requester_email then return nil end
  local data = {
    number = ticket.number, subject = ticket.subject, link = link_of(ctx, ticket) or false,
  }
  for name, value in pairs(more or {}) do data[name] = value end
  return ctx.mail {
    to = ticket.requester_email, template = template, data = data, lang = ctx.tenant.locale,
  }
end

-- Whether and what to answer at once: a company may put its own answer around it.
function letters.choose(argument)
  if argument.auto_submitted then return {} end
  return { template = "received" }
end

-- The automatic answer to a new request. Never to what was sent by a program, and not without end.
function letters.auto_reply(ctx, ticket, auto_submitted)
  if auto_submitted or not ctx.config.letters or not ticket.requester_email then return false end
  local chosen = ctx.call("ticket.auto_reply", {
    ticket = ticket.id, channel = ticket.channel, type = ticket.type,
    email = ticket.requester_email, auto_submitted = auto_submitted,
  })
  if not chosen.template then return false end
  local key = "auto:" .. crm.sha256(ticket.requester_email:lower())
  if ctx.kv:incr(key, 1, { ttl = AUTO_SECONDS }) > AUTO_MAX then return false end
  return letters.send(ctx, ticket, chosen.template) ~= nil
end

return letters
