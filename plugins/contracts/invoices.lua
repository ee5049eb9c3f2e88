-- invoices - bills of a contract: asked for, issued, sent.
-- SPDX-License-Identifier: MIT
local sums = require("sums")

local invoices = {}

function invoices.prepare(ev, ctx)
  local invoice = ev.record
  local contract = invoice.contract and ctx.db:as_system().contract:get(invoice.contract)
  if not contract then return end
  invoice.account = contract.account
  if not invoice.owner then invoice.owner = contract.owner end
end

function invoices.change(ev, ctx)
  if ev.changed("state") and ev.record.state == "issued" then
    ev.record.issued_on = ctx.now():date()
  end
end

local BEFORE = { draft = true, pending_sign = true }
local FIXED = { "contract", "title_name", "tax_number", "amount", "type", "rate", "number" }

function invoices.check(ev, ctx)
  local invoice, db = ev.record, ctx.db:as_system()
  local contract = db.contract:get(invoice.contract)
  if not contract then return end
  if ev.old and ev.old.state ~= "requested" then
    for _, field in ipairs(FIXED) do
      if ev.changed(field) then ev:fail(field, "@invoice_issued") end
    end
    return
  end
  if invoice.state == "void" then return end
  if sums.is_closed(contract) then return ev:fail("contract", "@closed") end
  if BEFORE[contract.stage] then return ev:fail("contract", "@not_signed") end
  local currency = sums.currency(contract, ctx)
  if invoice.amount.currency ~= currency then
    return ev:fail("amount", "@currency", { currency = currency })
  end
  if invoice.amount.minor <= 0 then ev:fail("amount", "@amount_positive") end
  local others = sums.of(db.invoice, {
    contract = contract.id, state = { ne = "void" }, id = { ne = invoice.id },
  }, "amount")
  if others + invoice.amount.minor > sums.minor(contract.total) then
    ev:fail("amount", "@more_than_total")
  end
end

local function total(ctx, id)
  local db = ctx.db:as_system()
  local contract = db.contract:get(id)
  local sum = sums.of(db.invoice, { contract = id, state = { "issued", "sent" } }, "amount")
  assert(db.contract:update(id, { invoiced = sums.money(sum, sums.currency(contract, ctx)) }))
end

function invoices.created(ev, ctx)
  ctx.emit("invoice.requested", { invoice = ev.record.id, contract = ev.record.contract })
end

function invoices.changed(ev, ctx)
  if not ev.changed("state") and not ev.changed("amount") then return end
  total(ctx, ev.record.contract)
  if ev.changed("state") and ev.record.state == "issued" then
    ctx.emit("invoice.issued", { invoice = ev.record.id, contract = ev.record.contract })
  end
end

function invoices.keep(ev)
  if ev.record.state ~= "requested" then ev:fail(nil, "@kept") end
end

return invoices
