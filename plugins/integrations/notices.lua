-- notices - who set another system up is told when it cannot be reached any more.
-- SPDX-License-Identifier: MIT
local notices = {}

local function tell(ev, ctx, entity, text, tone)
  local record = ctx.db:as_system()[entity]:get(ev.payload[entity])
  if not record or not record.created_by then return end
  ctx.notify(record.created_by, {
    text = text, args = { what = record.name, why = ev.payload.reason or "" }, about = record,
    body = ev.payload.reason, tone = tone, kind = text:match("[%w_]+$"),
    key = text .. ":" .. crm.id_text(record.id),
  })
end

function notices.failed(ev, ctx) tell(ev, ctx, "connection", "@notice.failed", "danger") end

function notices.recovered(ev, ctx) tell(ev, ctx, "connection", "@notice.recovered", "success") end

function notices.paused(ev, ctx) tell(ev, ctx, "webhook", "@notice.paused", "danger") end

function notices.dead(ev, ctx) tell(ev, ctx, "webhook", "@notice.dead", "warning") end

-- Whose program asks too often is told so, once an hour at most.
function notices.limited(ev, ctx)
  local key = ev.payload
  if not key.user then return end
  ctx.notify(key.user, {
    text = "@notice.limited", args = { what = key.name, count = key.refused }, tone = "warning",
    kind = "limited", key = "limited:" .. crm.id_text(key.key),
  })
end

return notices
