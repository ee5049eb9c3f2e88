-- holds - points reserved for a while: they cannot be spent, and are not spent yet.
-- SPDX-License-Identifier: MIT
local asked = require("asked")
local ledger = require("ledger")
local spending = require("spending")

local holds = {}

local HOLD_MINUTES = 30 -- where nobody says how long
local HOLD_MINUTES_MAX = 60 * 24 * 90

local function hold_answer(book, hold)
  return {
    hold = crm.id_text(hold.id), points = hold.points, state = hold.state,
    balance = book.balance, available = ledger.available(book),
    taken = hold.entry and -book.db.points_entry:get(hold.entry).points or nil,
  }
end

-- POST …/member/{id}/actions/hold { points, minutes, ref, key }: reserves without holds.
function holds.hold(ev, ctx)
  local value, minutes = ev.params.points, ev.params.minutes or HOLD_MINUTES
  if asked.refuses(ev, value) then return end
  if math.type(minutes) ~= "integer" or minutes < 1 or minutes > HOLD_MINUTES_MAX then
    return ev:fail("minutes", "@hold_minutes", { max = HOLD_MINUTES_MAX })
  end
  local book = ledger.open(ctx, ev.record)
  local key = asked.key(ev, "hold")
  local before = key and book.db.points_hold:find { where = { key = key }, limit = 1 }[1]
  if before then
    if before.member ~= book.id or before.points ~= value then
      return ev:fail("key", "@key_reused")
    end
    return hold_answer(book, before)
  end
  if asked.is_closed(ev, book) then return end
  if asked.lacks(ev, book, value) then return end
  local hold = assert(book.db.points_hold:insert {
    member = book.id, points = value, state = "held", ref = ev.params.ref, key = key,
    expires_at = ctx.now():add { minutes = minutes },
  })
  book.held = book.held + value
  if not book.hold_due_at or hold.expires_at < book.hold_due_at then
    book.hold_due_at = hold.expires_at
  end
  ctx.emit("points.held", { member = book.id, hold = hold.id, points = value })
  ledger.close(book)
  return hold_answer(book, hold)
end

-- The book and the hold as it is after what was due; both refusals stand on the state.
local function open_hold(ev, ctx)
  local book = ledger.find(ctx, ev.record.member)
  local hold = book.db.points_hold:get(ev.record.id)
  return book, hold
end

-- POST …/points_hold/{id}/actions/capture { points }: spends what was held, or less.
function holds.capture(ev, ctx)
  local book, hold = open_hold(ev, ctx)
  if hold.state == "captured" then return hold_answer(book, hold) end
  if hold.state ~= "held" then return ev:fail("state", "@hold_ended") end
  local value = ev.params.points or hold.points
  if asked.refuses(ev, value) then return end
  if value > hold.points then
    return ev:fail("points", "@more_than_held", { held = hold.points })
  end
  book.held = book.held - hold.points
  local entry = spending.draw(ev, book, value, { reason = hold.ref })
  if not entry then return end
  hold = assert(book.db.points_hold:update(hold.id, { state = "captured", entry = entry.id }))
  ledger.close(book)
  return hold_answer(book, hold)
end

-- POST …/points_hold/{id}/actions/release
function holds.release(ev, ctx)
  local book, hold = open_hold(ev, ctx)
  if hold.state == "captured" then return ev:fail("state", "@hold_captured") end
  if hold.state == "held" then
    hold = assert(book.db.points_hold:update(hold.id, { state = "released" }))
    book.held = book.held - hold.points
    ledger.close(book)
  end
  return hold_answer(book, hold)
end

return holds
