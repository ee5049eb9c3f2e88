-- checks - what holds for every ticket at every commit: `perigee check` asks it.
-- SPDX-License-Identifier: MIT
local sla = require("sla")
local states = require("states")

local checks = {}

-- A clock says what recounting it from its pauses and calendar says.
function checks.clock(row, ctx)
  local now = sla.recount(ctx.db:as_system(), row, ctx.now())
  local function differ(what, is, should)
    if is ~= should then
      return string.format("%s is %s, not %s", what, tostring(is), tostring(should))
    end
  end
  local wrong = differ("due_at", row.due_at, now.due)
    or differ("paused_ms", row.paused_ms or 0, now.paused_ms)
    or differ("state", row.state, now.state)
  if wrong then return wrong end
  if row.breached and not now.breached then return "breached, but in time" end
end

-- Pauses are in order and apart; one is open while others are waited for, and only then.
function checks.pauses(ticket, ctx)
  local last, open = nil, 0
  for _, pause in ipairs(ctx.db:as_system().ticket_pause:find {
    where = { ticket = ticket.id }, order = "from_at,id", limit = 200,
  }) do
    if pause.to_at and pause.to_at < pause.from_at then return "a pause ends before it begins" end
    if last and (not last.to_at or pause.from_at < last.to_at) then return "pauses overlap" end
    if not pause.to_at then open = open + 1 end
    last = pause
  end
  local is_paused = states.of(ticket.status) == "paused"
  if open > 0 and not is_paused then return "a pause goes on, but nobody is waited for" end
  if is_paused and open == 0 and ctx.db:as_system().ticket_clock:count {
    where = { ticket = ticket.id, kind = "resolution", state = { "running", "paused" } },
  } > 0 then
    return "waiting without a pause"
  end
end

-- Of each kind at most one clock runs, and none of a ticket that is over.
function checks.running(ticket, ctx)
  local seen = {}
  for _, row in ipairs(ctx.db:as_system().ticket_clock:find {
    where = { ticket = ticket.id }, limit = 200,
  }) do
    if not row.met_at and not row.stopped_at then
      if seen[row.kind] then return "two clocks run for " .. row.kind end
      if not states.is_live(ticket.status) then
        return row.kind .. " runs, but the ticket is " .. ticket.status
      end
      seen[row.kind] = true
    end
  end
end

-- A ticket shows its earliest unmet deadline.
function checks.due(ticket, ctx)
  local due, has_clocks = sla.shown(ctx.db:as_system(), ticket.id, ctx.now())
  if has_clocks and ticket.due_at ~= due then
    return string.format("due_at is %s, not %s", tostring(ticket.due_at), tostring(due))
  end
end

-- The next answer is owed while the last word is the customer's, and only then.
function checks.owed(row, ctx)
  local ticket = ctx.db:as_system().ticket:get(row.ticket)
  local theirs, ours = ticket.last_customer_message_at, ticket.last_agent_message_at
  if not theirs or ours and theirs < ours then return "it runs, but the last word is ours" end
end

-- A merge chain ends in one ticket that is not merged.
function checks.merged(ticket, ctx)
  local db, at = ctx.db:as_system(), ticket
  if (ticket.status == "merged") ~= (ticket.merged_into ~= nil) then
    return "merged, and into nothing"
  end
  for _ = 1, 64 do
    if not at.merged_into then return nil end
    at = db.ticket:get(at.merged_into)
    if not at then return "merged into a ticket that is not there" end
  end
  return "its merges have no end"
end

-- Messages lie on the ticket that is left.
function checks.message(message, ctx)
  local ticket = ctx.db:as_system().ticket:get(message.ticket)
  if ticket and ticket.merged_into then return "it lies on a merged ticket" end
end

return checks
