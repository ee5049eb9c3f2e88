-- letters - mail from a lead, where nobody among the contacts writes from that address.
-- SPDX-License-Identifier: MIT
local states = require("states")

local letters = {}

-- Around mail.link: a lead that is still worked on, the newest first.
function letters.link(next_one, mail, ctx)
  local found = next_one(mail)
  if found.id or not mail.from then return found end
  for _, address in ipairs { mail.from, mail.from:lower() } do
    local lead = ctx.db:as_system().lead:find {
      where = {
        emails = { has = address }, duplicate_of = crm.null,
        status = states.of("open", "ongoing", "hold"),
      }, order = "-id", limit = 1,
    }[1]
    if lead then return { entity = "lead", id = lead.id, owner = lead.owner } end
  end
  return found
end

return letters
