-- rules - what holds of every contract, whoever changes it and however.
-- SPDX-License-Identifier: MIT
local lines = require("lines")
local sums = require("sums")

local rules = {}

-- After approval these change only through an amendment.
rules.guarded = {
  "name", "type", "account", "discount", "tax", "total", "start_on", "end_on", "payment_terms",
  "auto_renew", "renew_interval", "renew_unit", "renew_max", "notice_days", "notice_unit",
  "clauses",
}

-- With lines the total is what they come to.
function rules.prepare(ev, ctx)
  local contract = ev.record
  if not ev.old or (contract.lines_count or 0) == 0 then return end
  local follows = ev.changed("discount") or ev.changed("tax") or ev.changed("lines_count")
  if not follows and not ev.changed("total") then return end
  local total = lines.total(ctx, contract)
  if not follows and contract.total ~= total then ev:fail("total", "@lines_total") end
  contract.total = total
end

-- What the contract contributes: its total without tax, less what its lines cost, where that is
-- known, and what winning the deal has cost. `cost_missing` says of how many lines it is not known.
function rules.profit(ev)
  local contract = ev.record
  local total, tax, cost = contract.total, contract.tax, contract.cost
  if not total or not cost or total.currency ~= cost.currency then
    contract.profit = nil
    return
  end
  local profit, expenses = (tax and total - tax or total) - cost, contract.expenses
  if expenses and expenses.currency == profit.currency then profit = profit - expenses end
  contract.profit = profit
end

local function check_currency(ev, ctx)
  local currency = sums.currency(ev.record, ctx)
  for _, field in ipairs { "discount", "tax" } do
    local money = ev.record[field]
    if money and money.currency ~= currency then
      ev:fail(field, "@currency", { currency = currency })
    end
  end
  local old = ev.old and ev.old.total
  if old and ev.record.total and old.currency ~= ev.record.total.currency then
    local db = ctx.db:as_system()
    local used = (ev.record.lines_count or 0) > 0
      or db.payment_plan:count { where = { contract = ev.record.id } } > 0
      or db.receipt:count { where = { contract = ev.record.id } } > 0
    if used then ev:fail("total", "@currency", { currency = old.currency }) end
  end
end

-- The last day on which something was billed or received.
local function last_day(db, contract)
  local receipt = db.receipt:find {
    where = { contract = contract.id, kind = "receipt" }, order = "-date", limit = 1,
  }[1]
  local invoice = db.invoice:find {
    where = { contract = contract.id, state = { "issued", "sent" } }, order = "-issued_on",
    limit = 1,
  }[1]
  local day = receipt and receipt.date
  local billed = invoice and invoice.issued_on
  return billed and (not day or billed > day) and billed or day
end

local function check_term(ev, ctx)
  local contract, db = ev.record, ctx.db:as_system()
  local from, to = contract.start_on, contract.end_on
  if from and to and to < from then ev:fail("end_on", "@end_before_start") end
  if contract.auto_renew and not to then ev:fail("end_on", "@renewal_needs_end") end
  if contract.auto_renew and contract.successor and ev.changed("auto_renew") then
    ev:fail("auto_renew", "@has_successor")
  end
  local before = contract.predecessor and db.contract:get(contract.predecessor)
  if before and before.end_on and from and from <= before.end_on then
    ev:fail("start_on", "@overlaps", { day = tostring(before.end_on) })
  end
  if not ev.old or not ev.changed("end_on") then return end
  local after = contract.successor and db.contract:get(contract.successor)
  if after and after.start_on and (not to or to >= after.start_on) then
    ev:fail("end_on", "@overlaps", { day = tostring(after.start_on) })
  end
  local last = to and last_day(db, contract)
  if last and to < last then ev:fail("end_on", "@end_before_money", { day = tostring(last) }) end
end

local function check_guarded(ev)
  if not ev.old or not sums.is_fixed(ev.old) or not sums.is_fixed(ev.record) then return end
  if ev.old.amending or ev.record.amending then return end
  for _, field in ipairs(rules.guarded) do
    if ev.changed(field) then ev:fail(field, "@amend_only") end
  end
end

function rules.check(ev, ctx)
  check_currency(ev, ctx)
  check_term(ev, ctx)
  check_guarded(ev)
  local contract = ev.record
  if ev.old and ev.changed("total") and not ctx.config.over_receipt
    and sums.minor(contract.total) < sums.minor(contract.received) then
    ev:fail("total", "@less_than_received")
  end
  if ev.old and ev.changed("total") then
    local billed = sums.of(ctx.db:as_system().invoice, {
      contract = contract.id, state = { ne = "void" },
    }, "amount")
    if sums.minor(contract.total) < billed then ev:fail("total", "@less_than_billed") end
  end
  if ev.old and sums.is_closed(ev.old) and ev.old.stage == ev.record.stage then
    for _, field in ipairs(rules.guarded) do
      if ev.changed(field) then ev:fail(field, "@closed") end
    end
  end
end

function rules.created(ev, ctx) ctx.emit("contract.created", { contract = ev.record.id }) end

-- Instalments and invoices are the contract's customer's; receipts stay as they were written.
function rules.follow(ev, ctx)
  local db, contract = ctx.db:as_system(), ev.record
  for _, entity in ipairs { "payment_plan", "invoice" } do
    for _, part in ipairs(db[entity]:find { where = { contract = contract.id }, limit = 200 }) do
      if part.account ~= contract.account then
        assert(db[entity]:update(part.id, { account = contract.account }))
      end
    end
  end
end

-- What was ever approved, signed or paid stays.
function rules.keep(ev)
  local contract = ev.record
  local is_draft = contract.stage == "draft" and not sums.is_fixed(contract)
  if not is_draft or sums.minor(contract.received) ~= 0 then ev:fail(nil, "@kept") end
end

function rules.obligation(ev, ctx)
  local contract = ctx.db:as_system().contract:get(ev.record.contract)
  if not ev.old and contract and sums.is_closed(contract) then ev:fail("contract", "@closed") end
end

-- --- looking after ---

-- What is wrong with a contract as it stands: lists that handing in refuses or warns of.
function rules.complaints(ctx, contract)
  local db, wrong, warnings = ctx.db:as_system(), {}, {}
  if not contract.total then wrong[#wrong + 1] = { "total", "@total_missing" } end
  if not contract.start_on then wrong[#wrong + 1] = { "start_on", "@start_missing" } end
  local planned, count = sums.of(db.payment_plan, {
    contract = contract.id, state = { ne = "void" },
  }, "amount")
  if count > 0 and planned ~= sums.minor(contract.total) then
    local list = ctx.config.plan_check == "block" and wrong or warnings
    list[#list + 1] = { "planned", "@plan_differs" }
  end
  return wrong, warnings
end

-- POST …/contract/{id}/actions/check: does everything add up?
function rules.explain(ev, ctx)
  local db, contract = ctx.db:as_system(), ctx.db:as_system().contract:get(ev.record.id)
  local wrong, warnings = rules.complaints(ctx, contract)
  local function said(list)
    local out = {}
    for i, one in ipairs(list) do out[i] = { field = one[1], message = ctx.t(one[2]) } end
    return out
  end
  local received = sums.of(db.receipt, { contract = contract.id }, "amount")
  local allocated = sums.of(db.receipt_part, { contract = contract.id }, "amount")
  return {
    wrong = said(wrong), warnings = said(warnings),
    received = received, received_kept = sums.minor(contract.received), allocated = allocated,
  }
end

return rules
