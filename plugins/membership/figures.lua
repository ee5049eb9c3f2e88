-- figures - what a program owes and what becomes of its points.
--
-- Counted by a job, outside of any write and in steps: over millions of lots it takes seconds, and
-- an operation has milliseconds. What was counted is kept by day.
-- SPDX-License-Identifier: MIT
local lots = require("lots")
local tally = require("tally")

local figures = {}

-- Whole percents of parts, or nil of nothing.
local function percent(part, whole) return whole > 0 and part * 100 // whole or nil end

local function keep(ctx, program, state)
  local db, today = ctx.db:as_system(), ctx.now():date()
  local months, total = tally.months(state)
  for _, one in ipairs(months) do
    local worth = lots.worth(program, one.points)
    one.amount = worth and tostring(worth) or nil
  end
  local function sum(kind) return tally.moved(state, kind) end
  local earned = sum("earn") + sum("reverse_earn")
  local redeemed, expired = -sum("redeem") - sum("reverse_redeem"), -sum("expire")
  local fields = {
    program = program.id, on = today, counted_at = ctx.now(), outstanding = total,
    liability = lots.worth(program, total), months = months, earned = earned, redeemed = redeemed,
    expired = expired, redemption_percent = percent(redeemed, earned),
    breakage_percent = percent(expired, earned),
    label = string.format("%s %s", program.name, tostring(today)),
  }
  ctx.tx(function()
    local before = db.program_figures:find {
      where = { program = program.id, on = today }, limit = 1,
    }[1]
    if before then return assert(db.program_figures:update(before.id, fields)) end
    return assert(db.program_figures:insert(fields))
  end)
  return total
end

-- Counts a program and keeps it as the row of its day. `kept` is where an earlier step of the job
-- has come to, `save` keeps that. Gives the points outstanding.
function figures.count(ctx, program, kept, save)
  local db = ctx.db:as_system()
  local state = kept and tally.copy(kept) or tally.begin(db, program.id)
  while tally.step(db, state) do save(state) end
  return keep(ctx, program, state)
end

function figures.run(job, ctx)
  local program = ctx.db:as_system().program:get(crm.id_parse(job.args.program))
  if not program then return end
  return {
    outstanding = figures.count(ctx, program, job.cursor, function(state) job:save(state) end),
  }
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
