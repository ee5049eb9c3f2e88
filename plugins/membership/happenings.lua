-- happenings - points for what a member does beside buying: an event of the company's own, a code
-- that was scanned, a visit, a place.
--
-- Each rule that gives something leaves a row that says how often it has given to this member in
-- this period; the store refuses a second row of the same number.
-- SPDX-License-Identifier: MIT
local asked = require("asked")
local earning = require("earning")
local ledger = require("ledger")
local points = require("points")

local happenings = {}

local RULES_MAX = 20 -- that one happening may set off
local TEXT_MAX = 60

-- Where a rule says nothing: how long it has given "already", and how often it gives till then.
local PERIODS = { check_in = "day", place = "ever", qr = "ever", custom = "ever" }
local ONCE = { check_in = true, place = true, qr = true }

-- Weeks since the first Monday of 1970, by the days that have passed in the calendar.
local function week_of(day)
  local year, month = day:year(), day:month()
  if month < 3 then year, month = year - 1, month + 12 end
  local days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5
    + day:day() - 719469
  return (days - 4) // 7
end

-- The period that a day lies in, as a text that names it.
local function period_of(rule, day)
  local span = rule.period or PERIODS[rule.event]
  if span == "day" then return tostring(day) end
  if span == "week" then return string.format("week %d", week_of(day)) end
  if span == "month" then return tostring(day):sub(1, 7) end
  if span == "year" then return tostring(day):sub(1, 4) end
  return "ever"
end

