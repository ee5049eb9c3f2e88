-- doubles - customers and contacts that were there twice: how they merge (merging.lua).
-- SPDX-License-Identifier: MIT
local following = require("following")
local merging = require("merging")
local moving = require("moving")

local doubles = {}

local MOST = 300 -- records that follow in the same transaction; more of them follow behind it

local function with_children(spec)
  local children = moving.by_service(spec.entity)
  spec.count, spec.move, spec.move_back = children.count, children.move, children.move_back
  spec.record, spec.counted, spec.most = spec.entity .. "_merge", "children", MOST
  spec.follow = following.ask
  return spec
end

local account = with_children {
  entity = "account",
  title = "name",
  on = "status",
  fields = {
    name = "plain", level = "plain", industry = "plain", region = "plain", phone = "plain",
    email = "plain", website = "plain", tax_number = "plain", size = "plain", employees = "plain",
    founded_year = "plain", source = "plain", payment_days = "plain", description = "plain",
    annual_revenue = "money", credit_limit = "money", parent = "ref", next_contact_at = "time",
    tags = "list",
  },
  ends = function(loser, fields)
    fields.status, fields.status_before = "merged", loser.status
  end,
  revives = function(loser, fields)
    fields.status, fields.status_before = loser.status_before or "potential", crm.null
  end,
}

local contact = with_children {
  entity = "contact",
  title = "name",
  on = "name",
  fields = {
    name = "plain", role = "plain", title = "plain", department_name = "plain",
    wechat_id = "plain", gender = "plain", description = "plain", account = "ref",
    birthday = "day", next_contact_at = "time", phones = "list", emails = "list",
    hobbies = "list", tags = "list",
  },
  refusals = { "do_not_call" },
}

doubles.merge_account, doubles.unmerge_account = merging.new(account)
doubles.merge_contact, doubles.unmerge_contact = merging.new(contact)

-- A merge is an operation: its status cannot be written by hand, nor left so.
function doubles.ways(ev)
  local record, old = ev.record, ev.old
  if (record.status == "merged") ~= (old ~= nil and old.status == "merged")
    and not ev.changed("merged_at")
  then
    ev:fail("status", "@only_merge")
  end
end

-- What hangs on customers, contacts and leads (of the plugin leads) here.
doubles.children = moving.of {
  account = {
    { entity = "contact", fields = { "account" } },
    { entity = "account", fields = { "parent" } },
    { entity = "address", fields = { "account" } },
    { entity = "activity", fields = { "account", "about" } },
    { entity = "task", fields = { "account", "about" } },
  },
  contact = {
    { entity = "activity", fields = { "contact", "about" } },
    { entity = "task", fields = { "contact", "about" } },
  },
  lead = {
    { entity = "activity", fields = { "about" } },
    { entity = "task", fields = { "about" } },
  },
}

-- --- what holds ---

function doubles.check(entity)
  return function(record, ctx)
    local sheet = ctx.db:as_system()[entity]
    local survivor = merging.survivor(sheet, record)
    if not survivor or survivor.duplicate_of then return "its merges lead nowhere" end
    local count = ctx.db:as_system()[entity .. "_merge"]:count {
      where = { loser = record.id, state = "active" },
    }
    if count ~= 1 then return "it is merged " .. count .. " times" end
    return nil
  end
end

return doubles
