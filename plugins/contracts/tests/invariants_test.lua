-- invariants_test - what holds of contracts, plans and receipts, sentence by sentence.
-- SPDX-License-Identifier: MIT

local function cny(t, amount) return t.money(amount, "CNY") end

local function contract(t, fields)
  local made = { name = "C", total = cny(t, "1000"), start_on = t.date("2026-01-01"),
    end_on = t.date("2026-12-31"), account = t.db.account:insert { name = "A" }.id }
  for name, value in pairs(fields or {}) do made[name] = value end
  return t.db.contract:insert(made).id
end

-- Signed by both sides; files are none here, so the document is left out.
local function sign(t, id)
  t.action("contract", id, "submit")
  for _, side in ipairs { "ours", "customer" } do
    t.db.contract_signature:insert {
      contract = id, side = side, name = side, signed_at = t.clock.now(),
    }
  end
  t.db.contract:update(id, { stage = "signed", signed_on = t.clock.now():date() })
end

local function performing(t, fields)
  t.clock.set("2026-03-01T02:00:00Z")
  local id = contract(t, fields)
  sign(t, id)
  t.action("contract", id, "activate")
  return id
end

-- What the company's check says, but for documents.
local function wrong(t)
  local out = {}
  for _, one in ipairs(t.check()) do
    if not one:find("document.signature", 1, true) then out[#out + 1] = one end
  end
  return out
end

local function pay(t, id, amount, more)
  local receipt = { contract = id, amount = cny(t, amount) }
  for name, value in pairs(more or {}) do receipt[name] = value end
  return t.db.receipt:insert(receipt).id
end

local function plan(t, id, amount, day)
  return t.db.payment_plan:insert { contract = id, amount = cny(t, amount), due_on = t.date(day) }
end

local function set(t, id, fields)
  return function() t.db.contract:update(id, fields) end
end

-- An operation that is refused: the fields it is refused on.
local function refused(t, id, name, params, field)
  local ok, why = pcall(t.action, "contract", id, name, params)
  t.eq(ok, false, name .. " went through")
  t.ok(tostring(why):find(field, 1, true), tostring(why))
end

crm.test("The number is unique", function(t)
  local one, two = contract(t), contract(t)
  t.ok(t.db.contract:get(one).number ~= t.db.contract:get(two).number)
  t.eq((pcall(set(t, two, { number = t.db.contract:get(one).number }))), false)
end)

crm.test("end ≥ start; auto-renew needs an end and no successor", function(t)
  local id = performing(t, { end_on = t.date("2026-03-31") })
  t.db.contract:update(id, { approval_state = "none" })
  t.expect_fail(set(t, id, { end_on = t.date("2025-12-31") }), { end_on = "@end_before_start" })
  t.expect_fail(set(t, id, { auto_renew = true, end_on = crm.null }),
    { end_on = "@renewal_needs_end" })
  t.action("contract", id, "renew")
  t.expect_fail(set(t, id, { auto_renew = true }), { auto_renew = "@has_successor" })
end)

crm.test("a successor never overlaps, from either side", function(t)
  local id = performing(t)
  local heir = crm.id_parse(t.action("contract", id, "renew").successor)
  t.eq(tostring(t.db.contract:get(heir).start_on), "2027-01-01")
  t.expect_fail(set(t, heir, { start_on = t.date("2026-12-31") }), { start_on = "@overlaps" })
  t.db.contract:update(id, { approval_state = "none" })
  t.expect_fail(set(t, id, { end_on = t.date("2027-01-01") }), { end_on = "@overlaps" })
  t.eq(wrong(t), {})
end)

crm.test("the end never lies before the last billed or received date", function(t)
  local id = performing(t)
  pay(t, id, "10", { date = t.date("2026-05-01") })
  refused(t, id, "amend", { reason = "r", fields = { end_on = "2026-04-30" } }, "end_on")
  local bill = t.db.invoice:insert { contract = id, title_name = "A", amount = cny(t, "10") }
  t.clock.set("2026-06-10T02:00:00Z")
  t.db.invoice:update(bill.id, { state = "issued", number = "1" })
  refused(t, id, "amend", { reason = "r", fields = { end_on = "2026-06-09" } }, "end_on")
  t.action("contract", id, "amend", { reason = "r", fields = { end_on = "2026-06-10" } })
  t.eq(tostring(t.db.contract:get(id).end_on), "2026-06-10")
  t.eq(wrong(t), {})
end)

crm.test("Σ plan = total, or a warning", function(t)
  local id = contract(t)
  plan(t, id, "400", "2026-02-01")
  local warned = t.action("contract", id, "check")
  t.eq({ #warned.wrong, warned.warnings[1].field }, { 0, "planned" })
  t.eq(#t.action("contract", id, "submit").warnings, 1)
  t.eq(wrong(t), {})
end)

crm.test("what is overdue is counted by its age, day by day, until it is paid", function(t)
  local id = performing(t)
  local one = plan(t, id, "1000", "2026-03-10")
  for _, case in ipairs {
    { "2026-03-10" }, { "2026-03-11", "to_30" }, { "2026-04-09", "to_30" },
    { "2026-04-10", "to_60" }, { "2026-05-09", "to_60" }, { "2026-05-10", "to_90" },
    { "2026-06-08", "to_90" }, { "2026-06-09", "over_90" },
  } do
    t.clock.set(case[1] .. "T02:00:00Z")
    t.run_job("plans_daily")
    t.run_job("plans_daily")
    t.eq(t.db.payment_plan:get(one.id).overdue_class, case[2], case[1])
  end
  local function open()
    local sum = t.db.payment_plan:get(one.id).outstanding
    return sum and tostring(sum)
  end
  t.eq(open(), "1000.00 CNY")
  pay(t, id, "400")
  t.eq({ open(), t.db.payment_plan:get(one.id).overdue_class }, { "600.00 CNY", "over_90" })
  pay(t, id, "600")
  t.eq(open(), nil, "paid")
  t.eq(t.db.payment_plan:get(one.id).overdue_class, nil, "paid")
  for _, found in ipairs(t.check()) do
    t.eq(found:match("^payment_plan.*"), nil) -- the contract itself was signed by no document
  end
end)

crm.test("Σ approved receipts ≤ total", function(t)
  local id = performing(t)
  pay(t, id, "1000")
  t.expect_fail(function() pay(t, id, "0.01") end, { amount = "@more_than_total" })
  t.eq(wrong(t), {})
end)

crm.test("receipts are append-only, corrections are reversals", function(t)
  local id = performing(t)
  local one = pay(t, id, "10")
  t.eq((pcall(t.db.receipt.update, t.db.receipt, one, { amount = cny(t, "9") })), false)
  t.eq((pcall(t.db.receipt.delete, t.db.receipt, one)), false)
  t.action("receipt", one, "reverse", { reason = "r" })
  t.eq(t.db.contract:get(id).received.minor, 0)
  t.eq(t.db.receipt:count { where = { contract = id } }, 2)
end)

crm.test("Terminated or void contracts produce no further plans, reminders or bills", function(t)
  for _, stage in ipairs { "terminated", "void" } do
    local id = performing(t)
    plan(t, id, "1", "2026-02-01")
    t.db.obligation:insert { contract = id, title = "O", due_on = t.date("2026-03-02") }
    if stage == "terminated" then
      t.action("contract", id, "terminate", { reason = "breach", comment = "c" })
    else
      t.db.contract:update(id, { stage = "void", void_reason = "r" })
    end
    t.expect_fail(function() plan(t, id, "1", "2026-04-01") end, { contract = "@closed" })
    refused(t, id, "plan", { installments = 1, first_on = "2026-04-01" }, "stage")
    t.expect_fail(function()
      t.db.invoice:insert { contract = id, title_name = "A", amount = cny(t, "1") }
    end, { contract = "@closed" })
    t.expect_fail(function()
      t.db.obligation:insert { contract = id, title = "P", due_on = t.date("2026-04-01") }
    end, { contract = "@closed" })
    for _, job in ipairs { "contracts_daily", "plans_daily", "obligations_daily" } do
      t.run_job(job)
    end
    t.eq(t.db.contract_reminder:count { where = { contract = id } }, 0, stage)
  end
end)

crm.test("Date jobs are idempotent and catch up after downtime", function(t)
  local id = performing(t, { notice_days = 2, notice_unit = "month" })
  plan(t, id, "1000", "2026-10-15")
  local function run()
    for _, job in ipairs { "contracts_daily", "plans_daily", "obligations_daily" } do
      t.run_job(job)
    end
    local told = {}
    for i, one in ipairs(t.db.contract_reminder:find {
      where = { contract = id }, order = "kind,-days", limit = 50,
    }) do
      told[i] = one.kind .. " " .. (one.days or "-")
    end
    table.sort(told)
    return told
  end
  t.clock.set("2026-09-01T02:00:00Z")
  t.eq(run(), {})
  t.clock.set("2026-10-08T02:00:00Z") -- nothing ran for five weeks
  local late = { "due 30", "due 7", "notice_deadline 30" }
  t.eq(run(), late)
  t.eq(run(), late)
  t.clock.set("2026-12-30T02:00:00Z")
  t.eq(run(), { "due 30", "due 7", "expiring 1", "expiring 30", "expiring 7",
    "notice_deadline 30", "overdue -" })
  t.clock.set("2027-02-01T02:00:00Z")
  local before = run()
  t.eq(t.db.contract:get(id).stage, "expired")
  t.eq(run(), before)
  t.eq(wrong(t), {})
end)

crm.test("a missed day renews by itself once, and the successor begins behind it", function(t)
  local id = performing(t, { auto_renew = true, clauses = { a = 1 }, notice_days = 30 })
  t.clock.set("2027-02-01T02:00:00Z")
  t.run_job("contracts_daily")
  t.run_job("contracts_daily")
  local heirs = t.db.contract:find { where = { predecessor = id } }
  t.eq({ #heirs, tostring(heirs[1].start_on), heirs[1].notice_days }, { 1, "2027-01-01", 30 })
  t.eq(heirs[1].clauses.a, 1)
  t.eq(t.db.contract:get(id).stage, "renewed")
  t.eq(wrong(t), {})
end)

crm.test("line periods are derived from dates, never stored by hand", function(t)
  local id = performing(t)
  local function line(name, from, to)
    t.db.contract:update(id, { approval_state = "none" })
    t.db.contract_line:insert {
      contract = id, name = name, quantity = crm.decimal(1), unit_price = cny(t, "10"),
      start_on = from and t.date(from), end_on = to and t.date(to),
    }
  end
  line("later", "2026-07-01")
  line("now", "2026-01-01", "2026-10-01")
  line("closing", "2026-01-01", "2026-06-30")
  line("over", "2026-01-01", "2026-05-31")
  line("as the contract")
  t.db.contract:update(id, { approval_state = "approved" })
  local function periods()
    local out = {}
    for _, one in ipairs(t.action("contract", id, "lines").lines) do out[one.name] = one.period end
    return out
  end
  t.clock.set("2026-06-01T02:00:00Z")
  t.eq(periods(), { later = "upcoming", now = "in_progress", closing = "upcoming_close",
    over = "to_renew", ["as the contract"] = "in_progress" })
  t.action("contract", id, "renew")
  t.eq(periods().over, "closed")
  t.action("contract", id, "terminate", { reason = "breach", comment = "c" })
  for name, period in pairs(periods()) do t.eq(period, "canceled", name) end
end)

crm.test("a price revision leaves lines alone that have ended", function(t)
  t.clock.set("2026-03-01T02:00:00Z")
  local id = contract(t, { total = crm.null })
  local ended = t.db.contract_line:insert { contract = id, name = "old", sort = 1,
    quantity = crm.decimal(1), unit_price = cny(t, "10"), end_on = t.date("2026-02-28") }
  local open = t.db.contract_line:insert { contract = id, name = "new", sort = 2,
    quantity = crm.decimal(1), unit_price = cny(t, "10"), end_on = t.date("2026-03-01") }
  sign(t, id)
  t.action("contract", id, "activate")
  local function dearer(line)
    return { reason = "r", lines = { { id = crm.id_text(line.id),
      unit_price = { amount = "12.00", currency = "CNY" } } } }
  end
  refused(t, id, "amend", dearer(ended), "lines")
  t.action("contract", id, "amend", dearer(open))
  t.eq(tostring(t.db.contract_line:get(ended.id).unit_price), "10.00 CNY")
  t.eq(tostring(t.db.contract:get(id).total), "22.00 CNY")
  t.eq(wrong(t), {})
end)

crm.test("what was invoiced follows from the invoices, also when one is void", function(t)
  local id = performing(t)
  local bill = t.db.invoice:insert { contract = id, title_name = "A", amount = cny(t, "40") }
  t.db.invoice:update(bill.id, { state = "issued", number = "1" })
  t.eq(tostring(t.db.contract:get(id).invoiced), "40.00 CNY")
  t.db.invoice:update(bill.id, { state = "void" })
  t.eq(t.db.contract:get(id).invoiced.minor, 0)
  t.eq(wrong(t), {})
end)
