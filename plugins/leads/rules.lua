-- rules - what every lead has to satisfy.
-- SPDX-License-Identifier: MIT
local rules = {}

-- One of these is enough to know whom it is about.
rules.identity_fields = { "name", "company", "emails", "phones" }

local function is_filled(value)
  return value ~= nil and value ~= "" and not (type(value) == "userdata" and #value == 0)
end

-- Does the record (anything that is read by field name) say who it is?
function rules.has_identity(record)
  for _, field in ipairs(rules.identity_fields) do
    if is_filled(record[field]) then return true end
  end
  return false
end

function rules.identity(ev)
  if rules.has_identity(ev.record) then return end
  for _, field in ipairs(rules.identity_fields) do ev:fail(field, "@identity_required") end
end

function rules.dead_reason(ev)
  if not ev.record.lost_reason then ev:fail("lost_reason", "@dead_reason") end
end

return rules
