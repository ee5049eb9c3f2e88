-- merging - two leads about one person become one; the other one is dead and says where it went.
-- SPDX-License-Identifier: MIT
local people = require("people.merging")

local merging = {}

local ACTIVITIES = 100 -- and as many tasks, that one transaction takes along

-- What hangs on a lead remembers where it came from.
local function follow(db, from, to, where)
  for _, sheet in ipairs { db.activity, db.task } do
    for _, record in ipairs(sheet:find { where = where, limit = ACTIVITIES }) do
      assert(sheet:update(record.id, {
        about = { entity = "lead", id = to },
        came_from = from and { entity = "lead", id = from } or crm.null,
      }))
    end
  end
end

merging.merge, merging.unmerge = people.new {
  entity = "lead",
  record = "lead_merge",
  title = "name",
  on = "status",
  counted = "activities",
  most = ACTIVITIES,
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
  count = function(db, loser) return db.activity:count { where = { about = loser.id } } end,
  move = function(db, loser, winner) follow(db, loser, winner, { about = loser }) end,
  move_back = function(db, loser, winner)
    follow(db, nil, loser, { about = winner, came_from = loser })
  end,
}

return merging
