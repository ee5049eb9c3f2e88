-- industry_retail - the table of contents: which function runs when.
-- SPDX-License-Identifier: MIT
local promotions, purchases = require("promotions"), require("purchases")

local on = crm.on
on("retail_promotion", "validate", { id = "dates", fields = { "starts_on", "ends_on" } },
  promotions.dates)
on("retail_purchase", "before_create", { id = "price" }, purchases.price)
on("retail_purchase", "before_update",
  { id = "price", fields = { "amount", "promotion", "bought_on", "category" } }, purchases.price)
on("retail_purchase", "validate", { id = "promotion", fields = { "promotion", "amount" } },
  purchases.promotion_fits)
on("retail_purchase", "validate", { id = "return", when = { status = "returned" },
  fields = { "status" } }, purchases.return_in_time)
on("retail_purchase", "after_create", { id = "earn" }, purchases.earn)
on("retail_purchase", "after_update", { id = "earn", fields = { "paid" } }, purchases.earn)
on("retail_purchase", "transition:status", { id = "give_back" }, purchases.give_back)

crm.wrap("record.move", require("people.moving").of {
  contact = { { entity = "retail_purchase", fields = { "contact" } } },
})
