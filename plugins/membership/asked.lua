-- asked - what the operations of this plugin check of what they were asked.
-- SPDX-License-Identifier: MIT
local ledger = require("ledger")

local asked = {}

-- A key of its own for each kind of operation; nil when none was given.
function asked.key(ev, what)
  local key = ev.params.key
  return type(key) == "string" and key ~= "" and what .. ":" .. key or nil
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
