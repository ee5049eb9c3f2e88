-- sales - purchases that other plugins keep: they earn here, and what is returned there comes back.
--
-- `source` says whose purchase it is, so asking again changes nothing. Each gives { purchase }, or
-- { refused = a key }, or nothing where the customer has no card or pays in another currency.
-- SPDX-License-Identifier: MIT
local earning = require("earning")
local ledger = require("ledger")
local returns = require("returns")

local sales = {}

local function known(db, source)
  return db.purchase:find { where = { source = source }, limit = 1 }[1]
end

local function card_of(db, contact)
  return contact and db.member:find {
    where = { contact = contact, status = "active" }, order = "id", limit = 1,
  }[1]
end

-- argument: source, contact, amount (money); number, bought_on, channel, store, category, no_points
function sales.record(argument, ctx)
  local db = ctx.db:as_system()
  local before = known(db, argument.source)
  if before then
    local same = before.amount == argument.amount
    return { purchase = before.id, refused = not same and "@membership:purchase_fixed" or nil }
  end
  local member = card_of(db, argument.contact)
  if not member or not argument.amount or argument.amount.minor < 0 then return {} end
  if argument.amount.currency ~= earning.currency(ctx, member) then return {} end
  local made = assert(db.purchase:insert {
    source = argument.source, member = member.id, amount = argument.amount,
    number = argument.number, bought_on = argument.bought_on, channel = argument.channel,
    store = argument.store, category = argument.category, no_points = argument.no_points,
  })
  return { purchase = made.id }
end

-- argument: source, reason. All that is left of it is returned.
function sales.give_back(argument, ctx)
  local db = ctx.db:as_system()
  local purchase = known(db, argument.source)
  if not purchase or purchase.status == "refunded" then return {} end
  local left = purchase.amount.minor - (purchase.refunded and purchase.refunded.minor or 0)
  local book = ledger.find(ctx, purchase.member)
  local spec = { reason = argument.reason }
  if left > 0 and not returns.take_back(ctx, book, purchase, left, spec) then
    return { refused = "@membership:points_spent" }
  end
  return { purchase = purchase.id }
end

return sales
