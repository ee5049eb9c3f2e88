-- letters - members are written that points, or their tier, soon run out.
--
-- The events say when: points.expiring once per lot and number of days, member.tier_expiring once
-- per end of a tier. A member with several such lots gets one letter a day, about all of them.
-- SPDX-License-Identifier: MIT
local activities = require("people.activities")
local people = require("people.notices")

local letters = {}

local LOTS = 200 -- that are added up; who has more gets a sum of the soonest

-- Whether a member has agreed: to membership (consent_at), or to mail, unless the last word on mail
-- is a no. The contact's word counts where the card has none.
local function has_agreed(db, member)
  local said = activities.consents(db, member.id, "mail")
    or member.contact and activities.consents(db, member.contact, "mail")
  if said then return said.given end
  return member.consent_at ~= nil
end

local function address(db, member)
  if member.email then return member.email end
  local contact = member.contact and db.contact:get(member.contact)
  return contact and contact.emails and contact.emails[1]
end

-- Member and program where a letter goes out, else nothing.
local function reader(ctx, id)
  local db = ctx.db:as_system()
  local member = db.member:get(id)
  if not member or member.status ~= "active" then return nil end
  local program = db.program:get(member.program)
  local to = program.letters and address(db, member)
  if not to or not has_agreed(db, member) then return nil end
  return { to = to, member = member, program = program }
end

-- Posts the letter and says so in the member's history.
local function post(ctx, found, template, data)
  local member = found.member
  data.name, data.program, data.card = member.name, found.program.name, member.card_no
  local sent = ctx.mail {
    to = found.to, template = template, data = data, lang = ctx.tenant.locale,
  }
  if not sent then return end -- an address that is none
  assert(ctx.db:as_system().activity:insert {
    subject = ctx.t("@letter." .. template, data), type = "mail", owner = member.owner,
    about = { entity = "member", id = member.id },
  })
end

-- What the company calls its points.
function letters.unit(ctx, program) return program.point_name or ctx.t("@points_word") end

function letters.points(ev, ctx)
  local told = ev.payload
  local found = reader(ctx, told.member)
  if not found then return end
  local today, sum, first = ctx.now():date(), 0, nil
  for _, lot in ipairs(ctx.db:as_system().points_lot:find {
    where = {
      member = told.member, state = "active", remaining = { gt = 0 },
      expires_on = { gte = today, lte = today:add { days = told.days } },
    }, order = "expires_on", limit = LOTS,
  }) do
    sum, first = sum + lot.remaining, first or lot.expires_on
  end
  local key = string.format("points:%s:%s", crm.id_text(told.member), tostring(today))
  ctx.once(key, function()
    post(ctx, found, "points_expiring", {
      points = sum, unit = letters.unit(ctx, found.program), day = tostring(first),
      days = told.days,
    })
  end)
end

function letters.tier(ev, ctx)
  local told, db = ev.payload, ctx.db:as_system()
  local found = reader(ctx, told.member)
  if not found then return end
  post(ctx, found, "tier_expiring", {
    tier = db.tier:get(told.tier).name, day = tostring(told["until"]),
  })
end

-- Who looks after the member hears of the tier; points run out every day.
function letters.owner(ev, ctx)
  local told, db = ev.payload, ctx.db:as_system()
  local member = db.member:get(told.member)
  people.tell(ctx, member.owner, { entity = "member", record = member },
    "@notice.tier_expiring", "warning",
    { tier = db.tier:get(told.tier).name, day = tostring(told["until"]) })
end

return letters
