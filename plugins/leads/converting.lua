-- converting - a lead becomes account, contact and, where it is asked for, an opportunity.
--
-- One transaction; a second time it answers what the first one made. The lead stays as it is; its
-- activities are listed at the account and the contact too, and its files in one of them.
-- SPDX-License-Identifier: MIT
local merging = require("people.merging")

local converting = {}

local ACTIVITIES = 100 -- and as many tasks, that one transaction takes along; the rest follow

-- --- what becomes what ---

-- Fields of the new records. A company puts its own in place, or around it with crm.wrap.
function converting.map(lead)
  local phone, email = lead.phones and lead.phones[1], lead.emails and lead.emails[1]
  return {
    account = {
      name = lead.company or lead.name, phone = phone, email = email, industry = lead.industry,
      region = lead.region, address = lead.address, description = lead.description,
    },
    contact = {
      name = lead.name or lead.company, title = lead.title, phones = lead.phones,
      emails = lead.emails, wechat_id = lead.wechat_id, address = lead.address,
      do_not_call = lead.do_not_call, next_contact_at = lead.next_contact_at,
    },
    opportunity = {
      name = lead.company or lead.name, amount = lead.estimated_amount, campaign = lead.campaign,
    },
  }
end

-- --- what is there already ---

local function id_of(ev, name)
  local text = ev.params[name]
  return type(text) == "string" and crm.id_parse(text) or nil
end

local function find_account(ev, ctx, db, fields)
  if ev.params.account ~= nil then
    local id = id_of(ev, "account")
    local found = id and ctx.db.account:get(id)
    if not found then ev:fail("account", "@bad_account") end
    return found, found == nil
  end
  local found = fields.name and db.account:find { where = { name = fields.name }, limit = 1 }[1]
  return merging.survivor(db.account, found), false
end

local function by_list(db, account, field, values)
  for _, value in ipairs(values or {}) do
    local found = db.contact:find {
      where = { account = account, [field] = { has = value } }, order = "id", limit = 1,
    }[1]
    if found then return merging.survivor(db.contact, found) end
  end
  return nil
end

local function find_contact(ev, ctx, db, account, fields)
  if ev.params.contact ~= nil then
    local id = id_of(ev, "contact")
    local found = id and ctx.db.contact:get(id)
    if not found or found.account and account and found.account ~= account.id then
      ev:fail("contact", "@bad_contact")
      return nil, true
    end
    return found, false
  end
  if not account then return nil, false end
  return by_list(db, account.id, "phones", fields.phones)
    or by_list(db, account.id, "emails", fields.emails), false
end

-- --- one transaction ---

local function link(ctx, db, lead, account, contact)
  for _, name in ipairs { "activity", "task" } do
    local found = db[name]:find { where = { about = lead.id }, order = "id", limit = ACTIVITIES }
    for _, record in ipairs(found) do
      assert(db[name]:update(record.id, { account = account, contact = contact }))
    end
    if #found == ACTIVITIES then
      local id = crm.id_text(lead.id)
      ctx.queue:push("link", { lead = id, of = name }, { key = name .. ":" .. id, again = true })
    end
  end
end

-- The job "link": the others, as the lead stands by now.
function converting.link_rest(job, ctx)
  local db, id = ctx.db:as_system(), crm.id_parse(job.args.lead)
  job:each({ entity = job.args.of, as_system = true, batch = 50, where = { about = id } },
    function(record)
      local lead = db.lead:get(id)
      local account, contact = lead and lead.converted_account, lead and lead.converted_contact
      if record.account == account and record.contact == contact then return end
      assert(db[job.args.of]:update(record.id, {
        account = account or crm.null, contact = contact or crm.null,
      }))
    end)
end

-- Files that hang on the lead itself are an activity at whom it has become.
local function take_files(ctx, db, lead, account, contact)
  if #ctx.files(lead) == 0 then return end
  local about = { entity = "lead", id = lead.id }
  local note = db.activity:find { where = { about = lead.id, came_from = lead.id }, limit = 1 }[1]
    or assert(db.activity:insert {
      subject = ctx.t("@files_subject"), type = "note", about = about, came_from = about,
      account = account, contact = contact, owner = lead.owner,
    })
  assert(db.activity:update(note.id, { files = assert(ctx.copy_files(lead, note)) }))
end

local function answer(conversion, lead)
  local opportunity = nil
  if lead.opportunity then opportunity = crm.id_text(lead.opportunity) end
  return {
    conversion = crm.id_text(conversion), account = crm.id_text(lead.account),
    contact = crm.id_text(lead.contact), opportunity = opportunity,
  }
end

local function opportunity_of(ctx, lead) return ctx.has("opportunities") and lead or nil end

local function active(db, lead)
  return db.lead_conversion:find { where = { lead = lead.id, state = "active" }, limit = 1 }[1]
end

-- What the lead said about itself holds for whom it has become.
local function keep_refusals(db, lead, contact, is_new)
  if lead.do_not_call and not is_new and not contact.do_not_call then
    assert(db.contact:update(contact.id, { do_not_call = true }))
  end
  for _, consent in ipairs(db.consent:find {
    where = { about = lead.id }, order = "at,id", limit = 50,
  }) do
    assert(db.consent:insert {
      about = { entity = "contact", id = contact.id }, purpose = consent.purpose,
      given = consent.given, at = consent.at, proof = consent.proof, channel = consent.channel,
    })
  end
end

-- What the new record lacks is told on what was asked for: "industry: …" on account.
local function insert(ev, db, entity, fields)
  local made, why = db[entity]:insert(fields)
  if not made then ev:fail(entity, (why:gsub("^[%u_]+: ", ""))) end
  return made
