-- leads - the table of contents.
-- SPDX-License-Identifier: MIT
local capacity = require("capacity")
local capture = require("capture")
local checks = require("checks")
local contacts = require("contacts")
local converting = require("converting")
local following = require("following")
local merges = require("people.following")
local letters = require("letters")
local match = require("people.match")
local merging = require("merging")
local notices = require("notices")
local people = require("people.notices")
local picking = require("picking")
local pools = require("pools")
local recycling = require("recycling")
local routing = require("routing")
local rules = require("rules")
local scoring = require("scoring")
local states = require("states")
local viewing = require("viewing")
local watching = require("watching")

local on = crm.on

local parts = { id = "name", fields = { "first", "last" } }
on("lead", "before_create", parts, rules.named)
on("lead", "before_update", parts, rules.named)
on("lead", "before_create", { id = "score" }, scoring.fill)
on("lead", "before_update", { id = "score", fields = scoring.fields }, scoring.fill)
on("lead", "before_create", { id = "sources" }, following.sources)
on("lead", "before_update", { id = "sources", fields = { "source" } }, following.sources)
local refined = { own_status = { ne = crm.null } }
local status = { id = "own_status", when = refined, fields = { "own_status", "status" } }
on("lead", "before_create", { id = "place" }, routing.place)
on("lead", "before_update", { id = "place", fields = { "owner", "pool" } }, routing.moved)
on("lead", "before_create", { id = "own_status", when = refined }, states.refine)
on("lead", "before_update", status, states.refine)
on("lead", "validate", { id = "identity" }, rules.identity)
on("lead", "validate", { id = "dead_reason", when = { status = "dead" } }, rules.dead_reason)
on("lead", "validate", { id = "ways", fields = { "status" } }, rules.ways)
on("lead", "validate", { id = "capacity", fields = { "owner" } }, capacity.check)
on("account", "before_create", { id = "place" }, pools.place)
on("account", "before_update", { id = "place", fields = { "owner", "pool" } }, pools.place)
on("account", "validate", { id = "capacity", fields = { "owner" } }, capacity.check)
on("account", "after_create", { id = "moved" }, pools.moved)
on("account", "after_update", { id = "moved", fields = { "owner", "pool" } }, pools.moved)
on("recycle_rule", "validate", { id = "condition", fields = { "match", "of", "pool" } },
  rules.recycling)
on("route_rule", "validate", { id = "condition", fields = { "match" } }, rules.condition)
on("lead", "after_create", { id = "moved" }, pools.moved)
on("lead", "after_update", { id = "moved", fields = { "owner", "pool" } }, pools.moved)
on("lead", "after_create", { id = "created" }, rules.created)
on("lead", "after_update", { id = "scored", fields = { "score" } }, scoring.scored)
on("lead", "transition:status", { id = "told" }, rules.moved)
on("activity", "after_create", { id = "lead" }, following.recorded)

on("lead", "after_create", { id = "given", when = { owner = { ne = crm.null } } }, people.given)
on("lead", "after_update", { id = "given", fields = { "owner" } }, people.given)
on("lead.recycle_warned", { id = "notice" }, notices.recycle_warned)
on("lead.recycled", { id = "notice" }, notices.recycled)
on("account.recycle_warned", { id = "notice" }, notices.recycle_warned)
on("account.recycled", { id = "notice" }, notices.recycled)
on("lead.sla_warned", { id = "notice" }, notices.sla_warned)
on("lead.sla_breached", { id = "notice" }, notices.sla_breached)

crm.action("lead", "transfer", picking.transfer)
crm.action("lead", "follow_up", following.follow_up)
crm.action("lead", "convert", converting.convert)
crm.action("lead", "unconvert", converting.unconvert)
crm.action("lead", "merge", merging.merge)
crm.action("lead", "unmerge", merging.unmerge)

for _, entity in ipairs { "lead", "account" } do
  crm.action(entity, "pick", picking.pick)
  crm.action(entity, "view", viewing.view)
  crm.action(entity, "assign", picking.assign)
  crm.action(entity, "return", picking.give_back)
  crm.action(entity, "lock", picking.lock)
  crm.action(entity, "unlock", picking.unlock)
end
crm.action("capacity", "measure", capacity.measure_one)

crm.service("lead.match", match.service("lead"))
crm.service("lead.recognise", match.service("lead", { as_system = true }))
crm.service("lead.score", scoring.service)
crm.service("lead.route", routing.route)
crm.service("lead.convert_map", converting.map)
crm.service("pool.can_pick", picking.can_pick)
crm.service("pool.can_view", picking.can_view)
crm.service("pool.should_recycle", recycling.judge)

crm.wrap("mail.link", letters.link)
crm.wrap("account.give", picking.give_account)

crm.job("settle", { cron = "15 2 * * *", catch_up = "once" }, pools.settle)
crm.job("recycle", { cron = "30 2 * * *", catch_up = "once" }, recycling.leads)
crm.job("recycle_accounts", { cron = "35 2 * * *", catch_up = "once" }, recycling.accounts)
crm.job("capacity", { cron = "45 2 * * *", catch_up = "once" }, capacity.measure)
crm.job("contacts", contacts.run)
crm.job("link", { retry = 5 }, converting.link_rest)
crm.job("merge_rest", { retry = 5 }, merges.rest)
crm.job("merge_back", { retry = 5 }, merges.back)
crm.job("watch", { every = "15m" }, watching.run)

crm.check("lead.place", { entity = "lead" }, checks.place)
crm.check("lead.ownership", { entity = "lead" }, checks.lead_ownership)
crm.check("lead.status", { entity = "lead", where = { own_status = { ne = crm.null } } },
  checks.status)
crm.check("lead.conversion", { entity = "lead" }, checks.conversion)

-- Customers that were there before their pools have no history, and wait for the job "settle".
local placed = { entity = "account", where = { moved_at = { ne = crm.null } } }
crm.check("account.place", placed, checks.place)
crm.check("account.ownership", placed, checks.account_ownership)

crm.route("POST", "/web", capture.options, capture.web)
