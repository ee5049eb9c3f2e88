-- sla - the clocks of a ticket as they are kept.
--
-- Everything ends in refresh: it reads clocks and pauses, judges them and writes what differs. So
-- it may be called whenever something may have moved, and a second call changes nothing.
-- SPDX-License-Identifier: MIT
local calendars = require("calendars")
local clocks = require("clocks")
local states = require("states")
local steps = require("steps")

local sla = {}

local MINUTE_MS = 60000
local FIELDS = { "first_response", "resolution" } -- clocks that begin with the ticket

function sla.target(db, policy_id, priority)
  return policy_id and db.sla_target:find {
    where = { policy = policy_id, priority = priority }, limit = 1,
  }[1]
end

-- --- reading ---

local function pauses_of(db, ticket_id)
  local list = {}
  for i, row in ipairs(db.ticket_pause:find {
    where = { ticket = ticket_id }, order = "from_at", limit = 200,
  }) do
    list[i] = { id = row.id, from = row.from_at, to = row.to_at, status = row.status }
  end
  return list
end

local function plain(row, policy)
  return {
    started_at = row.started_at, target_ms = row.target_minutes * MINUTE_MS, met_at = row.met_at,
    stopped_at = row.stopped_at, warn_percent = policy and policy.warn_percent,
  }
end

-- Only the clock that promises a solution stands still while others are waited for.
local function pauses_for(row, pauses) return row.kind == "resolution" and pauses or {} end

local function clocks_of(db, ticket_id)
  return db.ticket_clock:find { where = { ticket = ticket_id }, order = "id", limit = 200 }
end

-- The running clock of a kind, or nil.
function sla.running(db, ticket_id, kind)
  for _, row in ipairs(clocks_of(db, ticket_id)) do
    if row.kind == kind and not row.met_at and not row.stopped_at then return row end
  end
end

-- --- judging ---

local function same(a, b) return a == b or (a == nil and b == nil) end

local function write_clock(ctx, row, now)
  if same(row.due_at, now.due) and row.state == now.state and row.breached == now.breached
    and row.paused_ms == now.paused_ms and same(row.warn_at, now.warn_at)
    and same(row.step_at, now.step_at) and same(row.worked_minutes, now.worked_minutes) then
    return
  end
  assert(ctx.db:as_system().ticket_clock:update(row.id, {
    due_at = now.due or crm.null, state = now.state, breached = now.breached,
    paused_ms = now.paused_ms, warn_at = now.warn_at or crm.null,
    step_at = now.step_at or crm.null, worked_minutes = now.worked_minutes or crm.null,
  }))
  if now.breached and not row.breached then
    ctx.emit("ticket.sla_breached", {
      ticket = row.ticket, clock = row.kind, due_at = now.due,
    })
  end
end

local ENDED = { met = true, missed = true, stopped = true }

-- What was judged when it ended stays so: other hours since then are for what still runs.
local function as_judged(row)
  return {
    kind = row.kind, due = row.due_at, paused_ms = row.paused_ms, state = row.state,
    breached = row.breached, warn_at = row.warn_at, worked_minutes = row.worked_minutes,
    is_live = false,
  }
end

-- A clock as it has to be: from its start, its target, its pauses and its calendar alone.
local function recount(db, row, pauses, at)
  local calendar, _, changed_at = calendars.get(db, row.calendar)
  local over = ENDED[row.state] and (row.met_at or row.stopped_at)
  if over and changed_at and changed_at >= over then return as_judged(row) end
  local policy = row.policy and db.sla_policy:get(row.policy)
  local now = clocks.judge(plain(row, policy), pauses_for(row, pauses), calendar, at)
  now.kind, now.is_live = row.kind, now.state == "running" or now.state == "paused"
  local ended = row.met_at or row.stopped_at
  if ended then
    now.worked_minutes = (calendar:between(row.started_at, ended) - now.paused_ms) // MINUTE_MS
  elseif now.state == "running" then
    local step = steps.next(db, row.policy, row.kind, row.steps_done or 0)
    now.step_at = step and calendar:add(row.started_at, {
      ms = row.target_minutes * MINUTE_MS * step.percent // 100 + now.paused_ms,
    })
  end
  return now
end

function sla.recount(db, row, at) return recount(db, row, pauses_of(db, row.ticket), at) end

-- The ticket shows its earliest unmet deadline; the next answer cannot come before the first.
local function summary(judged, at)
  local first_open, due, state = false, nil, "ok"
  for _, one in ipairs(judged) do
    first_open = first_open or one.kind == "first_response" and one.is_live
  end
  for _, one in ipairs(judged) do
    if one.breached then state = "breached" end
    local counts = one.is_live and not (first_open and one.kind == "next_response")
    if counts and one.due and (not due or one.due < due) then due = one.due end
    if one.is_live and state == "ok" then
      if one.warn_at and one.warn_at <= at then state = "warned" end
      if one.state == "paused" then state = "paused" end
    end
  end
  return due, state
end

-- The deadline that a ticket has to show, and whether it has any clock.
function sla.shown(db, ticket_id, at)
  local pauses, judged = pauses_of(db, ticket_id), {}
  for i, row in ipairs(clocks_of(db, ticket_id)) do judged[i] = recount(db, row, pauses, at) end
  return summary(judged, at), #judged > 0
end

