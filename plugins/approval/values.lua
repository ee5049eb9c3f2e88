-- values - telling apart what people have written as data.
-- SPDX-License-Identifier: MIT
local values = {}

-- A table, or one that is read-only.
function values.is_table(value)
  local kind = type(value)
  return kind == "table" or kind == "userdata"
end

function values.is_list(value) return values.is_table(value) and #value > 0 end

-- A text that says something, or nil.
function values.text(value)
  return type(value) == "string" and value:match("%S") and value or nil
end

-- Are two values the same, member by member?
function values.equal(a, b)
  if not values.is_table(a) or not values.is_table(b) then return a == b end
  for key, value in pairs(a) do
    if not values.equal(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

return values
