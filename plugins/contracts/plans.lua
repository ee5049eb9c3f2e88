-- plans - when how much is to be paid, and how it stands with that.
-- SPDX-License-Identifier: MIT
local refusals = require("people.refusals")
local sums = require("sums")

local plans = {}

local PLANS_MAX = 120 -- instalments of one contract

local BEFORE = { draft = true, pending_sign = true, signed = true }
local ENDED = { void = true, terminated = true }

-- The state follows from the contract's stage, the day and what was received.
function plans.state(plan, contract, today)
  if plan.state == "void" then return "void" end
  local received, amount = sums.minor(plan.received), sums.minor(plan.amount)
  if received >= amount and amount > 0 then return "done" end
  if ENDED[contract.stage] then return "void" end -- its receipt was reversed afterwards, say
  if BEFORE[contract.stage] and received == 0 then return "not_effective" end
  if plan.due_on < today then return "overdue" end
  return received > 0 and "partial" or "waiting"
end

local CLASSES = { { 30, "to_30" }, { 60, "to_60" }, { 90, "to_90" } }

-- How old a debt is: nothing where none is overdue.
function plans.class(state, due_on, today)
  if state ~= "overdue" then return nil end
  for _, class in ipairs(CLASSES) do
    if today <= due_on:add { days = class[1] } then return class[2] end
  end
  return "over_90"
end

-- What is still to come of one that is not over.
function plans.outstanding(plan)
  if plan.state == "done" or plan.state == "void" or not plan.amount then return nil end
  return plan.received and plan.amount - plan.received or plan.amount
end

function plans.prepare(ev, ctx)
  local plan, db = ev.record, ctx.db:as_system()
  if not plan.contract or not plan.amount or not plan.due_on then return end
  local contract = db.contract:get(plan.contract)
  if not contract then return end
  if not ev.old then
    plan.installment = plan.installment
      or db.payment_plan:count { where = { contract = contract.id } } + 1
    plan.account = contract.account
    if not plan.owner then plan.owner = contract.owner end
  end
  plan.label = string.format("%s #%d", contract.number, plan.installment)
  local today = ctx.now():date()
  plan.state = plans.state(plan, contract, today)
  plan.overdue_class = plans.class(plan.state, plan.due_on, today)
  plan.outstanding = plans.outstanding(plan)
end

function plans.check(ev, ctx)
  local plan, db = ev.record, ctx.db:as_system()
  local contract = db.contract:get(plan.contract)
  if not contract or ev.old and ev.old.state == "void" then return end
  local asked = not ev.old or ev.changed("amount") or ev.changed("due_on")
    or ev.changed("contract")
  if asked and sums.is_closed(contract) then return ev:fail("contract", "@closed") end
  if plan.state == "void" then return end
  if ev.old and ev.changed("contract") then ev:fail("contract", "@plan_moves") end
  local currency = sums.currency(contract, ctx)
  if plan.amount.currency ~= currency then
    return ev:fail("amount", "@currency", { currency = currency })
  end
  if plan.amount.minor <= 0 then ev:fail("amount", "@amount_positive") end
  if plan.amount.minor < sums.minor(plan.received) then
    ev:fail("amount", "@less_than_received")
  end
  if not ev.old and plan.installment > PLANS_MAX then ev:fail("contract", "@plans_many") end
  if asked and ctx.config.plan_check == "block" then
    local others = sums.of(db.payment_plan, {
      contract = contract.id, state = { ne = "void" }, id = { ne = plan.id },
    }, "amount")
    if others + plan.amount.minor > sums.minor(contract.total) then
      ev:fail("amount", "@plan_too_much")
    end
  end
end

function plans.keep(ev)
  if sums.minor(ev.record.received) ~= 0 then ev:fail(nil, "@kept") end
end

-- What is planned, kept on the contract.
function plans.total(ctx, db, id)
  local contract = db.contract:get(id)
  if not contract then return end
  local sum = sums.of(db.payment_plan, { contract = id, state = { ne = "void" } }, "amount")
  local planned = sums.money(sum, sums.currency(contract, ctx))
  if contract.planned ~= planned then
    assert(db.contract:update(id, { planned = planned }))
  end
end

function plans.changed(ev, ctx) plans.total(ctx, ctx.db:as_system(), ev.record.contract) end

-- Works the states of all instalments out anew.
function plans.refresh_all(ctx, db, id)
  local contract, today = db.contract:get(id), ctx.now():date()
  for _, plan in ipairs(db.payment_plan:find { where = { contract = id }, limit = PLANS_MAX }) do
    local state = plans.state(plan, contract, today)
    if state ~= plan.state then assert(db.payment_plan:update(plan.id, { state = state })) end
  end
end

-- --- generating ---

-- The service payment_plan.generate: { total, installments, first_on, months } -> { { due_on,
-- amount } }. Equal parts; what cannot be divided goes to the last.
local function generate(argument)
  local total, count = argument.total, argument.installments
  local part, out = total.minor // count, {}
  for i = 1, count do
    local minor = i < count and part or total.minor - part * (count - 1)
    out[i] = {
      due_on = argument.first_on:add { months = (i - 1) * argument.months },
      amount = sums.money(minor, total.currency),
    }
  end
  return { plans = out, reasons = { "equal parts" } }
end

plans.services = { generate = generate }

local function number(value, least, most)
  return math.type(value) == "integer" and value >= least and value <= most
end

-- POST …/contract/{id}/actions/plan { installments, first_on, months }
function plans.generate(ev, ctx)
  local db, first = ctx.db:as_system(), sums.day(ev.params.first_on)
  local contract, months = db.contract:get(ev.record.id), ev.params.months or 1
  if sums.is_closed(contract) then return ev:fail("stage", "@closed") end
  if not number(ev.params.installments, 1, PLANS_MAX // 2) then
    return ev:fail("installments", "@installments", { max = PLANS_MAX // 2 })
  end
  if not number(months, 0, 120) then return ev:fail("months", "@months") end
  if not first then return ev:fail("first_on", "@day_needed") end
  if sums.minor(contract.total) <= 0 then return ev:fail("total", "@total_missing") end
  local there = db.payment_plan:count {
    where = { contract = contract.id, state = { ne = "void" } },
  }
  if there > 0 then return ev:fail("installments", "@plans_there") end
  local made = ctx.call("payment_plan.generate", {
    contract = contract.id, total = contract.total, installments = ev.params.installments,
    first_on = first, months = months,
  })
  for _, plan in ipairs(made.plans) do
    local ok, why = db.payment_plan:insert {
      contract = contract.id, due_on = plan.due_on, amount = plan.amount,
    }
    if not ok then return ev:fail("installments", (select(2, refusals.parts(why)))) end
  end
  return { plans = #made.plans }
end

return plans
