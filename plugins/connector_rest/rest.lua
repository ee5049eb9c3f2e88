-- rest - another Perigee server by its API: its change feed, its records, an API key of its own.
-- SPDX-License-Identifier: MIT
local rest = {}

local API = "/api/v1"
local FEED_PAGE = 200

-- What an answer says of itself, as a fault of the connector interface.
local function fault_of(answer, why, name)
  if not answer then
    local code = name == "FORBIDDEN" and "address" or "retry"
    return { fault = { code = name == "FORBIDDEN" and "auth" or code, why = why } }
  end
  local status = answer.status
  local error = (answer.json() or {}).error
  local text = "HTTP " .. status
  if type(error) == "table" then
    text = text .. " " .. tostring(error.code) .. ": " .. tostring(error.message)
    for field, list in pairs(error.fields or {}) do
      text = text .. " " .. field .. ": " .. tostring((list[1] or {}).message)
    end
  end
  if status == 401 or status == 403 then return { fault = { code = "auth", why = text } } end
  if status == 408 or status == 429 or status >= 500 then
    local wait = math.tointeger(tonumber(answer.headers["retry-after"] or ""))
    return { fault = { code = "retry", why = text, wait = wait } }
  end
  if status == 412 then return { fault = { code = "changed", why = text } } end
  return { fault = { code = "refused", why = text } }
end

local function call(ctx, connection, method, path, body, key, version)
  local headers = { authorization = { "Bearer ", connection.credential } }
  if key then headers["Idempotency-Key"] = key end
  if version then headers["If-Match"] = version end
  local answer, why, name = ctx.http[method] {
    url = connection.base_url:gsub("/+$", "") .. API .. path, json = body, headers = headers,
  }
  if not answer or answer.status >= 300 then return nil, answer, why, name end
  return answer.status == 204 and {} or answer.json() or {}, answer
end

function rest.check(given, ctx)
  if not given.connection.credential then return { fault = { code = "auth", why = "no key" } } end
  local done, answer, why, name = call(ctx, given.connection, "get", "/changes?limit=1")
  return done and {} or fault_of(answer, why, name)
end

local function escape(text)
  return (text:gsub("[^%w%-._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- The records as they are now: what was changed several times is one item, what is gone says so.
local function items_of(ctx, given, changes)
  local order, last = {}, {}
  for _, change in ipairs(changes) do
    if not last[change.id] then order[#order + 1] = change.id end
    last[change.id] = change
  end
  if #order == 0 then return {} end
  local filter = escape(crm.json_encode { id = { ["in"] = order } })
  local found, answer, why, name = call(ctx, given.connection, "get",
    "/records/" .. given.remote .. "?limit=200&filter=" .. filter)
  if not found then return nil, fault_of(answer, why, name) end
  local by_id, items = {}, {}
  for _, record in ipairs(found.items) do by_id[record.id] = record end
  for _, id in ipairs(order) do
    local record, change = by_id[id], last[id]
    if record then
      items[#items + 1] = { id = id, version = tostring(record.version), data = record,
        updated_at = record.updated_at }
    elseif change.op == "delete" or change.op == "purge" then
      items[#items + 1] = { id = id, version = tostring(change.version), deleted = true }
    end
  end
  return items
end

-- The changes of so many records, and the place behind them: a page is as long as the other side
-- allows, because one record may have changed many times. What is asked for is left out there, and
-- once more here: a server that does not know the question answers with all.
local function changes_of(given, feed)
  local changes, known, count = {}, {}, 0
  for _, change in ipairs(feed.items) do
    if change.entity == given.remote then
      if not known[change.id] and count == given.limit then return changes, change.seq - 1 end
      if not known[change.id] then count = count + 1 end
      known[change.id], changes[#changes + 1] = true, change
    end
  end
  return changes, feed.next
end

function rest.pull(given, ctx)
  local since = math.tointeger(tonumber(given.position or "0")) or 0
  local feed, answer, why, name = call(ctx, given.connection, "get",
    "/changes?since=" .. since .. "&limit=" .. FEED_PAGE .. "&entity=" .. escape(given.remote))
  if not feed then return fault_of(answer, why, name) end
  local changes, next = changes_of(given, feed)
  local items, fault = items_of(ctx, given, changes)
  if not items then return fault end
  local newest = feed.newest
  local more = newest and next < newest or not newest and next > since
  return { items = items, position = tostring(next), more = more, lag = newest and newest - next }
end

-- Tells the other side which record of ours it was, so that it does not take it for news. A server
-- without the plugin, or without a connection to us, has no use for that.
local function link(given, ctx, record)
  if not given.ours then return end
  call(ctx, given.connection, "post", "/x/integrations/link", {
    entity = given.remote, id = record.id, version = record.version, external_id = given.ours.id,
    external_version = given.ours.version,
  })
end

function rest.push(given, ctx)
  local path = "/records/" .. given.remote
  if given.deleted then
    local done, answer, why, name =
      call(ctx, given.connection, "delete", path .. "/" .. given.id, nil, given.key)
    if done or answer and answer.status == 404 then return {} end
    return fault_of(answer, why, name)
  end
  local method = given.id and "patch" or "post"
  if given.id then path = path .. "/" .. given.id end
  local known = given.id and given.version and ('"%s-%s"'):format(given.id, given.version)
  local record, answer, why, name =
    call(ctx, given.connection, method, path, given.data, given.key, known)
  if not record then return fault_of(answer, why, name) end
  link(given, ctx, record)
  return { id = record.id, version = tostring(record.version) }
end

return rest
