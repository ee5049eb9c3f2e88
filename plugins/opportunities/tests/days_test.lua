-- days_test - deals over days: visits with their durations, and deals that stay too long.
-- SPDX-License-Identifier: MIT

crm.test("Every stage visit is stored with its duration", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local id = t.db.opportunity:insert { name = "Deal", amount = crm.money("99.99") }.id
  local deal = t.db.opportunity:get(id)
  local stages = t.db.stage:find { where = { pipeline = deal.pipeline }, order = "order" }
  t.clock.advance { days = 2 }
  t.action("opportunity", id, "move", { stage = crm.id_text(stages[2].id) })
  t.clock.advance { hours = 3 }
  t.action("opportunity", id, "lose", { reason = "price" })
  local seconds = {}
  for index, visit in ipairs(t.db.stage_visit:find { order = "id" }) do
    seconds[index] = visit.seconds or -1
  end
  t.eq(seconds, { 172800, 10800, -1 })
  t.eq(t.check(), {})
end)

crm.test("a deal is stale after the days of its stage, and told once a stay", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local id = t.db.opportunity:insert { name = "Deal" }.id
  local deal = t.db.opportunity:get(id)
  t.db.stage:update(deal.stage, { rot_days = 5 })
  t.clock.advance { days = 4, hours = 23 }
  t.run_job("stale")
  t.eq(t.db.opportunity:get(id).stale_at, nil)
  t.clock.advance { hours = 2 }
  t.run_job("stale")
  local version = t.db.opportunity:get(id).version
  t.ok(t.db.opportunity:get(id).stale_at)
  t.run_job("stale")
  t.eq(t.db.opportunity:get(id).version, version)
  t.eq(t.check(), {})
end)
