-- waiting_test - stages that are entered by approval.
-- SPDX-License-Identifier: MIT

local function stage_of(t, deal, order)
  return t.db.stage:find { where = { pipeline = deal.pipeline, order = order } }[1]
end

-- A seller's deal, whose third stage asks the boss.
local function setting(t, flow)
  local boss = t.user { login = "boss", roles = { "sales_manager", "approver" } }
  t.user { login = "sales1", roles = { "sales" } }
  t.as("sales1")
  local account = t.db.account:insert { name = "A" }
  local id = t.db.opportunity:insert {
    name = "X", amount = crm.money("10.00"), account = account.id,
  }.id
  local deal = t.db.opportunity:get(id)
  t.as()
  local approvers = { { kind = "member", users = { crm.id_text(boss) } } }
  flow = flow or {}
  flow.name, flow.entity, flow.purpose = "方案审批", "opportunity", "stage"
  flow.guarded, flow.nodes = { "stage" }, { { id = "boss", name = "Boss", approvers = approvers } }
  flow = t.db.approval_flow:insert(flow)
  local engaging, proposal = stage_of(t, deal, 20), stage_of(t, deal, 30)
  t.db.stage:update(engaging.id, { required_fields = {} })
  t.db.stage:update(proposal.id, { approval_flow = flow.id, required_fields = { "next_step" } })
  t.as("sales1")
  t.action("opportunity", id, "move", { stage = crm.id_text(engaging.id) })
  return id, engaging.id, proposal.id
end

local function place(t, id)
  local deal = t.db.opportunity:get(id)
  return { deal.stage, deal.stage_wanted }
end

local function ask(t, id, stage)
  return t.action("opportunity", id, "move", { stage = crm.id_text(stage) })
end

local function decide(t, verb, args)
  t.as("boss")
  local task = t.db.approval_task:find { where = { state = "open" }, limit = 1 }[1]
  t.action("approval_task", task.id, verb, args or {})
  t.as("sales1")
end

crm.test("Entering a stage starts its approval flow and waits for it", function(t)
  local id, engaging, proposal = setting(t)
  t.expect_fail(function() ask(t, id, proposal) end, { next_step = true })
  t.eq(place(t, id), { engaging })
  t.db.opportunity:update(id, { next_step = "call" })
  t.eq(ask(t, id, proposal).waits_for, crm.id_text(proposal))
  t.eq(place(t, id), { engaging, proposal })
  local asked = t.db.approval:find { where = { about = id } }
  t.eq(#asked, 1)
  t.eq(asked[1].purpose, "stage")
  decide(t, "approve")
  t.eq(place(t, id), { proposal })
  t.eq(t.check(), {})
end)

crm.test("a deal that was refused stays, and may ask again by any way", function(t)
  local id, engaging, proposal = setting(t)
  t.db.opportunity:update(id, { stage = proposal, next_step = "call" })
  t.eq(place(t, id), { engaging, proposal })
  t.db.opportunity:update(id, { stage = proposal })
  t.eq(place(t, id), { engaging, proposal })
  t.eq(t.db.approval:count { where = { about = id } }, 1)
  decide(t, "reject", { comment = "no" })
  t.eq(place(t, id), { engaging })
  t.db.opportunity:update(id, { stage = proposal })
  decide(t, "approve")
  t.eq(place(t, id), { proposal })
end)

crm.test("no way around: neither a new deal nor another pipeline", function(t)
  local id, _, proposal = setting(t)
  t.expect_fail(function() t.db.opportunity:insert { name = "Y", stage = proposal } end,
    { stage = "@stage_by_approval" })
  t.as()
  local pipeline = t.db.pipeline:insert { name = "Other" }
  local flow = t.db.stage:get(proposal).approval_flow
  t.db.stage:insert {
    name = "First", pipeline = pipeline.id, order = 1, kind = "open", approval_flow = flow,
  }
  t.as("sales1")
  t.expect_fail(function()
    t.action("opportunity", id, "switch", { pipeline = crm.id_text(pipeline.id) })
  end, { stage = true })
end)

crm.test("a flow that does not fit the deal, or is switched off, bars nothing", function(t)
  local id, _, proposal = setting(t, { match = { amount = { gt = "1000.00" } } })
  t.db.opportunity:update(id, { next_step = "call" })
  ask(t, id, proposal)
  t.eq(place(t, id), { proposal })
end)

crm.test("a stage's flow is one for deals", function(t)
  local _, _, proposal = setting(t)
  t.as()
  local flow = t.db.approval_flow:get(t.db.stage:get(proposal).approval_flow)
  local other = t.db.approval_flow:insert {
    name = "B", entity = "account", nodes = crm.data(flow).nodes,
  }
  t.expect_fail(function() t.db.stage:update(proposal, { approval_flow = other.id }) end,
    { approval_flow = "@flow_foreign" })
end)

crm.test("what is under approval is talked about, and its sums stay as they were", function(t)
  local seller = t.user { login = "ann", roles = { "sales", "approver" } }
  local boss = t.user { login = "chef", roles = { "sales_manager", "approver" } }
  local approvers = { { kind = "member", users = { crm.id_text(boss) } } }
  for _, entity in ipairs { "lead", "account", "opportunity" } do
    t.db.approval_flow:insert {
      name = entity, entity = entity, nodes = { { id = "a", name = "A", approvers = approvers } },
    }
  end
  t.as("ann")
  local lead = t.db.lead:insert { name = "L", owner = seller }.id
  local account = t.db.account:insert { name = "A" }.id
  local deal = t.db.opportunity:insert { name = "D", account = account }.id
  local of = { lead = lead, account = account, opportunity = deal }
  for entity, id in pairs(of) do
    t.db.approval:insert { about = { entity = entity, id = id } }
    t.db.activity:insert { subject = "谈", type = "call", about = { entity = entity, id = id } }
  end
  t.eq(t.db.lead:get(lead).sla_state, "met")
  t.expect_fail(function()
    t.db.opportunity_line:insert { name = "L", opportunity = deal, price = crm.money("1.00") }
  end, { price = true })
  t.expect_fail(function()
    t.db.opportunity_expense:insert { name = "E", opportunity = deal, amount = crm.money("1.00") }
  end, { amount = true })
  t.expect_fail(function()
    t.action("lead", lead, "follow_up", { next_contact_at = "2026-05-01T02:00:00Z" })
  end, { next_contact_at = true })
end)
