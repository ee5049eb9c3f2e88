-- renewing - a contract gets its successor, once and only once.
-- SPDX-License-Identifier: MIT
local lines = require("lines")
local sums = require("sums")

local renewing = {}

local function later(day, count, unit)
  if unit == "day" then return day:add { days = count } end
  return day:add { months = unit == "year" and count * 12 or count }
end

-- The service renewal.propose: { contract } -> what the successor begins with, and why.
function renewing.propose(argument)
  local contract = argument.contract
  local from = contract.end_on:add { days = 1 }
  local to = later(from, contract.renew_interval or 12, contract.renew_unit or "month")
  return {
    start_on = from, end_on = to:add { days = -1 }, name = contract.name, total = contract.total,
    discount = contract.discount, tax = contract.tax, reasons = { "interval" },
  }
end

local function copy_lines(db, from, to)
  for _, line in ipairs(lines.rows(db, from)) do
    assert(db.contract_line:insert {
      contract = to.id, name = line.name, sku = line.sku, quantity = line.quantity,
      unit_price = line.unit_price, discount = line.discount, unit = line.unit, sort = line.sort,
      unit_cost = line.unit_cost,
    })
  end
end

-- Gives the successor; second: was it there already?
function renewing.make(ctx, db, id)
  local contract = db.contract:get(id)
  if contract.successor then return db.contract:get(contract.successor), true end
  local ask = ctx.call("renewal.propose", { contract = contract })
  local new = assert(db.contract:insert {
    name = ask.name, type = contract.type, account = contract.account, total = ask.total,
    discount = ask.discount, tax = ask.tax, start_on = ask.start_on, end_on = ask.end_on,
    payment_terms = contract.payment_terms, our_signer = contract.our_signer,
    customer_signer = contract.customer_signer, contacts = contract.contacts,
    clauses = contract.clauses, notice_days = contract.notice_days,
    notice_unit = contract.notice_unit,
    auto_renew = contract.auto_renew, renew_interval = contract.renew_interval,
    renew_unit = contract.renew_unit, renew_max = contract.renew_max,
    renew_count = (contract.renew_count or 0) + 1, template = contract.template,
    predecessor = contract.id, owner = contract.owner,
  })
  copy_lines(db, contract, new)
  local ended = contract.stage == "expired" or contract.stage == "completed"
  assert(db.contract:update(contract.id, {
    successor = new.id, stage = ended and "renewed" or contract.stage,
  }))
  ctx.emit("contract.renewed", { contract = contract.id, successor = new.id })
  return db.contract:get(new.id), false
end

local STAGES = { performing = true, completed = true, expired = true, renewed = true }

-- POST …/contract/{id}/actions/renew: asked twice, it answers twice and makes one.
function renewing.renew(ev, ctx)
  local db = ctx.db:as_system()
  local contract = db.contract:get(ev.record.id)
  if not STAGES[contract.stage] then return ev:fail("stage", "@not_in_this_stage") end
  if not contract.end_on then return ev:fail("end_on", "@renewal_needs_end") end
  local new, again = renewing.make(ctx, db, contract.id)
  return { successor = crm.id_text(new.id), number = new.number, again = again }
end

-- May the date job renew it by itself?
function renewing.is_automatic(contract)
  return contract.auto_renew and contract.end_on and not contract.successor
    and (contract.renew_count or 0) < (contract.renew_max or 0) and not sums.is_closed(contract)
end

return renewing
