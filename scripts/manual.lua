-- manual - the Lua manual and the editor's types, from the blocks above the bindings.
-- SPDX-License-Identifier: MIT
--
-- usage: lua5.4 scripts/manual.lua [--check]
-- Reads /*** … */ in core/script/*.c and the tables that give each function its name. Writes
-- plugins/API.md and schemas/lua/crm.meta; with --check it only says whether they are as they would
-- be written.

local types = dofile("scripts/manual_types.lua")

-- Where the functions of a table (file:variable) are found by a script, in the manual's order.
local PLACES = {
  { "bind_crm:functions", "crm.", "While loading: `crm`" },
  { "bind_event:methods", "ev:", "The event: `ev`" },
  { "bind_context:functions", "ctx.", "The call: `ctx`" },
  { "bind_tx:bind_tx", "ctx." },
  { "bind_fields:bind_fields", "ctx." },
  { "bind_mail:bind_mail", "ctx." },
  { "bind_notify:bind_notify", "ctx." },
  { "bind_document:bind_document", "ctx." },
  { "bind_secret:bind_secret", "ctx." },
  { "bind_changes:bind_changes", "ctx." },
  { "bind_http:http_call", "ctx.http." },
  { "bind_http:http_may", "ctx.http." },
  { "bind_db:methods", "ctx.db.<entity>:", "Records: `ctx.db`" },
  { "bind_db:db_as_system", "ctx.db:" },
  { "bind_kv:functions", "ctx.kv.", "What lasts: `ctx.kv`, `ctx.queue`" },
  { "bind_job:queue_push", "ctx.queue:" },
  { "bind_task:methods", "job:", "A job: `job`" },
  { "bind_money:methods", "money:", "Values" },
  { "bind_decimal:methods", "decimal:" },
  { "bind_time:datetime_methods", "datetime:" },
  { "bind_time:date_methods", "date:" },
  { "bind_worktime:methods", "calendar:" },
  { "bind_trial:functions", "t.", "Tests: `t`" },
  { "bind_trial:clock_functions", "t.clock." },
  { "trial:crm_test", "crm." },
}
-- Functions that a file gives to scripts without a table of names.
local ALONE = {
  ["bind_http:http_call"] = "http_call", ["bind_http:http_may"] = "http_may",
  ["bind_db:db_as_system"] = "db_as_system",
  ["bind_job:queue_push"] = "queue_push", ["trial:crm_test"] = "crm_test",
}
local ALONE_NAMES = {
  http_call = "get", http_may = "may", db_as_system = "as_system", queue_push = "push",
  crm_test = "test",
}

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("a")
  file:close()
  return text
end

local function files()
  local out = {}
  local list = io.popen("ls core/script/*.c")
  for path in list:lines() do out[#out + 1] = path end
  list:close()
  return out
end

-- "@param name type text" and the like; everything before the first of them is prose.
local function parse(block)
  local doc = { text = {}, params = {}, returns = {}, usages = {} }
  local last, list
  for line in (block .. "\n"):gmatch("(.-)\n") do
    line = line:gsub("^%s*%*? ?", ""):gsub("%s+$", "")
    local tag, rest = line:match("^@(%w+)%s*(.*)")
    if tag == "param" or tag == "return" then
      list = tag == "param" and doc.params or doc.returns
      last = { rest }
      list[#list + 1] = last
    elseif tag == "usage" then
      last = { rest }
      doc.usages[#doc.usages + 1] = last
    elseif tag == "moment" then
      last = { rest }
      doc.moment = last
    else
      (last or doc.text)[#(last or doc.text) + 1] = line
    end
  end
  return doc
end

local function collect()
  local docs, named = {}, {}
  for _, path in ipairs(files()) do
    local text, file = read(path), path:match("([%w_]+)%.c$")
    for block, fn in text:gmatch("/%*%*%*(.-)%*/%s*[%w%s_]-([%w_]+)%(lua_State") do
      docs[fn] = parse(block)
      docs[fn].file = file
    end
    for variable, body in text:gmatch("luaL_Reg%s+([%w_]+)%[%]%s*=%s*(%b{})") do
      local entries = {}
      for name, fn in body:gmatch('{%s*"([%w_]+)",%s*([%w_]+)%s*}') do
        entries[#entries + 1] = { name = name, fn = fn }
      end
      named[file .. ":" .. variable] = entries
    end
  end
  for place, fn in pairs(ALONE) do named[place] = { { name = ALONE_NAMES[fn], fn = fn } } end
  return docs, named
end

local function flow(lines)
  return (table.concat(lines, " "):gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

-- "name type text" → name, type, text; a return has no name.
local function param(lines, is_return)
  local text, name = flow(lines), nil
  if not is_return then
    name, text = text:match("^(%S+)%s*(.*)")
  end
  local type, rest = text:match("^(%S+)%s*(.*)")
  return name, type or "any", rest or ""
end

local function arguments(doc)
  local names = {}
  for _, one in ipairs(doc.params) do names[#names + 1] = (param(one)) end
  return table.concat(names, ", ")
end

local function wrap(text, width, indent)
  local lines, line = {}, ""
  for word in text:gmatch("%S+") do
    if #line > 0 and #line + 1 + #word > width then
      lines[#lines + 1] = line
      line = indent .. word
    else
      line = #line > 0 and line .. " " .. word or word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function put_doc(out, name, doc)
  out[#out + 1] = ("### `%s(%s)`\n"):format(name, arguments(doc))
  for paragraph in (table.concat(doc.text, "\n") .. "\n\n"):gmatch("(.-)\n%s*\n") do
    paragraph = flow({ paragraph })
    if paragraph ~= "" then out[#out + 1] = wrap(paragraph, 100, "") .. "\n" end
  end
  for _, one in ipairs(doc.params) do
    local arg, type, text = param(one)
    local sentence = ("- `%s` *%s* %s"):format(arg, type, text)
    out[#out + 1] = wrap(sentence, 100, "  ")
  end
  for _, one in ipairs(doc.returns) do
    local _, type, text = param(one, true)
    out[#out + 1] = wrap(("- gives *%s* %s"):format(type, text), 100, "  ")
  end
  if doc.moment then
    out[#out + 1] = wrap("- when: " .. flow(doc.moment), 100, "  ")
  end
  out[#out + 1] = ""
  for _, usage in ipairs(doc.usages) do
    out[#out + 1] = "```lua\n" .. table.concat(usage, "\n"):gsub("\n+$", "") .. "\n```\n"
  end
end

local function markdown(docs, named)
  local out = {
    "# The Lua manual\n",
    "Made by `lua5.4 scripts/manual.lua` from the blocks above the bindings in `core/script/`;",
    "`perigee types TENANT` gives the same to an editor, with the fields of one company. How a",
    "plugin is built stands in [README.md](README.md).\n",
  }
  local is_open = false
  for _, place in ipairs(PLACES) do
    local key, prefix, title = place[1], place[2], place[3]
    if title then
      out[#out + 1] = "## " .. title .. "\n"
      is_open = true
    end
    for _, entry in ipairs(named[key] or {}) do
      local doc = docs[entry.fn]
      if doc and is_open then put_doc(out, prefix .. entry.name, doc) end
    end
  end
  return (table.concat(out, "\n"):gsub("\n\n\n+", "\n\n"):gsub("\n*$", "\n"))
end

-- A block that stands in neither text is one that nobody reads.
local function check_places(docs, named)
  local left = {}
  for fn, doc in pairs(docs) do left[fn] = doc.file end
  for _, place in ipairs(PLACES) do
    for _, entry in ipairs(named[place[1]] or {}) do left[entry.fn] = nil end
  end
  for fn, file in pairs(left) do
    io.stderr:write(("core/script/%s.c:1: the manual has no place for %s\n"):format(file, fn))
  end
  if next(left) then os.exit(1) end
end

local docs, named = collect()
check_places(docs, named)
local made = {
  ["plugins/API.md"] = markdown(docs, named),
  ["schemas/lua/crm.meta"] = types(PLACES, docs, named, flow, param),
}
for path, text in pairs(made) do
  if arg[1] ~= "--check" then
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
  elseif read(path) ~= text then
    io.stderr:write(path, ":1: it is stale: lua5.4 scripts/manual.lua makes it anew\n")
    os.exit(1)
  end
end
