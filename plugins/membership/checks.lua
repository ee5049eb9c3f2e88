-- checks - what holds for every record of the ledger at every commit: `perigee check` asks it.
-- SPDX-License-Identifier: MIT
local checks = {}

-- The sum of nothing is null.
local function sum_of(table_, where, field)
  local name = "sum." .. field
  local rows = table_:aggregate { where = where, measure = { name } }
  local value = rows and rows[1] and rows[1][name]
  return math.type(value) == "integer" and value or 0
end

local function differ(what, is, should)
  if is ~= should then return string.format("%s is %s, not %s", what, is, should) end
end

-- Balance = sum of entries = sum of what active lots hold, and the same for pending points.
function checks.balance(member, ctx)
  local db, own = ctx.db:as_system(), { member = member.id }
  local function lots(state) return { member = member.id, state = state } end
  return differ("balance", member.balance or 0, sum_of(db.points_entry, own, "points"))
    or differ("pending", member.pending or 0, sum_of(db.points_entry, own, "pending_points"))
    or differ("balance", member.balance or 0,
      sum_of(db.points_lot, lots { "active", "debt" }, "remaining"))
    or differ("pending", member.pending or 0, sum_of(db.points_lot, lots("pending"), "remaining"))
    or ((member.debt or 0) < 0 and "debt is below zero" or nil)
end

-- A hold lowers what is available, not the balance; what has ended is held no longer.
function checks.holds(member, ctx)
  local db = ctx.db:as_system()
  return differ("held", member.held or 0,
    sum_of(db.points_hold, { member = member.id, state = "held" }, "points"))
end

-- The card knows the last entry, and there are as many as it says.
function checks.last(member, ctx)
  local db, count = ctx.db:as_system(), member.entry_seq or 0
  local last = db.points_entry:find {
    where = { member = member.id }, order = "-seq", limit = 1,
  }[1]
  if not last then return differ("entry_seq", count, 0) end
  local rows = db.points_entry:aggregate {
    where = { member = member.id }, measure = { "count" },
  }
  return differ("entry_seq", count, last.seq) or differ("entries", rows[1].count, count)
    or differ("entry_hash", member.entry_hash, last.hash)
end

-- Each entry carries the digest of the one before and its own, and both balances behind it.
function checks.chain(entry, ctx)
  local db = ctx.db:as_system()
  local before = entry.seq > 1 and db.points_entry:find {
    where = { member = entry.member, seq = entry.seq - 1 }, limit = 1,
  }[1]
  if entry.seq > 1 and not before then return "the entry before it is missing" end
  local text = table.concat({
    before and before.hash or "", crm.id_text(entry.member), entry.seq, entry.kind, entry.points,
    entry.pending_points, entry.balance_after, entry.pending_after,
    tostring(entry.created_at:date()), entry.key or "",
  }, "|")
  return differ("previous_hash", entry.previous_hash, before and before.hash or nil)
    or differ("hash", entry.hash, crm.sha256(text))
    or differ("balance_after", entry.balance_after,
      (before and before.balance_after or 0) + entry.points)
    or differ("pending_after", entry.pending_after,
      (before and before.pending_after or 0) + entry.pending_points)
end

-- The draws of an entry add up to what it did.
function checks.draws(entry, ctx)
  return differ("the sum of its draws",
    sum_of(ctx.db:as_system().points_draw, { entry = entry.id }, "points"),
    entry.points + entry.pending_points)
end

-- What is spent was there, was spendable that day, and came from what expires soonest first.
function checks.order(entry, ctx)
  local db, day, last = ctx.db:as_system(), entry.created_at:date(), nil
  if entry.balance_after < 0 then return "more was spent than there was" end
  for _, draw in ipairs(db.points_draw:find {
    where = { entry = entry.id }, order = "id", limit = 200,
  }) do
    local lot = db.points_lot:get(draw.lot)
    if lot.active_on > day then return "it drew on points that were waiting" end
    if lot.expires_on and lot.expires_on < day then return "it drew on points that were over" end
    local at = tostring(lot.draws_on) .. tostring(lot.earned_on)
    if last and at < last then return "it did not draw on what expires soonest first" end
    last = at
  end
