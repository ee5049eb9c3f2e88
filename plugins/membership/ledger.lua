-- ledger - a member's book of points: the only place that writes lots and entries.
--
-- Every operation opens the book, changes it and closes it in one transaction. Entries are never
-- changed; each says what it did to the active and to the pending balance, and its draws say which
-- lots it put points into or took them from. So balance = sum of entries = sum of what lots hold.
-- SPDX-License-Identifier: MIT
local lots = require("lots")

local ledger = {}

local DRAWS_MAX = lots.DRAWS_MAX
local earlier, note_due = lots.earlier, lots.note_due

-- --- opening and closing ---

-- The book of a member as it is today: what was due until now has been booked.
function ledger.open(ctx, member)
  local book = {
    ctx = ctx, db = ctx.db:as_system(), today = ctx.now():date(), id = member.id,
    status = member.status, program_id = member.program, balance = member.balance or 0,
    pending = member.pending or 0, held = member.held or 0, debt = member.debt or 0,
    earned = member.lifetime_earned or 0, redeemed = member.lifetime_redeemed or 0,
    seq = member.entry_seq or 0, hash = member.entry_hash, due_on = member.due_on,
    hold_due_at = member.hold_due_at, tier = member.tier, tier_since = member.tier_since,
    tier_until = member.tier_until, tags = member.tags,
  }
  book.program = book.db.program:get(member.program)
  ledger.settle(book)
  return book
end

function ledger.find(ctx, id)
  local member = ctx.db:as_system().member:get(id)
  return member and ledger.open(ctx, member)
end

function ledger.close(book)
  if ledger.is_due(book) then ledger.settle(book) end
  assert(book.db.member:update(book.id, {
    balance = book.balance, pending = book.pending, held = book.held, debt = book.debt,
    lifetime_earned = book.earned, lifetime_redeemed = book.redeemed, entry_seq = book.seq,
    entry_hash = book.hash, due_on = book.due_on or crm.null,
    hold_due_at = book.hold_due_at or crm.null, tier = book.tier or crm.null,
    tier_since = book.tier_since or crm.null, tier_until = book.tier_until or crm.null,
  }))
end

-- Has it come to a day on which something is booked?
function ledger.is_due(book) return book.due_on ~= nil and book.due_on <= book.today end

function ledger.available(book) return book.balance - book.held end

-- What a person is told after an operation.
function ledger.answer(book, entry)
  return {
    entry = entry and crm.id_text(entry.id), points = entry and entry.points + entry.pending_points,
    balance = book.balance, pending = book.pending, available = ledger.available(book),
  }
end

-- --- entries ---

-- Which event tells of an entry; what moves between cards has none.
local EVENTS = {
  earn = "points.earned", activate = "points.activated", redeem = "points.redeemed",
  expire = "points.expired", reverse_earn = "points.reversed",
  reverse_redeem = "points.reversed", adjust = "points.adjusted",
}

local function tell(book, entry)
  local event = EVENTS[entry.kind]
  if not event then return end
  book.ctx.emit(event, {
    member = book.id, entry = entry.id, kind = entry.kind,
    points = entry.points + entry.pending_points, balance = book.balance,
  })
end

-- spec: kind, points, pending, draws = { { lot =, points = } }, and what it is about. Draws of one
-- entry add up to what it does to both balances.
function ledger.append(book, spec)
  local points, pending = spec.points or 0, spec.pending or 0
  book.seq = book.seq + 1
  book.balance = book.balance + points
  book.pending = book.pending + pending
  local text = table.concat({
    book.hash or "", crm.id_text(book.id), book.seq, spec.kind, points, pending, book.balance,
    book.pending, tostring(book.today), spec.key or "",
  }, "|")
  local entry = assert(book.db.points_entry:insert {
    member = book.id, seq = book.seq, kind = spec.kind, points = points, pending_points = pending,
    balance_after = book.balance, pending_after = book.pending, on = spec.on or book.today,
    qualifying = spec.qualifying or 0, purchase = spec.purchase, reverses = spec.reverses,
    redemption = spec.redemption, rule = spec.rule, amount = spec.amount, reason = spec.reason,
    key = spec.key,
    previous_hash = book.hash, hash = crm.sha256(text),
    label = string.format("%s %+d", spec.kind, points + pending),
  })
  book.hash = entry.hash
  for _, draw in ipairs(spec.draws) do
    assert(book.db.points_draw:insert {
      entry = entry.id, lot = draw.lot, points = draw.points,
      label = string.format("%+d", draw.points),
    })
  end
  tell(book, entry)
  return entry
end

-- The first entry of that kind of a redemption or purchase: few hang on one, of the kind there are
-- as many as all members have.
function ledger.first(book, where, kind)
  for _, entry in ipairs(book.db.points_entry:find { where = where, order = "id", limit = 200 }) do
    if entry.kind == kind then return entry end
  end
  return nil
end

-- The entry an operation with this key made before, if there was one.
function ledger.by_key(book, key)
  return key and book.db.points_entry:find { where = { key = key }, limit = 1 }[1]
end

ledger.lot, ledger.take, ledger.draw = lots.make, lots.take, lots.draw

