-- comments - what people say to each other of a talk or a note, beneath it.
-- SPDX-License-Identifier: MIT
local notices = require("notices")
local refusals = require("refusals")

local comments = {}

-- Whoever may see the activity may comment on it: what is not visible cannot be referred to.
function comments.check(ev)
  if ev.old and ev.changed("activity") then ev:fail("activity", "@comment_moved") end
end

local function has(list, id)
  for _, one in ipairs(list or {}) do
    if one == id then return true end
  end
  return false
end

-- Who is mentioned, each once, also when the mention is added later; and whose activity it is.
function comments.told(ev, ctx)
  local comment, old = ev.record, ev.old
  local db = ctx.db:as_system()
  local about = {
    entity = "activity", record = db.activity:get(comment.activity),
    event = crm.id_text(comment.id),
  }
  local writer = db.user:get(comment.created_by)
  local words = { who = writer and writer.name or "" }
  for _, user in ipairs(comment.mentions or {}) do
    if not (old and has(old.mentions, user)) then
      notices.tell(ctx, user, about, "@notice.comment_mentions", nil, words)
    end
  end
  local owner = about.record.owner
  if not old and not has(comment.mentions, owner) then
    notices.tell(ctx, owner, about, "@notice.commented", nil, words)
  end
end

-- POST …/activity/{id}/actions/comment { content, mentions }
function comments.comment(ev, ctx)
  local mentions, params = nil, ev.params
  if params.mentions ~= nil then
    mentions = {}
    local asked = params.mentions
    if type(asked) == "string" then asked = { asked } end
    if type(asked) ~= "table" and type(asked) ~= "userdata" then asked = { 0 } end
    for index, one in ipairs(asked) do
      mentions[index] = type(one) == "string" and crm.id_parse(one) or 0 -- 0: nobody
    end
  end
  local made, why = ctx.db.activity_comment:insert {
    activity = ev.record.id, content = params.content, mentions = mentions,
  }
  if not made then return refusals.tell(ev, why, "content") end
  return { id = crm.id_text(made.id) }
end

return comments
