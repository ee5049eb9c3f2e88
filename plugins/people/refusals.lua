-- refusals - what the data refuses inside an operation, told to whoever asked for it: on the field
-- that it is about, in its own words. For other plugins: require("people.refusals").
-- SPDX-License-Identifier: MIT
local refusals = {}

-- "VALIDATION: phones[0]: not a number" -> phones, not a number; what names no field -> nil, text.
function refusals.parts(why)
  local text = why:gsub("^[%u_]+: ", "")
  local field, sentence = text:match("^([%l_][%w_]*)[%[%]%d%.]*: (.+)$")
  if field then return field, sentence end
  return nil, text
end

-- Its words alone, where the field is one of another record.
function refusals.sentence(why)
  local _, sentence = refusals.parts(why)
  return sentence
end

-- Fails `ev` (or a request) there, and on `otherwise` where the reason names no field. names: what
-- the operation calls a field ({ lost_reason = "reason" }), where that was asked for.
function refusals.tell(ev, why, otherwise, names)
  local field, sentence = refusals.parts(why)
  local asked = names and names[field or ""]
  if asked and ev.params[asked] ~= nil then field = asked end
  ev:fail(field or otherwise, sentence)
end

return refusals