function sla.refresh(ctx, ticket_id, given)
  local db, at = ctx.db:as_system(), ctx.now()
  local pauses, judged = pauses_of(db, ticket_id), {}
  for i, row in ipairs(clocks_of(db, ticket_id)) do
    judged[i] = recount(db, row, pauses, at)
    write_clock(ctx, row, judged[i])
  end
  local due, state = summary(judged, at)
  local ticket = given or db.ticket:get(ticket_id)
  if #judged > 0 and (not same(ticket.due_at, due) or ticket.sla_state ~= state) then
    assert(db.ticket:update(ticket_id, { due_at = due or crm.null, sla_state = state }))
  end
end

-- --- starting and stopping ---

function sla.start(db, ticket, kind, minutes, started_at, policy, calendar_id)
  return assert(db.ticket_clock:insert {
    ticket = ticket.id, kind = kind, target_minutes = minutes, started_at = started_at,
    state = "running", policy = policy.id, calendar = calendar_id,
    label = ticket.number and ticket.number .. " " .. kind or kind,
  })
end

-- A new ticket's clocks. What comes in as a closed case has none.
function sla.begin(ev, ctx)
  local ticket, db = ev.record, ctx.db:as_system()
  if not ticket.sla_policy or not states.is_live(ticket.status) then return end
  local policy = db.sla_policy:get(ticket.sla_policy)
  local target = sla.target(db, policy.id, ticket.priority)
  if not target then return end
  local _, calendar_id = calendars.get(db, calendars.of(db, policy, ticket))
  for _, kind in ipairs(FIELDS) do
    if target[kind] then
      sla.start(db, ticket, kind, target[kind], ticket.received_at, policy, calendar_id)
    end
  end
  sla.pause(ctx, ticket, "new", ticket.status)
  sla.refresh(ctx, ticket.id, ticket)
end

-- Back from the bin. What it was promised went on, and what moves deadlines meanwhile (another
-- calendar, time) moves clocks that are there.
function sla.restored(ev, ctx) sla.refresh(ctx, ev.record.id, ev.record) end

function sla.meet(db, ticket_id, kind, at)
  local row = sla.running(db, ticket_id, kind)
  if row then assert(db.ticket_clock:update(row.id, { met_at = at })) end
  return row ~= nil
end

function sla.stop(db, ticket_id, at)
  for _, row in ipairs(clocks_of(db, ticket_id)) do
    if not row.met_at and not row.stopped_at then
      assert(db.ticket_clock:update(row.id, { stopped_at = at }))
    end
  end
end

-- Keeps the intervals in which the solution waits for others.
function sla.pause(ctx, ticket, from, to)
  local db, now = ctx.db:as_system(), ctx.now()
  local was, is = states.of(from), states.of(to)
  if was == "paused" then
    local list = pauses_of(db, ticket.id)
    local last = list[#list]
    if last and not last.to then assert(db.ticket_pause:update(last.id, { to_at = now })) end
  end
  if is == "paused" then
    assert(db.ticket_pause:insert { ticket = ticket.id, from_at = now, status = to })
  end
end

-- The clock of the solution goes on after a reopening: the time between counts as a pause, or a new
-- clock begins, as the policy says.
function sla.reopen(ctx, ticket)
  local db, now = ctx.db:as_system(), ctx.now()
  local last
  for _, row in ipairs(clocks_of(db, ticket.id)) do
    if row.kind == "resolution" then last = row end
  end
  if not last then return end
  local ended = last.met_at or last.stopped_at
  local policy = last.policy and db.sla_policy:get(last.policy)
  if policy and policy.reopen == "restart" then
    sla.start(db, ticket, "resolution", last.target_minutes, now, policy, last.calendar)
  elseif ended then
    assert(db.ticket_pause:insert {
      ticket = ticket.id, from_at = ended, to_at = now, status = "resolved",
    })
    assert(db.ticket_clock:update(last.id, { met_at = crm.null, stopped_at = crm.null }))
  end
end

-- Another priority or policy: other targets, with what was used and paused so far; another agent
-- or team: their hours, where the policy has none.
function sla.retarget(ctx, ticket)
  local db = ctx.db:as_system()
  local target = sla.target(db, ticket.sla_policy, ticket.priority)
  local policy = ticket.sla_policy and db.sla_policy:get(ticket.sla_policy)
  for _, row in ipairs(clocks_of(db, ticket.id)) do
    local minutes = target and target[row.kind]
    if not row.met_at and not row.stopped_at and minutes then
      local _, calendar_id = calendars.get(db, calendars.of(db, policy, ticket))
      assert(db.ticket_clock:update(row.id, {
        target_minutes = minutes, policy = policy.id, calendar = calendar_id or crm.null,
      }))
    end
  end
end

-- POST …/ticket/{id}/actions/clocks: every clock, explained.
function sla.explain(ev, ctx)
  local db, list = ctx.db:as_system(), {}
  local pauses = pauses_of(db, ev.record.id)
  for i, row in ipairs(clocks_of(db, ev.record.id)) do
    local calendar = calendars.get(db, row.calendar)
    local policy = row.policy and db.sla_policy:get(row.policy)
    local own, clock = pauses_for(row, pauses), plain(row, policy)
    local now = clocks.judge(clock, own, calendar, ctx.now())
    local intervals, worked = clocks.explain(clock, own, calendar, ctx.now())
    list[i] = {
      kind = row.kind, state = now.state, target_minutes = row.target_minutes,
      started_at = tostring(row.started_at), due_at = now.due and tostring(now.due),
      breached = now.breached, worked_minutes = worked // MINUTE_MS,
      paused_minutes = now.paused_ms // MINUTE_MS, intervals = intervals,
    }
  end
  return { clocks = list }
end

return sla
