-- facts - what recycle rules ask about a customer that the record does not say: its deals and its
-- contracts. Only what a rule asks for is looked up.
-- SPDX-License-Identifier: MIT
local facts = {}

local function asks(rules, field)
  for _, rule in ipairs(rules) do
    if rule[field] then return true end
  end
  return false
end

local function newest(db, account, kind, order)
  return db.opportunity:find {
    where = { account = account, kind = kind }, order = order, limit = 1,
  }[1]
end

local function deals(db, account, known)
  local open = newest(db, account, { "open", "hold" }, "-id")
  local last = open or newest(db, account, { "won", "lost" }, "-id")
  local won = newest(db, account, { "won" }, "-closed_at")
  known.is_dealing = open ~= nil
  known.stage = open and open.stage
  known.deal_at = last and last.created_at
  known.won_at = won and won.closed_at
end

local APPROVED = { "approved", "auto_approved" }

-- When its last approved contract ended; nothing while one goes on, or where it never had one.
local function contract(ctx, db, account, known)
  local today = ctx.now():date()
  local goes_on = db.contract:count {
    where = {
      account = account, approval_state = APPROVED,
      stage = { "pending_sign", "signed", "performing" },
      ["or"] = { { end_on = crm.null }, { end_on = { gte = today } } },
    },
  }
  if goes_on > 0 then return end
  local last = db.contract:find {
    where = { account = account, approval_state = APPROVED, stage = { ne = "void" } },
    order = "-end_on", limit = 1,
  }[1]
  local ended = last and (last.terminated_on or last.end_on)
  known.contract_ended_at = ended and crm.datetime(tostring(ended) .. "T00:00:00Z")
end

function facts.of(ctx, kind, record, rules)
  if kind.entity == "lead" then return { received_at = record.received_at } end
  local known, db = {}, ctx.db:as_system()
  if ctx.has("opportunities")
    and (asks(rules, "no_deal_days") or asks(rules, "no_win_days") or asks(rules, "stages"))
  then
    deals(db, record.id, known)
  end
  if ctx.has("contracts") and asks(rules, "contract_days") then
    contract(ctx, db, record.id, known)
  end
  return known
end

return facts
