-- tally - what a program's lots hold and what its entries have moved, counted in bounded steps.
--
-- One sum over millions of rows takes longer than a job's step may. So rows are counted by ranges
-- of ids, and what was counted is kept by the job. Whatever is written meanwhile, the result is
-- that of one moment, behind the entry that was the last when the counting began (`upto`): entries
-- never change, and later ones are not counted. Lots do change, so each range of them is kept with
-- the last entry behind which it was read, and in the end what entries between the two did to its
-- lots is taken out again. Only how many lots there are is as each range was read.
-- SPDX-License-Identifier: MIT
local tally = {}

local RANGE = 10000   -- rows of one range: no count goes further
local SPAN = 1 << 47  -- of ids, which are times: about a day to begin with
local LATE = 200      -- draws of later entries looked at in one step
local FIRST = 1       -- before any id
local NEVER = "never" -- the month of what does not expire

-- The sum of nothing is null.
local function number(value) return math.type(value) == "integer" and value or 0 end

local function last(entries)
  local entry = entries:find { order = "-id", limit = 1 }[1]
  return entry and entry.id or 0
end

-- Of which program's cards. Where there is one, nothing else can be meant, and no card is asked.
function tally.begin(db, program)
  return {
    whose = db.program:count {} > 1 and program or nil, upto = last(db.points_entry),
    phase = "entries", at = FIRST, span = SPAN, kinds = {}, months = {}, ranges = {},
  }
end

-- What a job kept is read-only.
function tally.copy(kept)
  if type(kept) ~= "table" and type(kept) ~= "userdata" then return kept end
  local own = {}
  for key, value in pairs(kept) do own[key] = tally.copy(value) end
  return own
end

-- The ids of the next rows, fewer than RANGE; nil behind the last.
local function range(rows, state)
  local first = state.upto > 0 and rows:find {
    where = { id = { gt = state.at, lte = state.upto } }, order = "id", limit = 1,
  }[1]
  if not first then return nil end
  while true do
    local span = state.span
    local ids = { gte = first.id, lte = first.id + math.min(span, state.upto - first.id) }
    local count = rows:count { where = { id = ids } }
    if count < RANGE or span == 0 then
      if count < RANGE // 4 then state.span = math.min(span * 4, 1 << 60) end
      return ids
    end
    state.span = span // 2
  end
end

local function next_phase(state, phase, at)
  state.phase, state.at, state.span = phase, at, SPAN
  return true
end

local function entries(db, state)
  local ids = range(db.points_entry, state)
  if not ids then return next_phase(state, "lots", FIRST) end
  for _, row in ipairs(db.points_entry:aggregate {
    where = { id = ids, ["member.program"] = state.whose }, group = { "kind" },
    measure = { "sum.points", "sum.pending_points" },
  }) do
    state.kinds[row.kind] = (state.kinds[row.kind] or 0) + number(row["sum.points"])
      + number(row["sum.pending_points"])
  end
  state.at = ids.lte
  return true
end

local function month_of(date)
  return date and date ~= crm.null and tostring(date):sub(1, 7) or NEVER
end

local function add(state, month, points, count)
  local sums = state.months[month] or { 0, 0 }
  state.months[month] = sums
  sums[1], sums[2] = sums[1] + points, sums[2] + count
end

-- Ranges behind each other that were read behind the same entry are one: { last id, entry }.
local function note(state, to, seen)
  local before = state.ranges[#state.ranges]
  if not before or before[2] ~= seen then
    before = { to, seen }
    state.ranges[#state.ranges + 1] = before
  end
  before[1] = to
end

-- What is spent or has expired holds nothing. Where an entry came while a range was read, nobody
-- can say which: it is read again, and less of it.
local function lots(db, state)
  local ids = range(db.points_lot, state)
  if not ids then return next_phase(state, "late", state.upto) end
  local seen = last(db.points_entry)
  local rows = db.points_lot:aggregate {
    where = { id = ids, remaining = { ne = 0 }, ["member.program"] = state.whose },
    group = { { f = "expires_on", by = "month" } }, measure = { "sum.remaining", "count" },
  }
  if last(db.points_entry) ~= seen then
    state.span = (ids.lte - ids.gte) // 2
    return true
  end
  for _, row in ipairs(rows) do
    add(state, month_of(row.expires_on), number(row["sum.remaining"]), row.count)
  end
  note(state, ids.lte, seen)
  state.at = ids.lte
  return true
end

-- Behind which entry a lot was read; nil of those that were not.
local function seen_of(state, lot)
  for _, one in ipairs(state.ranges) do
    if lot <= one[1] then return one[2] end
  end
end

local function late(db, state)
  local newest = #state.ranges > 0 and state.ranges[#state.ranges][2] or state.upto
  if newest == state.upto then return false end
  local draws = db.points_draw:find {
    where = { id = { gt = state.at } }, order = "id", limit = LATE,
  }
  local wanted, own = {}, {}
  for i, draw in ipairs(draws) do wanted[i] = draw.lot end
  for _, lot in ipairs(#wanted > 0 and db.points_lot:find {
    where = { id = wanted, ["member.program"] = state.whose }, limit = LATE,
  } or {}) do
    own[lot.id] = lot
  end
  for _, draw in ipairs(draws) do
    local lot, entry = own[draw.lot], draw.entry
    local seen = lot and seen_of(state, lot.id)
    if seen and entry > state.upto and entry <= seen then
      add(state, month_of(lot.expires_on), -draw.points, 0)
    end
    state.at = draw.id
  end
  return #draws == LATE and draws[#draws].entry <= newest
end

local PHASES = { entries = entries, lots = lots, late = late }

-- Counts some more; false when all is counted.

function tally.step(db, state) return PHASES[state.phase](db, state) end

-- What is outstanding, by month of expiry in order: { month =, points =, lots = }, and in all.
-- What lasts for ever comes first and has no month.
function tally.months(state)
  local list, total = {}, 0
  for month, sums in pairs(state.months) do
    if sums[1] ~= 0 or sums[2] ~= 0 then
      local name = month ~= NEVER and month or nil
      list[#list + 1] = { month = name, points = sums[1], lots = sums[2] }
      total = total + sums[1]
    end
  end
  table.sort(list, function(a, b) return (a.month or "") < (b.month or "") end)
  return list, total
end

-- How much entries of a kind have moved.
function tally.moved(state, kind) return state.kinds[kind] or 0 end

return tally
