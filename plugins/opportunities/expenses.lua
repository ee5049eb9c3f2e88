-- expenses - what a deal has cost 费用: where there are rows, they are its expenses.
-- SPDX-License-Identifier: MIT
local refusals = require("people.refusals")

local expenses = {}

local MOST = 500 -- of one deal that are added up

-- The sum of a deal's rows, or nil where it has none; and whether currencies differ.
function expenses.total(db, deal)
  local sum
  for _, row in ipairs(db.opportunity_expense:find {
    where = { opportunity = deal }, order = "id", limit = MOST,
  }) do
    if sum and sum.currency ~= row.amount.currency then return nil, true end
    sum = sum and sum + row.amount or row.amount
  end
  return sum, false
end

function expenses.check(ev, ctx)
  if ev.old then return end
  local count = ctx.db:as_system().opportunity_expense:count {
    where = { opportunity = ev.record.opportunity },
  }
  if count >= MOST then ev:fail("opportunity", "@expenses_many", { max = MOST }) end
end

local function refresh(ev, db, id)
  local deal = id and db.opportunity:get(id)
  if not deal then return end
  local sum, mixed = expenses.total(db, id)
  if mixed then return ev:fail("amount", "@currency_mixed") end
  if deal.expenses ~= sum then
    local done, why = db.opportunity:update(id, { expenses = sum or crm.null })
    if not done then ev:fail("amount", refusals.sentence(why)) end -- an approval that runs
  end
end

-- Behind every change of a row, also of one that is moved to another deal.
function expenses.changed(ev, ctx)
  local db, old = ctx.db:as_system(), ev.old and ev.old.opportunity
  refresh(ev, db, ev.record.opportunity)
  if old and old ~= ev.record.opportunity then refresh(ev, db, old) end
end

-- What is written while there are rows has to be their sum.
function expenses.guard(ev, ctx)
  if not ev.old then return end
  local sum = expenses.total(ctx.db:as_system(), ev.record.id)
  if sum and ev.record.expenses ~= sum then ev:fail("expenses", "@expenses_sum") end
end

return expenses
