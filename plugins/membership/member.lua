-- member - what is worked out about a card, and what protects it.
-- SPDX-License-Identifier: MIT
local member = {}

function member.available(record) return (record.balance or 0) - (record.held or 0) end

-- Month and day of birth as one number: 1122 is the 22nd of November.
function member.birthday_day(record)
  local day = record.birthday
  return day and day:month() * 100 + day:day() or nil
end

-- Lots hold what entries add up to: nobody removes one.
function member.keep(ev) ev:fail("id", "@ledger_kept") end

return member
