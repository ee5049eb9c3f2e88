-- deals - what winning a deal has cost 费用, which its contract has to earn back.
-- SPDX-License-Identifier: MIT
local deals = {}

local MOST = 50 -- contracts of one deal that are looked at

-- Of several contracts of one deal the first bears it, so that nothing is counted twice; once that
-- is void, the next.
local function bearer(list)
  for _, contract in ipairs(list) do
    if contract.stage ~= "void" then return contract.id end
  end
end

local function contracts_of(db, deal)
  return db.contract:find { where = { opportunity = deal }, order = "id", limit = MOST }
end

local function refresh(db, id)
  local deal = id and db.opportunity:get(id)
  if not deal then return end
  local list = contracts_of(db, id)
  local bears = bearer(list)
  for _, contract in ipairs(list) do
    local wanted = contract.id == bears and deal.expenses or nil
    if contract.expenses ~= wanted then
      assert(db.contract:update(contract.id, { expenses = wanted or crm.null }))
    end
  end
end

-- Behind a contract that begins or ends to be one of a deal.
function deals.contract_changed(ev, ctx)
  if not ctx.has("opportunities") then return end
  local db, old = ctx.db:as_system(), ev.old and ev.old.opportunity
  refresh(db, ev.record.opportunity)
  if old and old ~= ev.record.opportunity then
    refresh(db, old)
    if not ev.record.opportunity then
      assert(db.contract:update(ev.record.id, { expenses = crm.null }))
    end
  end
end

function deals.changed(ev, ctx) refresh(ctx.db:as_system(), ev.record.id) end

-- What is wrong with the expenses a contract bears, or nil; for `perigee check`.
function deals.check(contract, ctx)
  if not ctx.has("opportunities") or not contract.opportunity then
    return contract.expenses and "it bears expenses of no deal" or nil
  end
  local db = ctx.db:as_system()
  local deal = db.opportunity:get(contract.opportunity)
  local is_bearer = bearer(contracts_of(db, contract.opportunity)) == contract.id
  local should = is_bearer and deal and deal.expenses or nil
  return contract.expenses ~= should and "its deal's expenses are other than it bears" or nil
end

return deals
