-- visits - 回访: some days after a ticket was closed somebody asks the customer how it is now.
-- SPDX-License-Identifier: MIT
local visits = {}

-- A task for who worked on it; a ticket that is opened and closed again gets another.
function visits.plan(ctx, ticket)
  local days = ctx.config.visit_days
  if days == 0 then return end
  assert(ctx.db:as_system().task:insert {
    subject = ctx.t("@visit_task", { number = ticket.number, subject = ticket.subject }),
    type = "call", owner = ticket.owner, account = ticket.account, contact = ticket.contact,
    about = { entity = "ticket", id = ticket.id }, due_at = ctx.now():add { days = days },
    came_from = { entity = "ticket", id = ticket.id },
  })
end

-- The task is done: the ticket says when, and by whom.
function visits.made(ev, ctx)
  local from = ev.record.came_from
  if ev.to ~= "done" or not from or from.entity ~= "ticket" then return end
  local db = ctx.db:as_system()
  if not db.ticket:get(from.id) then return end
  assert(db.ticket:update(from.id, { visited_at = ctx.now(), visited_by = ev.record.owner }))
end

return visits
