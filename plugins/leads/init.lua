-- leads - the table of contents.
-- SPDX-License-Identifier: MIT
local match = require("people.match")
local pool = require("pool")
local rules = require("rules")
local scoring = require("scoring")

local on = crm.on

on("lead", "before_create", { id = "score" }, scoring.fill)
on("lead", "before_update", { id = "score", fields = scoring.fields }, scoring.fill)
on("lead", "validate", { id = "identity" }, rules.identity)
on("lead", "validate", { id = "dead_reason", when = { status = "dead" } }, rules.dead_reason)

crm.action("lead", "pick", pool.pick)
crm.action("lead", "assign", pool.assign)

crm.service("lead.match", match.service("lead"))
crm.service("lead.score", scoring.service)
