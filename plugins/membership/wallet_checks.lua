-- wallet_checks - what holds of stored value, cash back and points for events at every commit.
-- SPDX-License-Identifier: MIT
local wallet = require("wallet")

local checks = {}

local function differ(what, is, should)
  if is ~= should then return string.format("%s is %s, not %s", what, is, should) end
end

local function minor(money) return money and money.minor or 0 end

-- Each account is the sum of its entries, and never below zero; the card knows the last of them.
function checks.balance(member, ctx)
  local sums, count, last = { stored_value = 0, cash_back = 0 }, 0, nil
  for entry in ctx.db:as_system().wallet_entry:each {
    where = { member = member.id }, order = "seq",
  } do
    sums[entry.account] = sums[entry.account] + entry.amount.minor
    count, last = count + 1, entry
  end
  for _, account in ipairs { "stored_value", "cash_back" } do
    local wrong = differ(account, minor(member[account]), sums[account])
    if wrong then return wrong end
    if sums[account] < 0 then return account .. " is below zero" end
  end
  return differ("wallet_seq", member.wallet_seq or 0, count)
    or differ("wallet_hash", member.wallet_hash, last and last.hash)
end

-- Each entry carries the digest of the one before and its own; the balance behind it follows.
function checks.chain(entry, ctx)
  local db = ctx.db:as_system()
  local before = entry.seq > 1 and db.wallet_entry:find {
    where = { member = entry.member, seq = entry.seq - 1 }, limit = 1,
  }[1] or nil
  if entry.seq > 1 and not before then return "the entry before it is missing" end
  local same = db.wallet_entry:find {
    where = { member = entry.member, account = entry.account, seq = { lt = entry.seq } },
    order = "-seq", limit = 1,
  }[1]
  local hash = before and before.hash or nil
  return differ("previous_hash", entry.previous_hash, hash)
    or differ("hash", entry.hash, crm.sha256(wallet.text(hash, entry)))
    or differ("balance_after", entry.balance_after.minor,
      (same and same.balance_after.minor or 0) + entry.amount.minor)
end

-- No more is reversed than was moved.
function checks.reversed(entry, ctx)
  local back = 0
  for one in ctx.db:as_system().wallet_entry:each { where = { reverses = entry.id } } do
    if (one.amount.minor < 0) == (entry.amount.minor < 0) then return "reversed the same way" end
    back = back + math.abs(one.amount.minor)
  end
  if back > math.abs(entry.amount.minor) then return "more reversed than was moved" end
end

-- What rules gave for an event is what its entry booked, and no rule gave more often than it said.
function checks.happened(row, ctx)
  local db, sum = ctx.db:as_system(), 0
  if row.times_max and row.times > row.times_max then return "given too often" end
  for one in db.earning_event:each { where = { entry = row.entry } } do sum = sum + one.points end
  local entry = db.points_entry:get(row.entry)
  return differ("points of the entry", entry.points + entry.pending_points, sum)
end

-- A code was scanned as often as it says: once for each entry it led to.
function checks.code(code, ctx)
  local uses = code.uses or 0
  if code.uses_max and uses > code.uses_max then return "used more often than it may" end
  return differ("uses", uses, ctx.db:as_system().earning_event:count {
    where = { qr_code = code.id },
  })
end

return checks
