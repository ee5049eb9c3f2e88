-- sums - amounts of one currency added up, and what a contract's stage allows.
-- SPDX-License-Identifier: MIT
local sums = {}

function sums.money(minor, currency) return crm.money { minor = minor, currency = currency } end

function sums.minor(money) return money and money.minor or 0 end

-- The currency a contract is reckoned in.
function sums.currency(contract, ctx)
  return contract.total and contract.total.currency or ctx.tenant.currency
end

-- The sum of a money field over all rows that match, in minor units, and how many there are. Not an
-- aggregate: that is told in the company's currency.
function sums.of(sheet, where, field)
  local sum, count = 0, 0
  for row in sheet:each { where = where } do
    sum, count = sum + sums.minor(row[field]), count + 1
  end
  return sum, count
end

local CLOSED = { void = true, terminated = true, archived = true }

-- Nothing new is planned, reminded of or billed.
function sums.is_closed(contract) return CLOSED[contract.stage] or false end

local FIXED = { approving = true, approved = true, auto_approved = true }

-- Are its terms being decided on, or agreed?
function sums.is_fixed(contract) return FIXED[contract.approval_state] or false end

function sums.text(value)
  return type(value) == "string" and value:match("%S") and value or nil
end

function sums.is_table(value) return type(value) == "table" or type(value) == "userdata" end

-- A day that a parameter names, or nil.
function sums.day(value)
  local ok, day = pcall(crm.date, value)
  return ok and day or nil
end

return sums
