-- scoring - how promising a lead is, from 0 to 100, and why.
-- SPDX-License-Identifier: MIT
local scoring = {}

-- A change of one of these asks for a new score.
scoring.fields = {
  "source", "phones", "emails", "company", "title", "estimated_amount", "visits", "visit_seconds",
  "last_follow_at",
}

local SOURCE_POINTS = {
  referral = 25, partner = 20, event = 15, phone = 15, website = 10, chat = 10, search = 8,
  mail = 5, social = 5, advert = 5,
}
local AMOUNT_LARGE = 10000000 -- minor units: 100,000.00
local VISITS_MANY = 5
local SECONDS_MANY = 600

-- Plain values in; the points and the keys of the reasons out.
function scoring.judge(lead)
  local score, reasons = 0, {}
  local function add(points, reason)
    score = score + points
    if reason then reasons[#reasons + 1] = reason end
  end
  if lead.phone then add(20, "@reason.phone") end
  if lead.email then add(15, "@reason.email") end
  if lead.company then add(10, "@reason.company") end
  if lead.title then add(5) end
  if (lead.amount or 0) >= AMOUNT_LARGE then add(15, "@reason.amount") end
  if (lead.visits or 0) >= VISITS_MANY or (lead.seconds or 0) >= SECONDS_MANY then
    add(10, "@reason.visits")
  end
  if lead.followed then add(5) end
  add(SOURCE_POINTS[lead.source] or 0, lead.source == "referral" and "@reason.referral" or nil)
  return math.min(score, 100), reasons
end

-- What judge wants, from a record or from the fields of a request.
local function plain(record)
  local phones, emails, amount = record.phones, record.emails, record.estimated_amount
  return {
    phone = phones and phones[1],
    email = emails and emails[1],
    company = record.company,
    title = record.title,
    amount = amount and amount.minor,
    visits = record.visits,
    seconds = record.visit_seconds,
    followed = record.last_follow_at ~= nil,
    source = record.source,
  }
end

function scoring.fill(ev, ctx)
  local score, reasons = ctx.call("lead.score", plain(ev.record)), {}
  for index, key in ipairs(score.reasons) do reasons[index] = ctx.t(key) end
  ev.record.score = score.score
  ev.record.score_reasons = reasons
end

function scoring.scored(ev, ctx)
  ctx.emit("lead.scored", { lead = ev.record.id, score = ev.record.score })
end

-- Others put their own judgement around it: crm.wrap("lead.score", …).
function scoring.service(lead)
  local score, reasons = scoring.judge(lead)
  return { score = score, reasons = reasons }
end

return scoring
