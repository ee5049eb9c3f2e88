-- rules - what every lead has to satisfy.
-- SPDX-License-Identifier: MIT
local conditions = require("people.conditions")
local kinds = require("kinds")
local pools = require("pools")

local rules = {}

-- One of these is enough to know whom it is about.
rules.identity_fields = { "name", "company", "emails", "phones" }

local function is_filled(value)
  return value ~= nil and value ~= "" and not (type(value) == "userdata" and #value == 0)
end

-- Does the record (anything that is read by field name) say who it is?
function rules.has_identity(record)
  for _, field in ipairs(rules.identity_fields) do
    if is_filled(record[field]) then return true end
  end
  return false
end

-- A rule for leads that no lead could be asked by would stop them all.
function rules.condition(ev) conditions.check(ev, "match", "lead") end

-- Nor may a rule give to a pool what that does not take.
function rules.recycling(ev, ctx)
  local rule, kind = ev.record, kinds.of(ev.record.of)
  conditions.check(ev, "match", kind.entity)
  local pool = rule.pool and ctx.db:as_system().pool:get(rule.pool)
  if pool and not pools.takes(pool, kind) then ev:fail("pool", "@pool_foreign") end
end

-- A whole name out of its parts, as people write it: 王伟, but Ada Lovelace.
function rules.whole_name(first, last)
  if not first or not last then return first or last end
  return last:find("[\128-\255]") and last .. first or first .. " " .. last
end

-- Who names the parts need not write the name again; a name of its own stays.
function rules.named(ev)
  local lead, old = ev.record, ev.old
  if not lead.first and not lead.last then return end
  if not lead.name or old and lead.name == rules.whole_name(old.first, old.last) then
    lead.name = rules.whole_name(lead.first, lead.last)
  end
end

function rules.identity(ev)
  if rules.has_identity(ev.record) then return end
  for _, field in ipairs(rules.identity_fields) do ev:fail(field, "@identity_required") end
end

function rules.dead_reason(ev)
  if not ev.record.lost_reason then ev:fail("lost_reason", "@dead_reason") end
end

local AFTER_DEATH = { recycled = true, working = true }

-- Converting and merging are operations: their marks cannot be written by hand, so neither can the
-- statuses that go with them.
function rules.ways(ev)
  local lead, old = ev.record, ev.old
  if not old or old.status == lead.status then return end
  if (lead.status == "converted" or old.status == "converted") and not ev.changed("converted_at")
  then
    ev:fail("status", "@only_convert")
  elseif old.status == "dead" and not ev.changed("merged_at")
    and (lead.duplicate_of or not AFTER_DEATH[lead.status])
  then
    ev:fail("status", "@only_unmerge")
  end
end

function rules.created(ev, ctx)
  local lead = ev.record
  ctx.emit("lead.created", { lead = lead.id })
  if lead.owner and lead.moved_reason == "routed" then
    ctx.emit("lead.assigned", { lead = lead.id, owner = lead.owner })
  end
end

function rules.moved(ev, ctx)
  ctx.emit("lead.status_changed", { lead = ev.record.id, from = ev.from, to = ev.to })
end

return rules
