-- calendars - business hours as people keep them, and as clocks count them.
-- SPDX-License-Identifier: MIT
local conditions = require("people.conditions")

local calendars = {}

local DAYS = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" }

local kept = {} -- id → { version, calendar }: made once while a calendar stays as it is

local function round_the_clock()
  local week = {}
  for _, day in ipairs(DAYS) do week[day] = { "00:00-24:00" } end
  return crm.calendar { week = week }
end

local function make(row)
  return crm.calendar { zone = row.zone, week = row.week, days = row.days }
end

-- The calendar of that id, else the company's default, else every hour of every day; its id, and
-- when it was changed last.
function calendars.get(db, id)
  local row = id and db.calendar:get(id)
    or db.calendar:find { where = { is_default = true }, limit = 1 }[1]
  if not row then return round_the_clock() end
  local found = kept[row.id]
  if not found or found.version ~= row.version then
    found = { version = row.version, calendar = make(row) }
    kept[row.id] = found
  end
  return found.calendar, row.id, row.updated_at
end

-- Whose hours count for a ticket: the policy's, else those of who works on it, else of the team.
-- nil: the company's default.
function calendars.of(db, policy, ticket)
  if policy and policy.calendar then return policy.calendar end
  local function whose(field, id)
    local row = id and db.calendar:find {
      where = { [field] = { has = crm.id_text(id) } }, order = "name", limit = 1,
    }[1]
    return row and row.id
  end
  return whose("users", ticket.owner) or whose("teams", ticket.team)
end

-- A calendar that cannot be counted with is refused on the field that is wrong.
function calendars.check(ev, ctx)
  local ok, error = pcall(make, ev.record)
  if ok then return end
  local text = tostring(error):gsub("^[^:]*:%d+: ", "")
  local member, day, why = text:match("^(%a+)%.?([^:]*): (.*)$")
  if day and day ~= "" then
    local name = member == "week" and ctx.t("@weekday." .. day) or day
    why = ctx.t("@bad_calendar_day", { day = name, why = why })
  end
  ev:fail((member == "days" or member == "zone") and member or "week",
    "@bad_calendar", { why = why or text })
end

-- Whom a policy is for, likewise.
function calendars.check_policy(ev) conditions.check(ev, "match", "ticket") end

-- Other hours: what runs by this calendar is reckoned anew.
function calendars.changed(ev, ctx)
  ctx.queue:push("recalculate", { calendar = ev.record.id })
end

return calendars
