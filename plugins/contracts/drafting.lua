-- drafting - a contract that is made from a deal: its customer, and what it is about.
-- SPDX-License-Identifier: MIT
local drafting = {}

local LINES_MAX = 200

-- What of the deal whoever drafts it may read.
local function deal_of(contract, ctx)
  if not ctx.has("opportunities") or not contract.opportunity or contract.predecessor then
    return nil
  end
  return ctx.db.opportunity:get(contract.opportunity)
end

local function lines_of(deal, ctx)
  return ctx.db.opportunity_line:find {
    where = { opportunity = deal.id, total = { ne = crm.null } }, order = "id", limit = LINES_MAX,
  }
end

-- What was written stays: the deal fills in what was left empty.
function drafting.fill(ev, ctx)
  local contract = ev.record
  local deal = deal_of(contract, ctx)
  if not deal then return end
  if not contract.account then contract.account = deal.account end
  if not contract.total and #lines_of(deal, ctx) == 0 then contract.total = deal.amount end
end

-- A deal's discount is a share, a contract's is money: the amounts are the same.
local function copy(line, contract, sort, ctx)
  local product = ctx.has("quotes") and line.product and ctx.db.product:get(line.product)
  local quantity = line.quantity or crm.decimal(1)
  local discount = line.price * quantity - line.total
  assert(ctx.db.contract_line:insert {
    contract = contract.id, name = line.name, sku = product and product.code or nil,
    quantity = quantity, unit_price = line.price, sort = sort,
    discount = discount.minor > 0 and discount or nil,
  })
end

-- With a total of its own the contract is about something else than the deal's lines.
function drafting.lines(ev, ctx)
  local contract = ev.record
  local deal = not contract.total and deal_of(contract, ctx)
  if not deal then return end
  for sort, line in ipairs(lines_of(deal, ctx)) do copy(line, contract, sort, ctx) end
end

return drafting
