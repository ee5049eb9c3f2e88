-- conditions - filters that people save: one that cannot be asked is refused when it is saved, not
-- when a record comes along. For other plugins: require("people.conditions").
-- SPDX-License-Identifier: MIT
local conditions = {}

-- What is wrong with it, in words; nil when it can be asked.
function conditions.fault(entity, filter)
  if filter == nil then return nil end
  local known, fits, why = pcall(crm.filter_check, entity, filter)
  if known and fits then return nil end
  local text = tostring(known and why or fits)
  return (text:gsub("^[^%s:]+:%d+: ", ""):gsub("^[%u_]+: ", ""))
end

function conditions.check(ev, field, entity)
  local why = conditions.fault(entity, ev.record[field])
  if why then ev:fail(field, "@people:bad_filter", { why = why }) end
end

return conditions
