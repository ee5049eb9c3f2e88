-- refusals - what the data refused, told on the field that it is about.
-- SPDX-License-Identifier: MIT
local refusals = {}

-- `why` is "VALIDATION: hold_until: a sentence", or a sentence alone, which is told on `field`.
function refusals.tell(ev, why, field)
  local name, sentence = why:match("^[%u_]+: ([%l_][%w_]*)[%[%d%]]*: (.+)$")
  if name then return ev:fail(name, sentence) end
  return ev:fail(field, (why:gsub("^[%u_]+: ", "")))
end

return refusals
