-- letters - mail that comes in is listed where its sender is known: at the contact, or the lead.
--
-- Which mailboxes are whose say the settings `link_mailboxes` here and `ticket_mailboxes` of the
-- service desk, each with names and commas. Empty: what the other one does not take.
-- SPDX-License-Identifier: MIT
local merging = require("merging")

local letters = {}

-- Does a list of names hold this one? "*" holds all.
function letters.names(list, mailbox)
  for name in (list or ""):gmatch("[^%s,]+") do
    if name == "*" or name == mailbox then return true end
  end
  return false
end

local function contact_of(db, from)
  for _, address in ipairs { from, from:lower() } do
    local found = db.contact:find {
      where = { emails = { has = address } }, order = "id", limit = 1,
    }[1]
    if found then return merging.survivor(db.contact, found) end
  end
  return nil
end

-- What a letter is about: { entity, id, owner }, or an empty table. Others look further where this
-- finds nothing (crm.wrap).
function letters.link(mail, ctx)
  local contact = mail.from and contact_of(ctx.db:as_system(), mail.from)
  if not contact then return {} end
  return { entity = "contact", id = contact.id, owner = contact.owner }
end

local function cut(text, most)
  if not text or not text:match("%S") then return "–" end
  return utf8.len(text) > most and text:sub(1, utf8.offset(text, most + 1) - 1) or text
end

-- In the transaction that remembers the letter, so it is listed once.
function letters.received(ev, ctx)
  local mail, list = ev.payload, ctx.config.link_mailboxes
  if mail.automatic then return end
  if not list or not list:match("%S") then
    if ctx.has("tickets") then return end
  elseif not letters.names(list, mail.mailbox) then
    return
  end
  local found = ctx.call("mail.link", mail)
  if not found.id then return end
  assert(ctx.db:as_system().activity:insert {
    type = "mail", subject = cut(mail.subject, 200), content = mail.body, owner = found.owner,
    about = { entity = found.entity, id = found.id }, happened_at = crm.datetime(mail.sent_at),
    files = #mail.attachments > 0 and mail.attachments or nil,
  })
end

return letters
