-- rewards - what points buy: rewards with stock and limits, and coupons.
-- SPDX-License-Identifier: MIT
local asked = require("asked")
local ledger = require("ledger")
local spending = require("spending")

local rewards = {}

local function in_time(from, to, day)
  return (not from or from <= day) and (not to or day <= to)
end

local function tier_reaches(book, wanted)
  if not wanted then return true end
  local mine = book.tier and book.db.tier:get(book.tier)
  return mine ~= nil and mine.threshold >= book.db.tier:get(wanted).threshold
end

-- Why this member cannot have this reward, or nil.
local function obstacle(book, reward)
  if not reward.active or not in_time(reward.valid_from, reward.valid_to, book.today) then
    return "@reward_closed"
  end
  if reward.program ~= book.program_id then return "@reward_program" end
  if reward.stock and reward.stock < 1 then return "@reward_out" end
  if not tier_reaches(book, reward.min_tier) then return "@reward_tier" end
  if reward.per_member and book.db.redemption:count {
    where = { member = book.id, reward = reward.id, status = { ne = "canceled" } },
  } >= reward.per_member then
    return "@reward_limit"
  end
end

local function coupon_for(book, reward)
  return assert(book.db.coupon:insert {
    code = "C" .. crm.id_text(reward.id) .. "-" .. crm.id_text(book.id) .. "-" .. book.seq,
    member = book.id, program = book.program_id, worth = reward.worth, valid_from = book.today,
    valid_to = book.today:add { days = reward.coupon_days or 90 }, batch = reward.name,
  })
end

local function answer(book, redemption)
  return {
    redemption = crm.id_text(redemption.id), number = redemption.number, points = redemption.points,
    balance = book.balance, available = ledger.available(book),
    coupon = redemption.coupon and book.db.coupon:get(redemption.coupon).code,
  }
end

-- POST …/member/{id}/actions/exchange { reward, key, address, note }
function rewards.exchange(ev, ctx)
  local id, key = asked.id(ev, "reward"), asked.key(ev, "exchange")
  local book = asked.open_active(ev, ctx)
  if not book then return end
  local before = ledger.by_key(book, key)
  if before then
    local made = before.redemption and book.db.redemption:get(before.redemption)
    if not made or made.member ~= book.id then return ev:fail("key", "@key_reused") end
    return answer(book, made)
  end
  local reward = id and book.db.reward:get(id)
  local why = not reward and "@reward_closed" or obstacle(book, reward)
  if why then return ev:fail("reward", why) end
  if asked.lacks(ev, book, reward.points) then return end
  local redemption = assert(book.db.redemption:insert {
    member = book.id, reward = reward.id, points = reward.points, address = ev.params.address,
    note = ev.params.note,
  })
  if not spending.draw(ev, book, reward.points, {
    reason = reward.name, key = key, redemption = redemption.id,
  }) then
    return
  end
  if reward.stock then
    assert(book.db.reward:update(reward.id, { stock = reward.stock - 1 }))
  end
  if reward.kind == "coupon" then
    redemption = assert(book.db.redemption:update(redemption.id, {
      coupon = coupon_for(book, reward).id,
    }))
  end
  ledger.close(book)
  return answer(book, redemption)
end

-- POST …/redemption/{id}/actions/cancel: points and stock go back.
function rewards.cancel(ev, ctx)
  local redemption = ev.record
  if redemption.status == "canceled" then return { status = "canceled" } end
  if redemption.status == "delivered" then return ev:fail("status", "@redemption_delivered") end
  local book = ledger.find(ctx, redemption.member)
  local coupon = redemption.coupon and book.db.coupon:get(redemption.coupon)
  if coupon and coupon.state == "used" then return ev:fail("coupon", "@coupon_used") end
  local entry = book.db.points_entry:find {
    where = { redemption = redemption.id, kind = "redeem" }, limit = 1,
  }[1]
  spending.return_points(book, entry, redemption.points, { redemption = redemption.id })
  local reward = book.db.reward:get(redemption.reward)
  if reward.stock then assert(book.db.reward:update(reward.id, { stock = reward.stock + 1 })) end
  if coupon then assert(book.db.coupon:update(coupon.id, { state = "expired" })) end
  assert(book.db.redemption:update(redemption.id, { status = "canceled" }))
  ledger.close(book)
  return { status = "canceled", balance = book.balance, available = ledger.available(book) }
end

-- POST …/coupon/{id}/actions/use { member, purchase }
function rewards.use_coupon(ev, ctx)
  local db, coupon, today = ctx.db:as_system(), ev.record, ctx.now():date()
  local member, purchase = asked.id(ev, "member"), asked.id(ev, "purchase")
  if coupon.state ~= "issued" then return ev:fail("state", "@coupon_used") end
  if not in_time(coupon.valid_from, coupon.valid_to, today) then
    return ev:fail("valid_to", "@coupon_time")
  end
  if coupon.member and coupon.member ~= member then return ev:fail("member", "@coupon_member") end
  if member and coupon.per_member and db.coupon_use:count {
    where = { coupon = coupon.id, member = member },
  } >= coupon.per_member then
    return ev:fail("member", "@coupon_limit")
  end
  local uses = (coupon.uses or 0) + 1
  assert(db.coupon_use:insert {
    coupon = coupon.id, member = member, purchase = purchase, label = coupon.code,
  })
  assert(db.coupon:update(coupon.id, {
    uses = uses, used_on = today, state = uses >= coupon.uses_max and "used" or "issued",
  }))
  return { code = coupon.code, uses = uses, left = coupon.uses_max - uses }
end

return rewards
