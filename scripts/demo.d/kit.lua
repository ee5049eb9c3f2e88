-- kit - a person of the demo company at work: requests by HTTP, with curl.
-- SPDX-License-Identifier: MIT
--
-- What the demo shows has come in the way a company's data comes in: by people who sign in and may
-- do what they do. So a demo that can be made has tried the modules, too.
local kit = { url = "", password = "", folder = "" }

local tokens = {}

-- --- JSON ---

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n" }

function kit.encode(value)
  if type(value) == "string" then return '"' .. value:gsub('["\\\n]', ESCAPES) .. '"' end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  if #value > 0 then
    for i, item in ipairs(value) do parts[i] = kit.encode(item) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, item in pairs(value) do
    parts[#parts + 1] = kit.encode(key) .. ":" .. kit.encode(item)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- --- requests ---

local function write(path, text)
  local file = assert(io.open(path, "w"))
  file:write(text)
  file:close()
end

-- A file of curl's options keeps token and body out of the process list.
local function curl(login, method, path, more)
  local options = kit.folder .. "/request"
  local who = login and 'header = "Authorization: Bearer ' .. kit.token(login) .. '"\n' or ""
  write(options, string.format('url = "%s%s"\nrequest = "%s"\nsilent\nshow-error\n%s%s', kit.url,
    path, method, who, more))
  local pipe = assert(io.popen("curl -w '\\n%{http_code}' -K '" .. options .. "' 2>&1"))
  local text, status = pipe:read("a"):match("^(.*)\n(%d+)%s*$")
  pipe:close()
  if not status or tonumber(status) >= 300 then
    error(string.format("%s %s by %s: %s %s", method, path, login, status, text), 3)
  end
  return text
end

function kit.call(login, method, path, body)
  local more = ""
  if login then kit.token(login) end -- signing in has a body of its own
  if body then
    write(kit.folder .. "/body", kit.encode(body))
    more = 'header = "Content-Type: application/json"\ndata-binary = "@' .. kit.folder .. '/body"\n'
  end
  return curl(login, method, "/api/v1" .. path, more)
end

function kit.token(login)
  if not tokens[login] then
    local answer = kit.call(nil, "POST", "/sessions", { login = login, password = kit.password })
    tokens[login] = assert(answer:match('"token":"([^"]+)"'), answer)
  end
  return tokens[login]
end

-- The id of the record that an answer shows.
local function id_in(answer)
  return assert(answer:match('"id":"(%w+)"'), answer)
end

function kit.create(login, entity, fields)
  return id_in(kit.call(login, "POST", "/records/" .. entity, fields))
end

-- Many in one call, all or none: their ids, in that order.
function kit.create_all(login, entity, list)
  local items, ids = {}, {}
  for i, fields in ipairs(list) do items[i] = { op = "create", data = fields } end
  local answer = kit.call(login, "POST", "/records/" .. entity .. "/bulk",
    { items = items, atomic = true })
  for id in answer:gmatch('"id":"(%w+)"') do ids[#ids + 1] = id end
  return ids
end

-- The same of things that each have an owner, the login of who makes them.
function kit.create_owned(entity, list)
  local ids, of = {}, {}
  for i, one in ipairs(list) do
    of[one.owner] = of[one.owner] or { fields = {}, at = {} }
    table.insert(of[one.owner].fields, one.fields)
    table.insert(of[one.owner].at, i)
  end
  for login, some in pairs(of) do
    for k, id in ipairs(kit.create_all(login, entity, some.fields)) do ids[some.at[k]] = id end
  end
  return ids
end

function kit.change(login, entity, id, fields)
  return kit.call(login, "PATCH", "/records/" .. entity .. "/" .. id, fields)
end

function kit.act(login, entity, id, action, params)
  return kit.call(login, "POST",
    "/records/" .. entity .. "/" .. id .. "/actions/" .. action, params or {})
end

-- The ids of a list, as the filter and sort of a query string say.
function kit.ids(login, entity, query)
  local list = {}
  query = query:gsub("[^%w=&.,_-]", function(byte)
    return string.format("%%%02X", byte:byte())
  end)
  local answer = kit.call(login, "GET", "/records/" .. entity .. "?fields=id&limit=200&" .. query)
  for id in answer:gmatch('{"id":"(%w+)"') do list[#list + 1] = id end
  return list
end

function kit.upload(login, path, name, entity, record)
  local about = record and string.format(
    'form-string = "entity=%s"\nform-string = "record=%s"\n', entity, record) or ""
  return id_in(curl(login, "POST", "/api/v1/files",
    string.format('%sform = "file=@%s;filename=%s"\n', about, path, name)))
end

-- --- values ---

local DAY = 86400
function kit.day(shift) return os.date("!%Y-%m-%d", os.time() + 8 * 3600 + shift * DAY) end
function kit.at(shift, clock) return kit.day(shift) .. "T" .. clock .. ":00+08:00" end
function kit.yuan(amount) return { amount = string.format("%.2f", amount), currency = "CNY" } end

return kit
