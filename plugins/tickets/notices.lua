-- notices - what agents, and those they report to, are told of tickets.
-- SPDX-License-Identifier: MIT
local people = require("people.notices")

local notices = {}

local BAD_SCORE = 2 -- or worse: the manager hears of it

local function of(ev, ctx)
  return { entity = "ticket", record = ctx.db:as_system().ticket:get(ev.payload.ticket) }
end

local function tell_owner(ev, ctx, text, tone)
  if ev.source == "import" then return end
  local ticket = of(ev, ctx)
  people.tell(ctx, ticket.record.owner, ticket, text, tone)
end

local function tell_manager(ev, ctx, text, tone)
  local ticket = of(ev, ctx)
  local owner = ticket.record.owner and ctx.db:as_system().user:get(ticket.record.owner)
  people.tell(ctx, owner and owner.manager, ticket, text, tone)
end

function notices.replied(ev, ctx) tell_owner(ev, ctx, "@notice.replied") end

function notices.reopened(ev, ctx) tell_owner(ev, ctx, "@notice.reopened", "warning") end

function notices.warned(ev, ctx) tell_owner(ev, ctx, "@notice.sla_warned", "warning") end

function notices.breached(ev, ctx)
  if ev.source == "import" then return end
  tell_owner(ev, ctx, "@notice.sla_breached", "danger")
  tell_manager(ev, ctx, "@notice.sla_breached", "danger")
end

function notices.escalated(ev, ctx) tell_manager(ev, ctx, "@notice.escalated", "warning") end

function notices.rated(ev, ctx)
  if ev.payload.score > BAD_SCORE then return end
  tell_owner(ev, ctx, "@notice.rated_badly", "warning")
  tell_manager(ev, ctx, "@notice.rated_badly", "warning")
end

return notices
