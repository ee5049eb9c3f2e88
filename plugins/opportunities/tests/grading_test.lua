-- grading_test - levels of customers follow what they have bought, where the company wants that.
-- SPDX-License-Identifier: MIT

crm.test("a customer's level is worked out anew each month", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local function customer(name, amount)
    local id = t.db.account:insert { name = name, status = "customer", level = "b" }.id
    if amount then
      local deal = t.db.opportunity:insert { name = name, account = id,
        amount = crm.money(amount) }
      t.action("opportunity", deal.id, "win")
    end
    return id
  end
  local large, middle = customer("大", "1000.00"), customer("中", "999.99")
  local small, none = customer("小", "1.00"), customer("无")
  local asked = t.db.account:insert { name = "潜", level = "a" }.id
  t.run_job("grade")
  local function levels()
    local list = {}
    for index, id in ipairs { large, middle, small, none, asked } do
      list[index] = t.db.account:get(id).level
    end
    return table.concat(list)
  end
  t.eq(levels(), "abcda")
  local version = t.db.account:get(large).version
  t.run_job("grade")
  t.eq(t.db.account:get(large).version, version, "a second run changes nothing")
  t.clock.advance { days = 400 }
  t.run_job("grade")
  t.eq(levels(), "dddda")
end)
