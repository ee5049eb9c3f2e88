-- numbers - whole-number arithmetic that neither overflows nor rounds by accident.
-- SPDX-License-Identifier: MIT
local numbers = {}

-- floor(a * b / c) and the remainder, for 0 <= a, 0 <= b, 0 < c < 2^62, where the result fits.
-- Binary long multiplication: quotient and remainder double with each bit of a, so a * b itself is
-- never held.
function numbers.mul_div(a, b, c)
  if a == 0 or b == 0 then return 0, 0 end
  local whole, part = b // c, b % c
  local quotient, rest = 0, 0
  for bit = 62, 0, -1 do
    quotient, rest = quotient * 2, rest * 2
    if rest >= c then quotient, rest = quotient + 1, rest - c end
    if (a >> bit) & 1 == 1 then
      quotient, rest = quotient + whole, rest + part
      if rest >= c then quotient, rest = quotient + 1, rest - c end
    end
  end
  return quotient, rest
end

-- The decimal's value in units of its own scale: crm.decimal("1.5") at scale 4 is 15000.
function numbers.units(decimal, scale)
  local shifted = decimal * crm.decimal(10 ^ scale // 1 | 0)
  return math.tointeger(tonumber(tostring(shifted:round(0))))
end

-- Fraction digits of its currency: the core knows them, its text shows them.
function numbers.digits(money) return #(money.amount:match("%.(%d+)$") or "") end

-- How many minor units its currency's unit has: 100 of most, 1 of the yen.
function numbers.minor_units(money) return 10 ^ numbers.digits(money) // 1 | 0 end

-- quotient and rest of a division by c, rounded as a program says.
function numbers.round(quotient, rest, c, how)
  if rest == 0 or how == "down" then return quotient end
  if how == "up" or rest * 2 >= c then return quotient + 1 end
  return quotient
end

return numbers
