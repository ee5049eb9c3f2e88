-- wallet - money that a member has with the company: stored value, and cash back.
--
-- Each of the two accounts is the sum of its entries, which nobody changes; each entry carries the
-- digest of the one before. Only this file writes them. Amounts are whole minor units throughout.
-- SPDX-License-Identifier: MIT
local asked = require("asked")

local wallet = {}

local ACCOUNTS = { stored_value = true, cash_back = true }

-- --- the book ---

function wallet.open(ctx, id)
  local db = ctx.db:as_system()
  local member = db.member:get(id)
  local program = db.program:get(member.program)
  local function minor(money) return money and money.minor or 0 end
  return {
    ctx = ctx, db = db, id = id, status = member.status, program = member.program,
    currency = program.currency or ctx.tenant.currency, seq = member.wallet_seq or 0,
    hash = member.wallet_hash,
    stored_value = minor(member.stored_value), cash_back = minor(member.cash_back),
  }
end

function wallet.money(book, minor) return crm.money { minor = minor, currency = book.currency } end

function wallet.close(book)
  assert(book.db.member:update(book.id, {
    stored_value = wallet.money(book, book.stored_value),
    cash_back = wallet.money(book, book.cash_back), wallet_seq = book.seq, wallet_hash = book.hash,
  }))
end

-- What an entry's digest is made of.
function wallet.text(previous, entry)
  return table.concat({
    previous or "", crm.id_text(entry.member), entry.seq, entry.account, entry.kind,
    entry.amount.minor, entry.balance_after.minor, entry.amount.currency, tostring(entry.on),
    entry.key or "",
  }, "|")
end

-- spec: account, kind, minor (signed), and what it is about. Never below zero.
function wallet.append(book, spec)
  local after = book[spec.account] + spec.minor
  assert(after >= 0, "more than there is")
  book.seq, book[spec.account] = book.seq + 1, after
  local fields = {
    member = book.id, seq = book.seq, account = spec.account, kind = spec.kind,
    amount = wallet.money(book, spec.minor), balance_after = wallet.money(book, after),
    on = book.ctx.now():date(), purchase = spec.purchase, redemption = spec.redemption,
    reverses = spec.reverses, reason = spec.reason, key = spec.key, previous_hash = book.hash,
    label = string.format("%s %s", spec.kind, tostring(wallet.money(book, spec.minor))),
  }
  fields.hash = crm.sha256(wallet.text(book.hash, fields))
  local entry = assert(book.db.wallet_entry:insert(fields))
  book.hash = fields.hash
  book.ctx.emit("wallet.changed", {
    member = book.id, entry = entry.id, account = spec.account, kind = spec.kind,
    amount = fields.amount, balance = fields.balance_after,
  })
  return entry
end

-- What a person is told.
function wallet.answer(book, entry)
  return {
    entry = entry and crm.id_text(entry.id), amount = entry and tostring(entry.amount),
    stored_value = tostring(wallet.money(book, book.stored_value)),
    cash_back = tostring(wallet.money(book, book.cash_back)),
  }
end

-- --- what is asked ---

-- An amount above zero in the member's currency, in minor units; nil after a refusal.
local function amount_of(ev, book)
  local ok, amount = pcall(crm.money, ev.params.amount, book.currency)
  if not ok or ev.params.amount == nil or amount.minor <= 0 or amount.currency ~= book.currency then
    ev:fail("amount", "@wallet_amount", { currency = book.currency })
    return nil
  end
  return amount.minor
end

-- Was an entry made with this key? Then its answer, or a refusal where it was another.
local function again(ev, book, key, minor)
  local before = key and book.db.wallet_entry:find { where = { key = key }, limit = 1 }[1]
  if not before then return false end
  if before.member ~= book.id or before.amount.minor ~= minor then
    ev:fail("key", "@key_reused")
    return true
  end
  return true, wallet.answer(book, before)
end

-- One movement of one account, asked for by a person.
local function move(ev, ctx, spec)
  local book = wallet.open(ctx, ev.record.id)
  local minor = amount_of(ev, book)
  if not minor then return end
  if spec.out then minor = -minor end
  local key = asked.key(ev, spec.kind)
  local done, told = again(ev, book, key, minor)
  if done then return told end
  if asked.is_closed(ev, book) then return end
  if book[spec.account] + minor < 0 then
    return ev:fail("amount", "@wallet_lacks", {
      available = tostring(wallet.money(book, book[spec.account])),
    })
  end
  local entry = wallet.append(book, {
    account = spec.account, kind = spec.kind, minor = minor, key = key, purchase = spec.purchase,
    reason = ev.params.reason,
  })
  wallet.close(book)
  return wallet.answer(book, entry)
