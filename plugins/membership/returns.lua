-- returns - a purchase is taken back, whole or in part, and its points with it.
-- SPDX-License-Identifier: MIT
local asked = require("asked")
local ledger = require("ledger")
local tiers = require("tiers")

local returns = {}

-- What is returned now: all that is left unless somebody says less.
local function amount_of(ev, purchase)
  local given = ev.params.amount
  if given == nil then
    return purchase.refunded and purchase.amount - purchase.refunded or purchase.amount
  end
  local ok, amount = pcall(crm.money, given, purchase.amount.currency)
  return ok and amount or nil
end

-- Is it asked for another amount than was returned with this key? Nobody who names none is.
local function is_other(ev, purchase, returned)
  if ev.params.amount == nil or not returned then return false end
  local amount = amount_of(ev, purchase)
  return not amount or amount.minor ~= returned.minor
end

-- How many points are taken back in all once so much has been returned.
local function target_of(ctx, book, purchase, all)
  local before = purchase.points_reversed or 0
  local target = ctx.call("points.refund_policy", {
    program = book.program_id, purchase = purchase.id, points = purchase.points or 0,
    reversed = before, total = purchase.amount.minor, returned = all,
  }).points
  return math.max(math.min(target, purchase.points or 0), before)
end

-- Takes so much money's worth of a purchase back. spec: key, reason. False where the program blocks
-- it; else the number of points, and the entry where there is one.
function returns.take_back(ctx, book, purchase, minor, spec)
  local all = (purchase.refunded and purchase.refunded.minor or 0) + minor
  local target = target_of(ctx, book, purchase, all)
  local back, entry = target - (purchase.points_reversed or 0), nil
  if back > 0 or spec.key then
    local earned = ledger.first(book, { purchase = purchase.id }, "earn")
    entry = ledger.reverse_earn(book, back, {
      purchase = purchase.id, reverses = earned and earned.id, qualifying = back, key = spec.key,
      reason = spec.reason,
      amount = crm.money { minor = minor, currency = purchase.amount.currency },
    })
    if not entry then return false end
  end
  assert(book.db.purchase:update(purchase.id, {
    refunded = crm.money { minor = all, currency = purchase.amount.currency },
    points_reversed = target,
    status = all == purchase.amount.minor and "refunded" or "partly",
  }))
  if book.program.downgrade == "on_return" then tiers.evaluate(book, true) end
  ledger.close(book)
  return back, entry
end

-- What a person is told: `reversed` are the points of the return, `points` what was left of them to
-- take; what was not there is the debt.
local function told(book, entry, back)
  local answer = ledger.answer(book, entry)
  answer.reversed, answer.debt = back, book.debt
  return answer
end

-- POST …/purchase/{id}/actions/refund { amount, reason, key }. Points go back in proportion to all
-- that was returned so far, rounded for the member; a full return takes back every one of them.
function returns.refund(ev, ctx)
  local purchase = ctx.db:as_system().purchase:get(ev.record.id)
  local book = ledger.find(ctx, purchase.member)
  local key = asked.key(ev, "refund")
  local before = ledger.by_key(book, key)
  if before then
    if before.purchase ~= purchase.id or is_other(ev, purchase, before.amount) then
      return ev:fail("key", "@key_reused")
    end
    return told(book, before, -before.qualifying)
  end
  local done = purchase.refunded and purchase.refunded.minor or 0
  local amount = amount_of(ev, purchase)
  if not amount or amount.minor <= 0 or done + amount.minor > purchase.amount.minor then
    return ev:fail("amount", "@refund_amount")
  end
  local back, entry = returns.take_back(ctx, book, purchase, amount.minor, {
    key = key, reason = ev.params.reason,
  })
  if not back then return ev:fail("amount", "@points_spent") end
  return told(book, entry, back)
end

return returns
