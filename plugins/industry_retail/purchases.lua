-- purchases - what a purchase costs with its promotion, and until when it may be returned.
-- SPDX-License-Identifier: MIT
local promotions = require("promotions")
local purchases = {}

-- The promotion of a purchase that can be judged; nil when there is none.
local function promotion_of(purchase, ctx)
  if not (purchase.promotion and purchase.amount and purchase.bought_on) then return nil end
  return ctx.db.retail_promotion:get(purchase.promotion)
end

function purchases.price(ev, ctx)
  local purchase = ev.record
  if not purchase.amount then return end -- the core asks for it
  local promotion = promotion_of(purchase, ctx)
  if promotion and not promotions.refusal(promotion, purchase) then
    purchase.discount = promotions.discount(promotion, purchase.amount)
    purchase.paid = purchase.amount - purchase.discount
  else
    purchase.discount = nil
    purchase.paid = purchase.amount
  end
end

function purchases.promotion_fits(ev, ctx)
  local promotion = promotion_of(ev.record, ctx)
  local refusal = promotion and promotions.refusal(promotion, ev.record)
  if refusal then ev:fail("promotion", refusal, { name = promotion.name }) end
end

function purchases.return_in_time(ev, ctx)
  local days = ctx.config.return_days
  local last = ev.record.bought_on:add { days = days }
  if last < ctx.now():date() then ev:fail("status", "@return_too_late", { days = days }) end
end

-- --- points, where the company has them ---

local function source(purchase) return "retail_purchase:" .. crm.id_text(purchase.id) end

function purchases.earn(ev, ctx)
  local purchase = ev.record
  if purchase.status ~= "paid" or not ctx.has("membership") then return end
  local told = ctx.call("purchase.record", {
    source = source(purchase), contact = purchase.contact, amount = purchase.paid,
    number = purchase.number, bought_on = purchase.bought_on, channel = purchase.channel,
    category = purchase.category,
  })
  if told.refused then ev:fail("amount", told.refused) end
end

function purchases.give_back(ev, ctx)
  if ev.to ~= "returned" or not ctx.has("membership") then return end
  local told = ctx.call("purchase.return", { source = source(ev.record), reason = "returned" })
  if told.refused then ev:fail("status", told.refused) end
end

return purchases
