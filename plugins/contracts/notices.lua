-- notices - what owners of contracts are told: what was decided, and what falls due.
-- SPDX-License-Identifier: MIT
local people = require("people.notices")

local notices = {}

local function tell(ev, ctx, text, tone, args)
  local contract = ctx.db:as_system().contract:get(ev.payload.contract)
  people.tell(ctx, contract.owner, { entity = "contract", record = contract }, text, tone, args)
end

local function days(ev) return { days = tostring(ev.payload.days or 0) } end

function notices.expiring(ev, ctx) tell(ev, ctx, "@notice.expiring", "warning", days(ev)) end

function notices.deadline(ev, ctx) tell(ev, ctx, "@notice.deadline", "warning", days(ev)) end

function notices.expired(ev, ctx) tell(ev, ctx, "@notice.expired", "danger") end

function notices.renewed(ev, ctx) tell(ev, ctx, "@notice.renewed", "success") end

function notices.due(ev, ctx) tell(ev, ctx, "@notice.due", "info", days(ev)) end

function notices.overdue(ev, ctx) tell(ev, ctx, "@notice.overdue", "danger") end

function notices.obligation(ev, ctx)
  local obligation = ctx.db:as_system().obligation:get(ev.payload.obligation)
  tell(ev, ctx, "@notice.obligation", "warning",
    { days = tostring(ev.payload.days or 0), title = obligation.title or "" })
end

return notices
