-- maps - which of our fields is which of theirs, and how a value changes on its way.
-- SPDX-License-Identifier: MIT
--
-- A field map is { ours = "their.path" } or { ours = { from = "their.path", to = "trim",
-- values = { theirs = "ours" }, default = …, text = "… {name} …", only = "in" } }. `text` is what
-- they get, with our fields filled in, and goes out only. Names of transforms are those below, or a
-- service of a plugin ("acme.clean"), called with { value, direction, field, entity }.
local maps = {}

local transforms = {}

function transforms.text(value) return tostring(value) end
function transforms.trim(value) return (tostring(value):gsub("^%s+", ""):gsub("%s+$", "")) end
function transforms.upper(value) return tostring(value):upper() end
function transforms.lower(value) return tostring(value):lower() end
function transforms.int(value)
  return math.tointeger(tonumber(value)) or error("no whole number")
end
function transforms.bool(value)
  return value == true or value == 1 or value == "1" or value == "true" or value == "是"
end

-- What stands at "a.b.1" of a tree; nil where the path does not lead on.
function maps.get(tree, path)
  for name in path:gmatch("[^.]+") do
    if type(tree) ~= "table" then return nil end
    local value = tree[name]
    if value == nil then value = tree[math.tointeger(tonumber(name))] end
    tree = value
  end
  return tree
end

function maps.set(tree, path, value)
  local last
  for name in path:gmatch("[^.]+") do
    if last then
      tree[last] = type(tree[last]) == "table" and tree[last] or {}
      tree = tree[last]
    end
    last = name
  end
  tree[last] = value
end

-- What a field of type json holds, as tables that can be told apart from texts.
function maps.plain(value) return value and crm.json_decode(crm.json_encode(value)) end

local function rule_of(rule)
  return type(rule) == "string" and { from = rule } or rule
end

-- What is wrong with a map; nil when it fits.
function maps.fault(map)
  if map == nil then return nil end
  local count = 0
  for ours, rule in pairs(maps.plain(map)) do
    count = count + 1
    local one = type(ours) == "string" and (type(rule) == "string" and { from = rule } or rule)
    if type(one) ~= "table" then return tostring(ours) end
    local path = one.from
    if type(path) ~= "string" or path == "" or path:find("%.%.") then return ours .. ".from" end
    if one.to ~= nil and type(one.to) ~= "string" then return ours .. ".to" end
    if one.to and not transforms[one.to] and not one.to:find(".", 1, true) then
      return ours .. ".to: " .. one.to
    end
    if one.text ~= nil and type(one.text) ~= "string" then return ours .. ".text" end
    if one.only ~= nil and one.only ~= "in" and one.only ~= "out" then return ours .. ".only" end
    if one.values ~= nil and type(one.values) ~= "table" then return ours .. ".values" end
  end
  return count == 0 and "{}" or nil
end

local BOTH_WAYS = { owner = true, team = true, department = true }
local OUTWARD = { id = true, version = true, created_at = true, updated_at = true,
  created_by = true, updated_by = true, origin = true, deleted_at = true }

-- The first name of a map that is no field of the entity; nil when all are. What only goes out may
-- be made of nothing but a text or a default. `outward`: nothing comes in by this map. A field that
-- goes later is told where it is missed, or the record could not even be switched off.
function maps.stranger(ev, ctx, entity, outward)
  local map = ev.record.field_map
  if ev.old and not ev:changed("field_map") and not ev:changed("entity_name") then return nil end
  local known, first = {}, nil
  for _, field in ipairs(ctx.fields(entity)) do known[field.name] = true end
  for ours, given in pairs(maps.plain(map or {})) do
    local rule = rule_of(given)
    local is_out = outward or rule.text or rule.only == "out"
    local fits = known[ours] or BOTH_WAYS[ours] or
      is_out and (OUTWARD[ours] or rule.text or rule.default ~= nil)
    if not fits and (not first or ours < first) then first = ours end
  end
  return first
end

local function change(ctx, rule, value, direction, field, entity)
  if rule.values then
    if direction == "in" then
      local ours = rule.values[tostring(value)]
      if ours ~= nil then value = ours end
    else
      for theirs, ours in pairs(rule.values) do
        if ours == value then return theirs end
      end
    end
  end
  if not rule.to then return value end
  if transforms[rule.to] then
    return direction == "in" and transforms[rule.to](value) or value
  end
  return ctx.call(rule.to,
    { value = value, direction = direction, field = field, entity = entity })
end

-- Direction "in": their tree to our fields; "out": our data to their tree.
function maps.apply(ctx, map, tree, direction, entity)
  local out = {}
  for ours, given in pairs(maps.plain(map)) do
    local rule = rule_of(given)
    local only = rule.text and "out" or rule.only
    if not only or only == direction then
      local value
      if rule.text then
        value = rule.text:gsub("{([%w_]+)}", function(name) return tostring(tree[name] or "") end)
      elseif direction == "in" then value = maps.get(tree, rule.from) else value = tree[ours] end
      if value == nil or value == crm.null then
        value = rule.default
      else
        value = change(ctx, rule, value, direction, ours, entity)
      end
      if direction == "in" and value ~= nil then out[ours] = value end
      if direction == "out" then maps.set(out, rule.from, value == nil and crm.null or value) end
    end
  end
  return out
end

-- One line of an error, without where it was raised and handed on.
function maps.reason(why)
  local text = tostring(why)
  local places
  repeat
    text, places = text:gsub("^[%w_.:]*%s*[%w_./]+%.lua:%d+: ", "")
  until places == 0
  text = text:gsub("^[A-Z_]+: ", "")
  text = text:gsub("[%c]", " "):sub(1, 280)
  while #text > 0 and not utf8.len(text) do text = text:sub(1, -2) end
  return text
end

return maps
