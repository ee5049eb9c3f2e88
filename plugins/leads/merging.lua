-- merging - two leads about one person become one; the other one is dead and says where it went.
-- SPDX-License-Identifier: MIT
local following = require("people.following")
local moving = require("people.moving")
local people = require("people.merging")

local merging = {}

local MOST = 300 -- activities and tasks that follow in the same transaction
local OLD = 100

local children = moving.by_service("lead")

-- Merges of earlier versions: what hung on a lead remembers where it came from.
local function return_old(db, loser, winner)
  for _, sheet in ipairs { db.activity, db.task } do
    for _, record in ipairs(sheet:find {
      where = { about = winner, came_from = loser }, limit = OLD,
    }) do
      assert(sheet:update(record.id, {
        about = { entity = "lead", id = loser }, came_from = crm.null,
      }))
    end
  end
end

merging.merge, merging.unmerge = people.new {
  entity = "lead",
  record = "lead_merge",
  title = "name",
  on = "status",
  counted = "children",
  most = MOST,
  follow = following.ask,
  fields = {
    name = "plain", company = "plain", title = "plain", wechat_id = "plain", region = "plain",
    industry = "plain", source = "plain", grade = "plain", campaign = "plain",
    original_message = "plain", description = "plain", prospect_id = "plain",
    origin_channel = "plain", occupation = "plain", specialization = "plain",
    utm_source = "plain", utm_medium = "plain", visits = "plain", visit_seconds = "plain",
    estimated_amount = "money", phones = "list", emails = "list", tags = "list",
  },
  refusals = { "do_not_call" },
  refuses = function(loser) return loser.status == "converted" and "@merge_converted" or nil end,
  ends = function(loser, fields)
    fields.status_before = loser.status
    if loser.status ~= "dead" then fields.status, fields.lost_reason = "dead", "duplicate" end
  end,
  revives = function(loser, fields)
    fields.status, fields.status_before = loser.status_before, crm.null
    if loser.status_before ~= "dead" then fields.lost_reason = crm.null end
  end,
  count = children.count,
  move = children.move,
  move_back = function(db, loser, winner, entry, ctx)
    if not entry.moved then return return_old(db, loser, winner) end
    return children.move_back(db, loser, winner, entry, ctx)
  end,
}

return merging
