-- mailbox - a mail becomes a message: of the ticket it belongs to, or of a new one; never twice.
--
-- It belongs where it answers a mail we know, or where its subject has a ticket's number and its
-- sender is known there: a number alone can be guessed. Whose mail it is says the sender's address,
-- which can be forged, so a mail is always the customer's, never an agent's answer.
-- SPDX-License-Identifier: MIT
local letters = require("letters")
local people = require("people.letters")

local mailbox = {}

local ID_MAX = 200 -- characters of a Message-ID that are kept; a longer one as its digest
local REFERENCES_MAX = 20

local function clean_id(id)
  if type(id) ~= "string" then return nil end
  id = id:match("^%s*(.-)%s*$")
  if id == "" then return nil end
  return #id <= ID_MAX and id or crm.sha256(id)
end

local function known(db, id)
  return id and db.ticket_message:find { where = { message_id = id }, limit = 1 }[1]
end

-- Our own letters carry their number in the log of letters: <0CN6M1Z2E0406.acme@example.com>.
local function of_letter(db, id)
  local letter = id:match("^<(%w+)%.")
  return letter and db.ticket_message:find { where = { letter = letter }, limit = 1 }[1]
end

local function by_answer(db, mail)
  local ids = { clean_id(mail.in_reply_to) }
  local references = mail.references or {}
  for i = #references, math.max(#references - REFERENCES_MAX, 0) + 1, -1 do
    ids[#ids + 1] = clean_id(references[i])
  end
  for _, id in ipairs(ids) do
    local message = known(db, id) or of_letter(db, id)
    if message then return db.ticket:get(message.ticket) end
  end
end

local function is_known_sender(db, ticket, from)
  if ticket.requester_email and ticket.requester_email:lower() == from then return true end
  local contact = ticket.contact and db.contact:get(ticket.contact)
  for _, email in ipairs(contact and contact.emails or {}) do
    if email:lower() == from then return true end
  end
  return db.ticket_message:count { where = { ticket = ticket.id, author_email = from } } > 0
end

local function by_number(db, mail, from)
  for number in (mail.subject or ""):gmatch("T%d%d%d%d%d%d%d%d%-%d%d%d%d+") do
    local ticket = db.ticket:find { where = { number = number }, limit = 1 }[1]
    if ticket and is_known_sender(db, ticket, from) then return ticket end
  end
end

local function cut(text, most)
  if not text or utf8.len(text) == nil then return nil end
  return utf8.len(text) > most and text:sub(1, utf8.offset(text, most + 1) - 1) or text
end

local function open(db, mail, from)
  local subject = cut(mail.subject, 200)
  return assert(db.ticket:insert {
    subject = subject and subject:match("%S") and subject or "–", body = mail.body,
    channel = "mail", requester_email = from, requester_name = cut(mail.from_name, 60),
    received_at = mail.sent_at,
  })
end

-- argument: message_id, in_reply_to, references (list), from, from_name, subject, body, sent_at
-- (datetime), auto_submitted, attachments (file ids). Gives { ticket, message, is_new, is_known };
-- called again with the same message_id it changes nothing. Call it inside a transaction.
function mailbox.take(mail, ctx)
  local db, id = ctx.db:as_system(), clean_id(mail.message_id)
  assert(id and mail.from, "a mail has a message_id and a sender")
  local before = known(db, id)
  if before then
    return { ticket = before.ticket, message = before.id, is_new = false, is_known = true }
  end
  local from = mail.from:lower()
  local ticket = by_answer(db, mail) or by_number(db, mail, from)
  local is_new = ticket == nil
  ticket = ticket or open(db, mail, from)
  local body = mail.body and mail.body:match("%S") and mail.body or "–"
  local message = assert(db.ticket_message:insert {
    ticket = ticket.id, direction = "customer", public = true, body = body,
    author_name = cut(mail.from_name, 60), author_email = from, message_id = id,
    in_reply_to = clean_id(mail.in_reply_to), attachments = mail.attachments,
    sent_at = mail.sent_at, auto_submitted = mail.auto_submitted or false,
  })
  if is_new then letters.auto_reply(ctx, ticket, mail.auto_submitted or false) end
  return { ticket = message.ticket, message = message.id, is_new = is_new, is_known = false }
end

-- A letter came into one of the company's mailboxes, in the transaction that remembers it.
-- Every mailbox, unless the company names those that are the service desk's.
function mailbox.received(ev, ctx)
  local mail, list = ev.payload, ctx.config.ticket_mailboxes
  if list and list:match("%S") and not people.names(list, mail.mailbox) then return end
  ctx.call("ticket.from_mail", {
    message_id = mail.message_id, in_reply_to = mail.in_reply_to, references = mail.references,
    from = mail.from, from_name = mail.from_name, subject = mail.subject, body = mail.body,
    sent_at = crm.datetime(mail.sent_at), auto_submitted = mail.automatic,
    attachments = mail.attachments,
  })
end

return mailbox
