-- accounts_test - customers in pools 公海: picked, given back, bounded, recycled; and merged.
-- SPDX-License-Identifier: MIT

local function people(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local team = "东"
  t.user { login = "boss", roles = { "sales_manager" } }
  t.user { login = "bob", roles = { "sales" }, team = team }
  return t.user { login = "ann", roles = { "sales" }, manager = "boss", team = team }
end

local function told(t, user)
  local list = {}
  for _, one in ipairs(t.db.notification:find { where = { owner = user }, order = "id" }) do
    list[#list + 1] = one.kind
  end
  return list
end

local function by(t, login, id, action, params)
  t.as(login)
  local answer = t.action("account", id, action, params)
  t.as()
  return answer
end

local function refused(t, login, id, action, expected, params)
  t.as(login)
  t.expect_fail(function() t.action("account", id, action, params) end, expected)
  t.as()
end

local function picked(t, name)
  local account = t.db.account:insert { name = name }
  by(t, "ann", account.id, "pick")
  return account.id
end

crm.test("Exactly one of owner and pool is set: of customers too", function(t)
  local ann = people(t)
  local account = t.db.account:insert { name = "甲" }
  local pool = t.db.pool:find {}[1]
  t.eq({ account.owner, t.db.account:get(account.id).pool }, { nil, pool.id })
  t.eq(pool.is_default, true)
  t.db.account:update(account.id, { owner = ann })
  t.eq(t.db.account:get(account.id).pool, nil)
  t.db.account:update(account.id, { pool = pool.id })
  t.eq(t.db.account:get(account.id).owner, nil)
  local other = t.db.pool:insert { name = "乙" }
  t.expect_fail(function() t.db.account:update(account.id, { owner = ann, pool = other.id }) end,
    { pool = "@owner_or_pool" })
  t.eq(t.check(), {})
end)

crm.test("a customer is picked with its people, and given back with them", function(t)
  local ann = people(t)
  local account = t.db.account:insert { name = "甲" }
  local lost = t.db.contact:insert { name = "无主", account = account.id }
  by(t, "ann", account.id, "pick")
  t.eq(t.db.contact:get(lost.id).owner, ann)
  refused(t, "bob", account.id, "pick", "@leads:pool_taken")
  local pool = t.db.pool:insert { name = "大客户", holds = { "account" } }
  local leads = t.db.pool:insert { name = "线索", holds = { "lead" } }
  refused(t, "ann", account.id, "return", { pool = "@pool_foreign" },
    { pool = crm.id_text(leads.id) })
  t.expect_fail(function() t.db.account:update(account.id, { pool = leads.id }) end,
    { pool = "@pool_foreign" })
  by(t, "ann", account.id, "return", { pool = crm.id_text(pool.id), reason = "不合适" })
  local now = t.db.account:get(account.id)
  t.eq({ now.owner, now.pool, now.pool_reason }, { nil, pool.id, "不合适" })
  t.eq(t.db.contact:get(lost.id).owner, nil)
  t.eq(t.db.account_owner:count { where = { account = account.id } }, 3)
  t.eq(t.check(), {})
end)

crm.test("a pool of customers counts views, limits a day and cools off", function(t)
  people(t)
  local pool = t.db.pool:insert { name = "公海", hidden_fields = { "phones", "emails" } }
  t.db.pick_rule:insert { name = "规则", pool = pool.id, daily_limit = 1, cool_off_days = 7,
    daily_views = 1 }
  local one = t.db.account:insert { name = "一", phone = "13800000001", pool = pool.id }
  local two = t.db.account:insert { name = "二", phone = "13800000002", pool = pool.id }
  t.ok(by(t, "ann", one.id, "view").fields.phone)
  refused(t, "ann", two.id, "view", { pool = "@view_daily" })
  by(t, "ann", one.id, "pick")
  refused(t, "ann", two.id, "pick", { pool = "@pick_daily" })
  by(t, "ann", one.id, "return", { pool = crm.id_text(pool.id) })
  t.clock.advance { days = 6 }
  refused(t, "ann", one.id, "pick", { pool = "@pick_cool_off" })
  by(t, "bob", one.id, "pick")
end)

crm.test("nobody gets more customers than there is room for, by any way", function(t)
  local ann = people(t)
  t.db.capacity:insert { name = "ann", user = ann, of = "account", max_open = 1 }
  t.db.capacity:insert { name = "leads", user = ann, of = "lead", max_open = 9 }
  picked(t, "一")
  local two = t.db.account:insert { name = "二" }
  refused(t, "ann", two.id, "pick", { owner = "@pool_full" })
  refused(t, "boss", two.id, "assign", { owner = "@pool_full" }, { owner = crm.id_text(ann) })
  t.expect_fail(function() t.db.account:update(two.id, { owner = ann }) end,
    { owner = "@pool_full" })
  by(t, "bob", two.id, "pick")
  refused(t, "bob", two.id, "transfer", { owner = true }, { owner = crm.id_text(ann) })
  t.db.account:update(two.id, { status = "customer" })
  t.run_job("capacity")
  local load = t.db.capacity:find { where = { of = "account" } }[1]
  t.eq({ load.load, tostring(load.used) }, { 1, "100.00" })
  t.eq(t.check(), {})
end)

crm.test("a teammate may look, but neither give away nor lock", function(t)
  local ann = people(t)
  for _, entity in ipairs { "account", "lead" } do
    local id = t.db[entity]:insert { name = "一", owner = ann }.id
    t.as("bob")
    for _, action in ipairs { "return", "lock", "unlock" } do
      t.expect_fail(function() t.action(entity, id, action) end, { owner = "@not_yours" })
    end
    t.as("ann")
    t.eq(t.action(entity, id, "lock").locked, true)
    t.as()
  end
end)

crm.test("an idle customer is warned of days ahead, then recycled, unless locked", function(t)
  local ann = people(t)
  t.db.recycle_rule:insert { name = "闲置", of = "account", idle_days = 10, warn_days = 3,
    levels = { "c", "d" } }
  local id, kept, locked = picked(t, "一"), picked(t, "二"), picked(t, "三")
  t.db.account:update(id, { level = "c" })
  t.db.account:update(kept, { level = "a" })
  t.db.account:update(locked, { level = "c" })
  by(t, "ann", locked, "lock")
  t.clock.advance { days = 8 }
  t.run_job("recycle_accounts")
  t.ok(t.db.account:get(id).recycle_at)
  t.eq(t.db.account:get(kept).recycle_at, nil, "of another level")
  t.clock.advance { days = 2, hours = 1 }
  t.run_job("recycle_accounts")
  local back = t.db.account:get(id)
  t.eq({ back.owner, back.moved_reason, back.pool_reason }, { nil, "recycled", "闲置" })
  t.run_job("recycle_accounts")
  t.eq(t.db.account:get(id).version, back.version, "a second run changes nothing")
  t.eq({ t.db.account:get(kept).owner, t.db.account:get(locked).owner }, { ann, ann })
  t.eq(told(t, ann), { "recycle_warned", "recycled" })
  t.eq(t.check(), {})
end)

crm.test("a pool that takes nothing by itself is left alone", function(t)
  people(t)
  local pool = t.db.pool:insert { name = "手动", auto_recycle = false }
  t.db.recycle_rule:insert { name = "闲置", of = "account", idle_days = 1, pool = pool.id }
  local id = picked(t, "一")
  t.clock.advance { days = 5 }
  t.run_job("recycle_accounts")
  t.ok(t.db.account:get(id).owner)
end)

crm.test("customers that were there before their pools come into one", function(t)
  local ann = people(t)
  local id = picked(t, "一")
  t.run_job("settle")
  t.eq(t.db.account:get(id).owner, ann)
  t.eq(t.check(), {})
end)
