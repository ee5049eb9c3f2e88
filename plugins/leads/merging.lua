-- merging - two leads about one person become one; the other one says where it went.
--
-- What the survivor lacks comes from the other, lists are joined, activities move. All of it is
-- written down, so that it can be shown before and undone for some days after.
-- SPDX-License-Identifier: MIT
local merging = {}

local ACTIVITIES = 100

local PLAIN = {
  "name", "company", "title", "wechat_id", "region", "industry", "source", "grade", "campaign",
  "original_message", "description", "prospect_id", "origin_channel", "occupation",
  "specialization", "utm_source", "utm_medium", "visits", "visit_seconds",
}
local LISTS = { "phones", "emails", "tags" }

local function joined(own, other)
  local list, known, grown = {}, {}, false
  for _, item in ipairs(own or {}) do
    list[#list + 1], known[item] = item, true
  end
  for _, item in ipairs(other or {}) do
    if not known[item] then
      list[#list + 1], grown = item, true
    end
  end
  return list, grown
end

local function copy(list)
  local items = {}
  for index, item in ipairs(list or {}) do items[index] = item end
  return items
end

local function amount(money) return { amount = money.amount, currency = money.currency } end

-- The fields of `take`, whose value is to be the other's; nil where a name is none of them.
local function chosen(take)
  local names, known = {}, { estimated_amount = true }
  for _, field in ipairs(PLAIN) do known[field] = true end
  if take == nil then return names end
  if type(take) ~= "table" and type(take) ~= "userdata" then return nil end
  for _, field in ipairs(take) do
    if not known[field] then return nil end
    names[field] = true
  end
  return names
end

-- What the survivor would get, and what it has there now.
local function plan(winner, loser, take)
  local after, before = {}, {}
  for _, field in ipairs(PLAIN) do
    local is_other = loser[field] ~= nil and loser[field] ~= winner[field]
    if is_other and (winner[field] == nil or take[field]) then
      after[field], before[field] = loser[field], winner[field]
    end
  end
  for _, field in ipairs(LISTS) do
    local list, grown = joined(winner[field], loser[field])
    if grown then after[field], before[field] = list, copy(winner[field]) end
  end
  local own, other = winner.estimated_amount, loser.estimated_amount
  if other and (not own or take.estimated_amount) then
    after.estimated_amount, before.estimated_amount = amount(other), own and amount(own) or nil
  end
  if loser.do_not_call and not winner.do_not_call then
    after.do_not_call, before.do_not_call = true, winner.do_not_call
  end
  return after, before
end

local function move(db, from, to, where)
  for _, sheet in ipairs { db.activity, db.task } do
    for _, record in ipairs(sheet:find { where = where, limit = ACTIVITIES }) do
      assert(sheet:update(record.id, {
        about = { entity = "lead", id = to },
        came_from = from and { entity = "lead", id = from } or crm.null,
      }))
    end
  end
end

-- What the other one has said about being written to or called holds for the survivor too.
local function keep_consents(db, from, to)
  for _, consent in ipairs(db.consent:find {
    where = { about = from }, order = "at,id", limit = 50,
  }) do
    assert(db.consent:insert {
      about = { entity = "lead", id = to }, purpose = consent.purpose, given = consent.given,
      at = consent.at, proof = consent.proof, channel = consent.channel,
    })
  end
end

local function target(ev, ctx)
  local text = ev.params.into
  local id = type(text) == "string" and crm.id_parse(text)
  local winner = id and id ~= ev.record.id and ctx.db.lead:get(id)
  if winner and not winner.duplicate_of then return winner end
  ev:fail("into", "@merge_target")
  return nil
end

-- POST …/lead/{id}/actions/merge { into, take = [fields], preview }: with preview nothing is
-- changed; what is taken replaces what the survivor has.
function merging.merge(ev, ctx)
  local loser, db = ev.record, ctx.db:as_system()
  if loser.duplicate_of then return ev:fail("status", "@merge_again") end
  if loser.status == "converted" then return ev:fail("status", "@merge_converted") end
  local winner = target(ev, ctx)
  if not winner then return nil end
  local take = chosen(ev.params.take)
  if not take then return ev:fail("take", "@merge_take") end
  local activities = db.activity:count { where = { about = loser.id } }
  if activities > ACTIVITIES then return ev:fail("status", "@too_many_activities") end
  local after, before = plan(winner, loser, take)
  if ev.params.preview then
    return {
      into = crm.id_text(winner.id), fields = after, activities = activities, preview = true,
    }
  end
  if next(after) then assert(db.lead:update(winner.id, after)) end
  move(db, loser.id, winner.id, { about = loser.id })
  keep_consents(db, loser.id, winner.id)
  local fields = {
    duplicate_of = winner.id, merged_at = ctx.now(), status_before = loser.status,
  }
  if loser.status ~= "dead" then
    fields.status, fields.lost_reason = "dead", "duplicate"
  end
  assert(db.lead:update(loser.id, fields))
  local merge = assert(db.lead_merge:insert {
    label = loser.name or loser.company, winner = winner.id, loser = loser.id, state = "active",
    merged_at = ctx.now(), before = before, after = after,
  })
  ctx.emit("lead.merged", { lead = loser.id, into = winner.id })
  return { merge = crm.id_text(merge.id), into = crm.id_text(winner.id), fields = after }
end

-- One text for a value, from a record or from what was written down.
local function text_of(field, value)
  if value == nil or value == crm.null then return "" end
  if field == "estimated_amount" then return value.amount .. value.currency end
  for _, list in ipairs(LISTS) do
    if list == field then return table.concat(copy(value), "\n") end
  end
  return tostring(value)
end

-- POST …/lead/{id}/actions/unmerge: what was changed since stays as it is.
function merging.unmerge(ev, ctx)
  local loser, db = ev.record, ctx.db:as_system()
  local merge = db.lead_merge:find { where = { loser = loser.id, state = "active" }, limit = 1 }[1]
  if not merge or not loser.duplicate_of then return ev:fail("status", "@not_merged") end
  local days = ctx.config.undo_days
  if merge.merged_at:add { days = days } < ctx.now() then
    return ev:fail("status", "@merge_late", { days = days })
  end
  local winner, fields, before = db.lead:get(merge.winner), {}, merge.before or {}
  if not winner then return ev:fail("status", "@not_merged") end
  for field, value in pairs(merge.after or {}) do
    if text_of(field, winner[field]) == text_of(field, value) then
      local old = before[field]
      fields[field] = old == nil and crm.null or old
    end
  end
  if next(fields) then assert(db.lead:update(winner.id, fields)) end
  move(db, nil, loser.id, { about = winner.id, came_from = loser.id })
  assert(db.lead:update(loser.id, {
    duplicate_of = crm.null, merged_at = crm.null, status = loser.status_before,
    status_before = crm.null, lost_reason = loser.status_before ~= "dead" and crm.null or nil,
  }))
  assert(db.lead_merge:update(merge.id, { state = "undone", undone_at = ctx.now() }))
  ctx.emit("lead.unmerged", { lead = loser.id, into = winner.id })
  return { status = loser.status_before }
end

return merging
