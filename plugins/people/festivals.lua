-- festivals - days on which customers are greeted 节日: some days ahead, whoever looks after some
-- gets one task that names them.
--
-- A festival has the day of this year, because many follow the moon; one of the sun comes again
-- each year (yearly). It is about customers of some levels, or of all.
-- SPDX-License-Identifier: MIT
local care = require("care")

local festivals = {}

local NAMED = 20 -- customers that a task lists
local FESTIVALS = 100

-- The day it falls on from today on, or nil when it is over.
function festivals.next_day(festival, today)
  if festival.yearly then return care.next_birthday(festival.on, today) end
  return festival.on >= today and festival.on or nil
end

local function customers(festival, owner)
  local where = { status = "customer", owner = owner }
  local levels = {}
  for index, level in ipairs(festival.levels or {}) do levels[index] = level end
  if #levels > 0 then where.level = levels end
  return where
end

local function names(db, where)
  local list = {}
  for index, account in ipairs(db.account:find { where = where, order = "name", limit = NAMED }) do
    list[index] = account.name
  end
  return table.concat(list, "\n")
end

local function remember(ctx, db, festival, day, owner)
  local about, due_at = { entity = "festival", id = festival.id }, crm.datetime(day .. "T00:00:00Z")
  local where = customers(festival, owner)
  local count = db.account:count { where = where }
  local told = { about = festival.id, owner = owner, due_at = due_at }
  if count == 0 or db.task:count { where = told } > 0 then return end
  local list, greeting = names(db, where), festival.greeting
  assert(db.task:insert {
    subject = ctx.t("@care.festival", { name = festival.name, day = day, count = count }),
    type = "message", about = about, owner = owner, due_at = due_at, remind_at = ctx.now(),
    content = greeting and greeting .. "\n\n" .. list or list,
  })
end

-- Every morning: what is due, to everybody who looks after customers; one who has the task already
-- gets no second one.
function festivals.run(job, ctx)
  local db, today = ctx.db:as_system(), ctx.now():date()
  job:each({ entity = "user", as_system = true, batch = 50, where = { active = true } },
    function(user)
      for _, festival in ipairs(db.festival:find {
        where = { active = { ne = false } }, order = "on,id", limit = FESTIVALS,
      }) do
        local day = festivals.next_day(festival, today)
        if day and day <= today:add { days = festival.days_ahead or 0 } then
          remember(ctx, db, festival, tostring(day), user.id)
        end
      end
    end)
end

return festivals
