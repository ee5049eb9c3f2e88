-- merging_test - customers and contacts that were there twice: merged, redirected, parted again.
-- SPDX-License-Identifier: MIT
local merging = require("merging")

local function merge(t, entity, loser, winner, params)
  params = params or {}
  params.into = crm.id_text(winner)
  return t.action(entity, loser, "merge", params)
end

local function two(t)
  local kept = t.db.account:insert { name = "远望", phone = "13800000001", tags = { "a" } }
  local gone = t.db.account:insert { name = "远望科技", phone = "13800000002", level = "a",
    annual_revenue = crm.money("100.00"), tags = { "b" }, status = "interested" }
  return kept.id, gone.id
end

crm.test("a merge shows what it would do and changes nothing", function(t)
  local kept, gone = two(t)
  t.db.contact:insert { name = "李", account = gone }
  local seen = merge(t, "account", gone, kept, { preview = true })
  t.eq({ seen.fields.level, seen.fields.name, seen.children, seen.preview }, { "a", nil, 1, true })
  t.eq({ t.db.account:get(kept).version, t.db.account:get(gone).version }, { 1, 1 })
end)

crm.test("Merge leaves a redirect and is undoable for N days: of customers", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local kept, gone = two(t)
  local contact = t.db.contact:insert { name = "李", account = gone }
  local child = t.db.account:insert { name = "分公司", parent = gone }
  local task = t.db.task:insert { subject = "回访", about = { entity = "account", id = gone } }
  local talk = t.db.activity:insert { subject = "拜访", type = "visit",
    about = { entity = "account", id = gone } }
  t.expect_fail(function() merge(t, "account", gone, kept, { take = { "status" } }) end,
    { take = "@merge_take" })
  merge(t, "account", gone, kept, { take = { "phone" } })
  local one, other = t.db.account:get(kept), t.db.account:get(gone)
  t.eq({ one.name, one.phone, one.level }, { "远望", other.phone, "a" })
  t.eq(one.annual_revenue.minor, 10000)
  t.eq(#one.tags, 2)
  t.eq({ other.duplicate_of, other.status }, { kept, "merged" })
  t.eq(t.db.contact:get(contact.id).account, kept)
  t.eq(t.db.account:get(child.id).parent, kept)
  t.eq({ t.db.task:get(task.id).account, t.db.task:get(task.id).about.id }, { kept, kept })
  t.eq(t.db.activity:get(talk.id).about.id, kept)
  t.expect_fail(function() merge(t, "account", gone, kept) end, { status = "@merge_again" })
  t.expect_fail(function() merge(t, "account", kept, gone) end, { into = "@merge_target" })
  t.expect_fail(function() merge(t, "account", kept, kept) end, { into = "@merge_target" })
  t.expect_fail(function() t.db.account:update(gone, { status = "lost", lost_reason = "x" }) end,
    { status = "@only_merge" })
  t.expect_fail(function() t.db.account:update(kept, { status = "merged" }) end,
    { status = "@only_merge" })
  t.eq(t.check(), {})
  t.db.account:update(kept, { level = "b" })
  t.clock.advance { days = 30 }
  t.action("account", gone, "unmerge")
  one, other = t.db.account:get(kept), t.db.account:get(gone)
  t.eq({ one.level, one.annual_revenue, #one.tags }, { "b", nil, 1 })
  t.eq({ other.duplicate_of, other.status }, { nil, "interested" })
  t.eq(t.db.contact:get(contact.id).account, gone)
  t.eq(t.db.account:get(child.id).parent, gone)
  t.eq({ t.db.task:get(task.id).account, t.db.activity:get(talk.id).about.id }, { gone, gone })
  t.expect_fail(function() t.action("account", gone, "unmerge") end, { status = "@not_merged" })
  merge(t, "account", gone, kept)
  t.clock.advance { days = 30, minutes = 1 }
  t.expect_fail(function() t.action("account", gone, "unmerge") end, { status = "@merge_late" })
  t.eq(t.check(), {})
end)

crm.test("Merge leaves a redirect and is undoable for N days: of contacts", function(t)
  local kept = t.db.contact:insert { name = "王", phones = { "13800000001" } }
  local gone = t.db.contact:insert { name = "王伟", phones = { "13800000002" }, do_not_call = true,
    birthday = crm.date("1990-01-02"), emails = { "wang@example.com" } }
  local task = t.db.task:insert { subject = "回访", contact = gone.id }
  t.db.consent:insert { about = { entity = "contact", id = gone.id }, purpose = "mail",
    given = false }
  merge(t, "contact", gone.id, kept.id)
  local one = t.db.contact:get(kept.id)
  t.eq({ #one.phones, one.do_not_call, tostring(one.birthday) }, { 2, true, "1990-01-02" })
  t.eq(t.db.task:get(task.id).contact, kept.id)
  t.eq(t.db.consent:count { where = { about = kept.id, given = false } }, 1)
  t.eq(t.check(), {})
  t.action("contact", gone.id, "unmerge")
  one = t.db.contact:get(kept.id)
  t.eq({ #one.phones, one.do_not_call, one.birthday }, { 1, nil, nil })
  t.eq(t.db.task:get(task.id).contact, gone.id)
  t.eq(t.check(), {})
end)

crm.test("merges of merges are taken back from the last one on", function(t)
  local a = t.db.contact:insert { name = "甲" }
  local b = t.db.contact:insert { name = "乙" }
  local c = t.db.contact:insert { name = "丙" }
  merge(t, "contact", a.id, b.id)
  merge(t, "contact", b.id, c.id)
  t.expect_fail(function() t.action("contact", a.id, "unmerge") end, { name = "@merge_later" })
  t.action("contact", b.id, "unmerge")
  t.action("contact", a.id, "unmerge")
  t.eq(t.check(), {})
end)

crm.test("however often the survivor was merged in turn, it is found", function(t)
  local first = t.db.contact:insert { name = "李 0" }
  local last = first
  for i = 1, 20 do
    local next_one = t.db.contact:insert { name = "李 " .. i }
    merge(t, "contact", last.id, next_one.id)
    last = next_one
  end
  t.eq(merging.survivor(t.db.contact, t.db.contact:get(first.id)).id, last.id)
end)

crm.test("who may not change both of two does not merge them", function(t)
  local ann = t.user { login = "ann", roles = { "sales" } }
  local kept, gone = two(t)
  t.db.account:update(gone, { owner = ann })
  t.as("ann")
  t.expect_fail(function() merge(t, "account", gone, kept) end, "forbidden")
end)

crm.test("of two merges in a row the first is undone when all is back of the second", function(t)
  local middle, first = two(t)
  local last = t.db.account:insert { name = "丙" }.id
  local contact = t.db.contact:insert { name = "人", account = first }.id
  merge(t, "account", first, middle)
  for n = 1, 310 do
    t.db.activity:insert { subject = "谈" .. n, about = { entity = "account", id = middle } }
  end
  t.eq(merge(t, "account", middle, last).in_background, true)
  t.eq(select(2, t.run_outbox()), {})
  t.eq(t.db.contact:get(contact).account, last)
  t.action("account", middle, "unmerge")
  t.expect_fail(function() t.action("account", first, "unmerge") end, { status = "@merge_moving" })
  t.eq(select(2, t.run_outbox()), {})
  t.eq(t.db.contact:get(contact).account, middle)
  t.action("account", first, "unmerge")
  t.eq(t.db.contact:get(contact).account, first)
  t.eq(t.check(), {})
end)

crm.test("what is too much for one transaction follows by a job, undone as a whole", function(t)
  local kept, gone = two(t)
  local count = 330
  for n = 1, count do
    t.db.contact:insert { name = "人" .. n, account = n % 2 == 0 and gone or nil }
    t.db.activity:insert { subject = "谈" .. n, about = { entity = "account", id = gone } }
  end
  local function there(id)
    return {
      t.db.contact:count { where = { account = id } },
      t.db.activity:count { where = { about = id } },
    }
  end
  local seen = merge(t, "account", gone, kept, { preview = true })
  t.eq({ seen.children, seen.in_background }, { count // 2 + count, true })
  t.eq(merge(t, "account", gone, kept).in_background, true)
  t.eq(there(gone), { 0, count + count // 2 - 300 }, "the rest follows")
  local third = t.db.account:insert { name = "丙" }.id
  t.expect_fail(function() merge(t, "account", kept, third) end, { status = "@merge_moving" })
  t.eq(select(2, t.run_outbox()), {})
  t.eq({ there(gone), there(kept) }, { { 0, 0 }, { count // 2, count } })
  t.eq(t.db.account_merge:count { where = { moving = true } }, 0)
  t.action("account", gone, "unmerge")
  t.eq(select(2, t.run_outbox()), {})
  t.eq({ there(gone), there(kept) }, { { count // 2, count }, { 0, 0 } })
  t.eq(t.db.merge_move:count {}, 0)
  t.eq(t.check(), {})
end)

crm.test("a merge is undone while the rest follows, and what stayed is told", function(t)
  local kept, gone = two(t)
  local count = 330
  for n = 1, count do
    t.db.activity:insert { subject = "谈" .. n, about = { entity = "account", id = gone } }
  end
  local function there(id) return t.db.activity:count { where = { about = id } } end
  merge(t, "account", gone, kept)
  t.eq({ there(gone), there(kept) }, { count - 300, 300 })
  -- The job has not come, or has failed for good: it bars nothing. Somebody has deleted one and
  -- put another one elsewhere meanwhile.
  local first = t.db.activity:find { where = { about = kept }, order = "id", limit = 2 }
  t.db.activity:delete(first[1].id)
  local third = t.db.account:insert { name = "丙" }.id
  t.db.activity:update(first[2].id, { about = { entity = "account", id = third } })
  local answer = t.action("account", gone, "unmerge")
  t.eq({ answer.stayed, answer.in_background }, { 2, true })
  t.eq({ there(gone), there(kept) }, { count - 2, 0 })
  -- What comes back anew is asked for in the same way, as often as it takes.
  t.eq(t.action("account", gone, "unmerge").in_background, true)
  t.eq(select(2, t.run_outbox()), {})
  t.eq({ there(gone), there(kept), there(third) }, { count - 2, 0, 1 })
  local entry = t.db.account_merge:find { where = { loser = gone } }[1]
  t.eq({ entry.state, entry.moving, entry.stayed }, { "undone", false, 2 })
  t.expect_fail(function() t.action("account", gone, "unmerge") end, { status = "@not_merged" })
  t.eq(t.check(), {})
end)
