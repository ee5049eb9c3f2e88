-- checks - what holds for every deal whenever nothing is half done; for `perigee check`.
-- SPDX-License-Identifier: MIT
local deals = require("deals")
local expenses = require("expenses")

local checks = {}

local VISITS = 1000
local FIXED = { won = 100, lost = 0, invalid = 0 }

function checks.stage(deal, ctx)
  local stage = ctx.db:as_system().stage:get(deal.stage)
  if not stage then return "its stage is gone" end
  if stage.pipeline ~= deal.pipeline then return "its stage is of another pipeline" end
  if (deal.closed_at ~= nil) ~= (FIXED[deal.kind] ~= nil) then
    return "it says when it was closed and is open, or the other way round"
  end
  if deal.kind == "lost" and not deal.lost_reason then return "it is lost without a reason" end
  if deal.kind == "won" and not (deal.account and deal.amount) then
    return "it is won without an account or an amount"
  end
  return nil
end

function checks.numbers(deal, ctx)
  local percent = FIXED[deal.kind] or deal.probability_manual or deal.probability_auto
  if deal.probability ~= percent then return "its probability is not " .. tostring(percent) end
  if deal.amount then
    local weighted = deal.amount * crm.decimal(percent):div(100, 2)
    if deal.weighted ~= weighted then return "its weighted amount is not " .. tostring(weighted) end
  end
  local lines = ctx.call("opportunity.amount", { opportunity = deal.id })
  if lines.mixed then return "its lines have several currencies" end
  if lines.amount and lines.amount ~= deal.amount then
    return "its amount is not that of its lines, " .. tostring(lines.amount)
  end
  return nil
end

function checks.visits(deal, ctx)
  local open = 0
  local visits = ctx.db:as_system().stage_visit:find {
    where = { opportunity = deal.id }, order = "id", limit = VISITS,
  }
  for index, visit in ipairs(visits) do
    if not visit.left_at then
      open = open + 1
      if visit.stage ~= deal.stage then return "the stage it is in is not its last visit" end
    elseif visit.seconds ~= (visit.left_at - visit.entered_at) // 1000 then
      return "a visit has another duration than its times"
    end
    if index > 1 and visits[index - 1].left_at ~= visit.entered_at then
      return "a visit does not begin where the one before ends"
    end
  end
  if open ~= 1 then return open .. " visits are not over" end
  return nil
end

function checks.expenses(deal, ctx)
  local sum, mixed = expenses.total(ctx.db:as_system(), deal.id)
  if mixed then return "its expenses have several currencies" end
  if sum and sum ~= deal.expenses then return "its expenses are not those of its rows" end
  local spent = deal.expenses
  local same = deal.amount and (not spent or spent.currency == deal.amount.currency)
  local profit = same and (spent and deal.amount - spent or deal.amount) or nil
  -- Deals from before it was worked out say none until they are saved again.
  if deal.profit and deal.profit ~= profit then return "its profit is not " .. tostring(profit) end
  return nil
end

-- Likewise of what recurs.
function checks.recurring(deal)
  local figures = { recurring = deal.recurring, recurring_plan = deal.recurring_plan }
  deals.recurring { record = figures }
  if deal.recurring_year ~= figures.recurring_year then
    return "what it brings in a year is not " .. tostring(figures.recurring_year)
  end
  return nil
end

return checks
