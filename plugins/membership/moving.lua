-- moving - points go to another card: as a gift, or because two cards are one person's.
-- SPDX-License-Identifier: MIT
local asked = require("asked")
local ledger = require("ledger")
local tiers = require("tiers")
local wallet = require("wallet")

local moving = {}

-- Moves points with the expiry they have. kinds: { out, into }. Gives the entry that took them.
local function move(from, to, value, kinds, spec)
  local lots = {}
  local draws, missing = ledger.draw(from, value)
  for i, draw in ipairs(draws) do lots[i] = from.db.points_lot:get(draw.lot) end
  local entry = ledger.append(from, {
    kind = kinds[1], points = -value, draws = draws, reason = spec.reason, key = spec.key,
  })
  local put = {}
  for i, lot in ipairs(lots) do
    local new = ledger.lot(to, {
      source = "transfer", points = -draws[i].points, on = lot.earned_on, active_on = to.today,
      expires_on = lot.expires_on,
    })
    put[i] = { lot = new.id, points = -draws[i].points }
  end
  ledger.append(to, {
    kind = kinds[2], points = value, draws = put, reason = spec.reason,
    key = spec.key and spec.key .. ":in",
  })
  return entry, missing
end

-- POST …/member/{id}/actions/transfer { to, points, reason, key }
function moving.transfer(ev, ctx)
  local value, key = ev.params.points, asked.key(ev, "transfer")
  if asked.refuses(ev, value) then return end
  local book, id = ledger.open(ctx, ev.record), asked.id(ev, "to")
  local into = key and ledger.by_key(book, key .. ":in")
  if into and into.member ~= id then return ev:fail("key", "@key_reused") end
  local done, answer = asked.again(ev, book, key, -value)
  if done then return answer end
  if asked.is_closed(ev, book) then return end
  if not book.program.transfer_allowed then return ev:fail("program", "@transfer_not_allowed") end
  local to = id and id ~= book.id and ledger.find(ctx, id)
  if not to or to.program_id ~= book.program_id or to.status ~= "active" then
    return ev:fail("to", "@transfer_target")
  end
  if asked.lacks(ev, book, value) then return end
  local entry, missing = move(book, to, value, { "transfer_out", "transfer_in" }, {
    reason = ev.params.reason, key = key,
  })
  if missing > 0 then return ev:abort("@too_many_lots") end
  ledger.close(to)
  ledger.close(book)
  return ledger.answer(book, entry)
end

local TAKEN = { "name", "phone", "email", "contact", "birthday", "gender", "referrer", "note" }

-- The fields of `take`, whose value the other card is to have; nil where a name is none of them.
local function chosen(take, from)
  local values, left = {}, {}
  if take ~= nil and type(take) ~= "table" and type(take) ~= "userdata" then return nil end
  for _, name in ipairs(take or {}) do left[name] = true end
  for _, name in ipairs(TAKEN) do
    if left[name] then values[name] = from[name] == nil and crm.null or from[name] end
    left[name] = nil
  end
  if next(left) then return nil end
  return values
end

-- POST …/member/{id}/actions/merge { into, take = [fields] }: everything active goes to the other
-- card, and what is taken of the person's own data; this one is closed and points to it. Pending
-- points and holds have to end first.
function moving.merge(ev, ctx)
  local id = asked.id(ev, "into")
  if ev.record.merged_into then
    if ev.record.merged_into == id then return { into = ev.params.into } end
    return ev:fail("into", "@member_closed")
  end
  local values = chosen(ev.params.take, ev.record)
  if not values then return ev:fail("take", "@merge_take") end
  local book = ledger.open(ctx, ev.record)
  local to = id and id ~= book.id and ledger.find(ctx, id)
  if not to or to.program_id ~= book.program_id or to.status ~= "active" then
    return ev:fail("into", "@transfer_target")
  end
  if book.pending > 0 or book.held > 0 then return ev:fail("pending", "@merge_waits") end
  if book.balance < 0 or book.debt > 0 then return ev:fail("debt", "@merge_debt") end
  if book.balance > 0 then
    local _, missing = move(book, to, book.balance, { "merge_out", "merge_in" }, {})
    if missing > 0 then return ev:abort("@too_many_lots") end
  end
  tiers.evaluate(to, false)
  ledger.close(to)
  ledger.close(book)
  wallet.merge(ctx, book.id, to.id)
  assert(book.db.member:update(book.id, { status = "closed", merged_into = to.id }))
  if next(values) then assert(ctx.db.member:update(to.id, values)) end
  return { into = crm.id_text(to.id), balance = to.balance }
end

return moving
