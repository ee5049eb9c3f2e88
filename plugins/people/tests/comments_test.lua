-- comments_test - people speak about an activity beneath it, and hear of it.
-- SPDX-License-Identifier: MIT
local function told(t, user)
  local list = {}
  for _, one in ipairs(t.db.notification:find { where = { owner = user }, order = "id" }) do
    list[#list + 1] = one.kind
  end
  return table.concat(list, " ")
end

local function people(t)
  t.db.team:insert { name = "North" }
  local team = t.db.team:find { where = { name = "North" } }[1].id
  local out = {}
  for _, login in ipairs { "ann", "bob", "cid" } do
    out[login] = t.user { login = login, roles = { "sales" } }
    if login ~= "cid" then t.db.user:update(out[login], { team = team }) end
  end
  return out
end

crm.test("who sees an activity comments on it; who is mentioned hears of it", function(t)
  local who = people(t)
  t.as("ann")
  local visit = t.db.activity:insert { subject = "Visit", type = "visit" }
  t.as("bob")
  t.action("activity", visit.id, "comment", { content = "How was it?" })
  t.as()
  t.eq({ told(t, who.ann), told(t, who.bob) }, { "commented", "" })
  t.as("ann")
  local answer = t.action("activity", visit.id, "comment", {
    content = "Fine, @Bob", mentions = { crm.id_text(who.bob) },
  })
  t.as()
  t.eq({ told(t, who.ann), told(t, who.bob) }, { "commented", "comment_mentions" })
  t.eq(t.db.activity:get(visit.id).comments, 2)
  -- A mention that is added is told to whom it adds, once.
  local id = crm.id_parse(answer.id)
  t.as("ann")
  t.db.activity_comment:update(id, { mentions = { who.bob, who.cid } })
  t.as()
  t.eq({ told(t, who.bob), told(t, who.cid) }, { "comment_mentions", "comment_mentions" })
  t.db.activity:delete(visit.id)
  t.eq(t.db.activity_comment:count {}, 0)
end)

crm.test("a second comment is told beside an unread first one", function(t)
  local who = people(t)
  t.as("ann")
  local visit = t.db.activity:insert { subject = "Visit", type = "visit" }
  t.as("bob")
  local said = { content = "One", mentions = { crm.id_text(who.cid) } }
  t.action("activity", visit.id, "comment", said)
  t.action("activity", visit.id, "comment", said)
  t.as()
  t.eq(told(t, who.ann), "commented commented")
  t.eq(told(t, who.cid), "comment_mentions comment_mentions")
  -- What the activity is called is told only to who may see it.
  local function titles(user)
    return t.db.notification:find { where = { owner = user } }[1].title
  end
  t.ok(titles(who.ann):find("Visit", 1, true))
  t.ok(not titles(who.cid):find("Visit", 1, true))
end)

crm.test("comments are seen with their activity, and changed by who made them", function(t)
  local who = people(t)
  t.as("ann")
  local visit = t.db.activity:insert { subject = "Visit", type = "visit" }
  local other = t.db.activity:insert { subject = "Call", type = "call" }
  local said = t.db.activity_comment:insert { activity = visit.id, content = "Between us" }
  t.expect_fail(function() t.db.activity_comment:update(said.id, { activity = other.id }) end,
    { activity = "@comment_moved" })
  t.expect_fail(function() t.action("activity", visit.id, "comment", {}) end,
    { content = true })
  t.expect_fail(function()
    t.action("activity", visit.id, "comment", { content = "x", mentions = { "nobody" } })
  end, { mentions = true })
  t.as("bob") -- of the same team
  t.eq(t.db.activity_comment:get(said.id).content, "Between us")
  t.expect_fail(function()
    t.db.activity_comment:update(said.id, { content = "No" })
  end, "forbidden")
  t.expect_fail(function() t.db.activity_comment:delete(said.id) end, "forbidden")
  t.as("cid") -- of none
  t.eq(t.db.activity_comment:get(said.id), nil)
  t.expect_fail(function()
    t.db.activity_comment:insert { activity = visit.id, content = "Me too" }
  end, { activity = "bad_ref" })
  t.as()
  t.eq({ told(t, who.ann), told(t, who.cid) }, { "", "" })
end)