end

-- POST …/member/{id}/actions/top_up { amount, reason, key }: paid in, as stored value.
function wallet.top_up(ev, ctx)
  return move(ev, ctx, { account = "stored_value", kind = "top_up" })
end

-- POST …/member/{id}/actions/pay { amount, account, purchase, reason, key }
function wallet.pay(ev, ctx)
  local account, purchase = ev.params.account or "stored_value", nil
  if not ACCOUNTS[account] then return ev:fail("account", "@wallet_account") end
  if ev.params.purchase ~= nil then
    local id = asked.id(ev, "purchase")
    local found = id and ctx.db:as_system().purchase:get(id)
    if not found or found.member ~= ev.record.id then
      return ev:fail("purchase", "@wallet_purchase")
    end
    purchase = found.id
  end
  return move(ev, ctx, { account = account, kind = "pay", out = true, purchase = purchase })
end

-- POST …/member/{id}/actions/pay_out { amount, reason, key }: cash back as money. Stored value was
-- sold and is not bought back so.
function wallet.pay_out(ev, ctx)
  return move(ev, ctx, { account = "cash_back", kind = "pay_out", out = true })
end

local CAN_REVERSE = { top_up = true, pay = true, pay_out = true }

-- POST …/wallet_entry/{id}/actions/reverse { amount (all that is left), reason, key }
function wallet.reverse(ev, ctx)
  local entry = ev.record
  if not CAN_REVERSE[entry.kind] then return ev:fail("kind", "@wallet_not_reversible") end
  local book = wallet.open(ctx, entry.member)
  if book.status == "closed" then return ev:fail("status", "@member_closed") end
  local key = asked.key(ev, "reverse")
  local before = key and book.db.wallet_entry:find { where = { key = key }, limit = 1 }[1]
  if before then
    if before.reverses ~= entry.id then return ev:fail("key", "@key_reused") end
    return wallet.answer(book, before)
  end
  local sign, left = entry.amount.minor < 0 and -1 or 1, math.abs(entry.amount.minor)
  for one in book.db.wallet_entry:each { where = { reverses = entry.id } } do
    left = left - math.abs(one.amount.minor)
  end
  local minor = left
  if ev.params.amount ~= nil then minor = amount_of(ev, book) end
  if not minor then return end
  if minor > left or left == 0 then
    return ev:fail("amount", "@wallet_reversed", { rest = tostring(wallet.money(book, left)) })
  end
  if book[entry.account] - sign * minor < 0 then
    return ev:fail("amount", "@wallet_lacks", {
      available = tostring(wallet.money(book, book[entry.account])),
    })
  end
  local made = wallet.append(book, {
    account = entry.account, kind = "reverse", minor = -sign * minor, reverses = entry.id,
    purchase = entry.purchase, reason = ev.params.reason, key = key,
  })
  wallet.close(book)
  return wallet.answer(book, made)
end

-- --- rewards ---

function wallet.is_account(kind) return ACCOUNTS[kind] or false end

-- A redemption of points credits what the reward is worth.
function wallet.reward(ctx, member, reward, redemption)
  local book = wallet.open(ctx, member)
  wallet.append(book, {
    account = reward.kind, kind = "reward", minor = reward.worth.minor, redemption = redemption,
    reason = reward.name,
  })
  wallet.close(book)
end

-- Takes a redemption's credit back. False where it is spent.
function wallet.take_back(ctx, redemption)
  local db = ctx.db:as_system()
  local credit = db.wallet_entry:find {
    where = { redemption = redemption.id, kind = "reward" }, limit = 1,
  }[1]
  if not credit then return true end
  local book = wallet.open(ctx, redemption.member)
  if book[credit.account] < credit.amount.minor then return false end
  wallet.append(book, {
    account = credit.account, kind = "reverse", minor = -credit.amount.minor,
    reverses = credit.id, redemption = redemption.id,
  })
  wallet.close(book)
  return true
end

-- Two cards become one: so does what is on them.
function wallet.merge(ctx, from_id, to_id)
  local from, to = wallet.open(ctx, from_id), wallet.open(ctx, to_id)
  local moved = false
  for _, account in ipairs { "stored_value", "cash_back" } do
    local minor = from[account]
    if minor > 0 then
      moved = true
      wallet.append(from, { account = account, kind = "merge_out", minor = -minor })
      wallet.append(to, { account = account, kind = "merge_in", minor = minor })
    end
  end
  if not moved then return end
  wallet.close(from)
  wallet.close(to)
end

return wallet
