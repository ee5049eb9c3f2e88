-- earning - points come in: from purchases, from bonus events, by hand.
-- SPDX-License-Identifier: MIT
local asked = require("asked")
local ledger = require("ledger")
local numbers = require("numbers")
local points = require("points")
local tiers = require("tiers")

local earning = {}

-- Books points as a new lot. spec: points, source, on, purchase, rule, reason, key, qualifying.
function earning.book(book, spec)
  local lock = spec.source == "purchase" and book.program.lock_days or 0
  local lot, is_pending = ledger.lot(book, {
    source = spec.source, points = spec.points, on = spec.on,
    active_on = spec.on:add { days = lock },
    expires_on = spec.expires_on or book.ctx.call("points.expire_at", {
      program = book.program_id, on = spec.on, source = spec.source,
    }),
    purchase = spec.purchase,
  })
  local entry = ledger.append(book, {
    kind = spec.kind or "earn", points = is_pending and 0 or spec.points,
    pending = is_pending and spec.points or 0, draws = { { lot = lot.id, points = spec.points } },
    on = spec.on, purchase = spec.purchase, rule = spec.rule, reason = spec.reason, key = spec.key,
    qualifying = spec.qualifying or spec.points,
  })
  if entry.kind == "earn" then book.earned = book.earned + spec.points end
  if not is_pending then ledger.pay_debt(book, lot.id) end
  return entry
end

local function earned_that_day(book, day)
  local groups = book.db.points_entry:aggregate {
    where = { member = book.id, kind = "earn", on = day }, measure = { "sum.qualifying" },
  }
  local sum = groups and groups[1] and groups[1]["sum.qualifying"]
  return math.type(sum) == "integer" and sum or 0 -- the sum of nothing is null
end

local function cap_day(book, value, day)
  local cap = book.program.cap_per_day
  if not cap then return value end
  return math.max(math.min(value, cap - earned_that_day(book, day)), 0)
end

-- --- purchases ---

local function order_of(book, purchase)
  local tier = book.tier and book.db.tier:get(book.tier)
  return {
    program = book.program.id,
    amount = purchase.amount.minor - (purchase.no_points and purchase.no_points.minor or 0),
    digits = numbers.digits(purchase.amount), on = purchase.bought_on,
    channel = purchase.channel, category = purchase.category, store = purchase.store,
    sku = purchase.sku, label = book.tags,
    multiplier = tier and numbers.units(tier.multiplier, 4) or nil,
  }
end

-- What the program gives for an event, once per key. Was there anything?
function earning.bonus(book, event, day, key)
  local value, why = points.of_event(book.db, book.program, event, day)
  if value == 0 or ledger.by_key(book, key) then return false end
  earning.book(book, {
    points = value, source = "bonus", on = day, rule = why[1],
    reason = table.concat(why, ", "), key = key, qualifying = 0,
  })
  return true
end

local bonus = earning.bonus

-- A purchase earns once: its id is the key.
function earning.purchase(ev, ctx)
  local purchase = ev.record
  local key = "purchase:" .. crm.id_text(purchase.id)
  local book = ledger.find(ctx, purchase.member)
  if not book or book.status ~= "active" or ledger.by_key(book, key) then return end
  local answer = ctx.call("points.earn", order_of(book, purchase))
  local value = cap_day(book, answer.points, purchase.bought_on)
  if value > 0 then
    earning.book(book, {
      points = value, source = "purchase", on = purchase.bought_on, purchase = purchase.id,
      rule = answer.reasons[1], reason = table.concat(answer.reasons, ", "), key = key,
    })
    assert(book.db.purchase:update(purchase.id, {
      points = value, points_reason = table.concat(answer.reasons, ", "),
    }))
  end
  if book.seq <= 1 then
    bonus(book, "first_purchase", purchase.bought_on, "first:" .. crm.id_text(book.id))
  end
  tiers.evaluate(book, false)
  ledger.close(book)
end

-- What points are counted in: of another currency one unit is worth something else.
function earning.currency(ctx, member)
  local program = ctx.db:as_system().program:get(member.program)
  return program and program.currency or ctx.tenant.currency
