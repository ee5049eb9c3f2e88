-- checks - what holds for leads and customers whenever nothing is half done; for `perigee check`.
-- SPDX-License-Identifier: MIT
local kinds = require("kinds")
local states = require("states")

local checks = {}

local STRETCHES = 1000

function checks.place(record)
  if record.owner and record.pool then return "it has an owner and lies in a pool" end
  if not record.owner and not record.pool then return "it has no owner and lies in no pool" end
  return nil
end

-- Stretches in the order in which they happened: of those that begin at once, the one that is not
-- over is the last.
local function in_order(a, b)
  if a.from_at ~= b.from_at then return a.from_at < b.from_at end
  if not a.to_at or not b.to_at then return a.to_at ~= nil and b.to_at == nil end
  return a.id < b.id
end

local function ownership(kind, record, ctx)
  local list = {}
  for _, stretch in ipairs(ctx.db:as_system()[kind.history]:find {
    where = { [kind.entity] = record.id }, order = "from_at,id", limit = STRETCHES,
  }) do
    list[#list + 1] = stretch
  end
  table.sort(list, in_order)
  for index, stretch in ipairs(list) do
    local next_one = list[index + 1]
    if next_one and stretch.to_at ~= next_one.from_at then
      return "its ownership has a gap or an overlap at " .. tostring(next_one.from_at)
    end
  end
  local last = list[#list]
  if not last then return "nobody has ever had it" end
  if last.to_at then return "its ownership ends" end
  if last.holder ~= record.owner or last.pool ~= record.pool then
    return "its ownership says something else"
  end
  return nil
end

function checks.lead_ownership(lead, ctx) return ownership(kinds.lead, lead, ctx) end
function checks.account_ownership(account, ctx) return ownership(kinds.account, account, ctx) end

-- An own status refines the fixed one: both are of one kind.
function checks.status(lead, ctx)
  local own = ctx.db:as_system().lead_status:get(lead.own_status)
  if own and own.kind ~= states.kind(lead.status) then
    return "its own status is " .. own.kind .. ", it is " .. lead.status
  end
  return nil
end

function checks.conversion(lead, ctx)
  local active = ctx.db:as_system().lead_conversion:find {
    where = { lead = lead.id, state = "active" }, limit = 2,
  }
  if lead.status ~= "converted" then
    return #active > 0 and "it is not converted and has a conversion" or nil
  end
  -- Taken in as converted: what became of it then stands in the system it came from.
  if #active == 0 and not lead.converted_at then return nil end
  if #active ~= 1 then return "it is converted " .. #active .. " times" end
  if active[1].account ~= lead.converted_account or active[1].contact ~= lead.converted_contact then
    return "it points at something else than its conversion"
  end
  return nil
end

return checks
