-- capture - leads from a form of the company's web site.
--
-- Whoever sends it is told that it has arrived and nothing else: not even whether they were known.
-- SPDX-License-Identifier: MIT
local refusals = require("people.refusals")
local rules = require("rules")
local states = require("states")

local capture = {}

capture.options = {
  auth = "public",
  rate = "30/m",
  summary = "A lead from a form of the web site",
  body = {
    name = "text", company = "text", title = "text", phone = "text", email = "text",
    message = "text", campaign = "text", utm_source = "text", utm_medium = "text",
    consent = "bool", website = "text",
  },
}

local function text(value, most)
  if value == nil then return nil end
  value = value:gsub("^%s+", ""):gsub("%s+$", "")
  if value == "" then return nil end
  return most and utf8.len(value) > most and value:sub(1, utf8.offset(value, most + 1) - 1) or value
end

local function fields_of(body)
  local phone, email = text(body.phone), text(body.email)
  return {
    name = text(body.name, 100), company = text(body.company, 120), title = text(body.title, 60),
    phones = phone and { phone } or nil, emails = email and { email } or nil,
    original_message = text(body.message, 5000), campaign = text(body.campaign, 100),
    utm_source = text(body.utm_source, 100), utm_medium = text(body.utm_medium, 100),
    source = "website",
  }
end

-- The lead that this is about, if it is there and still worked on.
local function known(ctx, db, fields)
  local found = ctx.call("lead.recognise", {
    name = fields.name, company = fields.company, phones = fields.phones, emails = fields.emails,
  })
  local best = found.items[1]
  if not best or best.score < ctx.config.web_duplicate_score then return nil end
  local lead = db.lead:get(crm.id_parse(best.id))
  if lead and lead.duplicate_of then lead = db.lead:get(lead.duplicate_of) end
  if lead and not states.is_over(lead.status) then return lead, best.score end
  return nil
end

local function consent(db, lead, given)
  if given == nil then return end
  assert(db.consent:insert {
    about = { entity = "lead", id = lead }, purpose = "contact", given = given, channel = "web",
    proof = "form",
  })
end

local function again(ctx, db, lead, score, fields)
  assert(db.activity:insert {
    subject = ctx.t("@form_again"), type = "note", about = { entity = "lead", id = lead.id },
    content = fields.original_message, owner = lead.owner,
  })
  ctx.emit("lead.duplicate_found", { lead = lead.id, score = score })
end

local PARAMETERS = { phones = "phone", emails = "email" }

-- What the data refuses, told on what the form calls it: "VALIDATION: phones[0]: not a number".
local function refuse(req, why)
  local field, sentence = refusals.parts(why)
  local name = field and (PARAMETERS[field] or field)
  req:fail(capture.options.body[name or ""] and name or "name", sentence)
end

-- POST /x/leads/web: a robot fills in the field that people do not see.
function capture.web(req, ctx)
  local fields = fields_of(req.body)
  if text(req.body.website) then return { received = true }, 202 end
  if not rules.has_identity(fields) then
    return req:fail("name", "@form_identity")
  end
  local db = ctx.db:as_system()
  local lead, score = known(ctx, db, fields)
  local function told(id, is_new)
    ctx.call("form.submit", {
      form = "leads.web", entity = "lead", record = id, is_new = is_new,
    })
  end
  local refused = ctx.tx(function()
    if lead then
      again(ctx, db, lead, score, fields)
      consent(db, lead.id, req.body.consent)
      told(lead.id, false)
      return nil
    end
    local made, why = db.lead:insert(fields)
    if not made then return why end
    consent(db, made.id, req.body.consent)
    ctx.emit("lead.captured", { lead = made.id, source = "website" })
    told(made.id, true)
    return nil
  end)
  if refused then return refuse(req, refused) end
  return { received = true }, 202
end

return capture
