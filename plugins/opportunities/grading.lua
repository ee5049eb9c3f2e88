-- grading - customers' levels 客户等级 by what they have bought in a year, worked out each month.
-- SPDX-License-Identifier: MIT
local grading = {}

local DAYS = 365
local MINOR = 100 -- settings are in whole units

local function won(ctx, db, account)
  local since = ctx.now():date():add { days = -DAYS }
  local rows = assert(db.opportunity:aggregate {
    where = { account = account, kind = "won", closed_on = { gte = since } },
    measure = { "sum.amount" },
  })
  local sum = rows[1] and rows[1]["sum.amount"]
  return type(sum) == "table" and sum.amount and crm.money(sum.amount).minor or 0
end

-- The service account.grade: { account = id } -> level, reasons. A company puts its own in place.
function grading.grade(asked, ctx)
  local amount, config = won(ctx, ctx.db:as_system(), asked.account), ctx.config
  local function reaches(bound) return bound > 0 and amount >= bound * MINOR end
  local level = reaches(config.grade_a) and "a" or reaches(config.grade_b) and "b"
    or amount > 0 and "c" or "d"
  return { level = level, reasons = { ctx.t("@grade.reason", { amount = amount // MINOR }) } }
end

local function grade(ctx, db, account)
  local found, before = ctx.call("account.grade", { account = account.id }), account.level
  if not found.level or found.level == before then return end
  -- One under approval waits for the next month.
  if not db.account:update(account.id, { level = found.level }) then return end
  ctx.emit("account.graded", {
    account = account.id, from = before, to = found.level, reason = found.reasons[1],
  })
end

-- On the first of each month, where grade_a says so (0: never).
function grading.run(job, ctx)
  local db = ctx.db:as_system()
  if ctx.config.grade_a == 0 then return end
  job:each({ entity = "account", as_system = true, batch = 50, where = { status = "customer" } },
    function(account) grade(ctx, db, account) end)
end

return grading
