-- lines - what a deal is about: where there are lines, they are its amount.
-- SPDX-License-Identifier: MIT
local refusals = require("people.refusals")

local lines = {}

local MOST = 200 -- lines of one deal that are added up

-- A line without a price has that of its product's list.
function lines.fill(ev, ctx)
  local line = ev.record
  if not line.price and ctx.has("quotes") and line.product then
    local deal = ctx.db:as_system().opportunity:get(line.opportunity)
    local found = ctx.call("price.find", {
      product = line.product, account = deal and deal.account, quantity = line.quantity,
    })
    line.price = found.price
  end
  local price = line.price
  if not price then
    line.total = nil
    return
  end
  local rest = crm.decimal(100) - (line.discount or crm.decimal(0))
  line.total = price * ((line.quantity or crm.decimal(1)) * rest):div(100, 6)
end

-- The sum of a deal's lines, or nil where it has none. A company may count otherwise.
-- asked: opportunity (an id). Answers amount, and mixed where currencies differ.
function lines.amount(asked, ctx)
  local sum
  for _, line in ipairs(ctx.db:as_system().opportunity_line:find {
    where = { opportunity = asked.opportunity }, limit = MOST,
  }) do
    if line.total then
      if sum and sum.currency ~= line.total.currency then return { mixed = true } end
      sum = sum and sum + line.total or line.total
    end
  end
  return { amount = sum }
end

function lines.changed(ev, ctx)
  local db, id = ctx.db:as_system(), ev.record.opportunity
  local found = ctx.call("opportunity.amount", { opportunity = id })
  if found.mixed then return ev:fail("price", "@currency_mixed") end
  local deal = db.opportunity:get(id)
  if found.amount and deal and deal.amount ~= found.amount then
    local done, why = db.opportunity:update(id, { amount = found.amount })
    if not done then ev:fail("price", refusals.sentence(why)) end -- an approval that runs
  end
end

-- An amount that is written while there are lines has to be theirs.
function lines.guard(ev, ctx)
  if not ev.old then return end
  local found = ctx.call("opportunity.amount", { opportunity = ev.record.id })
  if found.amount and ev.record.amount ~= found.amount then
    ev:fail("amount", "@lines_amount")
  end
end

return lines
