-- rewards - what points buy: rewards with stock and limits.
-- SPDX-License-Identifier: MIT
local asked = require("asked")
local coupons = require("coupons")
local ledger = require("ledger")
local spending = require("spending")
local wallet = require("wallet")

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
  if not reward then return "@reward_closed" end
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

-- May this member have this reward? A company may put its own answer around it.
function rewards.eligible(argument, ctx)
  local db = ctx.db:as_system()
  local member = db.member:get(argument.member)
  local book = {
    id = member.id, db = db, today = ctx.now():date(), tier = member.tier,
    program_id = member.program,
  }
  local why = obstacle(book, argument.reward and db.reward:get(argument.reward))
  return { eligible = why == nil, reasons = { why } }
end

-- --- what a reward says of itself ---

local GIVES = { percent = "discount", fixed = "worth", per_point = "per_point" }

-- A reward whose worth nobody could work out is refused when it is saved.
function rewards.check(ev, ctx)
  local reward = ev.record
  local program = reward.program and ctx.db:as_system().program:get(reward.program)
  local currency = program and program.currency or ctx.tenant.currency
  if wallet.is_account(reward.kind) then
    if not reward.worth or reward.worth.minor <= 0 then
      ev:fail("worth", "@reward_worth")
    elseif reward.worth.currency ~= currency then
      ev:fail("worth", "@purchase_currency", { currency = currency })
    end
  end
  if reward.kind ~= "discount" then return end
  if not reward.discount_kind then return ev:fail("discount_kind", "@reward_discount") end
  local field = GIVES[reward.discount_kind]
  if reward[field] == nil then ev:fail(field, "@reward_discount") end
  if reward.applies_to == "specific" and not reward.sku then ev:fail("sku", "@reward_sku") end
end

-- --- what it becomes ---

local function first_chars(text, count)
  local stop = utf8.offset(text, count + 1)
  return stop and text:sub(1, stop - 1) or text
end

-- A discount is a coupon with its terms: percents or money off an order, its cheapest piece or one
-- product, at most so much.
local function coupon_for(book, reward, points)
  local fields = {
    member = book.id, program = book.program_id, worth = reward.worth, valid_from = book.today,
    valid_to = book.today:add { days = reward.coupon_days or 90 },
    batch = first_chars(reward.name, 60),
  }
  if reward.kind == "discount" then
    fields.applies_to = reward.applies_to or "order"
    fields.sku, fields.worth_max = reward.sku, reward.worth_max
    local each = reward.discount_kind == "per_point" and reward.per_point
    fields.worth = reward.discount_kind == "fixed" and reward.worth
      or each and crm.money { minor = each.minor * points, currency = each.currency } or nil
    fields.discount = reward.discount_kind == "percent" and reward.discount or nil
  end
  return coupons.issue(book.ctx, fields)
end

-- How many points it costs: a discount by points takes as many as are given, from its least on.
local function price(ev, reward)
  local points = ev.params.points
  if points == nil or reward.discount_kind ~= "per_point" then return reward.points end
  if math.type(points) ~= "integer" or points < reward.points then
    ev:fail("points", "@reward_least", { points = reward.points })
    return nil
  end
  return points
end

-- What the customer gets at once, where it is not handed over: a code, or money on the card.
local function fulfil(book, reward, redemption)
  if reward.kind == "coupon" or reward.kind == "discount" then
    return assert(book.db.redemption:update(redemption.id, {
      coupon = coupon_for(book, reward, redemption.points).id,
    }))
  end
  if wallet.is_account(reward.kind) then
    wallet.reward(book.ctx, book.id, reward, redemption.id)
  end
  return redemption
end

local function answer(book, redemption)
  return {
    redemption = crm.id_text(redemption.id), number = redemption.number, points = redemption.points,
    balance = book.balance, available = ledger.available(book),
    coupon = redemption.coupon and book.db.coupon:get(redemption.coupon).code,
  }
end

-- POST …/member/{id}/actions/exchange { reward, points, key, address, note }
function rewards.exchange(ev, ctx)
  local id, key = asked.id(ev, "reward"), asked.key(ev, "exchange")
  local book = ledger.open(ctx, ev.record)
  local before = ledger.by_key(book, key)
  if before then
    local made = before.redemption and book.db.redemption:get(before.redemption)
    if not made or made.member ~= book.id then return ev:fail("key", "@key_reused") end
    return answer(book, made)
  end
  if asked.is_closed(ev, book) then return end
  local judged = ctx.call("reward.eligible", { member = book.id, reward = id })
  if not judged.eligible then return ev:fail("reward", judged.reasons[1] or "@reward_closed") end
  local reward = book.db.reward:get(id)
  local points = price(ev, reward)
  if not points or asked.lacks(ev, book, points) then return end
  local redemption, why = book.db.redemption:insert {
    member = book.id, reward = reward.id, points = points, address = ev.params.address,
    note = ev.params.note,
  }
  if not redemption then return asked.told(ev, why, "reward") end
  if not spending.draw(ev, book, points, {
    reason = reward.name, key = key, redemption = redemption.id,
  }) then
    return
  end
  if reward.stock then
    assert(book.db.reward:update(reward.id, { stock = reward.stock - 1 }))
  end
  redemption = fulfil(book, reward, redemption)
  ctx.emit("reward.issued", {
    member = book.id, reward = reward.id, redemption = redemption.id,
  })
  ledger.close(book)
  return answer(book, redemption)
end

local canceling -- the redemption whose points are being given back

-- Set to canceled by hand, its points would be lost: `cancel` gives them back.
function rewards.guard(ev)
  if ev.record.status == "canceled" and ev.record.id ~= canceling then
    ev:fail("status", "@redemption_cancel")
  end
end

-- POST …/redemption/{id}/actions/cancel: points and stock go back.
function rewards.cancel(ev, ctx)
  local redemption = ev.record
  if redemption.status == "canceled" then return { status = "canceled" } end
  if redemption.status == "delivered" then return ev:fail("status", "@redemption_delivered") end
  local book = ledger.find(ctx, redemption.member)
  local coupon = redemption.coupon and book.db.coupon:get(redemption.coupon)
  if coupon and coupon.state == "used" then return ev:fail("coupon", "@coupon_used") end
  if not wallet.take_back(ctx, redemption) then return ev:fail("status", "@wallet_spent") end
  local entry = ledger.first(book, { redemption = redemption.id }, "redeem")
  local left = spending.left_of(book, entry)
  if left > 0 then spending.return_points(book, entry, left, { redemption = redemption.id }) end
  local reward = book.db.reward:get(redemption.reward)
  if reward.stock then assert(book.db.reward:update(reward.id, { stock = reward.stock + 1 })) end
  if coupon then assert(book.db.coupon:update(coupon.id, { state = "expired" })) end
  canceling = redemption.id
  local done, why = book.db.redemption:update(redemption.id, { status = "canceled" })
  canceling = nil
  assert(done, why)
  ledger.close(book)
  return { status = "canceled", balance = book.balance, available = ledger.available(book) }
end

return rewards
