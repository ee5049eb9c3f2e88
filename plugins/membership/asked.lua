-- asked - what the operations of this plugin check of what they were asked.
-- SPDX-License-Identifier: MIT
local ledger = require("ledger")

local asked = {}

-- A key of its own for each kind of operation; nil when none was given.
function asked.key(ev, what)
  local key = ev.params.key
  return type(key) == "string" and key ~= "" and what .. ":" .. key or nil
end

local TEXTS = { key = 100, reason = 255, ref = 100, note = 255 } -- characters of each

-- Is one of the texts none, or too long? Told on it, before anything is done.
local function are_texts_wrong(ev)
  local wrong = false
  for name, most in pairs(TEXTS) do
    local value = ev.params[name]
    if value ~= nil and (type(value) ~= "string" or (utf8.len(value) or most + 1) > most) then
      ev:fail(name, "@text_wrong", { max = most })
      wrong = true
    end
  end
  return wrong
end

-- An operation that is run only where its texts can be kept.
function asked.checked(fn)
  return function(ev, ctx)
    if are_texts_wrong(ev) then return nil end
    return fn(ev, ctx)
  end
end

-- A day named by a parameter, or nil where there is none; false after a refusal.
function asked.day(ev, name)
  if ev.params[name] == nil then return nil end
  local fits, day = pcall(crm.date, ev.params[name])
  if fits then return day end
  ev:fail(name, "@day_wrong")
  return false
end

-- The record that a parameter names, or nil where there is none; false after a refusal.
function asked.record(ev, name, rows)
  if ev.params[name] == nil then return nil end
  local id = asked.id(ev, name)
  local found = id and rows:get(id)
  if found then return found end
  ev:fail(name, "@record_unknown")
  return false
end

-- What the data refused, told on its field: "VALIDATION: address: a sentence".
function asked.told(ev, why, field)
  local name, sentence = why:match("^[%u_]+: ([%l_][%w_]*)[%[%d%]]*: (.+)$")
  if name then return ev:fail(name, sentence) end
  return ev:fail(field, (why:gsub("^[%u_]+: ", "")))
end

-- Is this number of points refused? Told on the field.
function asked.refuses(ev, value)
  if math.type(value) == "integer" and value > 0 then return false end
  ev:fail("points", "@whole_points")
  return true
end

-- Can so much be spent? Told on the field.
function asked.lacks(ev, book, value)
  local available = ledger.available(book)
  if value <= available then return false end
  ev:fail("points", "@not_enough", { available = available })
  return true
end

-- May this card be used? Told on the field.
function asked.is_closed(ev, book)
  if book.status == "active" then return false end
  ev:fail("status", "@member_not_active")
  return true
end

-- Another record named by a parameter, or nil.
function asked.id(ev, name)
  local text = ev.params[name]
  return type(text) == "string" and crm.id_parse(text) or nil
end

-- Was an operation with this key done before? Then its answer, or a refusal where it was another.
-- Asked before anything is judged: what was done stays done, also when the card has been closed.
function asked.again(ev, book, key, points)
  local before = ledger.by_key(book, key)
  if not before then return false end
  if before.member == book.id and before.points == points then
    return true, ledger.answer(book, before)
  end
  ev:fail("key", "@key_reused")
  return true
end

return asked
