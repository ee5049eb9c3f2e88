-- desk - a ticket comes in, is looked at, and changes hands.
-- SPDX-License-Identifier: MIT
local calendars = require("calendars")
local costs = require("costs")
local letters = require("letters")
local policies = require("policies")
local refusals = require("refusals")
local sla = require("sla")
local states = require("states")
local visits = require("visits")

local desk = {}

-- --- coming in ---

local function know_requester(ev, db)
  local ticket = ev.record
  if ticket.contact or not ticket.requester_email then return end
  local found = db.contact:find {
    where = { emails = ticket.requester_email, duplicate_of = crm.null }, limit = 2,
  }
  if #found == 1 then
    ticket.contact = found[1].id
    if not ticket.account then ticket.account = found[1].account end
  end
end

-- The customer's contract, where only one runs.
local function know_contract(ticket, db)
  if ticket.contract or not ticket.account then return end
  local found = db.contract:find {
    where = { account = ticket.account, stage = { "signed", "performing" } }, limit = 2,
  }
  if #found == 1 then ticket.contract = found[1].id end
end

-- A company's own status stands for one of ours, and goes when that changes.
local function follow_own_status(ev, db)
  local ticket = ev.record
  local own = ticket.own_status and db.ticket_status:get(ticket.own_status)
  if not own then return end
  if not ev.old or ev.changed("own_status") then
    ticket.status = own.status
  elseif ticket.status ~= own.status then
    ticket.own_status = nil
  end
end

-- Words that say what a ticket is about, where nobody has said it. A company puts its own in place.
function desk.classify(ticket)
  return { priority = ticket.priority, reasons = {} }
end

function desk.prepare(ev, ctx)
  local ticket, db = ev.record, ctx.db:as_system()
  know_requester(ev, db)
  local found = ctx.call("ticket.classify", {
    subject = ticket.subject, body = ticket.body, channel = ticket.channel, type = ticket.type,
    priority = ticket.priority, urgency = ticket.urgency, product = ticket.product,
  })
  if ctx.has("contracts") then know_contract(ticket, db) end
  follow_own_status(ev, db)
  if found.priority then ticket.priority = found.priority end
  if found.type then ticket.type = found.type end
  if found.category then ticket.category = found.category end
  ticket.rate_token = crm.token()
  local policy = policies.choose(ctx, ticket)
  ticket.sla_policy = policy and policy.id
  local calendar = calendars.get(db, calendars.of(db, policy, ticket))
  ticket.raised_outside_hours = not calendar:is_open(ticket.received_at or ctx.now())
end

-- --- who works on it ---

local function open_count(db, user)
  return db.ticket:count {
    where = { owner = user, status = { "new", "open", "waiting_customer", "waiting_third_party" } },
  }
end

