-- dispatch - reads the change log on and writes down what each target is to be told.
-- SPDX-License-Identifier: MIT
--
-- Place and deliveries are committed together, so a change becomes one delivery for each target,
-- however often this is killed. A save costs nothing but the question whether this job waits.
local webhooks = require("webhooks")

local dispatch = {}

local LOOK = 100 -- changes at once
local ROWS = 40 -- deliveries of one transaction
local PAYLOAD_MAX = 60000

local function set_of(list)
  local set = {}
  for _, one in ipairs(list or {}) do set[one] = true end
  return set
end

-- Targets that are told, with what they ask for as sets. Paused ones keep what comes.
local function targets(db)
  local list = {}
  for hook in db.webhook:each { where = { state = { "active", "paused" } } } do
    list[#list + 1] = {
      id = hook.id, since = hook.created_at:ms(), match = hook.match,
      entities = set_of(hook.entities), events = hook.events and #hook.events > 0 and
        set_of(hook.events), fields = hook.only_fields and #hook.only_fields > 0 and
        set_of(hook.only_fields), skip = hook.skip_own and hook.acts_as,
    }
  end
  return list
end

local function has_any(set, list)
  for _, one in ipairs(list) do
    if set[one] then return true end
  end
  return false
end

local function wants(target, item, record)
  if not target.entities["*"] and not target.entities[item.entity] then return false end
  if target.events and not target.events[item.op] then return false end
  if item.at:ms() < target.since then return false end
  if target.skip and target.skip == item.actor then return false end
  if target.fields and item.op == "update" and not has_any(target.fields, item.fields) then
    return false
  end
  return not target.match or not record or crm.matches(record, target.match)
end

local VERBS = { create = "created", update = "updated", delete = "deleted" }

-- As the record is now: what lies between was told before or is told next.
local function payload(item, record)
  local body = {
    event = item.entity .. "." .. (VERBS[item.op] or item.op .. "d"),
    seq = item.seq, at = tostring(item.at), entity = item.entity, id = crm.id_text(item.id),
    op = item.op, version = item.version, source = item.source,
    actor = item.actor and crm.id_text(item.actor) or nil,
    changed = #item.fields > 0 and item.fields or nil,
    data = record and crm.data(record) or nil,
  }
  local text = crm.json_encode(body)
  if #text > PAYLOAD_MAX then
    body.data, body.left_out = nil, true
    text = crm.json_encode(body)
  end
  return body.event, text
end

local function rows_of(db, item, list)
  local rows, record, event, text = {}, nil, nil, nil
  local about = db[item.entity]
  if item.op ~= "purge" then record = about:get(item.id) end
  for _, target in ipairs(list) do
    if wants(target, item, record) then
      if not text then event, text = payload(item, record) end
      rows[#rows + 1] = {
        webhook = target.id, seq = item.seq, event = event, entity_name = item.entity,
        record_id = crm.id_text(item.id), payload = text,
        label = event .. " " .. item.seq,
      }
    end
  end
  return rows
end

local function keep(ctx, rows, seq)
  ctx.tx(function()
    local db, told = ctx.db:as_system(), {}
    for _, row in ipairs(rows) do
      assert(db.delivery:insert(row))
      told[row.webhook] = true
    end
    ctx.kv:set("seq", seq)
    for id in pairs(told) do webhooks.wake(ctx, id) end
  end)
end

local OWN = set_of {
  "webhook", "delivery", "delivery_try", "inbound_hook", "inbound_message", "connection", "mapping",
  "external_ref", "sync_cursor", "failed_item",
}

-- The first target of a company is told of what comes behind it.
function dispatch.begin(_, ctx)
  if ctx.kv:get("seq") then return end
  local _, _, newest = ctx.changes { since = 0, limit = 1 }
  ctx.kv:set("seq", newest)
end

function dispatch.run(job, ctx)
  local db = ctx.db:as_system()
  local seq = ctx.kv:get("seq")
  if not seq then return end
  -- The log before the targets: what a target is to be told of is behind it.
  local items, last, newest = ctx.changes { since = seq, limit = LOOK }
  local list = targets(db)
  if #list == 0 then
    if seq ~= newest then ctx.kv:set("seq", newest) end
    return
  end
  while last > seq do
    local rows = {}
    for _, item in ipairs(items) do
      if not OWN[item.entity] then
        for _, row in ipairs(rows_of(db, item, list)) do rows[#rows + 1] = row end
      end
      if #rows >= ROWS then
        keep(ctx, rows, item.seq)
        rows = {}
      end
    end
    keep(ctx, rows, last)
    seq = last
    job:save(seq) -- others have their turn when this takes long
    items, last = ctx.changes { since = seq, limit = LOOK }
  end
end

return dispatch
