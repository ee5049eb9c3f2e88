-- calendar - a person's records with a date as an iCalendar feed (RFC 5545), by a secret link.
-- SPDX-License-Identifier: MIT
--
-- Who has the link sees title and times of that person's own records, and nothing else of them.
local maps = require("maps")
local webhooks = require("webhooks")

local calendar = {}

local BEHIND, AHEAD = 90, 400 -- days
local EVENTS_MAX = 500
local LINE = 73 -- bytes of a line, with room for what follows it

function calendar.prepare(ev, ctx)
  ev.record.path = crm.token()
  ev.record.of_user = ctx.user.id
end

local function field_of(entity, name)
  for _, field in ipairs(entity.fields or {}) do
    if field.name == name then return field end
  end
end

function calendar.check(ev, ctx)
  local feed = ev.record
  local entity = feed.entity_name and webhooks.entity(feed.entity_name)
  if not entity then
    return ev:fail("entity_name", "@no_entity", { name = feed.entity_name or "" })
  end
  if not ctx.can(feed.entity_name .. ":read") then
    return ev:fail("entity_name", "@may_not_read")
  end
  for _, name in ipairs { "start_field", "end_field" } do
    local field = feed[name] and field_of(entity, feed[name])
    if feed[name] and not (field and (field.type == "date" or field.type == "datetime")) then
      ev:fail(name, "@no_field", { entity = feed.entity_name, name = feed[name] })
    end
  end
  local title = feed.title_field and field_of(entity, feed.title_field)
  if not title or title.type ~= "text" then
    local name = feed.title_field or ""
    ev:fail("title_field", "@no_text_field", { entity = feed.entity_name, name = name })
  end
  local fits, why = crm.filter_check(feed.entity_name, feed.match or {})
  if not fits then ev:fail("match", "@bad_filter", { why = why }) end
end

-- A content line: escaped where it is text, folded behind whole characters.
local function put(lines, name, value)
  local rest, head = name .. ":" .. value, ""
  while #head + #rest > LINE do
    local cut = LINE - #head
    while (rest:byte(cut + 1) or 0) & 0xC0 == 0x80 do cut = cut - 1 end
    lines[#lines + 1] = head .. rest:sub(1, cut)
    head, rest = " ", rest:sub(cut + 1)
  end
  lines[#lines + 1] = head .. rest
end

local function escape(text)
  return (text:gsub("[\\;,]", "\\%0"):gsub("\r?\n", "\\n"):gsub("%c", " "))
end

-- "2026-01-02T03:04:05.678Z" as 20260102T030405Z; a day as 20260102.
local function stamp(text)
  local plain = text:gsub("%.%d+", ""):gsub("[-:]", "")
  return plain, #plain > 8 and "" or ";VALUE=DATE"
end

-- What has been called off stays in the calendar, struck through, as its owner has seen it there.
local OFF = { canceled = true, void = true }

local function is_off(record, entity)
  for _, name in ipairs { "status", "state", "stage" } do
    if field_of(entity, name) and OFF[record[name]] then return true end
  end
  local field = field_of(entity, "canceled")
  return field and field.type == "bool" and record.canceled
end

local function put_event(lines, feed, entity, record)
  local start, kind = stamp(tostring(record[feed.start_field]))
  put(lines, "BEGIN", "VEVENT")
  put(lines, "UID", feed.entity_name .. "-" .. crm.id_text(record.id) .. "@perigee")
  put(lines, "DTSTAMP", (stamp(tostring(record.updated_at))))
  put(lines, "DTSTART" .. kind, start)
  local last = feed.end_field and record[feed.end_field]
  if last then
    -- The last of whole days is named by the day behind it (RFC 5545, 3.6.1).
    local text, end_kind = stamp(tostring(kind ~= "" and last:add { days = 1 } or last))
    if end_kind == kind and text > start then put(lines, "DTEND" .. end_kind, text) end
  end
  put(lines, "SUMMARY", escape(record[feed.title_field] or ""))
  if is_off(record, entity) then put(lines, "STATUS", "CANCELLED") end
  put(lines, "SEQUENCE", tostring(record.version))
  put(lines, "END", "VEVENT")
end

-- GET /api/v1/x/integrations/calendar/{path}
function calendar.show(req, ctx)
  local db = ctx.db:as_system()
  local feed = db.calendar_feed:find { where = { path = req.params.path }, limit = 1 }[1]
  local user = feed and feed.of_user and db.user:get(feed.of_user)
  if not feed or not feed.active or not user or not user.active then
    return { error = { code = "not_found", message = ctx.t("@feed_ended") } }, 404
  end
  local now = ctx.now()
  local range = { gte = now:add { days = -BEHIND }, lte = now:add { days = AHEAD } }
  local entity = webhooks.entity(feed.entity_name)
  local field = field_of(entity, feed.start_field)
  if field.type == "date" then range = { gte = range.gte:date(), lte = range.lte:date() } end
  local all = { { owner = feed.of_user }, { [feed.start_field] = range } }
  if feed.match and next(maps.plain(feed.match)) then all[3] = feed.match end
  local lines = {}
  put(lines, "BEGIN", "VCALENDAR")
  put(lines, "VERSION", "2.0")
  put(lines, "PRODID", "-//Perigee//Calendar//EN")
  put(lines, "CALSCALE", "GREGORIAN")
  put(lines, "X-WR-CALNAME", escape(feed.name))
  local found = assert(db[feed.entity_name]:find {
    where = { ["and"] = all }, order = feed.start_field, limit = EVENTS_MAX,
  })
  for _, record in ipairs(found) do put_event(lines, feed, entity, record) end
  put(lines, "END", "VCALENDAR")
  return table.concat(lines, "\r\n") .. "\r\n", 200, { type = "text/calendar; charset=utf-8" }
end

return calendar
