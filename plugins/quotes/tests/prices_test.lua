-- prices_test - what a product costs whom, when and in which quantity.
-- SPDX-License-Identifier: MIT

local function product(t, fields)
  fields = fields or {}
  fields.name, fields.price = fields.name or "主机", crm.money("100.00")
  return t.db.product:insert(fields).id
end

local function list(t, fields, product_id, item)
  fields.name = fields.name or "价目"
  local id = t.db.price_list:insert(fields).id
  item.price_list, item.product = id, product_id
  t.db.price_list_item:insert(item)
  return id
end

local function price(t, product_id, account, quantity)
  local found = t.action("product", product_id, "price", {
    account = account and crm.id_text(account), quantity = quantity,
  })
  return found.price.amount, found.list
end

crm.test("the list that fits most closely counts: customer, level, region, everybody", function(t)
  local id = product(t)
  local account = t.db.account:insert { name = "甲", level = "a", region = "east" }.id
  local other = t.db.account:insert { name = "乙" }.id
  t.eq(price(t, id, account), "100.00", "its own price while no list has it")
  list(t, { name = "所有人" }, id, { price = crm.money("95.00") })
  t.eq(price(t, id, account), "95.00")
  list(t, { name = "华东", region = "east" }, id, { price = crm.money("90.00") })
  t.eq(price(t, id, account), "90.00")
  list(t, { name = "A 级", level = "a" }, id, { discount = "20" })
  t.eq(price(t, id, account), "80.00", "a discount on the product's own price")
  list(t, { name = "甲", account = account }, id, { price = crm.money("70.00") })
  t.eq(price(t, id, account), "70.00")
  t.eq(price(t, id, other), "95.00")
  t.eq(price(t, id), "95.00")
end)

crm.test("a list holds between its days, while it is on, by its order", function(t)
  t.clock.set("2026-03-10T02:00:00Z")
  local id = product(t)
  local days = { valid_from = crm.date("2026-03-11"), valid_to = crm.date("2026-03-12") }
  local one = list(t, days, id, { price = crm.money("50.00") })
  t.eq(price(t, id), "100.00")
  t.clock.advance { days = 1 }
  t.eq(price(t, id), "50.00")
  list(t, { name = "先", order = 1 }, id, { price = crm.money("60.00") })
  t.eq(price(t, id), "60.00")
  t.clock.advance { days = 2 }
  t.db.price_list:update(one, { order = 0 })
  t.eq(price(t, id), "60.00", "over since yesterday")
  t.db.price_list:update(one, { valid_to = crm.null })
  t.eq(price(t, id), "50.00")
  t.db.price_list:update(one, { enabled = false })
  t.eq(price(t, id), "60.00")
end)

crm.test("quantities from which a price holds", function(t)
  local id = product(t)
  local one = list(t, {}, id, { price = crm.money("90.00") })
  t.db.price_list_item:insert {
    price_list = one, product = id, min_quantity = "10", price = crm.money("80.00"),
  }
  t.eq(price(t, id, nil, "9.999"), "90.00")
  t.eq(price(t, id, nil, "10"), "80.00")
  t.expect_fail(function() price(t, id, nil, "viele") end, { quantity = "@bad_quantity" })
  t.expect_fail(function()
    t.db.price_list_item:insert {
      price_list = one, product = id, min_quantity = "10", price = crm.money("1.00"),
    }
  end, { min_quantity = "@item_again" })
end)

crm.test("what a list and its prices have to satisfy", function(t)
  local id = product(t)
  t.expect_fail(function()
    t.db.price_list:insert {
      name = "X", valid_from = crm.date("2026-03-02"), valid_to = crm.date("2026-03-01"),
    }
  end, { valid_to = "@list_days" })
  local usd = t.db.price_list:insert { name = "USD", currency = "USD" }.id
  t.expect_fail(function()
    t.db.price_list_item:insert { price_list = usd, product = id }
  end, { price = "@item_price" })
  t.expect_fail(function()
    t.db.price_list_item:insert { price_list = usd, product = id, price = crm.money("1.00") }
  end, { price = "@list_currency" })
end)

crm.test("deals and their lines get their prices from here", function(t)
  local id = product(t)
  local account = t.db.account:insert { name = "甲" }.id
  list(t, { account = account }, id, { price = crm.money("70.00") })
  local deal = t.db.opportunity:insert { name = "X", account = account, product = id }
  t.eq(tostring(t.db.opportunity:get(deal.id).amount), "70.00 CNY")
  t.db.opportunity_line:insert {
    name = "主机", opportunity = deal.id, product = id, quantity = "3", discount = "10",
  }
  t.eq(tostring(t.db.opportunity:get(deal.id).amount), "189.00 CNY")
end)