end

-- Whoever sells to nobody, or to a card that is closed, is told before anything is written.
function earning.check(ev, ctx)
  local purchase = ev.record
  if not ev.changed("member") and not ev.changed("amount") and not ev.changed("bought_on")
    and not ev.changed("no_points") then
    return
  end
  if ev.old and (ev.old.points or 0) > 0 then return ev:fail("amount", "@purchase_fixed") end
  if purchase.bought_on and purchase.bought_on > ctx.now():date() then
    ev:fail("bought_on", "@purchase_future")
  end
  local less, amount = purchase.no_points, purchase.amount
  if less and amount and (less.currency ~= amount.currency or less > amount) then
    return ev:fail("no_points", "@no_points_amount")
  end
  local member = purchase.member and ctx.db:as_system().member:get(purchase.member)
  if member and member.status == "closed" then ev:fail("member", "@member_closed") end
  local currency = member and earning.currency(ctx, member)
  if currency and amount and amount.currency ~= currency then
    ev:fail("amount", "@purchase_currency", { currency = currency })
  end
end

-- --- by hand ---

-- params: points, reason, key, expires_on. Positive or negative; opening balances come in so.
function earning.adjust(ev, ctx)
  local value, reason = ev.params.points, ev.params.reason
  if math.type(value) ~= "integer" or value == 0 then return ev:fail("points", "@whole_points") end
  if type(reason) ~= "string" or reason == "" then return ev:fail("reason", "@reason_required") end
  local last = asked.day(ev, "expires_on")
  if last == false then return end
  local book = ledger.open(ctx, ev.record)
  local key = asked.key(ev, "adjust")
  local done, answer = asked.again(ev, book, key, value)
  if done then return answer end
  local entry
  if value > 0 then
    if last and last < book.today then return ev:fail("expires_on", "@opening_expired") end
    entry = earning.book(book, {
      kind = "adjust", points = value, source = "adjust", on = book.today, expires_on = last,
      reason = reason, key = key, qualifying = 0,
    })
  else
    if asked.lacks(ev, book, -value) then return end
    local draws, missing = ledger.draw(book, -value)
    if missing > 0 then return ev:abort("@too_many_lots") end
    entry = ledger.append(book, {
      kind = "adjust", points = value, draws = draws, reason = reason, key = key,
    })
  end
  ledger.close(book)
  return ledger.answer(book, entry)
end

-- Opening balances from another system come in as adjustments, each with its own expiry.
function earning.opening(ev, ctx)
  local row = ev.record
  local book = ledger.find(ctx, row.member)
  earning.book(book, {
    kind = "adjust", points = row.points, source = "adjust", on = row.earned_on or book.today,
    expires_on = row.expires_on, reason = row.note or "@opening_balance",
    key = "opening:" .. crm.id_text(row.id), qualifying = 0,
  })
  ledger.close(book)
end

function earning.check_opening(ev, ctx)
  local row = ev.record
  local member = row.member and ctx.db:as_system().member:get(row.member)
  if member and member.status == "closed" then ev:fail("member", "@member_closed") end
  if row.expires_on and row.expires_on < ctx.now():date() then
    ev:fail("expires_on", "@opening_expired")
  end
end

-- A new member: the welcome points, and those for whoever brought them.
function earning.enrolled(ev, ctx)
  local book = ledger.open(ctx, ev.record)
  local before = book.seq
  bonus(book, "sign_up", book.today, "sign_up:" .. crm.id_text(book.id))
  if ev.record.referrer then
    bonus(book, "referred", book.today, "referred:" .. crm.id_text(book.id))
    local other = ledger.find(ctx, ev.record.referrer)
    if other and other.status == "active" then
      if bonus(other, "referral", other.today, "referral:" .. crm.id_text(book.id)) then
        ctx.emit("referral.rewarded", { member = book.id, referrer = other.id })
      end
      ledger.close(other)
    end
  end
  ctx.emit("member.enrolled", { member = book.id })
  tiers.evaluate(book, false)
  if book.seq > before or book.tier then ledger.close(book) end
end

return earning
