-- moving - what hangs on a customer or a contact follows it into another one, and comes back.
--
-- Each plugin moves what is its own: crm.wrap("record.move", moving.of { account = { … } }), where
-- an item names an entity and its fields that point there; `lists` are those that name several.
-- What refuses to be changed stays where it is (a contract that was approved) and leads on by the
-- redirect.
-- SPDX-License-Identifier: MIT
local moving = {}

local MOST = 400 -- of one entity in one merge

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

local function move(db, item, asked, moved)
  for _, record in ipairs(db[item.entity]:find {
    where = where_of(item, asked.from), order = "id", limit = MOST,
  }) do
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

local function move_back(db, item, asked)
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
    if next(values) then db[item.entity]:update(record.id, values) end
  end
end

-- The service record.move. asked: entity, from (an id) and counts: how many there are; or to: moves
-- them; and moved, as it was answered: moves those back that are still there. Answers count, moved.
function moving.none() return { count = 0, moved = {} } end

function moving.of(items)
  return function(next_one, asked, ctx)
    local before = next_one(asked)
    local db, moved, count = ctx.db:as_system(), {}, before.count
    for index, one in ipairs(before.moved) do moved[index] = one end
    for _, item in ipairs(items[asked.entity] or {}) do
      if asked.counts then
        count = count + db[item.entity]:count { where = where_of(item, asked.from) }
      elseif asked.moved then
        move_back(db, item, asked)
      else
        move(db, item, asked, moved)
      end
    end
    return { count = count, moved = moved }
  end
end

-- What merging.new asks about an entity's children, answered by the service.
function moving.by_service(entity)
  return {
    count = function(_, loser, ctx)
      return ctx.call("record.move", { entity = entity, from = loser.id, counts = true }).count
    end,
    move = function(_, from, to, ctx)
      return ctx.call("record.move", { entity = entity, from = from, to = to }).moved
    end,
    move_back = function(_, loser, winner, entry, ctx)
      ctx.call("record.move", {
        entity = entity, from = winner, to = loser, moved = entry.moved or {},
      })
    end,
  }
end

return moving
