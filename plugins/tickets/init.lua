-- tickets - the table of contents.
-- SPDX-License-Identifier: MIT
local articles = require("articles")
local calendars = require("calendars")
local clockwork = require("clockwork")
local desk = require("desk")
local merging = require("merging")
local messages = require("messages")
local rating = require("rating")
local sla = require("sla")

local on = crm.on

on("calendar", "validate", { id = "check" }, calendars.check)
on("calendar", "after_update", { id = "recalculate" }, calendars.changed)

on("ticket", "before_create", { id = "prepare" }, desk.prepare)
on("ticket", "before_update", { id = "change" }, desk.change)
on("ticket", "validate", { id = "guard" }, desk.guard)
on("ticket", "after_create", { id = "clocks" }, sla.begin)
on("ticket", "after_create", { id = "assign", when = { owner = crm.null } }, desk.assign)
on("ticket", "transition:status", { id = "moved" }, desk.moved)
on("ticket", "after_update", { id = "retarget", fields = { "priority", "sla_policy" } },
  desk.retargeted)

on("ticket_message", "before_create", { id = "prepare" }, messages.prepare)
on("ticket_message", "after_create", { id = "arrived" }, messages.arrived)

on("article", "before_update", { id = "change" }, articles.change)
on("article", "after_create", { id = "keep" }, articles.keep)
on("article", "after_update", { id = "keep" }, articles.keep)

crm.action("ticket", "reply", messages.reply)
crm.action("ticket", "note", messages.note)
crm.action("ticket", "resolve", desk.resolve)
crm.action("ticket", "reopen", desk.reopen)
crm.action("ticket", "escalate", desk.escalate)
crm.action("ticket", "merge", merging.merge)
crm.action("ticket", "unmerge", merging.unmerge)
crm.action("ticket", "split", merging.split)
crm.action("ticket", "rate", rating.rate)
crm.action("ticket", "clocks", sla.explain)
crm.action("article", "helpful", articles.helpful)

crm.service("ticket.classify", desk.classify)
crm.service("ticket.dispatch", desk.dispatch)

crm.job("recalculate", {}, clockwork.recalculate)
crm.job("watch", { every = "1m" }, clockwork.watch)
crm.job("wake", { every = "5m" }, clockwork.wake)
crm.job("close", { cron = "15 3 * * *", catch_up = "once" }, clockwork.close)
