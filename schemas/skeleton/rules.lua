-- rules - what must be true of a lead.
-- SPDX-License-Identifier: MIT
local rules = {}

function rules.level_a(ev)
  local lead, least = ev.record, crm.money("50000", "CNY")
  if lead.x_level ~= "A" then return end
  local amount = lead.estimated_amount
  if not amount or amount.currency ~= least.currency or amount < least then
    ev:fail("estimated_amount", "@level_a_min", { least = tostring(least) })
  end
end

return rules
