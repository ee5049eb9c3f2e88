-- doubles - leads that look like another one, or like a contact, however they have come in.
--
-- A form knows what it repeats before it stores anything. A file and another system are not held
-- up by questions: soon behind what they stored this job reads the log of changes on, asks the
-- services that the form asks, and marks what it finds, so that people can merge it or say that it
-- is none. Who has imported a file is told once how much of it was there already.
-- SPDX-License-Identifier: MIT
local states = require("states")

local doubles = {}

local PAGE = 20 -- changes between two places that are kept
local OLD_PAGE = 100 -- the same while nothing is looked at
local FRESH_HOURS = 24 -- what is older when this begins was there before, and is left alone
local FOLLOW = 50 -- leads that looked like one that was merged
local CANDIDATES = 5 -- the best of those that a lead looks like
local MANY = 19 -- of a rule's 20 candidates one may be the lead itself
local ASKED = { "name", "company", "phones", "emails", "wechat_id", "prospect_id" }
local PLACE = "doubles"

local is_asked = {}
for _, name in ipairs(ASKED) do is_asked[name] = true end

local function is_live(lead)
  return lead and not lead.duplicate_of and not states.is_over(lead.status)
end

-- Of a lead that has just come the other one was there before it, so that one of two is marked.
-- Among very many alike the match service tells of some only: then any of them will do.
local function lead_like(ctx, db, lead, given, is_new)
  local items, any = ctx.call("lead.recognise", given).items, nil
  for rank, one in ipairs(items) do
    if rank > CANDIDATES then break end
    local other = db.lead:get(crm.id_parse(one.id))
    if is_live(other) and other.id ~= lead.id then
      if not is_new or other.id < lead.id then return other.id, one.score end
      any = any or { other.id, one.score }
    end
  end
  if any and #items >= MANY then return any[1], any[2] end
  return nil, 0
end

local function contact_like(ctx, given)
  local one = ctx.call("contact.recognise", given).items[1]
  if one then return crm.id_parse(one.id), one.score end
  return nil, 0
end

-- What a lead looks like now: marked when that is something new, unmarked when it is nothing any
-- more. Says whether it was marked.
local function judge(ctx, db, id, is_new)
  local lead = db.lead:get(id)
  if not lead then return false end
  local like, contact, score, other_score
  if is_live(lead) then
    local given = { id = crm.id_text(lead.id) }
    for _, name in ipairs(ASKED) do given[name] = lead[name] end
    like, score = lead_like(ctx, db, lead, given, is_new)
    contact, other_score = contact_like(ctx, given)
  end
  if lead.looks_like == like and lead.known_contact == contact then return false end
  local is_double = like ~= nil or contact ~= nil
  ctx.tx(function()
    assert(db.lead:update(lead.id, {
      looks_like = like or crm.null, known_contact = contact or crm.null,
      possible_duplicate = is_double,
    }))
    if not is_double then return end
    ctx.emit("lead.duplicate_found", {
      lead = like or lead.id, came = lead.id, contact = contact,
      score = math.max(score, other_score),
    })
  end)
  return is_double
end

local function has_any(fields, set)
  for _, name in ipairs(fields) do
    if set[name] then return true end
  end
  return false
end

-- One change of a lead; adds to `told`, by who has imported it, what was found.
local function look(ctx, db, item, told)
  if item.op == "create" then
    local is_double = judge(ctx, db, item.id, true)
    if item.source == "import" and item.actor then
      local who = crm.id_text(item.actor)
      told[who] = (told[who] or 0) + (is_double and 1 or 0)
    end
  elseif item.op == "update" and has_any(item.fields, is_asked) then
    judge(ctx, db, item.id, false)
  elseif item.op == "update" and has_any(item.fields, { duplicate_of = true }) then
    local like = { where = { looks_like = item.id }, limit = FOLLOW }
    for _, one in ipairs(db.lead:find(like)) do judge(ctx, db, one.id, false) end
  end
end

-- Whose file has come to its end: nothing more of it since the run before.
local function tell(ctx, counts, fresh)
  for who, count in pairs(counts) do
    if not fresh[who] then
      counts[who] = nil
      if count > 0 then
        ctx.notify(crm.id_parse(who), {
          text = "@notice.import_doubles", args = { count = count }, tone = "warning",
          kind = "import_doubles", link = "/e/lead?qf=doubles",
        })
      end
    end
  end
end

-- Where the log was read to, and what is still to be told: as a table of our own.
local function place(ctx)
  local kept, counts = ctx.kv:get(PLACE) or { seq = 0, counts = {} }, {}
  for who, count in pairs(kept.counts) do counts[who] = count end
  return { seq = kept.seq, counts = counts }
end

-- Looks at a page: what was found, the seq to go on from, how long the next page is. A long page
-- ends where something is to be looked at, because a step of a job reads so much and no more.
local function page(ctx, db, items, at)
  local found = {}
  for _, item in ipairs(items) do
    if item.at >= at.before then
      if at.limit == OLD_PAGE then return found, item.seq - 1, PAGE end
      look(ctx, db, item, found)
    end
  end
  return found, at.seq, at.limit
end

-- Every few minutes; a company in which nothing has happened costs one look at the log.
function doubles.run(job, ctx)
  local db, before = ctx.db:as_system(), ctx.now():add { hours = -FRESH_HOURS }
  local kept, fresh = place(ctx), {} -- fresh: who was seen in this run
  for who in pairs(job.cursor or {}) do fresh[who] = true end
  local limit = OLD_PAGE
  local items, seq = ctx.changes { since = kept.seq, limit = limit, entity = "lead" }
  while seq > kept.seq do
    local found
    found, seq, limit = page(ctx, db, items, { seq = seq, limit = limit, before = before })
    for who, count in pairs(found) do
      kept.counts[who], fresh[who] = (kept.counts[who] or 0) + count, true
    end
    kept.seq = seq
    ctx.kv:set(PLACE, kept)
    job:save(fresh)
    items, seq = ctx.changes { since = kept.seq, limit = limit, entity = "lead" }
  end
  if next(kept.counts) == nil then return end
  ctx.tx(function()
    tell(ctx, kept.counts, fresh)
    ctx.kv:set(PLACE, kept)
  end)
end

return doubles
