-- tiers - which tier a member has reached: by what the program counts, never by what is left.
-- SPDX-License-Identifier: MIT
local numbers = require("numbers")

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
    local spent, unit = 0, 1
    for purchase in book.db.purchase:each {
      where = { member = book.id, bought_on = { gte = since } }, limit = 2000,
    } do
      spent = spent + purchase.amount.minor - (purchase.refunded and purchase.refunded.minor or 0)
      unit = numbers.minor_units(purchase.amount)
    end
    return spent // unit
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

-- The highest step that what was counted reaches. A company may put its own answer around it.
function tiers.reached(argument)
  for _, step in ipairs(argument.steps) do
    if argument.counted >= step.threshold then
      return { tier = step.id, reasons = { step.name } }
    end
  end
  return { reasons = {} }
end

local function tell(book, from, to)
  local up = to and (not from or to.threshold > from.threshold)
  local direction = up and "up" or "down"
  assert(book.db.tier_change:insert {
    member = book.id, from = from and from.id, to = to and to.id, on = book.today,
    direction = direction,
    label = string.format("%s → %s", from and from.name or "–", to and to.name or "–"),
  })
  book.ctx.emit("member.tier_changed", {
    member = book.id, from = from and from.id, to = to and to.id, direction = direction,
  })
end

-- Until when a tier that begins or is renewed today lasts; nil: for ever. Where everybody is judged
-- every so many days, until then.
local function until_of(book, tier)
  if book.program.downgrade == "every" then
    return book.today:add { days = book.program.downgrade_days or 365 }
  end
  return tier.validity_months and book.today:add { months = tier.validity_months }
end

-- Moves the member up at once; down only where `may_fall`. A tier that is earned again is renewed.
function tiers.evaluate(book, may_fall)
  local steps, plain = ladder(book), {}
  if #steps == 0 then return end
  for i, tier in ipairs(steps) do
    plain[i] = { id = tier.id, name = tier.name, threshold = tier.threshold }
  end
  local judged = book.ctx.call("tier.evaluate", {
    program = book.program_id, member = book.id, counted = tiers.counted(book), steps = plain,
  })
  local reached, current
  for _, tier in ipairs(steps) do
    if tier.id == judged.tier then reached = tier end
    if tier.id == book.tier then current = tier end
  end
  local falls = current and (not reached or reached.threshold < current.threshold)
  if falls and not may_fall then return end
  if (reached and reached.id) == book.tier and not may_fall then return end
  if (reached and reached.id) ~= book.tier then
    book.tier_since = book.today
    tell(book, current, reached)
  end
  book.tier = reached and reached.id
  book.tier_until = reached and until_of(book, reached) or nil
end

-- Its time is over: anew by what counts, or, where nobody falls, for as long again.
function tiers.ended(book)
  local tier = book.tier and book.db.tier:get(book.tier)
  if book.program.downgrade == "at_end" or book.program.downgrade == "every" then
    tiers.evaluate(book, true)
  else
    tiers.evaluate(book, false)
  end
  if tier and book.tier == tier.id and book.tier_until and book.tier_until <= book.today then
    book.tier_until = book.today:add { months = tier.validity_months or 12 }
  end
end

return tiers
