-- lots - points with one expiry: made, drawn on in order, put back into.
--
-- Only the ledger calls this: whatever a lot gains or loses is told by an entry and its draws.
-- SPDX-License-Identifier: MIT
local lots = {}

local NEVER = crm.date("9999-12-31") -- sorts lots that do not expire behind all others
lots.DRAWS_MAX = 60 -- lots one operation may touch: it has to fit one unit of work

function lots.earlier(a, b)
  if not a then return b end
  if not b then return a end
  return a < b and a or b
end

function lots.note_due(book, day) book.due_on = lots.earlier(book.due_on, day) end

-- What points are worth in money, as the program says now; nil where it does not say.
function lots.worth(program, points)
  local value = program.point_value
  return value and crm.money { minor = value.minor * points, currency = value.currency } or nil
end

-- spec: source, points, on, active_on, expires_on, and grace_of: the lot it stands for.
function lots.make(book, spec)
  local pending = spec.active_on > book.today
  local lot = assert(book.db.points_lot:insert {
    member = book.id, source = spec.source, state = pending and "pending" or "active",
    earned_on = spec.on, active_on = spec.active_on, expires_on = spec.expires_on,
    draws_on = spec.expires_on or NEVER, initial = spec.points, remaining = spec.points,
    worth = lots.worth(book.program, spec.points), purchase = spec.purchase,
    label = string.format("%s %d", tostring(spec.on), spec.points),
  })
  if pending then lots.note_due(book, spec.active_on) end
  if spec.expires_on then lots.note_due(book, spec.expires_on:add { days = 1 }) end
  return lot, pending
end

-- Takes points from (or, negative, puts them into) a lot that has been read.
function lots.take(book, lot, points, state)
  local remaining = lot.remaining - points
  if not state then
    state = lot.state
    if remaining == 0 and (state == "active" or state == "debt") then state = "spent" end
    if remaining > 0 and state == "spent" then state = "active" end
  end
  assert(book.db.points_lot:update(lot.id, {
    remaining = remaining, state = state, worth = lots.worth(book.program, remaining) or crm.null,
  }))
  if remaining > 0 and lot.expires_on then
    lots.note_due(book, lot.expires_on:add { days = 1 })
  end
  return { lot = lot.id, points = -points }
end

local function active(book, limit)
  return book.db.points_lot:find {
    where = { member = book.id, state = "active", draws_on = { gte = book.today } },
    order = "draws_on,earned_on", limit = limit,
  }
end

-- Draws on the soonest expiring lots first, then the oldest; lots that never expire come last.
-- Gives the draws and what could not be covered.
function lots.draw(book, points)
  local draws, left, limit = {}, points, 4
  while left > 0 do
    local found = active(book, limit)
    draws, left = {}, points
    for _, lot in ipairs(found) do
      if left == 0 then break end
      local part = math.min(left, lot.remaining)
      left = left - part
      draws[#draws + 1] = { lot = lot, points = part }
    end
    if #found < limit or limit >= lots.DRAWS_MAX then break end
    limit = lots.DRAWS_MAX
  end
  for i, draw in ipairs(draws) do draws[i] = lots.take(book, draw.lot, draw.points) end
  return draws, left
end

return lots
