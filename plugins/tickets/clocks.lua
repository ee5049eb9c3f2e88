-- clocks - arithmetic of deadlines: pure functions of a clock, its pauses and a calendar.
--
-- A clock has started_at, target_ms, and met_at or stopped_at once it has ended. It is due when so
-- much working time has passed since its start as its target and its pauses together. A pause that
-- begins after a clock was due moves nothing: what is missed stays missed.
-- SPDX-License-Identifier: MIT
local clocks = {}

local function earlier(a, b) return a < b and a or b end
local function later(a, b) return a > b and a or b end

-- Pauses are in order: { from, to } with `to` nil while one lasts. Gives due (nil while it is
-- paused), the working time that was paused, and whether it is paused now.
function clocks.due(clock, pauses, calendar)
  local stop, paused = clock.met_at or clock.stopped_at, 0
  local due = calendar:add(clock.started_at, { ms = clock.target_ms })
  for _, pause in ipairs(pauses) do
    local from = later(pause.from, clock.started_at)
    if from >= due or stop and from >= stop then break end
    if not pause.to and not stop then return nil, paused, true end
    local to = pause.to or stop
    if stop then to = earlier(to, stop) end
    if from < to then
      paused = paused + calendar:between(from, to)
      due = calendar:add(clock.started_at, { ms = clock.target_ms + paused })
    end
  end
  return due, paused, false
end

-- All there is to say about a clock at an instant.
function clocks.judge(clock, pauses, calendar, now)
  local stop = clock.met_at or clock.stopped_at
  local due, paused, is_paused = clocks.due(clock, pauses, calendar)
  local breached = due ~= nil and (stop or now) > due
  local state = "running"
  if clock.met_at then
    state = breached and "missed" or "met"
  elseif clock.stopped_at then
    state = "stopped"
  elseif is_paused then
    state = "paused"
  end
  local warn = not is_paused and not stop and clock.warn_percent and calendar:add(
    clock.started_at, { ms = clock.target_ms * clock.warn_percent // 100 + paused }) or nil
  return { due = due, paused_ms = paused, state = state, breached = breached, warn_at = warn }
end

-- The clock interval by interval: working time that counted, and working time that was paused.
function clocks.explain(clock, pauses, calendar, now)
  local stop = clock.met_at or clock.stopped_at or now
  local list, worked = {}, 0
  local function put(from, to, what)
    if from >= to then return end
    if what == "running" then worked = worked + (to - from) end
    list[#list + 1] = {
      from = tostring(from), to = tostring(to), what = what, minutes = (to - from) // 60000,
    }
  end
  for _, stretch in ipairs(calendar:stretches(clock.started_at, stop)) do
    local at = stretch.from
    for _, pause in ipairs(pauses) do
      local from = later(pause.from, at)
      local to = earlier(pause.to or stop, stretch.to)
      if from < to then
        put(at, from, "running")
        put(from, to, "paused")
        at = to
      end
    end
    put(at, stretch.to, "running")
  end
  return list, worked
end

return clocks