-- --- what is due ---

local function activate(book)
  if book.pending == 0 then return end -- what waits holds points
  for _, lot in ipairs(book.db.points_lot:find {
    where = { member = book.id, state = "pending", active_on = { lte = book.today } },
    order = "draws_on,earned_on", limit = DRAWS_MAX,
  }) do
    ledger.take(book, lot, 0, "active")
    ledger.append(book, {
      kind = "activate", points = lot.remaining, pending = -lot.remaining, purchase = lot.purchase,
      draws = {},
    })
    ledger.pay_debt(book, lot.id)
  end
end

local function expire(book)
  for _, lot in ipairs(book.db.points_lot:find {
    where = { member = book.id, state = "active", draws_on = { lt = book.today } },
    order = "draws_on,earned_on", limit = DRAWS_MAX,
  }) do
    local points = lot.remaining
    local draw = ledger.take(book, lot, points, "expired")
    ledger.append(book, {
      kind = "expire", points = -points, purchase = lot.purchase, draws = { draw },
    })
  end
end

local function release(book)
  if not book.hold_due_at or book.hold_due_at > book.ctx.now() then return end
  local holds = book.db.points_hold:find {
    where = { member = book.id, state = "held" }, order = "expires_at", limit = DRAWS_MAX,
  }
  book.hold_due_at = nil
  for _, hold in ipairs(holds) do
    if hold.expires_at <= book.ctx.now() then
      assert(book.db.points_hold:update(hold.id, { state = "expired" }))
      book.held = book.held - hold.points
    else
      book.hold_due_at = earlier(book.hold_due_at, hold.expires_at)
    end
  end
end

local function next_due(book)
  local function first(state, field)
    return book.db.points_lot:find {
      where = { member = book.id, state = state }, order = field, limit = 1,
    }[1]
  end
  local lot = first("active", "draws_on")
  local waiting = book.pending > 0 and first("pending", "active_on")
  book.due_on = lot and lot.expires_on and lot.expires_on:add { days = 1 }
  if waiting then note_due(book, waiting.active_on) end
end

-- Books everything whose day has come: lots that become active, lots that expire, holds that end.
function ledger.settle(book)
  release(book)
  if not book.due_on or book.due_on > book.today then return end
  activate(book)
  expire(book)
  next_due(book)
end

-- --- debt ---

-- A lot that has just become active pays what the member owes: negative lots first, then points
-- that a return could not take back.
function ledger.pay_debt(book, lot_id)
  local debts = book.program.debt == "negative" and book.db.points_lot:find {
    where = { member = book.id, state = "debt" }, limit = DRAWS_MAX,
  } or {}
  if #debts == 0 and book.debt == 0 then return end
  local lot = book.db.points_lot:get(lot_id)
  for _, debt in ipairs(debts) do
    local part = math.min(lot.remaining, -debt.remaining)
    if part > 0 then
      local draws = { ledger.take(book, lot, part), ledger.take(book, debt, -part) }
      ledger.append(book, { kind = "adjust", draws = draws, reason = "@debt_paid" })
      lot = book.db.points_lot:get(lot_id)
    end
  end
  local part = math.min(lot.remaining, book.debt)
  if part > 0 then
    book.debt = book.debt - part
    ledger.append(book, {
      kind = "reverse_earn", points = -part, draws = { ledger.take(book, lot, part) },
      reason = "@debt_paid",
    })
  end
end

-- Takes back points of one earning: from its own lot, then as the program says. Gives the entry;
-- false when the program blocks a return of points that are spent.
function ledger.reverse_earn(book, points, spec)
  local draws, pending, left = {}, 0, points
  for _, lot in ipairs(book.db.points_lot:find {
    where = { purchase = spec.purchase, member = book.id, state = { "pending", "active" } },
    limit = DRAWS_MAX,
  }) do
    local part = math.min(left, lot.remaining)
    if part > 0 then
      left = left - part
      if lot.state == "pending" then pending = pending + part end
      local empty = lot.state == "pending" and lot.remaining == part and "spent" or nil
      draws[#draws + 1] = ledger.take(book, lot, part, empty)
    end
  end
  if left > 0 and book.program.debt == "block" then return false end
  if left > 0 then
    local free = ledger.available(book) - (points - left - pending)
    local others, missing = ledger.draw(book, math.min(left, math.max(free, 0)))
    assert(missing == 0, "a balance that no lots hold")
    for _, draw in ipairs(others) do
      draws[#draws + 1] = draw
      left = left + draw.points
    end
  end
  if left > 0 and book.program.debt == "offset" then
    book.debt = book.debt + left
    points, left = points - left, 0
  end
  if left > 0 then
    local lot = ledger.lot(book, {
      source = "debt", points = 0, on = book.today, active_on = book.today,
    })
    draws[#draws + 1] = ledger.take(book, lot, left, "debt")
  end
  return ledger.append(book, {
    kind = "reverse_earn", points = -(points - pending), pending = -pending, draws = draws,
    purchase = spec.purchase, reverses = spec.reverses, qualifying = -spec.qualifying,
    amount = spec.amount, reason = spec.reason, key = spec.key,
  })
end

return ledger
