-- moving - what hangs on a customer or a contact follows it into another one, and comes back.
--
-- Each plugin moves what is its own: crm.wrap("record.move", moving.of { account = { … } }), where
-- an item names an entity and its fields that point there; `lists` are those that name several.
-- What refuses to be changed stays where it is (a contract that was approved) and leads on by the
-- redirect.
-- SPDX-License-Identifier: MIT
local moving = {}

local MOST = 400 -- of one entity in one merge, where nobody says less

local function points_at(value, id)
  if value == nil then return false end
  return value == id or type(value) ~= "number" and value.id == id
end

local function where_of(item, id)
  local any = {}
  for _, field in ipairs(item.fields or {}) do any[#any + 1] = { [field] = id } end
  for _, field in ipairs(item.lists or {}) do any[#any + 1] = { [field] = { has = id } } end
  return { ["or"] = any }
end

-- A list with one id in another's place, once; nil where it does not name that one.
local function swapped(list, from, to)
  local out, seen, is_there = {}, {}, false
  for _, id in ipairs(list or {}) do
    is_there = is_there or id == from
    local now = id == from and to or id
    if not seen[now] then
      seen[now], out[#out + 1] = true, now
    end
  end
  return is_there and out or nil
end

-- A field as it was, with another id.
local function pointing(value, entity, id)
  return type(value) == "number" and id or { entity = entity, id = id }
end

-- out: moved, after and more, as they are answered.
local function move(db, item, asked, out)
  local moved, key = out.moved, item.entity .. "." .. (item.fields or item.lists)[1]
  local room = (asked.limit or MOST) - #moved
  if room <= 0 then
    out.more = true
    return
  end
  local where = { where_of(item, asked.from) }
  if out.after[key] then where[2] = { id = { gt = out.after[key] } } end
  local found = db[item.entity]:find { where = { ["and"] = where }, order = "id", limit = room }
  out.more = out.more or #found == room
  for _, record in ipairs(found) do
    out.after[key] = record.id
    local values, names = {}, {}
    for _, field in ipairs(item.fields or {}) do
      if points_at(record[field], asked.from) then
        values[field] = pointing(record[field], asked.entity, asked.to)
        names[#names + 1] = field
      end
    end
    for _, field in ipairs(item.lists or {}) do
      values[field] = swapped(record[field], asked.from, asked.to)
      if values[field] then names[#names + 1] = field end
    end
    if record.id ~= asked.to and db[item.entity]:update(record.id, values) then
      moved[#moved + 1] = { entity = item.entity, id = crm.id_text(record.id), fields = names }
    end
  end
end

local function has(list, name)
  for _, one in ipairs(list or {}) do
    if one == name then return true end
  end
  return false
end

-- out.moved: what has come back.
local function move_back(db, item, asked, out)
  local names, ids = {}, {}
  for _, one in ipairs(asked.moved) do
    if one.entity == item.entity then
      local id = crm.id_parse(one.id)
      names[id], ids[#ids + 1] = one.fields, id
    end
  end
  if #ids == 0 then return end
  for _, record in ipairs(db[item.entity]:find { where = { id = ids }, limit = MOST }) do
    local values = {}
    for _, field in ipairs(names[record.id]) do
      if has(item.lists, field) then
        values[field] = swapped(record[field], asked.from, asked.to)
      elseif points_at(record[field], asked.from) then
        values[field] = pointing(record[field], asked.entity, asked.to)
      end
    end
    if next(values) and db[item.entity]:update(record.id, values) then
      out.moved[#out.moved + 1] = { entity = item.entity, id = crm.id_text(record.id) }
    end
  end
end

-- The service record.move. asked: entity, from (an id) and counts: how many there are; or to: moves
-- them, at most `limit` from `after` on; and moved, as it was answered: moves those back that are
-- still there, and answers these as moved. Answers count, moved, and after and more: where to go
-- on, and whether to.
function moving.none(asked)
  local after = {}
  for key, id in pairs(asked.after or {}) do after[key] = id end
  return { count = 0, moved = {}, after = after, more = false }
end

local function copied(before)
  local out = { moved = {}, after = {}, more = before.more, count = before.count }
  for index, one in ipairs(before.moved) do out.moved[index] = one end
  for key, id in pairs(before.after or {}) do out.after[key] = id end
  return out
end

function moving.of(items)
  return function(next_one, asked, ctx)
    local out, db = copied(next_one(asked)), ctx.db:as_system()
    for _, item in ipairs(items[asked.entity] or {}) do
      if asked.counts then
        out.count = out.count + db[item.entity]:count { where = where_of(item, asked.from) }
      elseif asked.moved then
        move_back(db, item, asked, out)
      else
        move(db, item, asked, out)
      end
    end
    return out
  end
end

-- What merging.new asks about an entity's children, answered by the service.
function moving.by_service(entity)
  return {
    count = function(_, loser, ctx)
      return ctx.call("record.move", { entity = entity, from = loser.id, counts = true }).count
    end,
    move = function(_, from, to, ctx, limit)
      local asked = { entity = entity, from = from, to = to, limit = limit }
      return ctx.call("record.move", asked).moved
    end,
    move_back = function(_, loser, winner, entry, ctx)
      local all = entry.moved or {}
      local back = ctx.call("record.move", {
        entity = entity, from = winner, to = loser, moved = all,
      }).moved
      return math.max(#all - #back, 0)
    end,
  }
end

return moving
