-- json - reads JSON files of the project, and writes what it has read. What is wrong in a file is
-- an error with its place.
-- SPDX-License-Identifier: MIT
local json = {}

json.null = setmetatable({}, { __tostring = function() return "null" end })

local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local WORDS = { ["true"] = true, ["false"] = false, ["null"] = json.null }
local value -- forward

local function fail(at, what) error(string.format("byte %d: %s", at, what), 0) end

local function text(source, at)
  local out = {}
  while true do
    local plain, stop = source:match('^([^"\\]*)(["\\])', at)
    if not plain then fail(at, "a text without an end") end
    out[#out + 1] = plain
    at = at + #plain + 1
    if stop == '"' then return table.concat(out), at end
    local hex = source:match("^u(%x%x%x%x)", at)
    local one = source:sub(at, at)
    out[#out + 1] = hex and utf8.char(tonumber(hex, 16)) or ESCAPES[one] or one
    at = at + (hex and 5 or 1)
  end
end

-- The members between brackets; `take` reads one and gives where it ended.
local function each(source, at, closing, take)
  at = source:match("^%s*()", at)
  if source:sub(at, at) == closing then return at + 1 end
  while true do
    at = source:match("^%s*()", take(source:match("^%s*()", at)))
    local mark = source:sub(at, at)
    if mark == closing then return at + 1 end
    if mark ~= "," then fail(at, "a comma or " .. closing .. " is missing") end
    at = at + 1
  end
end

local function list(source, at)
  local out = {}
  at = each(source, at, "]", function(from)
    local one, after = value(source, from)
    out[#out + 1] = one
    return after
  end)
  return out, at
end

local function object(source, at)
  local out = {}
  at = each(source, at, "}", function(from)
    if source:sub(from, from) ~= '"' then fail(from, "a name is missing") end
    local name, after = text(source, from + 1)
    after = source:match("^%s*:%s*()", after) or fail(after, "a colon is missing")
    out[name], after = value(source, after)
    return after
  end)
  return out, at
end

function value(source, at)
  local first = source:sub(at, at)
  if first == "{" then return object(source, at + 1) end
  if first == "[" then return list(source, at + 1) end
  if first == '"' then return text(source, at + 1) end
  local word = source:match("^%a+", at)
  if word and WORDS[word] ~= nil then return WORDS[word], at + #word end
  local number = source:match("^-?%d+[%d.eE+-]*", at)
  if not number or not tonumber(number) then fail(at, "this is no value") end
  return tonumber(number), at + #number
end

function json.read(path)
  local file = assert(io.open(path))
  local source = file:read("a")
  file:close()
  local fine, one = pcall(value, source, source:match("^%s*()"))
  if not fine then error(path .. ": " .. one, 0) end
  return one
end

local function quoted(one)
  return '"' .. one:gsub('[%c"\\]', function(c)
    return string.format("\\u%04x", c:byte())
  end) .. '"'
end

-- An empty table is an object.
function json.text(one)
  if type(one) == "string" then return quoted(one) end
  if type(one) ~= "table" or one == json.null then return tostring(one) end
  local parts = {}
  for i, member in ipairs(one) do parts[i] = json.text(member) end
  if #parts > 0 then return "[" .. table.concat(parts, ",") .. "]" end
  for name, member in pairs(one) do
    parts[#parts + 1] = quoted(name) .. ":" .. json.text(member)
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

return json
