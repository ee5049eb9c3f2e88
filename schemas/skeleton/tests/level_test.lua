-- level_test - A leads: amount, owner, first call.
-- SPDX-License-Identifier: MIT

local function lead(fields)
  local out = { name = "Zhang San", phones = { "+8613800000001" } }
  for name, value in pairs(fields) do out[name] = value end
  return out
end

crm.test("A leads need an amount and a region", function(t)
  t.as("sales1")
  t.expect_fail(function()
    local little = t.money(1, "CNY")
    t.db.lead:insert(lead { x_level = "A", x_region = "east", estimated_amount = little })
  end, { estimated_amount = "@level_a_min" })
  t.expect_fail(function()
    t.db.lead:insert(lead { x_level = "A", estimated_amount = t.money(60000, "CNY") })
  end, { x_region = "required" })
  t.eq(t.db.lead:insert(lead {}).x_level, "C", "what is not said")
end)

crm.test("an A lead gets an owner and a call within four hours", function(t)
  t.clock.set("2026-03-02T01:00:00Z")
  local amount = t.money(60000, "CNY")
  local one = t.db.lead:insert(lead { x_level = "A", x_region = "east", estimated_amount = amount })
  local two = t.db.lead:insert {
    name = "Li Si", phones = { "+8613800000002" }, x_level = "A", x_region = "west",
    estimated_amount = amount,
  }
  t.ok(one.owner, "nobody was given the lead")
  t.ok(one.owner ~= two.owner, "both went to one person")
  local calls = t.db.task:find { where = { type = "call" }, order = "id" }
  t.eq(#calls, 2)
  t.eq(calls[1].owner, one.owner)
  t.eq(calls[1].due_at, t.datetime("2026-03-02T05:00:00Z"))
end)
