-- spending - points go out and come back: redeemed, given back.
-- SPDX-License-Identifier: MIT
local asked = require("asked")
local ledger = require("ledger")
local tiers = require("tiers")

local spending = {}

-- One draw on the pool: the entry, or nil after a refusal.
function spending.draw(ev, book, value, spec)
  if asked.lacks(ev, book, value) then return nil end
  local draws, missing = ledger.draw(book, value)
  if missing > 0 then ev:abort("@too_many_lots") end
  book.redeemed = book.redeemed + value
  spec.kind, spec.points, spec.draws = "redeem", -value, draws
  return ledger.append(book, spec)
end

-- POST …/member/{id}/actions/redeem { points, reason, key }
function spending.redeem(ev, ctx)
  local value, key = ev.params.points, asked.key(ev, "redeem")
  if asked.refuses(ev, value) then return end
  local book = ledger.open(ctx, ev.record)
  local done, answer = asked.again(ev, book, key, -value)
  if done then return answer end
  if asked.is_closed(ev, book) then return end
  local entry = spending.draw(ev, book, value, { reason = ev.params.reason, key = key })
  if not entry then return end
  ledger.close(book)
  return ledger.answer(book, entry)
end

-- --- giving back ---

local function given_back(book, entry)
  local sums, total = {}, 0
  local backs = book.db.points_entry:find { where = { reverses = entry.id }, limit = 100 }
  for _, back in ipairs(backs) do
    total = total + back.points
    for _, draw in ipairs(book.db.points_draw:find { where = { entry = back.id }, limit = 100 }) do
      local lot = book.db.points_lot:get(draw.lot)
      local origin = lot.source == "grace" and lot.label or lot.id
      sums[origin] = (sums[origin] or 0) + draw.points
    end
  end
  return sums, total
end

-- Points go back into the lots they came from, the last drawn first, with the expiry they had;
-- where that has passed they get a lot of their own with the program's grace.
function spending.return_points(book, entry, value, spec)
  local sums = given_back(book, entry)
  local drawn = book.db.points_draw:find {
    where = { entry = entry.id }, order = "-id", limit = 100,
  }
  local draws, left = {}, value
  for _, draw in ipairs(drawn) do
    local lot = book.db.points_lot:get(draw.lot)
    local grace = "grace " .. crm.id_text(lot.id)
    local part = math.min(left, -draw.points - (sums[lot.id] or 0) - (sums[grace] or 0))
    if part > 0 then
      left = left - part
      if lot.expires_on and lot.expires_on < book.today then
        local new = ledger.lot(book, {
          source = "grace", points = part, on = lot.earned_on, active_on = book.today,
          expires_on = book.today:add { days = book.program.return_grace_days or 0 },
          purchase = lot.purchase,
        })
        assert(book.db.points_lot:update(new.id, { label = grace }))
        draws[#draws + 1] = { lot = new.id, points = part }
      else
        draws[#draws + 1] = ledger.take(book, lot, -part)
      end
    end
  end
  assert(left == 0, "more is given back than was taken")
  book.redeemed = book.redeemed - value
  spec.kind, spec.points, spec.draws, spec.reverses = "reverse_redeem", value, draws, entry.id
  return ledger.append(book, spec)
end

-- What of a redemption has not been given back.
function spending.left_of(book, entry)
  local _, total = given_back(book, entry)
  return -entry.points - total
end

-- POST …/points_entry/{id}/actions/give_back { points, reason, key }: undoes a redemption, or part.
function spending.give_back(ev, ctx)
  local entry = ev.record
  if entry.kind ~= "redeem" then return ev:fail("kind", "@not_a_redemption") end
  local book = ledger.find(ctx, entry.member)
  local key = asked.key(ev, "back")
  local before = ledger.by_key(book, key)
  if before then
    if before.reverses ~= entry.id then return ev:fail("key", "@key_reused") end
    return ledger.answer(book, before)
  end
  local rest = spending.left_of(book, entry)
  local value = ev.params.points or rest
  if asked.refuses(ev, value) then return end
  if value > rest then
    return ev:fail("points", "@more_than_redeemed", { rest = rest })
  end
  local made = spending.return_points(book, entry, value, { reason = ev.params.reason, key = key })
  ledger.close(book)
  return ledger.answer(book, made)
end

-- POST …/member/{id}/actions/evaluate: the tier anew, down too.
function spending.evaluate(ev, ctx)
  local book = ledger.open(ctx, ev.record)
  tiers.evaluate(book, true)
  ledger.close(book)
  local tier = book.tier and book.db.tier:get(book.tier)
  return { tier = tier and tier.name, counted = tiers.counted(book) }
end

return spending
