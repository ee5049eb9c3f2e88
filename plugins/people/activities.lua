-- activities - what happened with whom: where it is listed, and what it says of the last contact.
-- SPDX-License-Identifier: MIT
local activities = {}

-- A record about a contact is about the contact's account too.
function activities.place(ev, ctx)
  local record, about = ev.record, ev.record.about
  if about and about.entity == "account" then record.account = about.id end
  if about and about.entity == "contact" then record.contact = about.id end
  if record.contact and not record.account then
    local contact = ctx.db:as_system().contact:get(record.contact)
    record.account = contact and contact.account
  end
end

local TALKS = { call = true, visit = true, mail = true, meeting = true, message = true }

-- Did somebody speak with the customer, rather than write a note?
function activities.is_talk(activity) return TALKS[activity.type] or false end

local function note_contact(sheet, id, at)
  local record = id and sheet:get(id)
  if record and (not record.last_follow_at or record.last_follow_at < at) then
    sheet:update(id, { last_follow_at = at }) -- one under approval stays as it is
  end
end

function activities.followed(ev, ctx)
  local activity = ev.record
  if not activities.is_talk(activity) then return end
  local at, db = activity.happened_at or ctx.now(), ctx.db:as_system()
  note_contact(db.account, activity.account, at)
  note_contact(db.contact, activity.contact, at)
end

function activities.consent(ev, ctx)
  local consent = ev.record
  local key = consent.given and "@consent_given" or "@consent_taken"
  consent.label = ctx.t(key, { purpose = ctx.t("@consent.purpose." .. consent.purpose) })
end

-- The last word on a purpose, or nil when nobody has said anything. For other plugins:
-- require("people.activities").
function activities.consents(db, id, purpose)
  return db.consent:find { where = { about = id, purpose = purpose }, order = "-at", limit = 1 }[1]
end

return activities
