-- kinds - what lies in pools: leads, and customers 公海. One mechanism serves both (pools, picking,
-- recycling, viewing); here stands what they differ in.
-- SPDX-License-Identifier: MIT
local states = require("states")

local kinds = {}

local LEAD_HELD = states.of("open", "ongoing", "hold")
local LEAD_ALL = states.of("open", "ongoing", "hold", "won")

kinds.lead = {
  entity = "lead",
  history = "lead_owner",
  max_open = "max_open", -- the setting where no capacity says otherwise
  worked = { status = states.of("open", "ongoing") },
  hidden = {
    phones = "phones", emails = "emails", wechat_id = "wechat_id", address = "address",
  },
}

-- The condition on what counts against a capacity.
function kinds.lead.held(with_closed)
  return { status = with_closed and LEAD_ALL or LEAD_HELD }
end

-- Nobody is given what is over.
function kinds.lead.is_over(lead) return states.is_over(lead.status) end

-- Nor is what has become a customer given back.
function kinds.lead.stays(lead) return states.kind(lead.status) == "won" end

function kinds.lead.given(lead, fields)
  if lead.status == "new" or lead.status == "recycled" then fields.status = "assigned" end
end

function kinds.lead.returned(lead, fields)
  if lead.status ~= "dead" and lead.status ~= "recycled" then fields.status = "recycled" end
end

function kinds.lead.title(lead) return lead.name or lead.company end

kinds.account = {
  entity = "account",
  history = "account_owner",
  max_open = "max_accounts",
  worked = { duplicate_of = crm.null },
  hidden = { phones = "phone", emails = "email", address = "address" },
}

local ACCOUNT_HELD = { "potential", "interested" }
local ACCOUNT_ALL = { "potential", "interested", "customer" }

function kinds.account.held(with_closed)
  return { status = with_closed and ACCOUNT_ALL or ACCOUNT_HELD }
end

function kinds.account.is_over(account) return account.duplicate_of ~= nil end
kinds.account.stays = kinds.account.is_over
function kinds.account.given() end
function kinds.account.returned() end
function kinds.account.title(account) return account.name end

-- That of a record's entity, of an event or a question.
function kinds.of(entity) return kinds[entity or "lead"] end

-- The record a question is about: { entity, lead | account = id }.
function kinds.asked(db, asked)
  local kind = kinds.of(asked.entity)
  return kind, db[kind.entity]:get(asked[kind.entity])
end

return kinds
