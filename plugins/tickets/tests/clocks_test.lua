-- clocks_test - random calendars, pauses and targets against counting minute by minute.
-- SPDX-License-Identifier: MIT
local clocks = require("clocks")

local DAYS = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" }
local START = crm.datetime("2026-09-21T00:00:00Z") -- a Monday
local MINUTE_MS = 60000
local ROUNDS = 60
local SPAN = 6 * 1440 -- minutes in which things happen

local seed = 20261122
local function draw(n)
  seed = seed * 48271 % 2147483647
  return seed % n
end

local function clock_text(minute) return string.format("%02d:%02d", minute // 60, minute % 60) end

-- Ranges of a day as pairs of minutes, and as a calendar has them.
local function random_day()
  local kind = draw(4)
  if kind == 0 then return {} end
  local from = 360 + draw(240)
  if kind == 1 then return { { from, from + 60 + draw(400) } } end
  local noon = from + 30 + draw(180)
  return { { from, noon }, { noon + 15 + draw(90), noon + 120 + draw(240) } }
end

local function texts(day)
  local list = {}
  for i, range in ipairs(day) do
    list[i] = clock_text(range[1]) .. "-" .. clock_text(range[2])
  end
  return list
end

local function random_week()
  local slow, week = {}, {}
  for i, name in ipairs(DAYS) do
    slow[i] = random_day()
    week[name] = texts(slow[i])
  end
  slow[2] = { { 540, 720 }, { 810, 1080 } } -- never a week without work
  week.tue = texts(slow[2])
  return slow, week
end

-- Is it working time in the minute that begins then? minutes since START, in UTC.
local function is_open(slow, off, minute)
  local day = minute // 1440
  if off[day] then return false end
  local now = minute % 1440
  for _, range in ipairs(slow[day % 7 + 1]) do
    if now >= range[1] and now < range[2] then return true end
  end
  return false
end

local function at(minute) return START:add { minutes = minute } end

local function random_pauses(after)
  local list, from = {}, after + draw(300)
  for i = 1, draw(5) do
    local to = from + draw(900)
    list[i] = { from = from, to = to }
    from = to + draw(600)
  end
  return list
end

local function is_paused(pauses, minute)
  for _, pause in ipairs(pauses) do
    if minute >= pause.from and minute < pause.to then return true end
  end
  return false
end

-- The minute in which so much working time that was not paused has passed.
local function slow_due(slow, off, start, target, pauses)
  local minute, left = start, target
  while left > 0 do
    if is_open(slow, off, minute) and not is_paused(pauses, minute) then left = left - 1 end
    minute = minute + 1
  end
  return minute
end

crm.test("deadlines agree with counting minute by minute", function(t)
  for round = 1, ROUNDS do
    local slow, week = random_week()
    local off, days = {}, {}
    for _ = 1, draw(3) do
      local day = draw(14)
      off[day] = true
      days[tostring(START:add { days = day }):sub(1, 10)] = {}
    end
    local calendar = crm.calendar { zone = "UTC", week = week, days = next(days) and days or nil }
    local start, target = draw(SPAN), 1 + draw(900)
    local pauses, plain = random_pauses(start), {}
    for i, pause in ipairs(pauses) do plain[i] = { from = at(pause.from), to = at(pause.to) } end
    local clock = { started_at = at(start), target_ms = target * MINUTE_MS }
    local now = clocks.judge(clock, plain, calendar, at(start))
    local should = slow_due(slow, off, start, target, pauses)
    t.eq(tostring(now.due), tostring(at(should)), "round " .. round)
    t.eq({ now.state, now.breached }, { "running", false })
    -- Met a minute late it is missed; met then it is not.
    clock.met_at = at(should)
    t.eq(clocks.judge(clock, plain, calendar, at(should)).state, "met", "round " .. round)
    local _, worked = clocks.explain(clock, plain, calendar, at(should))
    t.eq(worked // MINUTE_MS, target, "round " .. round)
  end
end)

crm.test("hours from nine to eighteen, with noon and holidays", function(t)
  local week = {}
  for i = 1, 5 do week[DAYS[i]] = { "09:00-12:00", "13:30-18:00" } end
  local calendar = crm.calendar {
    zone = "Asia/Shanghai", week = week, days = { ["2026-10-01"] = {} },
  }
  local function due(from, minutes, pauses)
    local clock = { started_at = crm.datetime(from), target_ms = minutes * MINUTE_MS }
    return tostring((clocks.due(clock, pauses or {}, calendar)))
  end
  t.eq(due("2026-09-30T03:30:00Z", 60), "2026-09-30T06:00:00.000Z", "over noon")
  t.eq(due("2026-09-30T09:30:00Z", 60), "2026-10-02T01:30:00.000Z", "over a holiday")
  t.eq(due("2026-10-02T09:30:00Z", 60), "2026-10-05T01:30:00.000Z", "over the weekend")
  t.eq(due("2026-09-28T01:00:00Z", 60, {
    { from = crm.datetime("2026-09-28T01:30:00Z"), to = crm.datetime("2026-09-28T02:00:00Z") },
  }), "2026-09-28T02:30:00.000Z", "with half an hour of waiting")
end)
