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
