-- care - what is due to customers without anybody asking: birthdays, return visits, and a warning
-- of those who fall silent. Each becomes a task of who looks after them, once.
-- SPDX-License-Identifier: MIT
local care = {}

local LEAP_DAY = "02-29"

-- --- birthdays ---

-- The birthday's next day from `today` on; who was born on 29 February has the 28th in other years.
function care.next_birthday(born, today)
  local year, day = tonumber(tostring(today):sub(1, 4)), tostring(born):sub(6)
  for next_year = year, year + 1 do
    local fits, date = pcall(crm.date, string.format("%04d-%s", next_year, day))
    if not fits and day == LEAP_DAY then
      date = crm.date(string.format("%04d-02-28", next_year))
    end
    if date >= today then return date end
  end
end

local function remember(ctx, db, about, owner, key, due_at, args)
  assert(db.task:insert {
    subject = ctx.t(key, args), type = "call", about = about, owner = owner, due_at = due_at,
    remind_at = due_at,
  })
end

local function owner_of(db, contact)
  if contact.owner then return contact.owner end
  local account = contact.account and db.account:get(contact.account)
  return account and account.owner
end

local function congratulate(ctx, db, contact, today, until_day)
  local on, owner = care.next_birthday(contact.birthday, today), owner_of(db, contact)
  if not owner or on > until_day or contact.birthday_told_on == on then return end
  assert(db.contact:update(contact.id, { birthday_told_on = on }))
  remember(ctx, db, { entity = "contact", id = contact.id }, owner, "@care.birthday", ctx.now(),
    { name = contact.name, day = tostring(on) })
  ctx.emit("contact.birthday_due", { contact = contact.id, owner = owner, on = on })
end

-- Every morning, some days ahead (birthday_days).
function care.birthdays(job, ctx)
  local db, today = ctx.db:as_system(), ctx.now():date()
  local until_day = today:add { days = ctx.config.birthday_days }
  job:each({
    entity = "contact", as_system = true, batch = 100,
    where = { birthday = { ne = crm.null }, duplicate_of = crm.null },
  }, function(contact) congratulate(ctx, db, contact, today, until_day) end)
end

-- --- customers that nobody has talked with ---

local function silent(ctx, days, mark)
  local before = ctx.now():add { days = -days }
  return {
    status = "customer", owner = { ne = crm.null }, [mark] = crm.null,
    ["or"] = {
      { last_follow_at = { lte = before } },
      { last_follow_at = crm.null, created_at = { lte = before } },
    },
  }
end

-- Each customer silent for so many days (0: never) once: marked as told, then `tell`.
local function each_silent(job, ctx, days, mark, tell)
  if days == 0 then return end
  local db = ctx.db:as_system()
  job:each({
    entity = "account", as_system = true, batch = 100, where = silent(ctx, days, mark),
  }, function(account)
    assert(db.account:update(account.id, { [mark] = ctx.now() }))
    tell(account, db)
  end)
end

-- Days after the last talk a visit is due (visit_days).
function care.visits(job, ctx)
  local days = ctx.config.visit_days
  each_silent(job, ctx, days, "visit_told_at", function(account, db)
    remember(ctx, db, { entity = "account", id = account.id }, account.owner, "@care.visit",
      ctx.now(), { name = account.name, days = days })
  end)
end

-- Days after the last talk a customer is about to be lost (churn_days).
function care.churn(job, ctx)
  local days = ctx.config.churn_days
  each_silent(job, ctx, days, "churn_warned_at", function(account)
    ctx.emit("account.churn_warned", { account = account.id, owner = account.owner, days = days })
  end)
end

-- A talk begins it anew.
function care.talked(ev)
  ev.record.visit_told_at, ev.record.churn_warned_at = nil, nil
end

return care