local function rules_of(book, happened)
  local where = {
    program = book.program_id, active = true, kind = "bonus", event = happened.events,
  }
  if happened.code then where.code = happened.code end
  if happened.rule then where.id = happened.rule end
  local found = {}
  for _, rule in ipairs(book.db.earning_rule:find {
    where = where, order = "order", limit = RULES_MAX,
  }) do
    local fits = points.is_valid(rule, happened.on) and (rule.points or 0) > 0
    if fits and points.is_match(rule.match, { store = happened.store, label = book.tags }) then
      found[#found + 1] = rule
    end
  end
  return found
end

-- How often the rule has given to the member in the period, and how often it may.
local function given(book, rule, period)
  local most = rule.per_member or ONCE[rule.event] and 1 or nil
  local last = book.db.earning_event:find {
    where = { member = book.id, rule = rule.id, period = period }, order = "-times", limit = 1,
  }[1]
  return last and last.times or 0, most
end

local function answer(book, entry)
  local told = ledger.answer(book, entry)
  told.rules = {}
  for i, row in ipairs(book.db.earning_event:find {
    where = { entry = entry.id }, order = "id", limit = RULES_MAX,
  }) do
    local rule = book.db.earning_rule:get(row.rule)
    told.rules[i] = { name = rule and rule.name, points = row.points, times = row.times }
  end
  return told
end

-- What the rules give for something that happened: { events, on, code, store, rule, qr_code, key,
-- reason }. The entry; or nil and whether it was only too often.
local function book_it(book, happened)
  local sum, rows, too_often = 0, {}, false
  for _, rule in ipairs(rules_of(book, happened)) do
    local period = period_of(rule, happened.on)
    local times, most = given(book, rule, period)
    if most and times >= most then
      too_often = true
    else
      sum = sum + rule.points
      rows[#rows + 1] = { rule = rule, period = period, times = times + 1, most = most }
    end
  end
  if #rows == 0 then return nil, too_often end
  local entry = earning.book(book, {
    points = sum, source = "bonus", on = happened.on, rule = rows[1].rule.name,
    reason = happened.reason, key = happened.key, qualifying = 0,
  })
  for _, row in ipairs(rows) do
    local rule = row.rule
    assert(book.db.earning_event:insert {
      member = book.id, rule = rule.id, event = rule.event, code = happened.code,
      store = happened.store, qr_code = happened.qr_code, on = happened.on, period = row.period,
      times = row.times, times_max = row.most, points = rule.points, entry = entry.id,
      label = string.format("%s %+d", rule.name, rule.points),
    })
  end
  return entry
end

-- A word that a parameter gives; nil and false where it is none.
local function word(value)
  if value == nil then return nil, true end
  local fits = type(value) == "string" and value:match("%S") ~= nil
    and (utf8.len(value) or TEXT_MAX + 1) <= TEXT_MAX
  return fits and value or nil, fits
end

-- Was it told before? Then its answer, or a refusal where it was something else.
local function again(ev, book, happened)
  local before = ledger.by_key(book, happened.key)
  if not before then return false end
  if before.member ~= book.id or before.reason ~= happened.reason then
    ev:fail("key", "@key_reused")
    return true
  end
  return true, answer(book, before)
end

-- The book of who did it, and what was answered before; nil after a refusal.
local function begin(ev, ctx, happened)
  local book = ledger.open(ctx, ev.record)
  local done, told = again(ev, book, happened)
  if done then return nil, told end
  return not asked.is_closed(ev, book) and book or nil
end

local function finish(ev, book, happened, field)
  local entry, too_often = book_it(book, happened)
  if not entry then
    return ev:fail(field, too_often and "@happened_enough" or "@happened_nothing")
  end
  ledger.close(book)
  return answer(book, entry)
end

-- POST …/member/{id}/actions/happened { event, key, store }: an event that a rule of the company
-- names. The key makes it happen once.
function happenings.happened(ev, ctx)
  local code, store, fits = word(ev.params.event), word(ev.params.store)
  if not code then return ev:fail("event", "@happened_event") end
  if not fits then return ev:fail("store", "@happened_store") end
  local key = asked.key(ev, "event")
  if not key then return ev:fail("key", "@happened_key") end
  local happened = {
    events = "custom", code = code, store = store, on = ctx.now():date(), key = key, reason = code,
  }
  local book, told = begin(ev, ctx, happened)
  if not book then return told end
  return finish(ev, book, happened, "event")
end

-- POST …/member/{id}/actions/check_in { store, key }: a visit. Rules for places ask which store.
function happenings.check_in(ev, ctx)
  local store, fits = word(ev.params.store)
  if not fits then return ev:fail("store", "@happened_store") end
  local happened = {
    events = store and { "check_in", "place" } or "check_in", store = store,
    on = ctx.now():date(), key = asked.key(ev, "check_in"), reason = "check_in",
  }
  local book, told = begin(ev, ctx, happened)
  if not book then return told end
  return finish(ev, book, happened, "store")
end

-- --- codes ---

local function in_time(code, day)
  return (not code.valid_from or code.valid_from <= day)
    and (not code.valid_to or day <= code.valid_to)
end

-- POST …/member/{id}/actions/scan { token, key }: who shows the token was there, for nobody can
-- guess one.
function happenings.scan(ev, ctx)
  local token, db, today = ev.params.token, ctx.db:as_system(), ctx.now():date()
  local code = type(token) == "string" and #token == 32
    and db.qr_code:find { where = { token = token }, limit = 1 }[1]
  if not code then return ev:fail("token", "@scan_unknown") end
  local happened = {
    events = "qr", rule = code.rule, store = code.store, qr_code = code.id, on = today,
    key = asked.key(ev, "scan"), reason = code.name,
  }
  local book, told = begin(ev, ctx, happened)
  if not book then return told end
  if not code.active or not in_time(code, today) then return ev:fail("token", "@scan_ended") end
  if code.uses_max and code.uses >= code.uses_max then return ev:fail("token", "@scan_used_up") end
  local answered = finish(ev, book, happened, "token")
  if answered then assert(db.qr_code:update(code.id, { uses = code.uses + 1 })) end
  return answered
end

function happenings.new_token(ev) ev.record.token = crm.token() end

-- POST …/qr_code/{id}/actions/renew: what was printed is worth nothing from now on.
function happenings.renew(ev, ctx)
  local code = assert(ctx.db:as_system().qr_code:update(ev.record.id, { token = crm.token() }))
  return { token = code.token }
end

function happenings.check_code(ev, ctx)
  local code = ev.record
  local rule = code.rule and ctx.db:as_system().earning_rule:get(code.rule)
  if rule and (rule.kind ~= "bonus" or rule.event ~= "qr") then ev:fail("rule", "@code_rule") end
  if code.uses_max and code.uses_max < (code.uses or 0) then
    ev:fail("uses_max", "@code_uses", { uses = code.uses })
  end
  if code.valid_from and code.valid_to and code.valid_to < code.valid_from then
    ev:fail("valid_to", "@coupon_dates")
  end
end

-- A rule for an event of the company's own names it; another has no name.
function happenings.check_rule(ev)
  local rule = ev.record
  local named = rule.code ~= nil and rule.code:match("%S") ~= nil
  local is_own = rule.kind == "bonus" and rule.event == "custom"
  if is_own ~= named then ev:fail("code", "@rule_code") end
end

-- --- for other plugins ---

-- argument: member, event, key, store. What a rule of the company gives for an event of its own:
-- { points, entry } or nothing; once per key.
function happenings.record(argument, ctx)
  local book = ledger.find(ctx, argument.member)
  local key = "event:" .. argument.key
  if not book or book.status ~= "active" then return { points = 0 } end
  local entry = ledger.by_key(book, key)
  if not entry then
    entry = book_it(book, {
      events = "custom", code = argument.event, store = argument.store, on = book.today, key = key,
      reason = argument.event,
    })
    if entry then ledger.close(book) end
  end
  return { points = entry and entry.points + entry.pending_points or 0, entry = entry and entry.id }
end

return happenings
