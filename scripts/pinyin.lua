-- pinyin - makes the table of Mandarin readings from Unihan.
-- SPDX-License-Identifier: MIT
--
-- usage: lua5.4 scripts/pinyin.lua Unihan_Readings.txt pinyin_table.c
--
-- Readings lose their tones. The one of kMandarin comes first, because it is the one shown; the
-- modern dictionaries add the others. kHanyuPinyin lists historical readings too, so it is asked
-- only about characters that no modern dictionary has.

local BLOCKS = {
  { name = "pinyin_unified", first = 0x4E00, last = 0x9FFF },
  { name = "pinyin_extension_a", first = 0x3400, last = 0x4DBF },
}
local MODERN = { "kMandarin", "kHanyuPinlu", "kTGHZ2013", "kXHC1983" }
local READINGS_MAX = 6 -- PINYIN_READINGS_MAX in core/base/pinyin.h

local PLAIN = {}
for letter, marked in pairs({
  a = "āáǎà", e = "ēéěèêếề", i = "īíǐì", o = "ōóǒò", u = "ūúǔù", v = "üǖǘǚǜ", m = "ḿ", n = "ńňǹ",
}) do
  for _, code in utf8.codes(marked) do PLAIN[code] = letter end
end

local function without_tone(syllable)
  local letters = {}
  for _, code in utf8.codes(syllable) do
    if code < 0x80 then
      letters[#letters + 1] = utf8.char(code):lower()
    elseif code < 0x300 or code > 0x36F then -- a combining mark is dropped
      letters[#letters + 1] = assert(PLAIN[code], "an unknown letter in " .. syllable)
    end
  end
  local plain = table.concat(letters)
  assert(plain:match("^%l+$") and #plain <= 6, "not a syllable: " .. syllable)
  return plain
end

-- "10002.050:dīng,zhēng 0252.010:dīng", "lè(283) yuè(54)" and "dīng" all become a list.
local function syllables_of(value)
  local list = {}
  for word in value:gmatch("%S+") do
    word = word:gsub("^[%d.,*]+:", ""):gsub("%(%d+%)", "")
    for syllable in word:gmatch("[^,]+") do list[#list + 1] = without_tone(syllable) end
  end
  return list
end

local function read(path)
  local found = {} -- code point -> property -> value
  for line in io.lines(path) do
    local code, property, value = line:match("^U%+(%x+)\t(k%w+)\t(.+)$")
    if code then
      code = tonumber(code, 16)
      found[code] = found[code] or {}
      found[code][property] = value
    end
  end
  return found
end

local function readings_of(properties)
  local list, seen = {}, {}
  local function add(property)
    for _, syllable in ipairs(properties[property] and syllables_of(properties[property]) or {}) do
      if not seen[syllable] and #list < READINGS_MAX then
        seen[syllable] = true
        list[#list + 1] = syllable
      end
    end
  end
  for _, property in ipairs(MODERN) do add(property) end
  if not (properties.kTGHZ2013 or properties.kXHC1983) then add("kHanyuPinyin") end
  return list
end

local function write_numbers(out, declaration, numbers)
  out:write("\n", declaration, " = {")
  for i, number in ipairs(numbers) do
    out:write(i % 16 == 1 and "\n    " or " ", number, ",")
  end
  out:write("\n};\n")
end

local function main(source, target)
  local found = read(source)
  local syllables, number_of = {}, {}
  local pool, set_at = { 0 }, {} -- a set: its size, then the numbers of its syllables
  local blocks = {}

  local function number(syllable)
    if not number_of[syllable] then
      number_of[syllable] = #syllables
      syllables[#syllables + 1] = syllable
    end
    return number_of[syllable]
  end

  for b, block in ipairs(BLOCKS) do
    blocks[b] = {}
    for code = block.first, block.last do
      local list = readings_of(found[code] or {})
      local key = table.concat(list, " ")
      if #list == 0 then
        set_at[key] = 0
      elseif not set_at[key] then
        set_at[key] = #pool
        pool[#pool + 1] = #list
        for _, syllable in ipairs(list) do pool[#pool + 1] = number(syllable) end
      end
      table.insert(blocks[b], set_at[key])
    end
  end
  assert(#pool < 65536, "the sets no longer fit 16 bits")

  local out = assert(io.open(target, "w"))
  out:write("/* pinyin_table - generated from Unihan by scripts/pinyin.lua; do not edit. */\n",
    '#include "base/pinyin.h"\n')
  out:write("\nconst char pinyin_syllables[][7] = {")
  for i, syllable in ipairs(syllables) do
    out:write(i % 10 == 1 and "\n    " or " ", '"', syllable, '",')
  end
  out:write("\n};\n")
  write_numbers(out, "const uint16_t pinyin_sets[]", pool)
  for b, block in ipairs(BLOCKS) do
    write_numbers(out, ("const uint16_t %s[0x%x]"):format(block.name, #blocks[b]), blocks[b])
  end
  assert(out:close())
end

assert(#arg == 2, "usage: lua5.4 scripts/pinyin.lua Unihan_Readings.txt pinyin_table.c")
main(arg[1], arg[2])
