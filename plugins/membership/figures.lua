-- figures - what a program owes and what becomes of its points.
-- SPDX-License-Identifier: MIT
local lots = require("lots")

local figures = {}

-- Whole percents of parts, or nil of nothing.
local function percent(part, whole) return whole > 0 and part * 100 // whole or nil end

-- Of which program's cards. Where there is one, nothing else can be meant: no card is asked, and an
-- index holds all that is.
local function of(db, program) return db.program:count {} > 1 and program.id or nil end

-- POST …/program/{id}/actions/figures: what is outstanding by month of expiry, in points and money;
-- how much was redeemed, and how much expired, of all that was earned.
function figures.figures(ev, ctx)
  local db, program, months, total = ctx.db:as_system(), ev.record, {}, 0
  local name, whose = "sum.remaining", of(db, program)
  for i, row in ipairs(db.points_lot:aggregate {
    where = { ["member.program"] = whose, state = { "active", "pending", "debt" } },
    group = { { f = "expires_on", by = "month" } }, measure = { name, "count" },
  }) do
    local points = math.type(row[name]) == "integer" and row[name] or 0
    local worth, month = lots.worth(program, points), row.expires_on
    total = total + points
    months[i] = {
      month = month ~= crm.null and month and tostring(month):sub(1, 7) or nil, points = points,
      lots = row.count, amount = worth and tostring(worth) or nil,
    }
  end
  local sums = {}
  for _, row in ipairs(db.points_entry:aggregate {
    where = { ["member.program"] = whose }, group = { "kind" },
    measure = { "sum.points", "sum.pending_points" },
  }) do
    local function sum_of(what) return math.type(row[what]) == "integer" and row[what] or 0 end
    sums[row.kind] = sum_of("sum.points") + sum_of("sum.pending_points")
  end
  local function sum(kind) return sums[kind] or 0 end
  local earned = sum("earn") + sum("reverse_earn")
  local redeemed, expired = -sum("redeem") - sum("reverse_redeem"), -sum("expire")
  local worth = lots.worth(program, total)
  return {
    outstanding = total, liability = worth and tostring(worth) or nil, months = months,
    earned = earned, redeemed = redeemed, expired = expired,
    redemption_percent = percent(redeemed, earned), breakage_percent = percent(expired, earned),
  }
end

return figures
