-- init - the table of contents: which function runs when.
-- SPDX-License-Identifier: MIT
local routing = require("routing")
local rules = require("rules")

local on = crm.on

on("lead", "before_create", { id = "assign", when = { x_level = "A", owner = crm.null } },
  routing.assign)
on("lead", "validate", { id = "level_a", fields = { "x_level", "estimated_amount" } },
  rules.level_a)
on("lead", "after_create", { id = "first_call", when = { x_level = "A" } }, routing.first_call)
