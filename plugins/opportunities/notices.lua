-- notices - what owners of deals, and those they report to, are told of them.
-- SPDX-License-Identifier: MIT
local people = require("people.notices")

local notices = {}

local function of(ev, ctx)
  return { entity = "opportunity",
    record = ctx.db:as_system().opportunity:get(ev.payload.opportunity) }
end

function notices.stalled(ev, ctx)
  local deal = of(ev, ctx)
  people.tell(ctx, deal.record.owner, deal, "@notice.stalled", "warning")
end

local function manager_of(ctx, owner)
  local user = owner and ctx.db:as_system().user:get(owner)
  return user and user.manager
end

local function tell_manager(ev, ctx, text, tone)
  local deal = of(ev, ctx)
  local amount = deal.record.amount
  people.tell(ctx, manager_of(ctx, deal.record.owner), deal, text, tone,
    { amount = amount and tostring(amount) or "" })
end

function notices.big_deal(ev, ctx)
  if ev.source ~= "import" then tell_manager(ev, ctx, "@notice.big_deal", "info") end
end

function notices.won(ev, ctx)
  if ev.source ~= "import" then tell_manager(ev, ctx, "@notice.won", "success") end
end

return notices
