-- checks - what holds for every contract whenever nothing is half done; for `perigee check`.
-- SPDX-License-Identifier: MIT
local lines = require("lines")
local planned = require("plans")
local sums = require("sums")

local checks = {}

local function differ(what, is, should)
  if is ~= should then return string.format("%s is %d, not %d", what, is, should) end
end

-- The sums on the contract are those of its lines, instalments, receipts and invoices.
function checks.sums(contract, ctx)
  local db, own = ctx.db:as_system(), { contract = contract.id }
  local function sum_of(name, field, states)
    return (sums.of(db[name], { contract = own.contract, state = states }, field))
  end
  local received = sums.of(db.receipt, own, "amount")
  local count = db.contract_line:count { where = { contract = contract.id, canceled = false } }
  local wrong = differ("received", sums.minor(contract.received), received)
    or differ("planned", sums.minor(contract.planned),
      sum_of("payment_plan", "amount", { ne = "void" }))
    or differ("invoiced", sums.minor(contract.invoiced),
      sum_of("invoice", "amount", { "issued", "sent" }))
    or differ("lines_count", contract.lines_count or 0, count)
  if wrong then return wrong end
  if count > 0 then
    wrong = differ("total", sums.minor(contract.total), sums.minor(lines.total(ctx, contract)))
    local cost, missing = lines.costs(db, contract)
    wrong = wrong or differ("cost", sums.minor(contract.cost), cost)
      or differ("cost_missing", contract.cost_missing or 0, missing)
    if wrong then return wrong end
  end
  if received < 0 then return "more was reversed than came in" end
  if received > sums.minor(contract.total) and not ctx.config.over_receipt then
    return "more came in than the total"
  end
  return nil
end

function checks.term(contract)
  local from, to = contract.start_on, contract.end_on
  if from and to and to < from then return "it ends before it starts" end
  if contract.auto_renew and not to then return "it renews itself and has no end" end
  return nil
end

local UNSIGNED = { draft = true, pending_sign = true, void = true }

-- Beyond signing there are two signatures, under one document.
function checks.signed(contract, ctx)
  if UNSIGNED[contract.stage] then return nil end
  local found = ctx.db:as_system().contract_signature:find { where = { contract = contract.id } }
  if #found ~= 2 then return "it is signed " .. #found .. " times" end
  if found[1].document ~= found[2].document or found[1].sha256 ~= found[2].sha256 then
    return "its sides have signed different documents"
  end
  if not contract.signed_on then return "it is signed and does not say when" end
  return nil
end

-- The hash that was signed is that of the document, for ever.
function checks.signature(signature, ctx)
  local document = signature.document
    and ctx.db:as_system().contract_document:get(signature.document)
  if not document then return "the signed document is gone" end
  if document.sha256 ~= signature.sha256 then return "the document is not what was signed" end
  if document.contract ~= signature.contract then return "the document is another contract's" end
  return nil
end

-- Each amendment that came into force left the version before it.
function checks.versions(contract, ctx)
  local db, own = ctx.db:as_system(), { contract = contract.id }
  if contract.amending then return "an amendment is half done" end
  local no = contract.amendment_no or 0
  return differ("versions", db.contract_version:count { where = own }, no)
    or differ("amendments in force", db.contract_amendment:count {
      where = { contract = contract.id, state = "applied" },
    }, no)
end

-- One successor, which knows its predecessor and begins after it.
function checks.renewal(contract, ctx)
  local db = ctx.db:as_system()
  local heirs = db.contract:find { where = { predecessor = contract.id }, limit = 2 }
  if #heirs > 1 then return "it has more than one successor" end
  local heir = heirs[1]
  if contract.successor ~= (heir and heir.id) then return "its successor does not know it" end
  if heir and heir.start_on and contract.end_on and heir.start_on <= contract.end_on then
    return "its successor begins before it ends"
  end
  if contract.stage == "renewed" and not heir then return "it is renewed without a successor" end
  return nil
end

-- Nothing more is asked of a contract that was ended.
function checks.ended(contract, ctx)
  if contract.stage ~= "void" and contract.stage ~= "terminated" then return nil end
  local db = ctx.db:as_system()
  if contract.stage == "void" then
    if not contract.void_reason then return "it is void without a reason" end
    if sums.minor(contract.received) ~= 0 then return "it is void and keeps money" end
  end
  local plans = db.payment_plan:count {
    where = {
      contract = contract.id, state = { "not_effective", "waiting", "partial", "overdue" },
    },
  }
  if plans > 0 then return plans .. " instalments of it are still open" end
  local duties = db.obligation:count {
    where = { contract = contract.id, done_at = crm.null, canceled = false },
  }
  return duties > 0 and duties .. " obligations of it are still open" or nil
end

-- What an instalment has received is what was matched to it, and never more than it asks.
function checks.plan(plan, ctx)
  local db = ctx.db:as_system()
  local contract = db.contract:get(plan.contract)
  if contract.account ~= plan.account then return "it is another customer's" end
  local matched = sums.of(db.receipt_part, { plan = plan.id }, "amount")
  local wrong = differ("received", sums.minor(plan.received), matched)
  if wrong then return wrong end
  if matched < 0 or matched > sums.minor(plan.amount) then
    return "it has received less than nothing or more than it asks"
  end
  -- Plans from before say nothing until the job has been at them.
  if plan.outstanding and plan.outstanding ~= planned.outstanding(plan) then
    return "what is outstanding is not what it asks less what it has received"
  end
  local is_paid = matched >= sums.minor(plan.amount)
  if plan.state ~= "void" and (plan.state == "done") ~= is_paid then
    return "its state is " .. plan.state .. ", paid or not"
  end
  return nil
end

-- A receipt is matched to instalments up to its amount; a reversal takes back all of it.
function checks.receipt(receipt, ctx)
  local db = ctx.db:as_system()
  local matched = sums.of(db.receipt_part, { receipt = receipt.id }, "amount")
  if receipt.kind == "receipt" then
    if receipt.amount.minor <= 0 then return "it is not above zero" end
    if matched < 0 or matched > receipt.amount.minor then
      return "more of it is matched than came in"
    end
    return nil
  end
  local first = receipt.reverses and db.receipt:get(receipt.reverses)
  if not first then return "it reverses nothing" end
  if receipt.amount.minor ~= -first.amount.minor then return "it reverses another amount" end
  return differ("matched", matched,
    -sums.of(db.receipt_part, { receipt = first.id }, "amount"))
end

return checks
