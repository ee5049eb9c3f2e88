-- lines - what is sold, what it comes to, and in which period each line is.
-- SPDX-License-Identifier: MIT
local sums = require("sums")

local lines = {}

local LINES_MAX = 500
local CLOSING_DAYS = 30 -- a line ends soon

local function rows(db, contract)
  return db.contract_line:find {
    where = { contract = contract.id, canceled = false }, order = "sort,id", limit = LINES_MAX,
  }
end

lines.rows = rows

-- --- price ---

-- The service contract.price: { currency, discount, tax, lines = { { quantity, unit_price,
-- discount } } } -> { total, amounts, reasons }. Rounded half to even to the currency's digits.
local function price(argument)
  local sum, amounts = 0, {}
  for i, line in ipairs(argument.lines) do
    local amount = line.unit_price * line.quantity
    if line.discount then amount = amount - line.discount end
    amounts[i], sum = amount, sum + amount.minor
  end
  sum = sum - sums.minor(argument.discount) + sums.minor(argument.tax)
  return { total = sums.money(sum, argument.currency), amounts = amounts, reasons = { "lines" } }
end

lines.services = { price = price }

function lines.total(ctx, contract)
  local list, currency = {}, sums.currency(contract, ctx)
  for i, line in ipairs(rows(ctx.db:as_system(), contract)) do
    list[i] = { quantity = line.quantity, unit_price = line.unit_price, discount = line.discount }
  end
  if #list > 0 then currency = list[1].unit_price.currency end
  return ctx.call("contract.price", {
    currency = currency, discount = contract.discount, tax = contract.tax, lines = list,
  }).total
end

-- --- handlers ---

function lines.price(ev)
  local line = ev.record
  if not line.unit_price or not line.quantity then return end
  local amount = line.unit_price * line.quantity
  if line.discount and line.discount.currency == amount.currency then
    amount = amount - line.discount
  end
  line.amount = amount
end

-- What a piece costs us, where nobody has said it: as the product of that code says.
local function product_cost(line, ctx)
  if not line.sku or not ctx.has("quotes") then return nil end
  local product = ctx.db:as_system().product:find { where = { code = line.sku }, limit = 1 }[1]
  local cost = product and product.cost
  return cost and cost.currency == line.unit_price.currency and cost or nil
end

-- Not a term of the contract: it may be mended when that is fixed.
function lines.cost(ev, ctx)
  local line = ev.record
  if not line.unit_price or not line.quantity then return end
  local is_asked = not ev.old or ev.changed("sku")
  if not line.unit_cost and is_asked then line.unit_cost = product_cost(line, ctx) end
  line.cost = line.unit_cost and line.unit_cost * line.quantity or nil
end

-- What all lines cost in minor units, and of how many nobody knows it.
function lines.costs(db, contract)
  local sum, missing = 0, 0
  for _, line in ipairs(rows(db, contract)) do
    sum = sum + sums.minor(line.cost)
    if not line.cost then missing = missing + 1 end
  end
  return sum, missing
end

local function is_locked(contract)
  return contract and not contract.amending
    and (sums.is_fixed(contract) or sums.is_closed(contract))
end

local CHANGEABLE = { canceled = true }

local function is_changed(ev)
  if not ev.old then return true end
  for _, field in ipairs {
    "contract", "name", "sku", "quantity", "unit_price", "discount", "start_on", "end_on",
  } do
    if ev.changed(field) and not CHANGEABLE[field] then return true end
  end
  return false
end

function lines.check(ev, ctx)
  local line, db = ev.record, ctx.db:as_system()
  local contract = db.contract:get(line.contract)
  if not contract then return end
  if is_changed(ev) and is_locked(contract) then
    return ev:fail("contract", sums.is_closed(contract) and "@closed" or "@amend_only")
  end
  if ev.old and ev.changed("contract") then ev:fail("contract", "@line_moves") end
  local first = db.contract_line:find {
    where = { contract = line.contract, id = { ne = line.id } }, limit = 1,
  }[1]
  local currency = first and first.unit_price.currency
    or (contract.lines_count or 0) > 0 and sums.currency(contract, ctx)
    or line.unit_price.currency
  for _, field in ipairs { "unit_price", "discount", "unit_cost" } do
    local money = line[field]
    if money and money.currency ~= currency then
      ev:fail(field, "@currency", { currency = currency })
    end
  end
  if sums.minor(line.amount) < 0 then ev:fail("discount", "@discount_too_much") end
  if line.start_on and line.end_on and line.end_on < line.start_on then
    ev:fail("end_on", "@end_before_start")
  end
end

function lines.check_delete(ev, ctx)
  local contract = ctx.db:as_system().contract:get(ev.record.contract)
  if is_locked(contract) then ev:fail(nil, "@amend_only") end
end

function lines.changed(ev, ctx)
  local db = ctx.db:as_system()
  local contract = db.contract:get(ev.record.contract)
  if not contract then return end -- it is being deleted with its lines
  local count = #rows(db, contract)
  local cost, missing = lines.costs(db, contract)
  local ok, why = db.contract:update(contract.id, {
    lines_count = count, cost_missing = missing,
    cost = count > missing and sums.money(cost, sums.currency(contract, ctx)) or crm.null,
    total = count > 0 and lines.total(ctx, contract) or sums.money(0, sums.currency(contract, ctx)),
  })
  if not ok then ev:abort(why) end -- less than was received or billed, say
end

-- --- periods ---

-- Derived from dates, so it cannot drift.
local function period(line, contract, today)
  if line.canceled or contract.stage == "terminated" or contract.stage == "void" then
    return "canceled"
  end
  local from, to = line.start_on or contract.start_on, line.end_on or contract.end_on
  if from and today < from then return "upcoming" end
  if not to or today <= to:add { days = -CLOSING_DAYS } then return "in_progress" end
  if today <= to then return "upcoming_close" end
  if contract.stage == "performing" and not contract.successor then return "to_renew" end
  return "closed"
end

-- POST …/contract/{id}/actions/lines: each line with its period on the company's day.
function lines.periods(ev, ctx)
  local out, today = {}, ctx.now():date()
  for i, line in ipairs(ctx.db:as_system().contract_line:find {
    where = { contract = ev.record.id }, order = "sort,id", limit = LINES_MAX,
  }) do
    out[i] = {
      id = crm.id_text(line.id), name = line.name, period = period(line, ev.record, today),
    }
  end
  return { lines = out }
end

return lines
