-- steps - what a policy wants done when so much of a clock's time is over.
-- SPDX-License-Identifier: MIT
local steps = {}

local PERCENT_MAX = 1000 -- as the field has it

-- The next step of a clock behind those that are done, or nil.
function steps.next(db, policy_id, kind, done)
  if not policy_id or done >= PERCENT_MAX then return nil end
  return assert(db.sla_step:find {
    where = { policy = policy_id, clock = kind, percent = { gte = done + 1 } }, order = "percent",
    limit = 1,
  })[1]
end

local RAISED = { low = "normal", normal = "high", high = "urgent", urgent = "urgent" }

-- One priority up, and whoever the owner reports to takes over.
function steps.escalate(argument, ctx)
  local owner = argument.owner and ctx.db:as_system().user:get(argument.owner)
  return {
    priority = RAISED[argument.priority], owner = owner and owner.manager or nil,
    reasons = { argument.reason },
  }
end

local function remind(ctx, ticket, step, user)
  if not user then return end
  assert(ctx.db:as_system().task:insert {
    subject = ctx.t("@remind_task", { number = ticket.number, percent = step.percent }),
    about = { entity = "ticket", id = ticket.id }, due_at = ctx.now(), remind_at = ctx.now(),
    owner = user,
  })
end

function steps.run(ctx, clock, step)
  local db = ctx.db:as_system()
  local ticket = db.ticket:get(clock.ticket)
  local owner = ticket.owner and db.user:get(ticket.owner)
  assert(db.ticket_clock:update(clock.id, { steps_done = step.percent }))
  if step.act == "remind_owner" then
    remind(ctx, ticket, step, ticket.owner)
  elseif step.act == "remind_manager" then
    remind(ctx, ticket, step, owner and owner.manager)
  else
    local found = ctx.call("ticket.escalate", {
      ticket = ticket.id, owner = ticket.owner, priority = ticket.priority, reason = step.act,
    })
    local fields = step.act == "raise_priority" and { priority = found.priority }
      or { owner = found.owner }
    if next(fields) then assert(db.ticket:update(ticket.id, fields)) end
  end
  ctx.emit("ticket.escalated", { ticket = ticket.id, step = step.act, clock = clock.kind })
end

return steps
