-- states - what a status means: tickets are open, paused, resolved or closed.
-- SPDX-License-Identifier: MIT
local states = {}

local KINDS = {
  new = "open", open = "open", waiting_customer = "paused", waiting_third_party = "paused",
  on_hold = "paused", resolved = "resolved",
}

function states.of(status) return KINDS[status] or "closed" end

-- The statuses in which others are waited for.
states.PAUSED = { "waiting_customer", "waiting_third_party", "on_hold" }

-- The computed field `kind`.
function states.kind(ticket) return states.of(ticket.status) end

function states.is_live(status)
  local kind = states.of(status)
  return kind == "open" or kind == "paused"
end

return states
