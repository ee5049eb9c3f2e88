-- following - what was said to a lead, what is planned, and what that does to the lead.
-- SPDX-License-Identifier: MIT
local activities = require("people.activities")
local refusals = require("people.refusals")

local following = {}

-- An activity about a lead is its follow-up, whoever writes it and wherever.
function following.recorded(ev, ctx)
  local activity = ev.record
  if not activity.about or activity.about.entity ~= "lead" then return end
  if not activities.is_talk(activity) then return end
  local db = ctx.db:as_system()
  local lead, at = db.lead:get(activity.about.id), activity.happened_at or ctx.now()
  if not lead then return end
  local fields = { no_action_at = crm.null, escalated_at = crm.null, recycle_at = crm.null,
    recycle_warned_at = crm.null }
  if not lead.last_follow_at or lead.last_follow_at < at then
    fields.last_follow_at, fields.last_follow_by = at, activity.owner
  end
  if not lead.first_follow_at or at < lead.first_follow_at then fields.first_follow_at = at end
  if lead.owner and not lead.first_response_at then
    fields.first_response_at, fields.sla_state = at, "met"
    local waited = at:ms() - (lead.received_at or lead.created_at):ms()
    fields.response_minutes = math.max(waited // 60000, 0)
  end
  if lead.status == "assigned" then fields.status = "working" end
  if not db.lead:update(lead.id, fields) then
    -- What people write stays as it is while an approval runs.
    fields.last_follow_at, fields.status = nil, nil
    assert(db.lead:update(lead.id, fields))
  end
  ctx.emit("lead.followed_up", { lead = lead.id, activity = activity.id })
end

-- Where it came from first stays; where it came from last is what is said now.
function following.sources(ev)
  local lead = ev.record
  if not lead.first_source then lead.first_source = lead.source end
  if lead.source then lead.last_source = lead.source end
end

local METHODS = { call = true, visit = true, mail = true, meeting = true, message = true }

-- POST …/lead/{id}/actions/follow_up { method, content, result, next_contact_at }
function following.follow_up(ev, ctx)
  local lead, params, db = ev.record, ev.params, ctx.db:as_system()
  local method = params.method == nil and "call" or params.method
  if not METHODS[method] then return ev:fail("method", "@people:follow_kind") end
  local next_at
  if params.next_contact_at ~= nil then
    local fits, time = pcall(crm.datetime, params.next_contact_at)
    if not fits then return ev:fail("next_contact_at", "@people:bad_time") end
    next_at = time
  end
  local made, why = db.activity:insert {
    subject = ctx.t("@follow_subject", { name = lead.name or lead.company or "" }), type = method,
    about = { entity = "lead", id = lead.id }, content = params.content, result = params.result,
    owner = ctx.user and ctx.user.id or lead.owner,
  }
  if not made then return refusals.tell(ev, why, "content") end
  if next_at then
    local planned, reason = db.lead:update(lead.id, { next_contact_at = next_at })
    if not planned then return refusals.tell(ev, reason, "next_contact_at") end
    assert(db.task:insert {
      subject = made.subject, type = method, about = { entity = "lead", id = lead.id },
      due_at = next_at, remind_at = next_at, owner = ctx.user and ctx.user.id or lead.owner,
    })
  end
  return { activity = crm.id_text(made.id) }
end

return following
