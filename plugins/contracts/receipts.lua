-- receipts - money that has come in: never changed, only matched and reversed.
-- SPDX-License-Identifier: MIT
local plans = require("plans")
local sums = require("sums")

local receipts = {}

function receipts.prepare(ev, ctx)
  local receipt = ev.record
  local contract = receipt.contract and ctx.db:as_system().contract:get(receipt.contract)
  if not contract then return end
  receipt.account = contract.account
  if not receipt.owner then receipt.owner = contract.owner end
end

local BEFORE = { draft = true, pending_sign = true, void = true }

function receipts.check(ev, ctx)
  local receipt, db = ev.record, ctx.db:as_system()
  local contract = db.contract:get(receipt.contract)
  if not contract or ev.old then return end
  if receipt.amount.currency ~= sums.currency(contract, ctx) then
    return ev:fail("amount", "@currency", { currency = sums.currency(contract, ctx) })
  end
  if receipt.kind == "reversal" then return end
  if BEFORE[contract.stage] then return ev:fail("contract", "@not_signed") end
  if receipt.amount.minor <= 0 then return ev:fail("amount", "@amount_positive") end
  local left = sums.minor(contract.total) - sums.minor(contract.received)
  if receipt.amount.minor > left and not ctx.config.over_receipt then
    ev:fail("amount", "@more_than_total")
  end
end

-- --- matching ---

local function open_plans(db, contract)
  return db.payment_plan:find {
    where = { contract = contract, state = { "waiting", "partial", "overdue", "not_effective" } },
    order = "due_on,installment", limit = 120,
  }
end

