-- sources_test - where a lead came from first and last, and when it was first spoken to.
-- SPDX-License-Identifier: MIT

crm.test("the first source stays, the last one follows", function(t)
  local lead = t.db.lead:insert { name = "X", source = "event" }
  t.eq({ lead.first_source, lead.last_source }, { "event", "event" })
  lead = t.db.lead:update(lead.id, { source = "referral" })
  t.eq({ lead.first_source, lead.last_source }, { "event", "referral" })
end)

crm.test("the first contact is the earliest, in whatever order they are written down", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local lead = t.db.lead:insert { name = "X" }
  local function called(at)
    t.db.activity:insert {
      subject = "Call", type = "call", about = { entity = "lead", id = lead.id },
      happened_at = t.datetime(at),
    }
    return tostring(t.db.lead:get(lead.id).first_follow_at)
  end
  t.eq(called("2026-03-01T05:00:00Z"), "2026-03-01T05:00:00.000Z")
  t.eq(called("2026-03-02T01:00:00Z"), "2026-03-01T05:00:00.000Z")
  t.eq(called("2026-02-28T05:00:00Z"), "2026-02-28T05:00:00.000Z")
end)

crm.test("a name is made of its parts, until somebody writes another", function(t)
  local ada = t.db.lead:insert { first = "Ada", last = "King" }
  t.eq(ada.name, "Ada King")
  t.eq(t.db.lead:update(ada.id, { last = "Lovelace" }).name, "Ada Lovelace")
  t.db.lead:update(ada.id, { name = "Countess of Lovelace" })
  t.eq(t.db.lead:update(ada.id, { first = "Augusta" }).name, "Countess of Lovelace")
  t.eq(t.db.lead:insert { first = "伟", last = "王" }.name, "王伟")
  t.eq(t.db.lead:insert { last = "Lee" }.name, "Lee")
end)

crm.test("the first answer tells how long it took", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local ann = t.user { login = "ann", roles = { "sales" } }
  local lead = t.db.lead:insert { name = "Kim", owner = ann }
  t.clock.advance { hours = 2, minutes = 30 }
  t.as("ann")
  t.action("lead", lead.id, "follow_up", { content = "called" })
  t.clock.advance { hours = 5 }
  t.action("lead", lead.id, "follow_up", { content = "again" })
  t.eq(t.db.lead:get(lead.id).response_minutes, 150)
end)

crm.test("a rule that no lead can be asked by is refused on its condition", function(t)
  for _, entity in ipairs { "recycle_rule", "route_rule" } do
    local refused = { match = "@people:bad_filter" }
    t.expect_fail(function() t.db[entity]:insert { name = "x", match = { nope = 1 } } end, refused)
    local rule = t.db[entity]:insert { name = "x", match = { source = "website" } }
    t.expect_fail(function()
      t.db[entity]:update(rule.id, { match = { source = { more = 1 } } })
    end, refused)
    t.eq(t.db[entity]:get(rule.id).version, 1)
  end
end)

crm.test("an own status is of the kind of the fixed one, whichever is changed", function(t)
  local ann = t.user { login = "ann", roles = { "sales" } }
  local function own(name, kind) return t.db.lead_status:insert { name = name, kind = kind }.id end
  local fresh, talking, hold = own("待联系", "open"), own("洽谈", "ongoing"), own("明年再说", "hold")
  local won, lost = own("已签", "won"), own("无效", "lost")
  local lead = t.db.lead:insert { name = "X", owner = ann, own_status = fresh }
  local function set(fields) return t.db.lead:update(lead.id, fields) end
  t.eq(set({ own_status = talking }).status, "working")
  local now = set({ status = "qualified" })
  t.eq(now.own_status, talking, "of the same kind")
  t.eq(set({ own_status = hold }).status, "paused")
  t.eq(set({ status = "working" }).own_status, nil, "of another kind")
  t.expect_fail(function() set({ own_status = won }) end, { own_status = "@only_convert" })
  t.expect_fail(function() set({ own_status = lost }) end, { lost_reason = true })
  now = set({ own_status = lost, lost_reason = "no_need" })
  t.eq({ now.status, now.own_status }, { "dead", lost })
  t.db.lead_status:update(talking, { active = false })
  t.expect_fail(function() set({ own_status = talking }) end, { own_status = "@status_unknown" })
  t.eq(t.check(), {})
end)

