-- notices - what owners of leads, and of customers in pools, are told of them.
-- SPDX-License-Identifier: MIT
local people = require("people.notices")

local notices = {}

local function of(ev, ctx)
  local entity = ev.payload.account and "account" or "lead"
  return { entity = entity, record = ctx.db:as_system()[entity]:get(ev.payload[entity]) }
end

function notices.recycle_warned(ev, ctx)
  local lead = of(ev, ctx)
  people.tell(ctx, ev.payload.owner, lead, "@notice.recycle_warned", "warning",
    { day = tostring(lead.record.recycle_at:date()) })
end

function notices.recycled(ev, ctx)
  people.tell(ctx, ev.payload.owner, of(ev, ctx), "@notice.recycled", "warning",
    { why = ev.payload.reason or "" })
end

function notices.sla_warned(ev, ctx)
  people.tell(ctx, ev.payload.owner, of(ev, ctx), "@notice.sla_warned", "warning")
end

function notices.sla_breached(ev, ctx)
  people.tell(ctx, ev.payload.owner, of(ev, ctx), "@notice.sla_breached", "danger")
end

return notices
