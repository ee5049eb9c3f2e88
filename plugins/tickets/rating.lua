-- rating - the customer says how it was, through a link that only they have.
-- SPDX-License-Identifier: MIT
local states = require("states")

local rating = {}

local TEXT_MAX = 1000

local function store(ctx, ticket, score, text)
  assert(ctx.db:as_system().ticket:update(ticket.id, {
    score = score, score_text = text or crm.null, rated_at = ticket.rated_at or ctx.now(),
  }))
  ctx.emit("ticket.rated", { ticket = ticket.id, score = score })
end

local function is_score(score)
  return math.type(score) == "integer" and score >= 1 and score <= 5
end

local function is_text(text)
  return text == nil or type(text) == "string" and (utf8.len(text) or TEXT_MAX + 1) <= TEXT_MAX
end

-- The ticket of a link, or nil.
function rating.find(ctx, token)
  if not token:match("^%x+$") or #token ~= 32 then return nil end
  return ctx.db:as_system().ticket:find { where = { rate_token = token }, limit = 1 }[1]
end

-- Why it cannot be rated now, or nil. One answer, which may be changed for some days.
function rating.obstacle(ctx, ticket)
  local kind = states.of(ticket.status)
  local over = ticket.status == "resolved" or ticket.status == "closed"
  if kind ~= "resolved" and not over then return "@rating_early" end
  local from, days = ticket.rated_at, ctx.config.rate_days
  if not from then
    from, days = ticket.resolved_at or ticket.closed_at, ctx.config.rate_within_days
  end
  if from and from:add { days = days } < ctx.now() then return "@rating_over" end
end

-- POST …/ticket/{id}/actions/rate { score, text }: taken down by an agent, on the phone.
function rating.rate(ev, ctx)
  if not is_score(ev.params.score) then return ev:fail("score", "@score_range") end
  if not is_text(ev.params.text) then return ev:fail("text", "@score_range") end
  store(ctx, ev.record, ev.params.score, ev.params.text)
  return { score = ev.params.score }
end

-- POST /x/tickets/rate { token, score, text }
function rating.by_link(req, ctx)
  local body = req.body
  if not is_score(body.score) then return req:fail("score", "@score_range") end
  if not is_text(body.text) then return req:fail("text", "@score_range") end
  local ticket = rating.find(ctx, body.token)
  if not ticket then return req:fail("token", "@rating_unknown") end
  local why = rating.obstacle(ctx, ticket)
  if why then return req:fail("token", why) end
  ctx.tx(function() store(ctx, ticket, body.score, body.text) end)
  return { score = body.score }
end

return rating
