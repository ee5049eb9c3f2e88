-- lint - the house rules that a machine can judge, one function each.
-- SPDX-License-Identifier: MIT
--
-- Run from the top folder. Each finding is "file:line: sentence"; each rule ends as one TAP line.
-- The table of allowed includes is read from CMakeLists.txt, so the linker and this test agree.

package.path = "scripts/?.lua;" .. package.path
local source = require("source")

local files = source.files()
local code_lines = source.code
local findings = {} -- of the rule that is running

local function report(file, line, sentence, ...)
  findings[#findings + 1] = ("%s:%d: %s"):format(file.path, line, sentence:format(...))
end

-- Iterates over the C files whose path begins with `prefix`.
local function c_files(prefix)
  local index = 0
  return function()
    repeat
      index = index + 1
      local file = files[index]
    until not file or file.kind == "c" and file.path:sub(1, #prefix) == prefix
    return files[index]
  end
end

-- layer -> set of layers its includes may name.
local function layers_read()
  local allowed, handle = {}, assert(io.open("CMakeLists.txt"))
  for body in handle:read("a"):gmatch("\nlayer(%b())") do
    body = body:sub(2, -2):gsub("THIRD.*", "")
    local name = body:match("^%w+")
    allowed[name] = { [name] = true, base = true }
    for below in (body:match("MAY(.*)") or ""):gmatch("%w+") do allowed[name][below] = true end
  end
  handle:close()
  return allowed
end

-- The layer a C file belongs to: its folder under core/ or tests/unit/.
local function layer_of(path)
  return path:match("^core/(%w+)/") or path:match("^tests/unit/(%w+)/")
end

local rules = {}
local function rule(name, check) rules[#rules + 1] = { name = name, check = check } end

rule("includes between layers point down", function()
  local allowed = layers_read()
  for file in c_files("") do
    local layer = layer_of(file.path)
    for number, line in code_lines(file) do
      local target = line:match('^%s*#%s*include%s*"(%w+)/')
      if target and layer and allowed[layer] and allowed[target] and not allowed[layer][target] then
        report(file, number, "%s/ may not include %s/: move the call down or pass it as data.",
          layer, target)
      elseif target and file.path:find("^core/") and target ~= "core" and not allowed[target] then
        report(file, number, "there is no layer %s/ in CMakeLists.txt.", target)
      end
      if line:find('^%s*#%s*include%s*"sqlite/') or line:find('"store/sqlite/') then
        if layer ~= "store" then
          report(file, number, "the driver of a store is included inside store/ only.")
        end
      end
    end
  end
end)

-- header pattern -> folders it may be included in.
local THIRD = {
  { "^uv%.h", "core/net/" }, { "^uv/", "core/net/" },
  { "^sqlite3", "core/store/sqlite/", "tests/unit/store/" },
  { "^llhttp", "core/http/" },
  { "^lua%.h", "core/script/" }, { "^lauxlib%.h", "core/script/" },
  { "^lualib%.h", "core/script/" },
  { "^jansson", "core/base/" }, { "^argon2%.h", "core/base/" },
  { "^mbedtls/", "core/base/", "core/net/tls", "tests/unit/net/test_tls" },
  { "^psa/", "core/base/", "core/net/tls" },
  { "^curl/", "core/outbound/" },
  { "^gmime/", "core/outbound/" },
  { "^expat", "core/document/" }, { "^zip", "core/document/" },
  { "^xlsxwriter", "core/document/" },
  { "^cmocka%.h", "tests/unit/" },
}
local SYSTEM = {}
for name in ([[assert complex ctype dirent dlfcn endian errno execinfo fcntl fenv float fnmatch ftw
  getopt glob grp iconv inttypes langinfo libgen limits locale malloc math mntent netdb poll pwd
  regex sched search semaphore setjmp signal spawn stdalign stdarg stdatomic stdbool stddef stdint
  stdio stdlib stdnoreturn string strings syslog termios time threads uchar ucontext ulimit unistd
  utime wchar wctype pthread]]):gmatch("%w+") do SYSTEM[name .. ".h"] = true end
for one in ("sys/ linux/ net/ netinet/ arpa/ sanitizer/"):gmatch("%S+") do SYSTEM[one] = true end

rule("each third-party header stays in its folder", function()
  for file in c_files("") do
    for number, line in code_lines(file) do
      local header = line:match("^%s*#%s*include%s*<([^>]+)>")
      local known = not header or SYSTEM[header] or SYSTEM[header:match("^%w+/")]
      if not known then
        local entry
        for _, row in ipairs(THIRD) do
          if header:find(row[1]) then entry = row end
        end
        local fine = entry and file.path:find("^tests/bench/")
        for index = 2, entry and #entry or 0 do
          local folder = entry[index]
          fine = fine or file.path:sub(1, #folder) == folder
            or file.path:sub(1, #folder + 6) == "tests/unit/" .. folder:sub(6)
        end
        if not entry then
          report(file, number, "<%s> is no library of this project; see scripts/deps.", header)
        elseif not fine then
          report(file, number, "<%s> belongs to %s alone.", header, entry[2])
        end
      end
    end
  end
end)

rule("no SQL above store/", function()
  local SQL = { "SELECT ", "INSERT INTO", "UPDATE [%w_%%]+ SET", "DELETE FROM", "CREATE TABLE",
    "CREATE INDEX", "ALTER TABLE", "PRAGMA " }
  local function scan(file)
    for number, line in code_lines(file) do
      for _, pattern in ipairs(SQL) do
        if line:find("[\"'%[]%s*" .. pattern) then
          report(file, number, "SQL text belongs into store/: use the query tree.")
          break
        end
      end
      if file.path:find("%.[ch]$") and line:find("sqlite3") then
        report(file, number, "sqlite3 is named inside store/sqlite/ only.")
      end
    end
  end
  for _, file in ipairs(files) do
    local core = file.path:find("^core/.*%.[ch]$") and not file.path:find("^core/store/")
    if core or file.path:find("^plugins/.*%.lua$") then scan(file) end
  end
end)

rule("no line is longer than 100 columns", function()
  for _, file in ipairs(files) do
    if file.kind == "c" or file.kind == "lua" or file.kind == "script" then
      for number, line in ipairs(file.lines) do
        local columns = utf8.len(line) or #line
        if columns > 100 then report(file, number, "%d columns; the limit is 100.", columns) end
      end
    end
  end
end)

rule("files and functions keep their size", function()
  for _, file in ipairs(files) do
    local limit = file.path:find("%.c$") and 800 or file.path:find("%.h$") and 200
      or file.path:find("%.lua$") and 300
    if limit and #file.lines > limit then
      report(file, #file.lines, "%d lines; the limit is %d: divide the file by noun.",
        #file.lines, limit)
    end
    local start
    for number, line in ipairs(file.path:find("%.c$") and file.lines or {}) do
      if line == "{" then start = number end
      if line:find("^}") and start then
        local length = number - start - 1
        if length > 70 then
          report(file, start, "a function of %d lines; the limit is 70.", length)
        end
        start = nil
      end
    end
  end
end)

rule("nothing is left to be done later", function()
  local words = { "TO" .. "DO", "FIX" .. "ME", "XX" .. "X", "HA" .. "CK" }
  for _, file in ipairs(files) do
    for number, line in ipairs(file.kind ~= "data" and file.lines or {}) do
      for _, word in ipairs(words) do
        if line:find("%f[%w_]" .. word .. "%f[^%w_]") and not line:find('"# ' .. word) then
          report(file, number, "%s: do it now, or file it where work is planned.", word)
        end
      end
    end
  end
end)

rule("the HTTP parser stays strict", function()
  for file in c_files("") do
    for number, line in code_lines(file) do
      if line:find("llhttp_set_" .. "lenient") then
        report(file, number, "lenient parsing lets requests be smuggled past a proxy.")
      end
    end
  end
end)

rule("C enters Lua through vm_call alone", function()
  for file in c_files("core/script/") do
    for number, line in code_lines(file) do
      if line:find("lua_pcallk?%s*%(") and not file.path:find("^core/script/vm") then
        report(file, number, "call vm_call: it holds the budgets, the phase and the traceback.")
      end
    end
  end
end)

rule("every file names its licence", function()
  for _, file in ipairs(files) do
    local head = table.concat(file.lines, "\n", 1, math.min(30, #file.lines))
    local kind = file.kind == "c" or file.kind == "lua" or file.kind == "script"
    if kind and not head:find("SPDX%-License%-Identifier: MIT") then
      report(file, 1, "the line SPDX-License-" .. "Identifier: MIT is missing in the head.")
    end
  end
end)

rule("every C file says what it is for", function()
  for file in c_files("core/") do
    local name = file.path:match("([%w_]+)%.[ch]$")
    local head = table.concat(file.lines, "\n", 1, math.min(4, #file.lines))
    if not head:find(name .. " %- ") then
      report(file, 1, "open with a comment '%s - one sentence of purpose'.", name)
    end
    if file.path:find("%.h$") and not file.text:find("\n#pragma once\n") then
      report(file, 1, "#pragma once is missing.")
    end
  end
end)

rule("every header is included", function()
  local used = {}
  for file in c_files("") do
    for header in file.text:gmatch('#%s*include%s*"([^"]+)"') do
      used[header] = true
      used[(file.path:match("^core/(.*/)") or "") .. header] = true
    end
  end
  for file in c_files("core/") do
    if file.path:find("%.h$") and not used[file.path:sub(6)] then
      report(file, 1, "nothing includes this header.")
    end
  end
end)

rule("no host of a registry and no folder of one machine is named", function()
  local names = { "deb%." .. "debian%.org", "snapshot%." .. "debian%.org",
    "security%." .. "debian%.org", "registry%." .. "npmjs", "files%." .. "pythonhosted" }
  local here = os.getenv("PWD") -- where this checkout happens to lie
  for _, file in ipairs(files) do
    for number, line in ipairs(file.lines) do
      if here and #here > 1 and line:find(here .. "/", 1, true) then
        report(file, number, "a path of this machine.")
      end
      for _, name in ipairs(names) do
        if line:find(name) then
          report(file, number, "take the address from the machine's own configuration.")
        end
      end
    end
  end
end)

rule("white space is tidy", function()
  for _, file in ipairs(files) do
    local markdown = file.path:find("%.md$")
    for number, line in ipairs(file.lines) do
      if line:find("\r") then report(file, number, "a carriage return.") end
      if not markdown and line:find("[ \t]$") then report(file, number, "trailing space.") end
      if (file.kind == "c" or file.kind == "lua") and line:find("^ *\t") then
        report(file, number, "a tab; indent with spaces.")
      end
    end
    local is_seed = file.path:find("^tests/fuzz/corpus/") -- bytes as they are, not text
    if file.text ~= "" and file.text:sub(-1) ~= "\n" and not is_seed then
      report(file, #file.lines, "the last line has no end.")
    end
  end
end)

rule("what is made from other files is up to date", function()
  local list = io.popen("lua5.4 scripts/manual.lua --check 2>&1")
  for line in list:lines() do findings[#findings + 1] = line end
  list:close()
end)

rule("every event is fired by a test", function() require("lint_events")(files, report) end)
rule("every limit has a test", function() require("lint_limits")(files, report) end)
local failed = 0
print("1.." .. #rules)
for number, entry in ipairs(rules) do
  findings = {}
  entry.check()
  for _, text in ipairs(findings) do print(text) end
  if #findings > 0 then failed = failed + 1 end
  print(("%s %d - %s"):format(#findings == 0 and "ok" or "not ok", number, entry.name))
end
os.exit(failed == 0)