-- Of these agents those who know the category best; all of them where nobody does.
local function skilled(db, agents, category)
  local level, best, list = {}, 0, {}
  for _, skill in ipairs(db.agent_skill:find { where = { category = category }, limit = 200 }) do
    level[skill.agent] = skill.level
  end
  for _, agent in ipairs(agents) do best = math.max(best, level[agent.id] or 0) end
  for _, agent in ipairs(agents) do
    if (level[agent.id] or 0) == best then list[#list + 1] = agent end
  end
  return list, best > 0
end

-- The team's, where the ticket has one; else all who have the role that takes requests.
local function agents_for(db, ticket, ctx)
  local of = { active = true, team = ticket.team }
  if not ticket.team then of.roles = { has = ctx.config.dispatch_role } end
  return db.user:find { where = of, order = "id", limit = 100 }
end

-- By the setting: whose turn it is, or the agent with the fewest open tickets, with `skill` among
-- those who know the category best.
function desk.dispatch(ticket, ctx)
  if ctx.config.dispatch == "none" then return {} end
  local db = ctx.db:as_system()
  local agents = agents_for(db, ticket, ctx)
  if #agents == 0 then return {} end
  if ctx.config.dispatch == "round_robin" then
    local turn = ctx.kv:incr("turn:" .. (ticket.team or ctx.config.dispatch_role))
    return { owner = agents[(turn - 1) % #agents + 1].id, reasons = { "round_robin" } }
  end
  local reason, best, fewest = "least_busy", nil, nil
  if ctx.config.dispatch == "skill" and ticket.category then
    local is_known
    agents, is_known = skilled(db, agents, ticket.category)
    if is_known then reason = "skill" end
  end
  for _, agent in ipairs(agents) do
    local count = open_count(db, agent.id)
    if not fewest or count < fewest then best, fewest = agent.id, count end
  end
  return { owner = best, reasons = { reason } }
end

function desk.assign(ev, ctx)
  local ticket = ev.record
  if not states.is_live(ticket.status) then return end -- it came in from elsewhere, and is over
  local found = ctx.call("ticket.dispatch", {
    id = ticket.id, team = ticket.team, type = ticket.type, priority = ticket.priority,
    urgency = ticket.urgency, category = ticket.category, product = ticket.product,
  })
  if found.owner then
    assert(ctx.db:as_system().ticket:update(ticket.id, { owner = found.owner }))
  end
end

-- --- changes ---

-- Merged and closed tickets are read; what ends a ticket is noted on it.
function desk.change(ev, ctx)
  local ticket, old = ev.record, ev.old
  follow_own_status(ev, ctx.db:as_system())
  local was, is = states.of(old.status), states.of(ticket.status)
  if was ~= is then
    if was == "paused" then ticket.hold_until, ticket.next_status = nil, nil end
    if is == "resolved" then ticket.resolved_at = ctx.now() end
    if is == "closed" then ticket.closed_at = ctx.now() end
    if (was == "resolved" or was == "closed") and (is == "open" or is == "paused") then
      ticket.reopen_count, ticket.reopened = (old.reopen_count or 0) + 1, true
      ticket.resolved_at, ticket.closed_at, ticket.close_warned_at = nil, nil, nil
    end
  end
  if ev.changed("priority") or ev.changed("type") or ev.changed("category")
    or ev.changed("account") or ctx.has("contracts") and ev.changed("contract") then
    local policy = policies.choose(ctx, ticket)
    ticket.sla_policy = policy and policy.id
  end
end

-- What says how a ticket stands: the rest of it is what it said.
local STANDING = { status = true, own_status = true, hold_until = true, next_status = true }

local function each_said(ctx, fn)
  for _, field in ipairs(ctx.fields("ticket")) do
    if not field.readonly and not STANDING[field.name] then fn(field.name) end
  end
  fn("owner")
  fn("team")
end

-- A ticket that is over says what it said, in fields of the company's own, too.
function desk.guard(ev, ctx)
  local is_merged = ev.record.status == "merged"
  if is_merged and not ev.record.merged_into then return ev:fail("status", "@merge_target") end
  if not is_merged and ev.record.merged_into then return ev:fail("status", "@ticket_merged") end
  if not ev.old or states.of(ev.old.status) ~= "closed" then return end
  if states.is_live(ev.record.status) then return end
  each_said(ctx, function(name)
    if ev.changed(name) then ev:fail(name, "@ticket_closed") end
  end)
end

-- --- telling ---

function desk.created(ev, ctx)
  local ticket = ev.record
  ctx.emit("ticket.created", { ticket = ticket.id, channel = ticket.channel })
  if ticket.owner then desk.given(ev, ctx) end
end

function desk.given(ev, ctx)
  local ticket = ev.record
  ctx.emit("ticket.assigned", { ticket = ticket.id, owner = ticket.owner, team = ticket.team })
end

local function tell(ev, ctx, was, is)
  local ticket = ev.record
  local function emit(name, more)
    more = more or {}
    more.ticket = ticket.id
    ctx.emit(name, more)
  end
  emit("ticket.status_changed", { from = ev.from, to = ev.to })
  if was == "paused" and is ~= "paused" then emit("ticket.resumed", { status = ev.to }) end
  if is == "paused" and was ~= "paused" then emit("ticket.paused", { status = ev.to }) end
  if (was == "resolved" or was == "closed") and states.is_live(ev.to) then
    emit("ticket.reopened")
  end
  if is == "resolved" then
    emit("ticket.resolved")
    letters.send(ctx, ticket, "solved")
  elseif is == "closed" then
    emit("ticket.closed", { status = ev.to })
    if ev.to == "closed" then visits.plan(ctx, ticket) end
  end
end

function desk.moved(ev, ctx)
  local ticket, db = ev.record, ctx.db:as_system()
  local was, is = states.of(ev.from), states.of(ev.to)
  if was == "resolved" or was == "closed" then
    if is == "open" or is == "paused" then sla.reopen(ctx, ticket) end
  end
  sla.pause(ctx, ticket, ev.from, ev.to)
  if is == "resolved" then
    sla.meet(db, ticket.id, "resolution", ctx.now())
    sla.meet(db, ticket.id, "first_response", ctx.now())
    sla.stop(db, ticket.id, ctx.now())
  elseif is == "closed" then
    sla.stop(db, ticket.id, ctx.now())
  end
  sla.refresh(ctx, ticket.id)
  tell(ev, ctx, was, is)
end

function desk.retargeted(ev, ctx)
  if not states.is_live(ev.record.status) then return end
  sla.retarget(ctx, ev.record)
  sla.refresh(ctx, ev.record.id)
end

-- --- operations ---

local function set(ev, ctx, fields)
  local done, why = ctx.db:as_system().ticket:update(ev.record.id, fields)
  if not done then return refusals.tell(ev, why, "status") end
  return { status = done.status, version = done.version }
end

-- POST …/ticket/{id}/actions/resolve { resolution, root_cause }
function desk.resolve(ev, ctx)
  if not states.is_live(ev.record.status) then return ev:fail("status", "@not_open") end
  local fields = { status = "resolved" }
  if type(ev.params.resolution) == "string" then fields.resolution = ev.params.resolution end
  if type(ev.params.root_cause) == "string" then fields.root_cause = ev.params.root_cause end
  if costs.refuses(ev) then return end
  costs.add(ctx, ev.record.id, ev.params.minutes)
  return set(ev, ctx, fields)
end

-- POST …/ticket/{id}/actions/reopen
function desk.reopen(ev, ctx)
  if states.is_live(ev.record.status) then return { status = ev.record.status } end
  if ev.record.merged_into then return ev:fail("status", "@ticket_merged") end
  return set(ev, ctx, { status = "open" })
end

-- POST …/ticket/{id}/actions/escalate { reason }: one priority up, and the owner's manager is in.
function desk.escalate(ev, ctx)
  local ticket, db = ev.record, ctx.db:as_system()
  if not states.is_live(ticket.status) then return ev:fail("status", "@not_open") end
  local found = ctx.call("ticket.escalate", {
    ticket = ticket.id, owner = ticket.owner, priority = ticket.priority,
    reason = tostring(ev.params.reason or ""),
  })
  local fields = { priority = found.priority, owner = found.owner }
  ctx.emit("ticket.escalated", { ticket = ticket.id, step = "by_hand" })
  assert(db.ticket_message:insert {
    ticket = ticket.id, direction = "system", public = false,
    body = ctx.t("@escalated", { reason = tostring(ev.params.reason or "") }),
  })
  return set(ev, ctx, fields)
end

return desk
