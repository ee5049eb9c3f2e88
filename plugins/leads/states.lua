-- states - what kind of status a lead has: everything asks for the kind, never for the word.
--
-- The kinds are open, ongoing, hold, won and lost. Each status of the fixed flow has one, and each
-- that a company makes itself (lead_status): a lead's own status refines the fixed one and is
-- always of its kind.
-- SPDX-License-Identifier: MIT
local states = {}

local KINDS = {
  new = "open", assigned = "open", recycled = "open", working = "ongoing", qualified = "ongoing",
  paused = "hold", converted = "won", dead = "lost",
}
local ORDER = {
  "new", "assigned", "working", "qualified", "paused", "converted", "recycled", "dead",
}
-- Where a lead comes to by an own status of another kind than it has; won is reached by converting.
local ENTRY = { ongoing = "working", hold = "paused", lost = "dead" }

function states.kind(status) return KINDS[status] end

-- The fixed statuses of some kinds, for filters.
function states.of(...)
  local wanted, list = {}, {}
  for _, kind in ipairs { ... } do wanted[kind] = true end
  for _, status in ipairs(ORDER) do
    if wanted[KINDS[status]] then list[#list + 1] = status end
  end
  return list
end

function states.is_over(status) return KINDS[status] == "won" or KINDS[status] == "lost" end

-- Before it is saved: whoever gives a lead an own status moves it to that kind; whoever moves it
-- otherwise leaves an own status of another kind behind.
function states.refine(ev, ctx)
  local lead, old = ev.record, ev.old
  if not lead.own_status then return end
  local own = ctx.db:as_system().lead_status:get(lead.own_status)
  if not own or own.active == false then return ev:fail("own_status", "@status_unknown") end
  if own.kind == KINDS[lead.status] then return end
  if old and not ev.changed("own_status") then
    lead.own_status = nil
  elseif own.kind == "open" then
    lead.status = lead.owner and "assigned" or "recycled"
  elseif ENTRY[own.kind] then
    lead.status = ENTRY[own.kind]
  else
    ev:fail("own_status", "@only_convert")
  end
end

return states
