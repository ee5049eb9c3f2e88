-- options_test - what a company may set at pools, rules and capacities, each by what it does.
-- SPDX-License-Identifier: MIT

local function people(t)
  t.clock.set("2026-03-02T02:00:00Z")
  t.user { login = "bob", roles = { "sales" }, department = "南区" }
  return t.user { login = "ann", roles = { "sales" }, department = "北区" }
end

local function department(t, name) return t.db.department:find { where = { name = name } }[1].id end

local function as(t, login, id, action, params)
  t.as(login)
  local answer = t.action("lead", id, action, params)
  t.as()
  return answer
end

local function refused(t, login, id, action, expected)
  t.as(login)
  t.expect_fail(function() t.action("lead", id, action) end, expected)
  t.as()
end

local function lead(t, fields)
  fields = fields or {}
  fields.name = fields.name or "线索"
  return t.db.lead:insert(fields).id
end

-- --- pools and pick rules ---

crm.test("a new record waits in its pool, while its rule is on", function(t)
  people(t)
  local pool = t.db.pool:insert { name = "P" }.id
  local rule = t.db.pick_rule:insert { name = "W", pool = pool, wait_minutes = 30 }.id
  local id, other = lead(t, { pool = pool }), lead(t, { pool = pool })
  t.clock.advance { minutes = 29 }
  refused(t, "ann", id, "pick", { pool = "@pick_wait" })
  t.db.pick_rule:update(rule, { enabled = false })
  as(t, "ann", id, "pick")
  t.db.pick_rule:update(rule, { enabled = true })
  t.clock.advance { minutes = 1 }
  as(t, "ann", other, "pick")
end)

crm.test("a pool is picked from by its members, departments and admins while it is on", function(t)
  local ann = people(t)
  local pool = t.db.pool:insert {
    name = "P", open = false, departments = { department(t, "南区") },
  }.id
  local id, other = lead(t, { pool = pool }), lead(t, { pool = pool })
  local third = lead(t, { pool = pool })
  refused(t, "ann", id, "pick", { pool = "@pool_not_member" })
  as(t, "bob", id, "pick")
  t.db.pool:update(pool, { members = { ann } })
  as(t, "ann", other, "pick")
  t.db.pool:update(pool, { members = {}, admins = { ann }, enabled = false })
  refused(t, "ann", third, "pick", { pool = "@pool_closed" })
  t.db.pool:update(pool, { enabled = true })
  as(t, "ann", third, "pick")
end)

-- --- routing ---

crm.test("a rule gives to a pool, by weight, and only what it is about", function(t)
  local ann = people(t)
  local bob = t.db.user:find { where = { login = "bob" } }[1].id
  local pool = t.db.pool:insert { name = "展会" }.id
  t.db.route_rule:insert {
    name = "展会", order = 1, method = "pool", pool = pool, match = { source = "event" },
  }
  local turns = t.db.route_rule:insert { name = "轮流", order = 2, method = "weighted" }.id
  t.db.route_member:insert { name = "A", rule = turns, user = ann, weight = 2 }
  t.db.route_member:insert { name = "B", rule = turns, user = bob, weight = 1 }
  t.eq(t.db.lead:get(lead(t, { source = "event" })).pool, pool)
  local given = {}
  for _ = 1, 6 do
    local owner = t.db.lead:get(lead(t)).owner
    given[owner] = (given[owner] or 0) + 1
  end
  t.eq({ given[ann], given[bob] }, { 4, 2 })
  t.db.route_rule:update(turns, { enabled = false })
  t.eq(t.db.lead:get(lead(t)).owner, nil)
end)

-- --- capacities ---

crm.test("a department has a capacity, and closed leads count where it says so", function(t)
  local ann = people(t)
  t.db.capacity:insert { name = "北", for_department = department(t, "北区"), max_open = 1 }
  local first, second = lead(t), lead(t)
  as(t, "ann", first, "pick")
  refused(t, "ann", second, "pick", { owner = "@department_full" })
  as(t, "ann", first, "convert", {})
  as(t, "ann", second, "pick")
  local own = t.db.capacity:insert {
    name = "安", user = ann, max_open = 3, count_converted = true,
  }.id
  t.eq(t.action("capacity", own, "measure").load, 2)
  t.db.capacity:update(own, { count_converted = false })
  local now = t.action("capacity", own, "measure")
  t.eq({ now.load, now.used }, { 1, "33.33" })
end)

crm.test("a new lead is given to nobody who has no room, but may be one's own", function(t)
  local ann = people(t)
  t.user { login = "boss", roles = { "sales_manager" } }
  t.db.capacity:insert { name = "安", user = ann, max_open = 1 }
  t.as("boss")
  lead(t, { owner = ann })
  t.expect_fail(function() lead(t, { owner = ann }) end, { owner = "@pool_full" })
  t.as("ann")
  t.eq(t.db.lead:get(lead(t, {})).owner, ann)
end)

crm.test("locks have a bound of their own", function(t)
  local ann = people(t)
  t.db.capacity:insert { name = "安", user = ann, max_open = 9, max_locked = 1 }
  local first, second = lead(t, { owner = ann }), lead(t, { owner = ann })
  as(t, "ann", first, "lock")
  refused(t, "ann", second, "lock", { locked = "@lock_full" })
  as(t, "ann", first, "unlock")
  as(t, "ann", second, "lock")
end)

-- --- recycling ---

-- The days after which a lead goes back under one rule.
local function days_until(t, id, most)
  for day = 1, most do
    t.clock.advance { days = 1 }
    t.run_job("recycle")
    if not t.db.lead:get(id).owner then return day end
  end
  return nil
end

crm.test("a rule counts from the day a lead was received, or given", function(t)
  local ann = people(t)
  local rule = t.db.recycle_rule:insert { name = "R", age_days = 5 }.id
  local id = lead(t, { owner = ann, received_at = "2026-02-28T02:00:00Z" })
  t.eq(days_until(t, id, 5), 3, "five days behind the last of February")
  t.db.recycle_rule:update(rule, { age_days = crm.null, owned_days = 4 })
  id = lead(t, { owner = ann, received_at = "2026-02-01T02:00:00Z" })
  t.db.activity:insert { subject = "谈", type = "call", about = { entity = "lead", id = id } }
  t.eq(days_until(t, id, 6), 4, "whatever was said meanwhile")
end)

crm.test("any of a rule's days are enough, or all of them are needed", function(t)
  local ann = people(t)
  local days = { name = "R", owned_days = 2, age_days = 4 }
  local rule = t.db.recycle_rule:insert(days).id
  t.eq(days_until(t, lead(t, { owner = ann }), 5), 2)
  t.db.recycle_rule:update(rule, { combine = "all" })
  t.eq(days_until(t, lead(t, { owner = ann }), 5), 4)
end)

crm.test("a rule is about what its condition fits, in its own pool, while it is on", function(t)
  local ann = people(t)
  local pool = t.db.pool:insert { name = "沉睡" }.id
  local rule = t.db.recycle_rule:insert {
    name = "R", owned_days = 1, match = { source = "event" }, pool = pool, enabled = false,
  }.id
  local id, other = lead(t, { owner = ann, source = "event" }), lead(t, { owner = ann })
  t.eq(days_until(t, id, 2), nil)
  t.db.recycle_rule:update(rule, { enabled = true })
  t.eq(days_until(t, id, 1), 1)
  t.eq({ t.db.lead:get(id).pool, t.db.lead:get(id).pool_reason }, { pool, "R" })
  t.eq(t.db.lead:get(other).owner, ann)
end)
