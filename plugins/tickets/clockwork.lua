-- clockwork - what happens to tickets because time passes.
-- SPDX-License-Identifier: MIT
local sla = require("sla")

local clockwork = {}

-- Deadlines that are near or missed are noted on the clock and shown on the ticket.
function clockwork.watch(job, ctx)
  local now = ctx.now()
  job:each({
    entity = "ticket_clock", as_system = true, batch = 50,
    where = {
      state = "running",
      ["or"] = {
        { breached = false, due_at = { lt = now } }, { warned = false, warn_at = { lte = now } },
      },
    },
  }, function(clock)
    if not clock.warned and clock.warn_at and clock.warn_at <= now then
      assert(ctx.db:as_system().ticket_clock:update(clock.id, { warned = true }))
    end
    sla.refresh(ctx, clock.ticket)
  end)
end

-- Another calendar: every clock that still runs by it gets the deadline it has now.
function clockwork.recalculate(job, ctx)
  job:each({
    entity = "ticket_clock", as_system = true, batch = 50,
    where = { calendar = job.args.calendar, state = { "running", "paused" } },
  }, function(clock) sla.refresh(ctx, clock.ticket) end)
end

-- What was put aside until a certain time comes back.
function clockwork.wake(job, ctx)
  job:each({
    entity = "ticket", as_system = true, batch = 50,
    where = { status = "on_hold", hold_until = { lte = ctx.now() } },
  }, function(ticket)
    assert(ctx.db:as_system().ticket:update(ticket.id, { status = "open" }))
  end)
end

-- Resolved for long and nobody objected: closed.
function clockwork.close(job, ctx)
  local before = ctx.now():add { days = -ctx.config.close_after_days }
  job:each({
    entity = "ticket", as_system = true, batch = 50,
    where = { status = "resolved", resolved_at = { lt = before } },
  }, function(ticket)
    assert(ctx.db:as_system().ticket:update(ticket.id, { status = "closed" }))
  end)
end

return clockwork
