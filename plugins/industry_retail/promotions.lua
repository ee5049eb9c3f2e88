-- promotions - when a promotion holds, and what it takes off.
-- SPDX-License-Identifier: MIT
local promotions = {}

function promotions.dates(ev)
  local promotion = ev.record
  if promotion.starts_on and promotion.ends_on and promotion.ends_on < promotion.starts_on then
    ev:fail("ends_on", "@ends_before_start")
  end
end

local function other_currency(bound, amount)
  return bound ~= nil and bound.currency ~= amount.currency
end

-- Why it does not hold for a purchase: the key of a text; nil when it does.
function promotions.refusal(promotion, purchase)
  if purchase.bought_on < promotion.starts_on or purchase.bought_on > promotion.ends_on then
    return "@promotion_not_running"
  end
  if promotion.category and promotion.category ~= purchase.category then
    return "@promotion_other_category"
  end
  local amount, least = purchase.amount, promotion.least
  if other_currency(least, amount) or other_currency(promotion.reduction, amount) then
    return "@promotion_other_currency"
  end
  if least and amount < least then return "@promotion_too_little" end
  return nil
end

-- What is taken off an amount; never more than all of it.
function promotions.discount(promotion, amount)
  if promotion.kind == "percent" then
    local percent = promotion.percent
    return amount * crm.decimal(("%d.%02d"):format(percent // 100, percent % 100))
  end
  return promotion.reduction < amount and promotion.reduction or amount
end

return promotions
