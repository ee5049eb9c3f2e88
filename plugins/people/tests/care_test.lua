-- care_test - birthdays, return visits, customers that fall silent: told once, anew after a talk.
-- SPDX-License-Identifier: MIT

local function staff(t)
  t.user { login = "boss", roles = { "sales_manager" } }
  return t.user { login = "ann", roles = { "sales" }, manager = "boss" }
end

local function tasks(t) return t.db.task:count {} end

crm.test("a birthday becomes a task some days ahead, once a year", function(t)
  t.clock.set("2026-02-20T02:00:00Z")
  local ann = staff(t)
  local account = t.db.account:insert { name = "甲", owner = ann }
  t.db.contact:insert { name = "闰", birthday = crm.date("1992-02-29"), account = account.id }
  t.run_job("birthdays")
  t.eq(tasks(t), 0)
  t.clock.set("2026-02-26T02:00:00Z")
  t.run_job("birthdays")
  t.run_job("birthdays")
  t.eq(tasks(t), 1)
  local task = t.db.task:find {}[1]
  t.eq({ task.owner, task.account }, { ann, account.id }, "of who looks after the customer")
  t.clock.set("2027-02-27T02:00:00Z")
  t.run_job("birthdays")
  t.eq(tasks(t), 2)
end)

crm.test("a birthday around New Year is told of in time", function(t)
  t.clock.set("2026-12-30T02:00:00Z")
  local ann = staff(t)
  t.db.contact:insert { name = "元", birthday = crm.date("1980-01-01"), owner = ann }
  t.run_job("birthdays")
  t.eq(tasks(t), 1)
end)

crm.test("silent customers get a visit, then a warning; a talk begins it anew", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local ann = staff(t)
  local id = t.db.account:insert { name = "甲", status = "customer", owner = ann }.id
  t.db.account:insert { name = "乙", status = "potential", owner = ann }
  local function day(days)
    t.clock.advance { days = days }
    t.run_job("visits")
    t.run_job("churn")
    t.run_job("churn")
  end
  day(29)
  t.eq(tasks(t), 0)
  day(2)
  t.eq({ tasks(t), t.db.account:get(id).churn_warned_at }, { 1 })
  day(60)
  t.eq(tasks(t), 1)
  t.ok(t.db.account:get(id).churn_warned_at)
  t.eq(t.db.notification:count { where = { kind = "churn_warned" } }, 2, "owner and manager")
  t.db.activity:insert { subject = "Call", type = "call", about = { entity = "account", id = id } }
  local now = t.db.account:get(id)
  t.eq({ now.visit_told_at, now.churn_warned_at }, {})
  day(31)
  t.eq(tasks(t), 2)
end)

crm.test("a festival becomes one task for each who has customers, naming them", function(t)
  t.clock.set("2026-09-20T02:00:00Z")
  local ann = staff(t)
  for _, name in ipairs { "甲", "乙" } do
    t.db.account:insert { name = name, status = "customer", level = "a", owner = ann }
  end
  t.db.account:insert { name = "丙", status = "customer", level = "d", owner = ann }
  t.db.account:insert { name = "丁", status = "potential", level = "a", owner = ann }
  local moon = t.db.festival:insert {
    name = "中秋节", on = crm.date("2026-09-25"), days_ahead = 3, levels = { "a", "b" },
    greeting = "花好月圆",
  }
  t.db.festival:insert {
    name = "国庆节", on = crm.date("2020-10-01"), yearly = true, days_ahead = 2,
  }
  t.run_job("festivals")
  t.eq(tasks(t), 0)
  t.clock.set("2026-09-22T02:00:00Z")
  t.run_job("festivals")
  t.run_job("festivals")
  t.eq(tasks(t), 1)
  local task = t.db.task:find {}[1]
  t.eq({ task.owner, task.about.id }, { ann, moon.id })
  t.eq(task.content, "花好月圆\n\n甲\n乙")
  t.clock.set("2026-09-26T02:00:00Z")
  t.run_job("festivals")
  t.eq(tasks(t), 1, "over, and the next one is not yet near")
  t.clock.set("2026-09-30T02:00:00Z")
  t.run_job("festivals")
  t.eq(tasks(t), 2, "on its day of every year")
end)
