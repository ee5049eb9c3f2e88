-- merging_test - leads with a long history keep all of it, whatever becomes of them.
-- SPDX-License-Identifier: MIT

local MANY = 130

local function talks(t, id)
  for n = 1, MANY do
    t.db.activity:insert { subject = "谈" .. n, about = { entity = "lead", id = id } }
    t.db.task:insert { subject = "约" .. n, about = { entity = "lead", id = id } }
  end
end

local function count(t, where)
  return { t.db.activity:count { where = where }, t.db.task:count { where = where } }
end

crm.test("a conversion takes all activities and tasks along, and gives them back", function(t)
  local id = t.db.lead:insert { name = "长", company = "长谈", status = "assigned" }.id
  talks(t, id)
  local made = t.action("lead", id, "convert", {})
  t.eq(select(2, t.run_outbox()), {})
  local account = crm.id_parse(made.account)
  t.eq(count(t, { account = account, contact = crm.id_parse(made.contact) }), { MANY, MANY })
  t.action("lead", id, "unconvert", {})
  t.eq(select(2, t.run_outbox()), {})
  t.eq(count(t, { account = { ne = crm.null } }), { 0, 0 })
  t.eq(count(t, { about = id }), { MANY, MANY })
  t.eq(t.check(), {})
end)

crm.test("a merge takes all activities and tasks along, and gives them back", function(t)
  local kept = t.db.lead:insert { name = "留" }.id
  local gone = t.db.lead:insert { name = "走" }.id
  talks(t, gone)
  t.db.activity:insert { subject = "自己的", about = { entity = "lead", id = kept } }
  local into = crm.id_text(kept)
  t.eq(t.action("lead", gone, "merge", { into = into, preview = true }).children, MANY * 2)
  t.action("lead", gone, "merge", { into = into })
  t.eq(count(t, { about = kept }), { MANY + 1, MANY })
  t.action("lead", gone, "unmerge", {})
  t.eq(count(t, { about = gone }), { MANY, MANY })
  t.eq(count(t, { about = kept }), { 1, 0 })
  t.eq(t.check(), {})
end)

crm.test("what a new customer would lack is told, and nothing is converted", function(t)
  local name = ("长"):rep(100)
  local id = t.db.lead:insert { name = name, status = "assigned" }.id
  local made = t.action("lead", id, "convert", {})
  t.eq(t.db.contact:get(crm.id_parse(made.contact)).name, name, "as long as a lead's")
  local other = t.db.lead:insert { name = "乙", company = "某公司", status = "assigned" }.id
  t.db.account:insert { name = "某公司", status = "lost", lost_reason = "x" }
  t.action("lead", other, "convert", {})
  t.eq(t.check(), {})
end)