end

local function make(ev, ctx, db, lead)
  local fields = ctx.call("lead.convert_map", lead)
  local owner = lead.owner or ctx.user and ctx.user.id
  local account, bad = find_account(ev, ctx, db, fields.account)
  if bad then return nil end
  local contact
  contact, bad = find_contact(ev, ctx, db, account, fields.contact)
  if bad then return nil end
  local made = { account_is_new = not account, contact_is_new = not contact }
  if not account then
    fields.account.owner = owner
    account = insert(ev, db, "account", fields.account)
    if not account then return nil end
  end
  if not contact then
    fields.contact.owner, fields.contact.account = owner, account.id
    contact = insert(ev, db, "contact", fields.contact)
    if not contact then return nil end
  end
  keep_refusals(db, lead, contact, made.contact_is_new)
  made.account, made.contact = account.id, contact.id
  if ev.params.opportunity then
    fields.opportunity.account, fields.opportunity.contact = account.id, contact.id
    fields.opportunity.lead, fields.opportunity.owner = lead.id, owner
    local deal = ctx.call("opportunity.from_lead", fields.opportunity)
    if not deal.id then return ev:fail("opportunity", (deal.why:gsub("^[%u_]+: ", ""))) end
    made.opportunity = deal.id
  end
  link(ctx, db, lead, account.id, contact.id)
  take_files(ctx, db, lead, account.id, contact.id)
  return made
end

local function version(sheet, id) return sheet:get(id).version end

local function keep(ctx, db, lead, made)
  local spec = {
    label = lead.name or lead.company, lead = lead.id, state = "active", account = made.account,
    contact = made.contact, converted_at = ctx.now(),
  }
  if made.account_is_new then spec.account_version = version(db.account, made.account) end
  if made.contact_is_new then spec.contact_version = version(db.contact, made.contact) end
  local fields = {
    status = "converted", status_before = lead.status, converted_at = ctx.now(),
    converted_account = made.account, converted_contact = made.contact,
  }
  if made.opportunity then
    spec.opportunity, fields.converted_opportunity = made.opportunity, made.opportunity
    spec.opportunity_version = version(db.opportunity, made.opportunity)
  end
  local conversion = assert(db.lead_conversion:insert(spec))
  assert(db.lead:update(lead.id, fields, { if_version = lead.version }))
  return conversion
end

-- POST …/lead/{id}/actions/convert { account, contact, opportunity }
function converting.convert(ev, ctx)
  local lead, db = ev.record, ctx.db:as_system()
  if lead.status == "converted" then
    local before = active(db, lead)
    if not before then return ev:fail("status", "@lead_over") end
    return answer(before.id, {
      account = before.account, contact = before.contact,
      opportunity = opportunity_of(ctx, before) and before.opportunity,
    })
  end
  if lead.status == "dead" or lead.status == "new" or lead.status == "recycled" then
    return ev:fail("status", "@not_owned")
  end
  if ev.params.opportunity and not ctx.has("opportunities") then
    return ev:fail("opportunity", "@no_opportunities")
  end
  local made = make(ev, ctx, db, lead)
  if not made then return nil end
  local conversion = keep(ctx, db, lead, made)
  ctx.emit("lead.converted", {
    lead = lead.id, account = made.account, contact = made.contact, opportunity = made.opportunity,
  })
  return answer(conversion.id, made)
end

-- --- and back ---

local function is_touched(sheet, id, was)
  local record = was and sheet:get(id)
  return record and record.version ~= was or was and not record
end

-- Has another lead become the same?
local function is_shared(db, done)
  local same = {}
  if done.account_version then same[#same + 1] = { account = done.account } end
  if done.contact_version then same[#same + 1] = { contact = done.contact } end
  return #same > 0 and db.lead_conversion:count {
    where = { state = "active", id = { ne = done.id }, ["or"] = same },
  } > 0
end

-- What this conversion made goes into the recycle bin; false where others have come to need it.
local function discard(db, done, opportunity)
  return (not opportunity or db.opportunity:delete(opportunity))
    and (not done.contact_version or db.contact:delete(done.contact))
    and (not done.account_version or db.account:delete(done.account))
end

-- POST …/lead/{id}/actions/unconvert: while nobody has changed what it became.
function converting.unconvert(ev, ctx)
  local lead, db = ev.record, ctx.db:as_system()
  local done = active(db, lead)
  if lead.status ~= "converted" or not done then return ev:fail("status", "@not_converted") end
  local opportunity = opportunity_of(ctx, done) and done.opportunity
  if is_touched(db.account, done.account, done.account_version)
    or is_touched(db.contact, done.contact, done.contact_version)
    or opportunity and is_touched(db.opportunity, opportunity, done.opportunity_version)
    or is_shared(db, done)
  then
    return ev:fail("status", "@converted_touched")
  end
  local fields = {
    status = lead.status_before or "qualified", status_before = crm.null, converted_at = crm.null,
    converted_account = crm.null, converted_contact = crm.null,
  }
  if ctx.has("opportunities") then fields.converted_opportunity = crm.null end
  assert(db.lead:update(lead.id, fields))
  link(ctx, db, lead, crm.null, crm.null)
  assert(db.lead_conversion:update(done.id, { state = "undone", undone_at = ctx.now() }))
  if not discard(db, done, opportunity) then return ev:fail("status", "@converted_touched") end
  ctx.emit("lead.unconverted", { lead = lead.id })
  return { status = fields.status }
end

return converting
