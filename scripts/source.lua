-- source - reads the project's own text files for scripts/lint.lua.
-- SPDX-License-Identifier: MIT

local source = {}

local SKIPPED = { "build", "data", "node_modules", "dist", ".git" }
local KINDS = {
  c = "c", h = "c", lua = "lua", mjs = "script", js = "script", ts = "script", vue = "script",
  sh = "script", cmake = "script", json = "data", md = "text", css = "data", html = "data",
  service = "data", socket = "data", txt = "text", sql = "data", yml = "data",
}

local function kind_of(path, text)
  local kind = KINDS[path:match("%.(%w+)$") or ""]
  if path:find("CMakeLists%.txt$") or text:find("^#!") and kind ~= "lua" then kind = "script" end
  return kind
end

local function lines_of(text)
  local lines = {}
  for line in (text:sub(-1) == "\n" and text or text .. "\n"):gmatch("([^\n]*)\n") do
    lines[#lines + 1] = line
  end
  return lines
end

-- Every text file of ours as { path, text, lines, kind }, in the order of paths.
function source.files()
  local files = {}
  local pipe = assert(io.popen("find . '(' -name " .. table.concat(SKIPPED, " -o -name ")
    .. " ')' -prune -o -type f -print | LC_ALL=C sort"))
  for path in pipe:lines() do
    path = path:gsub("^%./", "")
    local handle = assert(io.open(path, "rb"))
    local text = handle:read("a")
    handle:close()
    local kind = not text:find("\0", 1, true) and kind_of(path, text)
    if kind then
      files[#files + 1] = { path = path, text = text, lines = lines_of(text), kind = kind }
    end
  end
  pipe:close()
  return files
end

-- C without its comments; lines and literals stay where they are.
local function c_code(text)
  local out, at, n = {}, 1, #text
  while at <= n do
    local from, _, sign = text:find("([/\"'])", at)
    if not from then break end
    out[#out + 1] = text:sub(at, from - 1)
    local two, stop = text:sub(from, from + 1), from
    if two == "/*" then
      stop = select(2, text:find("*/", from + 2, true)) or n
      out[#out + 1] = text:sub(from, stop):gsub("[^\n]", " ")
    elseif two == "//" then
      stop = (text:find("\n", from, true) or n + 1) - 1
    elseif sign == "/" then
      out[#out + 1] = "/"
    else -- a literal: skip escapes
      stop = from + 1
      while stop <= n and text:sub(stop, stop) ~= sign do
        stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
      end
      out[#out + 1] = text:sub(from, stop)
    end
    at = stop + 1
  end
  out[#out + 1] = text:sub(at)
  return table.concat(out)
end

-- Iterates number, line over the code of a file: for C, without comments.
function source.code(file)
  if not file.code then
    file.code = file.kind == "c" and lines_of(c_code(file.text)) or file.lines
  end
  return ipairs(file.code)
end

return source
