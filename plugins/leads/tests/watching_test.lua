-- watching_test - leads over a moving clock: the first answer, and leads that lie idle.
-- SPDX-License-Identifier: MIT

local function lead(t, owner, fields)
  local out = { name = "Zhang San", phones = { "+8613800000001" }, owner = owner }
  for name, value in pairs(fields or {}) do out[name] = value end
  return t.db.lead:insert(out)
end

local function state(t, id) return t.db.lead:get(id).sla_state end

crm.test("a lead that nobody answers is warned of and then breached, each once", function(t)
  t.clock.set("2026-03-02T01:00:00Z")
  local one = lead(t, t.user { login = "sales1", roles = { "sales" } })
  t.eq(state(t, one.id), "pending")
  t.run_job("watch")
  t.eq(state(t, one.id), "pending", "at once")
  t.clock.advance { hours = 19 } -- of 24
  t.run_job("watch")
  t.eq(state(t, one.id), "warned")
  t.clock.advance { hours = 6 }
  t.run_job("watch")
  t.eq(state(t, one.id), "breached")
  local version = t.db.lead:get(one.id).version
  t.run_job("watch")
  t.eq(t.db.lead:get(one.id).version, version, "nothing is left to say")
end)

crm.test("how soon a lead is to be answered is said by the first rule that it fits", function(t)
  t.clock.set("2026-03-02T01:00:00Z")
  local sales = t.user { login = "sales1", roles = { "sales" } }
  local rules = t.db.response_rule
  rules:insert { name = "Off", order = 1, enabled = false, hours = 1, match = { source = "event" } }
  local fair = rules:insert {
    name = "Fair", order = 2, hours = 10, warn_percent = 50, match = { source = "event" },
  }
  local none = rules:insert { name = "Bought", order = 3, match = { source = "import" } }
  local one = t.db.lead:get(lead(t, sales, { source = "event" }).id)
  t.eq({ one.response_rule, tostring(one.response_by) }, { fair.id, "2026-03-02T11:00:00.000Z" })
  local other = t.db.lead:get(lead(t, sales, { source = "website" }).id)
  t.eq({ other.response_rule, tostring(other.response_by) }, { nil, "2026-03-03T01:00:00.000Z" })
  local bought = t.db.lead:get(lead(t, sales, { source = "import" }).id)
  t.eq({ bought.response_rule, bought.response_by, bought.sla_state }, { none.id, nil, nil })
  t.clock.advance { hours = 5 }
  t.run_job("watch")
  t.eq({ state(t, one.id), state(t, other.id), state(t, bought.id) }, { "warned", "pending", nil })
  t.clock.advance { hours = 5 }
  t.run_job("watch")
  t.eq({ state(t, one.id), state(t, other.id) }, { "breached", "pending" })
  -- The next one to have it is promised anew, by the rules as they are then.
  rules:update(fair.id, { hours = 2 })
  t.db.lead:update(one.id, { owner = t.user { login = "sales2", roles = { "sales" } } })
  one = t.db.lead:get(one.id)
  t.eq({ one.sla_state, tostring(one.response_by) }, { "pending", "2026-03-02T13:00:00.000Z" })
  -- Once answered it stays answered, whoever has it.
  t.db.activity:insert {
    subject = "Call", type = "call", about = { entity = "lead", id = one.id },
  }
  t.db.lead:update(one.id, { owner = sales })
  t.eq(state(t, one.id), "met")
  t.expect_fail(function()
    rules:insert { name = "Odd", hours = 1, match = { nothing = 1 } }
  end, { match = "@people:bad_filter" })
end)

crm.test("a lead that lies idle asks its owner, and days later the manager", function(t)
  t.clock.set("2026-03-02T01:00:00Z")
  local boss = t.user { login = "boss", roles = { "sales_manager" } }
  local sales = t.user { login = "sales1", roles = { "sales" }, manager = "boss" }
  lead(t, sales)
  local function asked(owner) return t.db.task:count { where = { owner = owner } } end
  t.clock.advance { days = 6 }
  t.run_job("watch")
  t.eq({ asked(sales), asked(boss) }, { 0, 0 })
  t.clock.advance { days = 1 }
  t.run_job("watch")
  t.run_job("watch")
  t.eq({ asked(sales), asked(boss) }, { 1, 0 })
  t.clock.advance { days = 3 }
  t.run_job("watch")
  t.run_job("watch")
  t.eq({ asked(sales), asked(boss) }, { 1, 1 })
end)

crm.test("At least one of name, company, email, phone is set", function(t)
  t.expect_fail(function() t.db.lead:insert { region = nil } end,
    { name = "@identity_required", phones = "@identity_required" })
  for field, value in pairs { name = "X", company = "Y", emails = { "a@example.com" } } do
    t.ok(t.db.lead:insert { [field] = value })
  end
end)

crm.test("Dead needs a reason", function(t)
  local one = lead(t)
  t.expect_fail(function() t.db.lead:update(one.id, { status = "dead" }) end,
    { lost_reason = true })
end)

crm.test("who sells sees the own leads and those of nobody, and changes only the own", function(t)
  local one = t.user { login = "one", roles = { "sales" } }
  local two = t.user { login = "two", roles = { "sales" } }
  local own, other = lead(t, one), lead(t, two, { phones = { "+8613800000002" } })
  t.as("one")
  t.ok(t.db.lead:get(own.id))
  t.eq(t.db.lead:get(other.id), nil)
  t.expect_fail(function() t.db.lead:update(other.id, { company = "X" }) end, "not_found")
  t.eq(t.db.lead:update(own.id, { company = "X" }).company, "X")
end)