end

-- No more of a redemption is given back than it took.
function checks.given_back(entry, ctx)
  local back = sum_of(ctx.db:as_system().points_entry, { reverses = entry.id }, "points")
  if back > -entry.points then return "more is given back than was taken" end
end

-- An opening balance came in as an adjustment with its expiry, once.
function checks.opening(row, ctx)
  local db = ctx.db:as_system()
  local entry = db.points_entry:find {
    where = { key = "opening:" .. crm.id_text(row.id) }, limit = 1,
  }[1]
  if not entry then return "it was never booked" end
  local draw = db.points_draw:find { where = { entry = entry.id }, limit = 1 }[1]
  local lot = draw and db.points_lot:get(draw.lot)
  return differ("kind", entry.kind, "adjust") or differ("points", entry.points, row.points)
    or row.expires_on and differ("expires_on", tostring(lot and lot.expires_on),
      tostring(row.expires_on)) or nil
end

-- What a hold took is an entry, and only that.
function checks.hold(hold)
  if (hold.state == "captured") ~= (hold.entry ~= nil) then return "captured, and nothing taken" end
end

-- A lot expires once: one entry for all of it. What is given back for a while has an end.
function checks.expiry(lot, ctx)
  local count = ctx.db:as_system().points_draw:count {
    where = { lot = lot.id, ["entry.kind"] = "expire" },
  }
  if lot.source == "grace" and not lot.expires_on then return "given back for ever" end
  return differ("times it expired", count, lot.state == "expired" and 1 or 0)
end

-- A lot holds what was put in and not taken out; what is spent or expired is empty.
function checks.lot(lot, ctx)
  local drawn = sum_of(ctx.db:as_system().points_draw, { lot = lot.id }, "points")
  if lot.remaining ~= drawn then return differ("remaining", lot.remaining, drawn) end
  if lot.state == "debt" then return lot.remaining > 0 and "a debt above zero" or nil end
  if lot.remaining < 0 then return "remaining is below zero" end
  if (lot.state == "spent" or lot.state == "expired") and lot.remaining ~= 0 then
    return lot.state .. " with " .. lot.remaining .. " left"
  end
  if lot.source ~= "debt" and lot.remaining > lot.initial then return "more than was put in" end
  if lot.state == "active" and lot.remaining == 0 then return "active and empty" end
end

-- Nothing is returned twice, and what counts for the tier is what was earned and not taken back.
function checks.purchase(purchase, ctx)
  if (purchase.points_reversed or 0) > (purchase.points or 0) then
    return "more points taken back than were earned"
  end
  local refunded = purchase.refunded
  if refunded and refunded > purchase.amount then return "more returned than was paid" end
  return differ("qualifying points", sum_of(ctx.db:as_system().points_entry, {
    purchase = purchase.id, kind = { "earn", "reverse_earn" },
  }, "qualifying"), (purchase.points or 0) - (purchase.points_reversed or 0))
end

-- A redemption has the one entry that paid for it; canceled, all of that was given back.
function checks.redemption(redemption, ctx)
  local entries = ctx.db:as_system().points_entry
  local paid = { redemption = redemption.id, reverses = crm.null }
  local wrong = differ("points paid", redemption.points, -sum_of(entries, paid, "points"))
  if wrong or redemption.status ~= "canceled" then return wrong end
  local entry = entries:find { where = paid, order = "id", limit = 1 }[1]
  return differ("points given back", sum_of(entries, { reverses = entry.id }, "points"),
    redemption.points)
end

function checks.coupon(coupon, ctx)
  local uses = coupon.uses or 0
  if uses > coupon.uses_max then return "used more often than it may" end
  return differ("uses", uses, ctx.db:as_system().coupon_use:count {
    where = { coupon = coupon.id },
  })
end

return checks