-- The service receipt.allocate: { amount, plans = { { id, open } } } -> { parts = { { plan, minor
-- } } }: what is due soonest first.
function receipts.allocate(argument)
  local left, parts = argument.amount.minor, {}
  for _, plan in ipairs(argument.plans) do
    local part = math.min(left, plan.open)
    if part > 0 then
      parts[#parts + 1] = { plan = plan.id, minor = part }
      left = left - part
    end
  end
  return { parts = parts, reasons = { "soonest first" } }
end

local function refresh(db, id)
  local plan = db.payment_plan:get(id)
  local sum = sums.of(db.receipt_part, { plan = id }, "amount")
  assert(db.payment_plan:update(id, { received = sums.money(sum, plan.amount.currency) }))
end

local function put_part(ctx, db, receipt, plan, minor)
  assert(db.receipt_part:insert {
    receipt = receipt.id, plan = plan, contract = receipt.contract, on = ctx.now():date(),
    amount = sums.money(minor, receipt.amount.currency),
    label = string.format("%s %d", receipt.number, minor),
  })
  refresh(db, plan)
end

-- What somebody has asked for: { { plan = id, amount = … } }; checked like what a service says.
local function wanted(list, receipt)
  local parts = {}
  for i, one in ipairs(list) do
    local is_table = sums.is_table(one)
    local id = is_table and sums.text(one.plan) and crm.id_parse(one.plan)
    local text = is_table and one.amount
    if sums.is_table(text) then text = text.amount end
    local ok, money = pcall(crm.money, text, receipt.amount.currency)
    if not id or not ok then return nil end
    parts[i] = { plan = id, minor = money.minor }
  end
  return parts
end

-- Gives the key of what was wrong, or nothing.
local function allocate(ctx, db, receipt, list)
  local left = receipt.amount.minor
    - sums.of(db.receipt_part, { receipt = receipt.id }, "amount")
  local open, candidates, parts = {}, {}
  for i, plan in ipairs(open_plans(db, receipt.contract)) do
    local rest = sums.minor(plan.amount) - sums.minor(plan.received)
    candidates[i], open[plan.id] = { id = plan.id, open = rest, due_on = plan.due_on }, rest
  end
  if list then
    parts = wanted(list, receipt)
    if not parts then return "@plans_wrong" end
  else
    parts = ctx.call("receipt.allocate", {
      amount = sums.money(left, receipt.amount.currency), receipt = receipt.id, plans = candidates,
    }).parts
  end
  for _, part in ipairs(parts) do
    local rest = open[part.plan]
    if not rest or part.minor <= 0 or part.minor > rest or part.minor > left then
      return "@plans_wrong"
    end
    open[part.plan], left = rest - part.minor, left - part.minor
  end
  for _, part in ipairs(parts) do put_part(ctx, db, receipt, part.plan, part.minor) end
end

local function total(ctx, db, id)
  local contract = db.contract:get(id)
  local sum = sums.of(db.receipt, { contract = id }, "amount")
  assert(db.contract:update(id, { received = sums.money(sum, sums.currency(contract, ctx)) }))
end

function receipts.recorded(ev, ctx)
  local receipt, db = ev.record, ctx.db:as_system()
  total(ctx, db, receipt.contract)
  if ctx.has("opportunities") then ctx.call("target.changed", { on = receipt.date }) end
  if receipt.kind == "reversal" then return end
  local key = allocate(ctx, db, receipt, receipt.plans)
  if key then return ev:abort(key) end
  ctx.emit("receipt.recorded", { receipt = receipt.id, contract = receipt.contract })
end

-- POST …/receipt/{id}/actions/match { plans }: what is left of a receipt goes to instalments.
function receipts.match(ev, ctx)
  local db = ctx.db:as_system()
  local receipt = db.receipt:get(ev.record.id)
  local reversed = db.receipt:count { where = { reverses = receipt.id } }
  if receipt.kind ~= "receipt" or reversed > 0 then return ev:fail("kind", "@reversed") end
  if ev.params.plans ~= nil and not sums.is_table(ev.params.plans) then
    return ev:fail("plans", "@plans_wrong")
  end
  local key = allocate(ctx, db, receipt, ev.params.plans)
  if key then return ev:fail("plans", key) end
  local done = sums.of(db.receipt_part, { receipt = receipt.id }, "amount")
  return { allocated = done, left = receipt.amount.minor - done }
end

-- A second receipt with the opposite amount, which takes it from its instalments again.
local function take_back(ctx, db, receipt, reason)
  local back = assert(db.receipt:insert {
    contract = receipt.contract, kind = "reversal", amount = -receipt.amount,
    date = ctx.now():date(), method = receipt.method, reverses = receipt.id, reason = reason,
  })
  back = db.receipt:get(back.id)
  for _, part in ipairs(db.receipt_part:find { where = { receipt = receipt.id }, limit = 120 }) do
    put_part(ctx, db, back, part.plan, -part.amount.minor)
  end
  plans.refresh_all(ctx, db, receipt.contract)
  ctx.emit("receipt.reversed", {
    receipt = receipt.id, contract = receipt.contract, reversal = back.id,
  })
  return back
end

-- A company may have receipts looked at by a second person: what is refused, or taken back by who
-- has handed it in, counts no more.
function receipts.refused(ev, ctx)
  local payload, db = ev.payload, ctx.db:as_system()
  if payload.entity ~= "receipt" or payload.to and payload.to ~= "submitter" then return end
  local receipt = db.receipt:get(payload.record)
  local done = db.receipt:count { where = { reverses = payload.record } } > 0
  if done or receipt.kind ~= "receipt" then return end
  take_back(ctx, db, receipt, ctx.t("@receipt_refused"))
end

local REFUSED = { rejected = true, returned = true, withdrawn = true, revoked = true }

-- Around approval.begins: nobody is asked whether a receipt that was refused may be taken back.
function receipts.begins(next_one, asked, ctx)
  local record = asked.record
  if asked.entity == "receipt" and record.reverses then
    local said = ctx.call("approval.state", { entity = "receipt", id = record.reverses })
    if REFUSED[said.state] then return { begins = false } end
  end
  return next_one(asked)
end

-- POST …/receipt/{id}/actions/reverse { reason }
function receipts.reverse(ev, ctx)
  local db, reason = ctx.db:as_system(), sums.text(ev.params.reason)
  local receipt = db.receipt:get(ev.record.id)
  if receipt.kind ~= "receipt" then return ev:fail("kind", "@reversed") end
  if not reason then return ev:fail("reason", "@reason_needed") end
  if db.receipt:count { where = { reverses = receipt.id } } > 0 then
    return ev:fail("kind", "@reversed")
  end
  local back = take_back(ctx, db, receipt, reason)
  return { reversal = crm.id_text(back.id), number = back.number }
end

-- The service receipt.total: what came in for the contracts of a target's person or department in
-- its month, reversals taken off: { actual } in the company's currency.
function receipts.total(asked, ctx)
  local where = ctx.call("target.condition", {
    user = asked.user, for_department = asked.for_department, month = asked.month,
    prefix = "contract.", field = "date",
  })
  local rows = assert(ctx.db:as_system().receipt:aggregate {
    where = where, measure = { "sum.amount" },
  })
  local sum = rows[1] and rows[1]["sum.amount"]
  return { actual = type(sum) == "table" and sum.amount or nil }
end

return receipts