crm.test("a lead on hold counts against the capacity, and is neither late nor recycled", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local ann = t.user { login = "ann", roles = { "sales" } }
  t.db.capacity:insert { name = "ann", user = ann, max_open = 1 }
  t.db.recycle_rule:insert { name = "闲置", idle_days = 1 }
  local held = t.db.lead:insert { name = "X", owner = ann, status = "working" }
  t.db.lead:update(held.id, { status = "paused" })
  local other = t.db.lead:insert { name = "Y" }
  t.as("ann")
  t.expect_fail(function() t.action("lead", other.id, "pick") end, { owner = "@pool_full" })
  t.as()
  t.clock.advance { days = 30 }
  t.run_job("recycle")
  t.run_job("watch")
  local now = t.db.lead:get(held.id)
  t.eq({ now.owner, now.no_action_at }, { ann, nil })
end)

crm.test("Owner history has no gap and no overlap", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local ann = t.user { login = "ann", roles = { "sales" } }
  local bob = t.user { login = "bob", roles = { "sales" } }
  local id = t.db.lead:insert { name = "X" }.id
  local function went(owner)
    t.clock.advance { hours = 5 }
    t.db.lead:update(id, { owner = owner })
  end
  went(ann)
  went(bob)
  t.clock.advance { hours = 5 }
  t.action("lead", id, "return")
  went(ann)
  local list = t.db.lead_owner:find { where = { lead = id }, order = "id" }
  local holders = {}
  for index, stretch in ipairs(list) do
    holders[index] = stretch.holder or "pool"
    t.eq(stretch.to_at, list[index + 1] and list[index + 1].from_at)
  end
  t.eq(holders, { "pool", ann, bob, "pool", ann })
  t.eq(t.check(), {})
end)

crm.test("Unconvert restores the lead while the created records are untouched", function(t)
  local ann = t.user { login = "ann", roles = { "sales" } }
  local id = t.db.lead:insert { name = "X", company = "Y", owner = ann, status = "qualified" }.id
  local before = crm.data(t.db.lead:get(id))
  local made = t.action("lead", id, "convert")
  t.action("lead", id, "unconvert")
  local now = t.db.lead:get(id)
  for _, field in ipairs { "name", "company", "owner", "status" } do
    t.eq(crm.data(now)[field], before[field], field)
  end
  t.eq({ now.converted_at, now.converted_account }, {})
  t.eq(t.db.account:get(crm.id_parse(made.account)), nil)
  made = t.action("lead", id, "convert")
  t.db.account:update(crm.id_parse(made.account), { level = "a" })
  t.expect_fail(function() t.action("lead", id, "unconvert") end,
    { status = "@converted_touched" })
  t.eq(t.check(), {})
end)

crm.test("who writes to a mailbox for enquiries and is unknown becomes a lead, once", function(t)
  local function letter(mailbox, from)
    return t.call("mail.link", {
      mailbox = mailbox, from = from, from_name = "李雷", subject = "询价", body = "要三台",
    })
  end
  t.eq(letter("support", "li@example.com"), {})
  local made = letter("sales", "li@example.com")
  local lead = t.db.lead:get(made.id)
  t.eq({ made.entity, lead.name, lead.source, lead.original_message },
    { "lead", "李雷", "mail", "要三台" })
  t.eq(letter("info", "Li@Example.com").id, made.id)
  t.eq(letter("info", "nonsense"), {})
  t.eq(t.db.lead:count {}, 1)
end)
