-- watching - leads that wait too long for an answer, or for anything at all.
-- SPDX-License-Identifier: MIT
local states = require("states")

local watching = {}

local function respond(ctx, db, lead)
  local now = ctx.now()
  if not lead.response_by or lead.first_response_at then return end
  local warn_at = lead.response_warn_at or lead.response_by
  if lead.response_by <= now and lead.sla_state ~= "breached" then
    assert(db.lead:update(lead.id, { sla_state = "breached" }))
    ctx.emit("lead.sla_breached", { lead = lead.id, owner = lead.owner })
  elseif lead.response_by > now and warn_at <= now and lead.sla_state == "pending" then
    assert(db.lead:update(lead.id, { sla_state = "warned" }))
    ctx.emit("lead.sla_warned", { lead = lead.id, owner = lead.owner })
  end
end

local function ask(ctx, db, lead, owner, key)
  assert(db.task:insert {
    subject = ctx.t(key, { name = lead.name or lead.company or "" }), type = "call",
    about = { entity = "lead", id = lead.id }, due_at = ctx.now(), remind_at = ctx.now(),
    owner = owner,
  })
end

-- A task for the owner, and some days later one for whoever the owner reports to.
local function idle(ctx, db, lead)
  local now, config = ctx.now(), ctx.config
  local active = lead.last_follow_at
  if not active or lead.moved_at and lead.moved_at > active then active = lead.moved_at end
  local due = (active or lead.created_at):add { days = config.idle_days }
  if not lead.no_action_at and due <= now then
    assert(db.lead:update(lead.id, { no_action_at = now }))
    ask(ctx, db, lead, lead.owner, "@no_action_task")
    ctx.emit("lead.no_action_due", { lead = lead.id, owner = lead.owner, escalated = false })
  end
  if not lead.escalated_at and due:add { days = config.escalate_days } <= now then
    local owner = db.user:get(lead.owner)
    assert(db.lead:update(lead.id, { escalated_at = now }))
    if owner and owner.manager then
      ask(ctx, db, lead, owner.manager, "@escalation_task")
    end
    ctx.emit("lead.no_action_due", { lead = lead.id, owner = lead.owner, escalated = true })
  end
end

function watching.run(job, ctx)
  local db, before = ctx.db:as_system(), ctx.now():add { days = -ctx.config.idle_days }
  job:each({
    entity = "lead", as_system = true, batch = 50,
    where = {
      owner = { ne = crm.null }, status = states.of("open", "ongoing"),
      ["or"] = {
        { sla_state = { "pending", "warned" } },
        { escalated_at = crm.null, moved_at = { lte = before } },
      },
    },
  }, function(lead)
    respond(ctx, db, lead)
    idle(ctx, db, db.lead:get(lead.id))
  end)
end

return watching
