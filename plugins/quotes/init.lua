-- quotes - the table of contents.
-- SPDX-License-Identifier: MIT
local lists = require("lists")
local moving = require("people.moving")
local prices = require("prices")

local on = crm.on

on("price_list", "validate", { id = "days" }, lists.check)
on("price_list_item", "before_create", { id = "label" }, lists.label)
on("price_list_item", "before_update", { id = "label" }, lists.label)
on("price_list_item", "validate", { id = "check" }, lists.check_item)

crm.action("product", "price", prices.ask)

crm.wrap("record.move", moving.of {
  account = { { entity = "price_list", fields = { "account" } } },
})

crm.service("price.find", prices.find)
