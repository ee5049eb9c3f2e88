-- segments - groups of customers by a saved condition.
-- SPDX-License-Identifier: MIT
local conditions = require("conditions")

local segments = {}

local PAGE = 200

-- A condition that the store would not understand is refused when it is saved.
function segments.check(ev)
  conditions.check(ev, "filter", ev.record.of)
end

-- POST …/segment/{id}/actions/count
function segments.count(ev, ctx)
  local segment = ev.record
  local count, why = ctx.db[segment.of]:count { where = segment.filter }
  if not count then return ev:fail("filter", "@bad_filter", { why = why }) end
  assert(ctx.db:as_system().segment:update(segment.id, { count = count, counted_at = ctx.now() }))
  return { count = count }
end

-- POST …/segment/{id}/actions/records { after }: ids in order, a page at a time.
function segments.records(ev, ctx)
  local segment, where = ev.record, { ev.record.filter }
  if ev.params.after ~= nil then
    local after = type(ev.params.after) == "string" and crm.id_parse(ev.params.after)
    if not after then return ev:fail("after", "@core:bad_ref") end
    where[2] = { id = { gt = after } }
  end
  local found, why = ctx.db[segment.of]:find {
    where = { ["and"] = where }, order = "id", limit = PAGE,
  }
  if not found then return ev:fail("filter", "@bad_filter", { why = why }) end
  local ids = {}
  for index, record in ipairs(found) do ids[index] = crm.id_text(record.id) end
  return { entity = segment.of, ids = ids, next = #ids == PAGE and ids[PAGE] or nil }
end

return segments
