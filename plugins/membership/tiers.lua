-- tiers - which tier a member has reached: by what the program counts, never by what is left.
-- SPDX-License-Identifier: MIT
local tiers = {}

-- The sum of nothing is null.
local function measured(rows, name)
  local value = rows and rows[1] and rows[1][name]
  return math.type(value) == "integer" and value or 0
end

-- What counts towards the tier in the window that ends today.
function tiers.counted(book)
  local program, since = book.program, book.today:add { months = -book.program.tier_months }
  if program.tier_basis == "orders" then
    return book.db.purchase:count {
      where = { member = book.id, bought_on = { gte = since }, status = { "done", "partly" } },
    }
  elseif program.tier_basis == "spend" then
    local spent = 0
    for purchase in book.db.purchase:each {
      where = { member = book.id, bought_on = { gte = since } }, limit = 2000,
    } do
      spent = spent + purchase.amount.minor - (purchase.refunded and purchase.refunded.minor or 0)
    end
    return spent // 100
  end
  return measured(book.db.points_entry:aggregate {
    where = { member = book.id, on = { gte = since } }, measure = { "sum.qualifying" },
  }, "sum.qualifying")
end

local function ladder(book)
  return book.db.tier:find {
    where = { program = book.program.id }, order = "-threshold", limit = 50,
  }
end

-- Moves the member up at once; down only where `may_fall`. A tier that is earned again is renewed.
function tiers.evaluate(book, may_fall)
  local steps = ladder(book)
  if #steps == 0 then return end
  local counted = tiers.counted(book)
  local reached, current
  for _, tier in ipairs(steps) do
    if not reached and counted >= tier.threshold then reached = tier end
    if tier.id == book.tier then current = tier end
  end
  local falls = current and (not reached or reached.threshold < current.threshold)
  if falls and not may_fall then return end
  if (reached and reached.id) == book.tier and not may_fall then return end
  if (reached and reached.id) ~= book.tier then book.tier_since = book.today end
  book.tier = reached and reached.id
  book.tier_until = reached and reached.validity_months
    and book.today:add { months = reached.validity_months }
end

return tiers
