-- policies - which promise holds for a ticket.
-- SPDX-License-Identifier: MIT
local policies = {}

local RUNNING = { signed = true, performing = true }

local function in_time(policy, today)
  return (not policy.valid_from or policy.valid_from <= today)
    and (not policy.valid_to or today <= policy.valid_to)
end

-- What was promised in the ticket's contract, as long as that runs.
local function of_contract(ctx, db, ticket, today)
  if not ctx.has("contracts") or not ticket.contract then return nil end
  local contract = db.contract:get(ticket.contract)
  if not contract or not RUNNING[contract.stage] then return nil end
  for _, policy in ipairs(assert(db.sla_policy:find {
    where = { active = true, contracts = { has = crm.id_text(contract.id) } }, order = "order",
    limit = 20,
  })) do
    if in_time(policy, today) then return policy end
  end
end

-- A policy that was promised to some customers only is not for everybody.
local function is_general(ctx, policy)
  return not ctx.has("contracts") or not policy.contracts or #policy.contracts == 0
end

-- The contract's own policy, else the account's, else the first in order whose condition fits,
-- those for where no other does behind them; nil: nothing was promised. A company may put its own
-- answer around it. argument: ticket (a record), today.
function policies.match(argument, ctx)
  local db, ticket, today = ctx.db:as_system(), argument.ticket, argument.today
  local agreed = of_contract(ctx, db, ticket, today)
  if agreed then return { policy = agreed.id, reasons = { "contract" } } end
  local account = ticket.account and db.account:get(ticket.account)
  local own = account and account.tickets_policy and db.sla_policy:get(account.tickets_policy)
  if own and own.active then return { policy = own.id, reasons = { "account" } } end
  for _, policy in ipairs(db.sla_policy:find {
    where = { active = true }, order = "is_default,order", limit = 100,
  }) do
    if in_time(policy, today) and is_general(ctx, policy)
      and crm.matches(ticket, policy.match or {}) then
      return { policy = policy.id, reasons = { policy.name } }
    end
  end
  return {}
end

-- The policy of a ticket as it is now, or nil.
function policies.choose(ctx, ticket)
  local found = ctx.call("sla.match", { ticket = ticket, today = ctx.now():date() })
  return found.policy and ctx.db:as_system().sla_policy:get(found.policy)
end

return policies
