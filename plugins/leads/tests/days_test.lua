-- days_test - what days do to leads: recycling, cooling off, late answers, merges that stay.
-- SPDX-License-Identifier: MIT

local function people(t)
  t.user { login = "boss", roles = { "sales_manager" } }
  return t.user { login = "ann", roles = { "sales" }, manager = "boss" }
end

-- The kinds of what a user was told, in order.
local function told(t, user)
  local list = {}
  for _, one in ipairs(t.db.notification:find { where = { owner = user }, order = "id" }) do
    list[#list + 1] = one.kind
  end
  return list
end

local function owned(t, name)
  local lead = t.db.lead:insert { name = name }
  t.as("ann")
  t.action("lead", lead.id, "pick")
  t.as()
  return lead.id
end

crm.test("an idle lead is warned about three days ahead, then it goes back", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local ann = people(t)
  t.db.recycle_rule:insert { name = "Idle", idle_days = 10, warn_days = 3 }
  local id = owned(t, "Idle")
  t.clock.advance { days = 6, hours = 23 }
  t.run_job("recycle")
  t.eq(t.db.lead:get(id).recycle_at, nil, "not yet")
  t.clock.advance { hours = 2 }
  t.run_job("recycle")
  t.eq(tostring(t.db.lead:get(id).recycle_at), "2026-03-12T02:00:00.000Z")
  t.as("ann")
  t.action("lead", id, "follow_up", { content = "called" })
  t.as()
  t.eq(t.db.lead:get(id).recycle_at, nil, "a follow-up begins it anew")
  t.clock.advance { days = 9 }
  t.run_job("recycle")
  t.ok(t.db.lead:get(id).owner)
  t.clock.advance { days = 1, hours = 1 }
  t.run_job("recycle")
  local lead = t.db.lead:get(id)
  t.eq(lead.owner, nil)
  t.eq({ lead.status, lead.moved_reason }, { "recycled", "recycled" })
  t.eq(told(t, ann), { "recycle_warned", "recycled" }, "once each, and not what she picked")
  t.eq(t.check(), {})
end)

crm.test("whoever had a lead waits before picking it again", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  people(t)
  local id = owned(t, "Again")
  t.db.pick_rule:insert { name = "Cool", pool = t.db.pool:find {}[1].id, cool_off_days = 7 }
  t.as("ann")
  t.action("lead", id, "return")
  t.clock.advance { days = 6 }
  t.expect_fail(function() t.action("lead", id, "pick") end, { pool = "@pick_cool_off" })
  t.clock.advance { days = 1 }
  t.action("lead", id, "pick")
  t.ok(t.db.lead:get(id).owner)
end)

crm.test("a first answer is warned about, then late, then the manager hears of it", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local ann = people(t)
  local id = owned(t, "Late")
  local function watched(hours)
    t.clock.advance { hours = hours }
    t.run_job("watch")
    return t.db.lead:get(id)
  end
  t.eq(watched(17).sla_state, "pending")
  t.eq(watched(2).sla_state, "warned")
  t.eq(watched(6).sla_state, "breached")
  t.eq(watched(24 * 5).no_action_at, nil)
  t.ok(watched(24).no_action_at)
  t.eq(t.db.task:count {}, 1)
  t.eq(told(t, ann), { "sla_warned", "sla_breached", "given" })
  t.ok(watched(24 * 3).escalated_at)
  t.eq(t.db.task:count {}, 2)
end)

crm.test("Merge leaves a redirect and is undoable for N days", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local one = t.db.lead:insert { name = "One", company = "X" }
  local two = t.db.lead:insert { name = "Two", company = "Y" }
  t.action("lead", two.id, "merge", { into = crm.id_text(one.id) })
  t.clock.advance { days = 30, minutes = 1 }
  local late = { status = "@people:merge_late" }
  t.expect_fail(function() t.action("lead", two.id, "unmerge") end, late)
  t.eq(t.db.lead:get(two.id).status, "dead")
end)

crm.test("a merge takes the fields that were chosen, and gives them back", function(t)
  local one = t.db.lead:insert { name = "甲", company = "甲公司", phones = { "13800000101" } }
  local two = t.db.lead:insert { name = "甲", company = "乙公司", title = "经理" }
  local wrong = { into = crm.id_text(one.id), take = { "status" } }
  local refused = { take = "@people:merge_take" }
  t.expect_fail(function() t.action("lead", two.id, "merge", wrong) end, refused)
  t.action("lead", two.id, "merge", { into = crm.id_text(one.id), take = { "company" } })
  local after = t.db.lead:get(one.id)
  t.eq(after.company, "乙公司")
  t.eq(after.title, "经理")
  t.action("lead", two.id, "unmerge")
  local before = t.db.lead:get(one.id)
  t.eq(before.company, "甲公司")
  t.eq(before.title, nil)
end)

crm.test("Unsubscribe and do-not-call survive merge and convert", function(t)
  local kept = t.db.lead:insert { name = "Kept" }
  local other = t.db.lead:insert { name = "Other", do_not_call = true }
  t.db.consent:insert { about = { entity = "lead", id = other.id }, purpose = "mail",
    given = false, channel = "web", proof = "link" }
  t.action("lead", other.id, "merge", { into = crm.id_text(kept.id) })
  t.eq(t.db.lead:get(kept.id).do_not_call, true)
  local word = t.db.consent:find { where = { about = kept.id, purpose = "mail" } }[1]
  t.eq({ word.given, word.proof }, { false, "link" })
  t.db.lead:update(kept.id, { owner = t.user { login = "ann", roles = { "sales" } } })
  t.db.lead:update(kept.id, { status = "working" })
  local made = t.action("lead", kept.id, "convert")
  local contact = t.db.contact:get(crm.id_parse(made.contact))
  t.eq(contact.do_not_call, true)
  word = t.db.consent:find { where = { about = contact.id, purpose = "mail" } }[1]
  t.eq({ word.given, word.proof }, { false, "link" })
end)
