-- figures - what a program owes and what becomes of its points.
--
-- Counted by a job, outside of any write: over millions of lots it takes seconds, and an operation
-- has milliseconds. What was counted is kept by day.
-- SPDX-License-Identifier: MIT
local lots = require("lots")

local figures = {}

local OPEN = { "active", "pending", "debt" }

-- Whole percents of parts, or nil of nothing.
local function percent(part, whole) return whole > 0 and part * 100 // whole or nil end

-- The sum of nothing is null.
local function number(value) return math.type(value) == "integer" and value or 0 end

-- Of which program's cards. Where there is one, nothing else can be meant: no card is asked, and an
-- index holds all that is.
local function of(db, program) return db.program:count {} > 1 and program.id or nil end

-- What is outstanding by month of expiry, in points and money.
local function by_month(db, program, whose)
  local months, total = {}, 0
  for i, row in ipairs(db.points_lot:aggregate {
    where = { ["member.program"] = whose, state = OPEN },
    group = { { f = "expires_on", by = "month" } }, measure = { "sum.remaining", "count" },
  }) do
    local points, month = number(row["sum.remaining"]), row.expires_on
    local worth = lots.worth(program, points)
    total = total + points
    months[i] = {
      month = month ~= crm.null and month and tostring(month):sub(1, 7) or nil, points = points,
      lots = row.count, amount = worth and tostring(worth) or nil,
    }
  end
  return months, total
end

-- How much entries of each kind have moved.
local function by_kind(db, whose)
  local sums = {}
  for _, row in ipairs(db.points_entry:aggregate {
    where = { ["member.program"] = whose }, group = { "kind" },
    measure = { "sum.points", "sum.pending_points" },
  }) do
    sums[row.kind] = number(row["sum.points"]) + number(row["sum.pending_points"])
  end
  return function(kind) return sums[kind] or 0 end
end

-- Counts a program and keeps it as the row of its day. Gives the row.
function figures.count(ctx, program)
  local db, today = ctx.db:as_system(), ctx.now():date()
  local whose = of(db, program)
  local months, total = by_month(db, program, whose)
  local sum = by_kind(db, whose)
  local earned = sum("earn") + sum("reverse_earn")
  local redeemed, expired = -sum("redeem") - sum("reverse_redeem"), -sum("expire")
  local fields = {
    program = program.id, on = today, counted_at = ctx.now(), outstanding = total,
    liability = lots.worth(program, total), months = months, earned = earned, redeemed = redeemed,
    expired = expired, redemption_percent = percent(redeemed, earned),
    breakage_percent = percent(expired, earned),
    label = string.format("%s %s", program.name, tostring(today)),
  }
  return ctx.tx(function()
    local before = db.program_figures:find {
      where = { program = program.id, on = today }, limit = 1,
    }[1]
    if before then return assert(db.program_figures:update(before.id, fields)).id end
    return assert(db.program_figures:insert(fields)).id
  end), total
end

function figures.run(job, ctx)
  local program = ctx.db:as_system().program:get(crm.id_parse(job.args.program))
  if not program then return end
  local _, total = figures.count(ctx, program)
  return { outstanding = total }
end

-- POST …/program/{id}/actions/figures: as they were counted last, and counts them anew behind it.
function figures.figures(ev, ctx)
  local id = crm.id_text(ev.record.id)
  ctx.queue:push("figures", { program = id }, { key = "figures:" .. id })
  local last = ctx.db:as_system().program_figures:find {
    where = { program = ev.record.id }, order = "-on", limit = 1,
  }[1]
  if not last then return { counting = true } end
  return {
    counted_at = tostring(last.counted_at), counting = true, outstanding = last.outstanding,
    liability = last.liability and tostring(last.liability) or nil, months = last.months,
    earned = last.earned, redeemed = last.redeemed, expired = last.expired,
    redemption_percent = last.redemption_percent, breakage_percent = last.breakage_percent,
  }
end

return figures
