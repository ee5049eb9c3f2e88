-- people_test - nothing is approved because nobody was there who could decide it.
-- SPDX-License-Identifier: MIT

local function company(t)
  t.user { login = "chief", roles = { "admin" } }
  local boss = t.user { login = "boss", roles = { "viewer" } }
  local seller = t.user { login = "seller", roles = { "approver", "sales" }, manager = "boss" }
  return t.user { login = "second", roles = { "approver" } }, seller, boss
end

local function flow(t, rule, fields)
  fields.name, fields.entity = "F", "account"
  fields.nodes = { { id = "a", name = "一", approvers = { rule } } }
  return t.db.approval_flow:insert(fields)
end

local function hand_in(t, fields)
  t.as("seller")
  fields = fields or {}
  fields.about = { entity = "account", id = t.db.account:insert { name = "A" }.id }
  local made = t.db.approval:insert(fields)
  t.as()
  made = t.db.approval:get(made.id)
  local task = t.db.approval_task:find { where = { approval = made.id } }[1]
  return made.state, task and t.db.user:get(task.owner).login
end

crm.test("a superior who may not decide does not stand in: it goes where nobody is", function(t)
  local _, seller = company(t)
  flow(t, { kind = "member", users = { crm.id_text(seller) } }, { own = "superior" })
  t.eq({ hand_in(t) }, { "running", "chief" })
end)

crm.test("who is asked where nobody is does not decide what is their own", function(t)
  local _, seller = company(t)
  flow(t, { kind = "head" }, { no_approver = "fallback", fallback = seller })
  t.eq({ hand_in(t) }, { "running", "chief" })
end)

crm.test("whoever hands in names others who may decide, and not themselves", function(t)
  local second, seller, boss = company(t)
  local made = flow(t, { kind = "choice" }, { no_approver = "pass" })
  local unfit = { chosen = "@user_unfit" }
  for _, name in ipairs { "nobody", crm.id_text(boss), crm.id_text(seller) } do
    t.expect_fail(function() hand_in(t, { chosen = { a = { name } } }) end, unfit)
    t.expect_fail(function()
      hand_in(t, { chosen = { a = { crm.id_text(second), name } } })
    end, unfit)
  end
  t.eq({ hand_in(t, { chosen = { a = { crm.id_text(second) } } }) }, { "running", "second" })
  t.as()
  t.db.approval_flow:update(made.id, { own = "allow" })
  t.eq({ hand_in(t, { chosen = { a = { crm.id_text(seller) } } }) }, { "running", "seller" })
end)
