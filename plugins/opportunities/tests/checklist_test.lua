-- checklist_test - what has to be ticked off before a deal may enter a stage.
-- SPDX-License-Identifier: MIT

crm.test("a deal enters a stage when its checklist is done", function(t)
  local deal = t.db.opportunity:insert { name = "Deal", amount = crm.money("1.00") }
  deal = t.db.opportunity:get(deal.id)
  local stages = t.db.stage:find { where = { pipeline = deal.pipeline }, order = "order" }
  t.db.stage:update(stages[2].id, { checklist = { "Budget known", "Decider met" } })
  local function move() assert(t.db.opportunity:update(deal.id, { stage = stages[2].id })) end
  t.expect_fail(move, { checked = "@stage_checklist" })
  t.db.opportunity:update(deal.id, { checked = { "Budget known" } })
  t.expect_fail(move, { checked = "@stage_checklist" })
  t.db.opportunity:update(deal.id, { checked = { "Budget known", "Decider met", "More" } })
  move()
  t.eq(t.db.opportunity:get(deal.id).stage, stages[2].id)
end)
