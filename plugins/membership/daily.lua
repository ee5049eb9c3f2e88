-- daily - what happens to members because time passes, by the company's date.
--
-- Each job may run twice or a week late and leaves the same: what it finds is what is due.
-- SPDX-License-Identifier: MIT
local earning = require("earning")
local figures = require("figures")
local ledger = require("ledger")
local lots = require("lots")
local tiers = require("tiers")

local daily = {}

local BATCH = 20
local CATCH_UP_DAYS = 31 -- birthdays that were missed while nothing ran

-- Lots that become active or expire, holds that end.
function daily.settle(job, ctx)
  local settled = 0
  job:each({
    entity = "member", as_system = true, batch = BATCH,
    where = {
      ["or"] = {
        { due_on = { lte = ctx.now():date() } }, { hold_due_at = { lte = ctx.now() } },
      },
    },
  }, function(member)
    ledger.close(ledger.open(ctx, member))
    settled = settled + 1
  end)
  return { settled = settled }
end

-- Tiers whose time is over.
function daily.tiers(job, ctx)
  job:each({
    entity = "member", as_system = true, batch = BATCH,
    where = { tier_until = { lte = ctx.now():date() }, status = { "active", "frozen" } },
  }, function(member)
    local book = ledger.open(ctx, member)
    tiers.ended(book)
    ledger.close(book)
  end)
end

-- --- birthdays ---

local function is_leap(year) return year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) end

-- Days of birth that are kept today or were since the last run. Who was born on the 29th of
-- February has the 28th in other years.
local function days_due(ctx)
  local today, list = ctx.now():date(), {}
  local last = ctx.kv:get("birthdays")
  local day = last and crm.date(last):add { days = 1 } or today
  local first = today:add { days = -CATCH_UP_DAYS }
  if day < first then day = first end
  while day <= today do
    local number = day:month() * 100 + day:day()
    list[#list + 1] = number
    if number == 228 and not is_leap(day:year()) then list[#list + 1] = 229 end
    day = day:add { days = 1 }
  end
  return list, today
end

-- Once a year: the key has the year in which it was kept.
function daily.birthdays(job, ctx)
  local days, today = days_due(ctx)
  if #days == 0 then return end
  job:each({
    entity = "member", as_system = true, batch = BATCH,
    where = { birthday_day = { ["in"] = days }, status = "active" },
  }, function(member)
    local kept = member.birthday_day > today:month() * 100 + today:day() and today:year() - 1
      or today:year()
    local book = ledger.open(ctx, member)
    local key = string.format("birthday:%s:%d", crm.id_text(book.id), kept)
    if earning.bonus(book, "birthday", book.today, key) then ledger.close(book) end
  end)
  ctx.kv:set("birthdays", tostring(today))
end

-- --- warnings ---

local function warn_lots(job, ctx, days)
  if days < 1 then return end
  local today = ctx.now():date()
  job:each({
    entity = "points_lot", as_system = true, batch = 50,
    where = {
      state = "active", remaining = { gt = 0 },
      expires_on = { gte = today, lte = today:add { days = days } },
      ["or"] = { { warned_days = { null = true } }, { warned_days = { gt = days } } },
    },
  }, function(lot)
    assert(ctx.db:as_system().points_lot:update(lot.id, { warned_days = days }))
    ctx.emit("points.expiring", {
      member = lot.member, lot = lot.id, points = lot.remaining, expires_on = lot.expires_on,
      days = days,
    })
  end)
end

local function warn_tiers(job, ctx)
  local today = ctx.now():date()
  job:each({
    entity = "member", as_system = true, batch = 50,
    where = {
      status = "active", tier = { null = false },
      tier_until = { gt = today, lte = today:add { days = ctx.config.warn_days } },
    },
  }, function(member)
    if member.tier_warned == member.tier_until then return end
    assert(ctx.db:as_system().member:update(member.id, { tier_warned = member.tier_until }))
    ctx.emit("member.tier_expiring", {
      member = member.id, tier = member.tier, ["until"] = member.tier_until,
    })
  end)
end

-- Once per lot and configured number of days: the nearer one is not followed by the farther.
function daily.warn(job, ctx)
  local near, far = ctx.config.warn_again_days, ctx.config.warn_days
  if near < far then warn_lots(job, ctx, near) end
  warn_lots(job, ctx, far)
  warn_tiers(job, ctx)
end

-- --- liability ---

local function tell_owed(ctx, program, points)
  local key = "liability:" .. crm.id_text(program.id)
  local before = ctx.kv:get(key) or 0
  if points == before then return end
  ctx.tx(function()
    ctx.kv:set(key, points)
    ctx.emit("program.liability_changed", {
      program = program.id, points = points, before = before,
    })
  end)
end

-- Program by program: `done` is the last that was counted, `program` the one being counted.
function daily.liability(job, ctx)
  local kept = job.cursor or {}
  if math.type(kept) then kept = { done = kept } end -- what an earlier release kept
  for _, program in ipairs(ctx.db:as_system().program:find {
    where = { active = true, id = kept.done and { gt = kept.done } or nil },
    order = "id", limit = 200,
  }) do
    local state = kept.program == program.id and kept.state or nil
    local points = figures.count(ctx, program, state, function(now)
      job:save { done = kept.done, program = program.id, state = now }
    end)
    tell_owed(ctx, program, points)
    kept = { done = program.id }
    job:save(kept)
  end
end

-- Another worth of a point: what lots are worth is written anew.
function daily.revalue(job, ctx)
  local db = ctx.db:as_system()
  local program = db.program:get(crm.id_parse(job.args.program))
  job:each({
    entity = "points_lot", as_system = true, batch = 100,
    where = { ["member.program"] = program.id, state = { "active", "pending", "debt" } },
  }, function(lot)
    assert(db.points_lot:update(lot.id, {
      worth = lots.worth(program, lot.remaining) or crm.null,
    }))
  end)
end

function daily.revalue_later(ev, ctx)
  ctx.queue:push("revalue", { program = crm.id_text(ev.record.id) })
end

return daily
