-- luacheckrc - which globals each kind of Lua file may read.
-- SPDX-License-Identifier: MIT
std = "lua54"
max_line_length = 100
exclude_files = { "build", "**/node_modules" }

-- A plugin sees the safe part of the standard library and `crm`, as its sandbox does.
files["plugins/**/*.lua"] = {
  std = "none",
  read_globals = {
    "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget",
    "rawlen", "require", "select", "setmetatable", "tonumber", "tostring", "type", "xpcall",
    "_VERSION",
    math = {
      fields = {
        "abs", "ceil", "floor", "fmod", "huge", "max", "maxinteger", "min", "mininteger", "modf",
        "pi", "random", "sqrt", "tointeger", "type", "ult", "exp", "log", "sin", "cos", "tan",
        "asin", "acos", "atan", "deg", "rad",
      },
    },
    string = {
      fields = {
        "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "rep",
        "reverse", "sub", "upper", "pack", "packsize", "unpack",
      },
    },
    table = { fields = { "concat", "insert", "move", "pack", "remove", "sort", "unpack" } },
    utf8 = { fields = { "char", "charpattern", "codepoint", "codes", "len", "offset" } },
    crm = { other_fields = true },
  },
}
files["schemas/skeleton/**/*.lua"] = files["plugins/**/*.lua"]
