-- merging - two records about one person or company become one; the other one says where it went.
--
-- What the survivor lacks comes from the other, lists are joined, what hangs on the other follows.
-- All of it is written down, so that it can be shown before and undone for some days after. For
-- other plugins: require("people.merging").new { … } gives the two operations of an entity.
-- SPDX-License-Identifier: MIT
local refusals = require("refusals")

local merging = {}

local CONSENTS = 50
local HOPS_MAX = 100 -- merges of merges that are followed; they lead on, never back

-- --- values ---

local function copy(list)
  local items = {}
  for index, item in ipairs(list or {}) do items[index] = item end
  return items
end

local function joined(own, other)
  local list, known, grown = copy(own), {}, false
  for _, item in ipairs(list) do known[item] = true end
  for _, item in ipairs(other or {}) do
    if not known[item] then
      list[#list + 1], grown = item, true
    end
  end
  return list, grown
end

local function money(value) return { amount = value.amount, currency = value.currency } end

-- How values of a field are written down, put back and compared, by what the field is.
local WAYS = {
  plain = { note = function(value) return value end },
  ref = { note = crm.id_text, put = crm.id_parse },
  money = {
    note = money,
    text = function(value) return value.amount .. value.currency end,
  },
  day = { note = tostring, put = crm.date },
  time = { note = tostring, put = crm.datetime },
  list = { note = copy, text = function(value) return table.concat(copy(value), "\n") end },
}

local function text_of(way, value)
  if value == nil or value == crm.null then return "" end
  return tostring(way.text and way.text(value) or value)
end

-- --- what the survivor gets ---

-- The fields of `take`, whose value is to be the other's; nil where a name is none of them.
local function chosen(spec, take)
  local names = {}
  if take == nil then return names end
  if type(take) ~= "table" and type(take) ~= "userdata" then return nil end
  for _, field in ipairs(take) do
    local way = spec.fields[field]
    if not way or way == "list" then return nil end
    names[field] = true
  end
  return names
end

-- What the survivor would get, and what it has there now.
local function plan(spec, winner, loser, take)
  local after, before = crm.object(), crm.object()
  for field, name in pairs(spec.fields) do
    local own, other, way = winner[field], loser[field], WAYS[name]
    if name == "list" then
      local list, grown = joined(own, other)
      if grown then after[field], before[field] = list, copy(own) end
    elseif other ~= nil and other ~= winner.id and (own == nil or take[field]) then
      local noted = way.note(other)
      if own == nil or text_of(way, way.note(own)) ~= text_of(way, noted) then
        after[field], before[field] = noted, own ~= nil and way.note(own) or nil
      end
    end
  end
  for _, field in ipairs(spec.refusals or {}) do
    if loser[field] and not winner[field] then
      after[field], before[field] = true, winner[field]
    end
  end
  return after, before
end

-- Written-down values as a record takes them.
local function values_of(spec, noted)
  local values = {}
  for field, value in pairs(noted) do
    local way = WAYS[spec.fields[field] or "plain"]
    values[field] = value ~= crm.null and way.put and way.put(value) or value
  end
  return values
end

-- What the other one has said about being written to or called holds for the survivor too.
local function keep_consents(db, entity, from, to)
  for _, consent in ipairs(db.consent:find {
    where = { about = from }, order = "at,id", limit = CONSENTS,
  }) do
    assert(db.consent:insert {
      about = { entity = entity, id = to }, purpose = consent.purpose, given = consent.given,
      at = consent.at, proof = consent.proof, channel = consent.channel,
    })
  end
end

-- --- the operations ---

local function target(spec, ev, ctx)
  local text = ev.params.into
  local id = type(text) == "string" and crm.id_parse(text)
  local winner = id and id ~= ev.record.id and ctx.db[spec.entity]:get(id)
  if winner and not winner.duplicate_of then return winner end
  ev:fail("into", "@people:merge_target")
  return nil
end

-- Does something still follow behind a merge of it (another one than `entry`), or come back?
local function is_moving(spec, db, record, entry)
  local where = { moving = true, ["or"] = { { loser = record.id }, { winner = record.id } } }
  if entry then where.id = { ne = entry.id } end
  return spec.follow ~= nil and db[spec.record]:count { where = where } > 0
end

-- Files that hang on the one that goes are a note at the one that stays.
local function take_files(spec, ctx, db, loser, winner)
  if #ctx.files(loser) == 0 then return nil end
  local made = assert(db.activity:insert {
    subject = ctx.t("@people:files_of", { name = loser[spec.title] or "" }), type = "note",
    about = { entity = spec.entity, id = winner.id }, owner = winner.owner,
  })
  assert(db.activity:update(made.id, { files = assert(ctx.copy_files(loser, made)) }))
  return made.id
end

local function merge(spec, ev, ctx)
  local loser, db = ev.record, ctx.db:as_system()
  if loser.duplicate_of then return ev:fail(spec.on, "@people:merge_again") end
  if is_moving(spec, db, loser) then return ev:fail(spec.on, "@people:merge_moving") end
  local key = spec.refuses and spec.refuses(loser)
  if key then return ev:fail(spec.on, key) end
  local winner = target(spec, ev, ctx)
  if not winner then return nil end
  if not ctx.can("update", loser) or not ctx.can("update", winner) then
    return ev:fail("into", "@people:merge_denied")
  end
  local take = chosen(spec, ev.params.take)
  if not take then return ev:fail("take", "@people:merge_take") end
  local count = spec.count(db, loser, ctx)
  local is_large = count > spec.most
  if is_large and not spec.follow then
    return ev:fail(spec.on, "@people:merge_many", { max = spec.most })
  end
  local after, before = plan(spec, winner, loser, take)
  if ev.params.preview then
    return {
      into = crm.id_text(winner.id), fields = after, [spec.counted] = count, preview = true,
      in_background = is_large or nil,
    }
  end
  local entry = {
    label = loser[spec.title] or crm.id_text(loser.id), winner = winner.id, loser = loser.id,
    state = "active", merged_at = ctx.now(), before = before, after = after,
  }
  -- First the other one gives way: what may be there once is then free.
  local fields = { duplicate_of = winner.id, merged_at = ctx.now() }
  if spec.ends then spec.ends(loser, fields) end
  local done, why = db[spec.entity]:update(loser.id, fields)
  if done and next(after) then
    done, why = db[spec.entity]:update(winner.id, values_of(spec, after))
  end
  if not done then return refusals.tell(ev, why, spec.on) end -- an approval that runs, say
  entry.note = take_files(spec, ctx, db, loser, winner)
  entry.moved = spec.move(db, loser.id, winner.id, ctx, spec.most)
  if spec.follow then entry.moving, entry.children = is_large, count end
  keep_consents(db, spec.entity, loser.id, winner.id)
  local made = assert(db[spec.record]:insert(entry))
  if is_large then spec.follow(ctx, "merge_rest", spec.entity, made.id) end
  ctx.emit(spec.entity .. ".merged", { [spec.entity] = loser.id, into = winner.id })
  return {
    merge = crm.id_text(made.id), into = crm.id_text(winner.id), fields = after,
    in_background = is_large or nil,
  }
end

-- Puts back what the survivor was given, where it is still so.
local function give_back(spec, db, winner, entry)
  local fields, before = {}, entry.before or {}
  for field, value in pairs(entry.after or {}) do
    local way = WAYS[spec.fields[field] or "plain"]
    local now = winner[field]
    if now ~= nil and text_of(way, way.note(now)) == text_of(way, value) then
      local old = before[field]
      fields[field] = old == nil and crm.null or old
    end
  end
  if next(fields) then assert(db[spec.entity]:update(winner.id, values_of(spec, fields))) end
end

-- It is undone and what had followed has not come back: asks for that anew.
local function come_back(spec, ev, ctx, db)
  local entry = spec.follow and db[spec.record]:find {
    where = { loser = ev.record.id, state = "undone", moving = true }, limit = 1,
  }[1]
  if not entry then return ev:fail(spec.on, "@people:not_merged") end
  spec.follow(ctx, "merge_back", spec.entity, entry.id)
  return { in_background = true }
end

-- What still follows stops where it is: the job asks each time whether the merge holds.
local function unmerge(spec, ev, ctx)
  local loser, db = ev.record, ctx.db:as_system()
  local entry = db[spec.record]:find {
    where = { loser = loser.id, state = "active" }, limit = 1,
  }[1]
  if not entry or not loser.duplicate_of then return come_back(spec, ev, ctx, db) end
  if is_moving(spec, db, loser, entry) then return ev:fail(spec.on, "@people:merge_moving") end
  local days = ctx.config.undo_days
  if entry.merged_at:add { days = days } < ctx.now() then
    return ev:fail(spec.on, "@people:merge_late", { days = days })
  end
  local winner = db[spec.entity]:get(entry.winner)
  if not winner then return ev:fail(spec.on, "@people:not_merged") end
  -- What it was given has gone on with that one, or is still on its way back from there.
  if winner.duplicate_of then return ev:fail(spec.on, "@people:merge_later") end
  if is_moving(spec, db, winner, entry) then return ev:fail(spec.on, "@people:merge_moving") end
  give_back(spec, db, winner, entry)
  local fields = { duplicate_of = crm.null, merged_at = crm.null }
  if spec.revives then spec.revives(loser, fields) end
  local status = fields[spec.on]
  local done, why = db[spec.entity]:update(loser.id, fields)
  if not done then return refusals.tell(ev, why, spec.on) end
  if entry.note then db.activity:delete(entry.note) end
  local stayed = spec.move_back(db, loser.id, winner.id, entry, ctx) or 0
  local told = { state = "undone", undone_at = ctx.now(), note = crm.null, stayed = stayed }
  local is_large = spec.follow and (entry.children or 0) > spec.most
  if is_large then told.moving = true end
  assert(db[spec.record]:update(entry.id, told))
  if is_large then spec.follow(ctx, "merge_back", spec.entity, entry.id) end
  ctx.emit(spec.entity .. ".unmerged", { [spec.entity] = loser.id, into = winner.id })
  return { status = status, stayed = stayed, in_background = is_large or nil }
end

-- spec: entity, record (where merges are written down), title and on (fields), fields (name →
-- plain, ref, money, day, time or list), refusals (flags that survive), refuses(loser) → key,
-- ends and revives(loser, fields), count, move and move_back (what hangs on it; answers how much
-- stayed), counted, most,
-- and follow(ctx, job, entity, id) where what is more than that follows by a job.
-- POST …/actions/merge { into, take = [fields], preview }: with preview nothing is changed; what is
-- taken replaces what the survivor has. POST …/actions/unmerge: what was changed since stays.
function merging.new(spec)
  return function(ev, ctx) return merge(spec, ev, ctx) end,
    function(ev, ctx) return unmerge(spec, ev, ctx) end
end

-- The record that a merged one has become part of; itself where it is not merged.
function merging.survivor(sheet, record)
  for _ = 1, HOPS_MAX do
    if not record or not record.duplicate_of then return record end
    record = sheet:get(record.duplicate_of)
  end
  return record
end

return merging
