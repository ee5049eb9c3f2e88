-- clockwork - what happens to tickets because time passes.
-- SPDX-License-Identifier: MIT
local calendars = require("calendars")
local letters = require("letters")
local sla = require("sla")
local states = require("states")
local steps = require("steps")

local clockwork = {}

-- Told in working hours only: what comes due while nobody works waits until somebody does.
local function remind(ctx, clock, now)
  local db = ctx.db:as_system()
  if not calendars.get(db, clock.calendar):is_open(now) then return end
  if not clock.warned and clock.warn_at and clock.warn_at <= now then
    assert(db.ticket_clock:update(clock.id, { warned = true }))
    ctx.emit("ticket.sla_warned", {
      ticket = clock.ticket, clock = clock.kind, due_at = clock.due_at,
    })
  end
  if clock.step_at and clock.step_at <= now then
    local step = steps.next(db, clock.policy, clock.kind, clock.steps_done or 0)
    if step then steps.run(ctx, clock, step) end
  end
end

-- Deadlines that are near or missed are noted on the clock and shown on the ticket; steps of the
-- policy are taken.
function clockwork.watch(job, ctx)
  local now = ctx.now()
  job:each({
    entity = "ticket_clock", as_system = true, batch = 50,
    where = {
      state = "running",
      ["or"] = {
        { breached = false, due_at = { lt = now } }, { warned = false, warn_at = { lte = now } },
        { step_at = { lte = now } },
      },
    },
  }, function(clock)
    remind(ctx, clock, now)
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

-- What waits until a certain time comes back, or goes on as it says; where that is refused (a form
-- wants more before it is solved) somebody has to look at it.
function clockwork.wake(job, ctx)
  local tickets = ctx.db:as_system().ticket
  job:each({
    entity = "ticket", as_system = true, batch = 50,
    where = { status = states.PAUSED, hold_until = { lte = ctx.now() } },
  }, function(ticket)
    local to = ticket.next_status or "open"
    local fields = { status = to, hold_until = crm.null, next_status = crm.null }
    if not tickets:update(ticket.id, fields) then
      fields.status = "open"
      assert(tickets:update(ticket.id, fields))
    end
  end)
end

local function each_resolved(job, where, fn)
  where.status = "resolved"
  job:each({ entity = "ticket", as_system = true, batch = 50, where = where }, fn)
end

-- Resolved for long and nobody objected: warned of, and closed some days after that.
function clockwork.close(job, ctx)
  local db, now, config = ctx.db:as_system(), ctx.now(), ctx.config
  local warn = math.min(config.close_warn_days, config.close_after_days)
  local warned_before, closed_before =
    now:add { days = warn - config.close_after_days }, now:add { days = -warn }
  each_resolved(job, { close_warned_at = { lte = closed_before } }, function(ticket)
    assert(db.ticket:update(ticket.id, { status = "closed" }))
  end)
  each_resolved(job, {
    close_warned_at = { null = true }, resolved_at = { lte = warned_before },
  }, function(ticket)
    assert(db.ticket:update(ticket.id, { close_warned_at = now }))
    assert(db.ticket_message:insert {
      ticket = ticket.id, direction = "system", public = true,
      body = ctx.t("@closing_soon", { days = warn }),
    })
    letters.send(ctx, ticket, "closing", { days = warn })
  end)
end

return clockwork
