-- manual_types - the editor's types from the blocks above the bindings; used by manual.lua.
-- SPDX-License-Identifier: MIT
local TYPES = {
  string = "string", integer = "integer", number = "number", boolean = "boolean", table = "table",
  ["function"] = "function", any = "any", record = "crm.record", datetime = "crm.datetime",
  date = "crm.date", money = "crm.money", decimal = "crm.decimal", ["nil"] = "nil",
}

-- A type of the blocks as the editor knows it; what is none is part of the sentence.
local function type_of(text)
  local out = {}
  for one in text:gmatch("[^|]+") do
    one = one:gsub("[;,]$", "")
    if not TYPES[one] then return "any" end
    out[#out + 1] = TYPES[one]
  end
  return table.concat(out, "|")
end

-- The name under which the editor finds a place: methods of records are made per company.
local CLASSES = {
  ["crm."] = "crm", ["ev:"] = "crm.event:", ["ctx."] = "crm.ctx", ["ctx.http."] = "crm.http",
  ["ctx.kv."] = "crm.kv", ["ctx.queue:"] = "crm.queue:", ["job:"] = "crm.job:",
  ["datetime:"] = "crm.datetime:", ["date:"] = "crm.date:", ["decimal:"] = "crm.decimal:",
  ["calendar:"] = "crm.calendar:", ["t."] = "crm.t", ["t.clock."] = "crm.clock",
}

local HEAD = [[
---@meta
-- crm - what every plugin sees; made by scripts/manual.lua, read by the Lua language server.

---@class crm.record
---@field id integer
---@field version integer
---@class crm.money
---@field minor integer
---@field currency string
---@field amount string
---@class crm.decimal
---@class crm.date
---@class crm.datetime
---@class crm.calendar
---@class crm.db
---@class crm.job
---@field args table
---@field cursor any
---@field name string
---@field id integer
---@field tries integer
---@field due crm.datetime
---@class crm.log
---@field info fun(text: string, fields?: table)
---@field warn fun(text: string, fields?: table)
---@field error fun(text: string, fields?: table)
---@class crm.http
---@class crm.kv
---@class crm.queue
---@class crm.clock
---@class crm.event
---@field id integer
---@field entity string
---@field moment string
---@field source string
---@field params table
---@field payload table
---@class crm.ctx
---@field db crm.db
---@field user { id: integer, login: string, name: string, team: integer, department: integer }?
---@field tenant { name: string, title: string, locale: string, timezone: string, currency: string }
---@field config table
---@field source string
---@field log crm.log
---@field http crm.http
---@field kv crm.kv
---@field queue crm.queue
---@class crm.t
---@field db crm.db
---@field ctx crm.ctx
---@field clock crm.clock
---@class crm
---@field null any
---@field log crm.log
crm = {}
]]

-- One member of a class, as the editor reads it.
local function field_of(prefix, name, doc, param)
  local class = CLASSES[prefix]
  if not class then return end
  local is_method = class:sub(-1) == ":"
  class = class:gsub(":$", "")
  local names, gives = {}, {}
  if is_method then names[1] = "self: " .. class end
  for _, one in ipairs(doc.params) do
    local arg, type = param(one)
    local known = type_of(type)
    names[#names + 1] = arg .. (known:find("nil", 1, true) and "?" or "") .. ": " .. known
  end
  for _, one in ipairs(doc.returns) do
    local _, type = param(one, true)
    gives[#gives + 1] = type_of(type)
  end
  return ("---@field %s fun(%s)%s"):format(name, table.concat(names, ", "),
    #gives > 0 and ": " .. table.concat(gives, ", ") or ""), class
end

-- The whole file. `flow` joins lines, `param` takes one apart, as scripts/manual.lua has them.
return function(places, docs, named, flow, param)
  local classes, order = {}, {}
  for _, place in ipairs(places) do
    for _, entry in ipairs(named[place[1]] or {}) do
      local doc = docs[entry.fn]
      local line, class
      if doc then line, class = field_of(place[2], entry.name, doc, param) end
      if line and entry.fn ~= "bind_on" then
        if not classes[class] then
          classes[class] = {}
          order[#order + 1] = class
        end
        local said = doc and flow(doc.text):match("^(.-[%.!?])%s") or flow(doc.text)
        table.insert(classes[class], line .. (said ~= "" and " # " .. said or ""))
      end
    end
  end
  local out = { HEAD }
  for _, class in ipairs(order) do
    out[#out + 1] = "---@class " .. class
    for _, line in ipairs(classes[class]) do out[#out + 1] = line end
    out[#out + 1] = ""
  end
  return (table.concat(out, "\n"):gsub("\n*$", "\n"))
end
