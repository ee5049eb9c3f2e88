-- letters - mail from a lead, where nobody among the contacts writes from that address; and who
-- writes to a mailbox for enquiries (capture_mailboxes) and is unknown becomes a lead.
-- SPDX-License-Identifier: MIT
local mailboxes = require("people.letters")
local states = require("states")

local letters = {}

local NAME, MESSAGE = 100, 5000

local function cut(text, most)
  return (utf8.len(text) or 0) > most and text:sub(1, utf8.offset(text, most + 1) - 1) or text
end

-- A lead that is still worked on, the newest first.
local function known(db, from)
  for _, address in ipairs { from, from:lower() } do
    local lead = db.lead:find {
      where = {
        emails = { has = address }, duplicate_of = crm.null,
        status = states.of("open", "ongoing", "hold"),
      }, order = "-id", limit = 1,
    }[1]
    if lead then return lead end
  end
  return nil
end

local function capture(ctx, db, mail)
  local name = mail.from_name and mail.from_name:match("%S") and mail.from_name or mail.from
  local lead = db.lead:insert {
    name = cut(name, NAME), emails = { mail.from }, source = "mail",
    original_message = mail.body and cut(mail.body, MESSAGE),
  }
  if lead then ctx.emit("lead.captured", { lead = lead.id, source = "mail" }) end
  return lead and db.lead:get(lead.id) -- an address that is none makes no lead
end

-- Around mail.link.
function letters.link(next_one, mail, ctx)
  local found, db = next_one(mail), ctx.db:as_system()
  if found.id or not mail.from then return found end
  local lead = known(db, mail.from)
  if not lead and mailboxes.names(ctx.config.capture_mailboxes, mail.mailbox) then
    lead = capture(ctx, db, mail)
  end
  return lead and { entity = "lead", id = lead.id, owner = lead.owner } or found
end

return letters
