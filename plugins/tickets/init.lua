-- tickets - the table of contents.
-- SPDX-License-Identifier: MIT
local articles = require("articles")
local calendars = require("calendars")
local checks = require("checks")
local clockwork = require("clockwork")
local desk = require("desk")
local forms = require("forms")
local letters = require("letters")
local macros = require("macros")
local mailbox = require("mailbox")
local merging = require("merging")
local messages = require("messages")
local moving = require("people.moving")
local notices = require("notices")
local people = require("people.notices")
local policies = require("policies")
local portal = require("portal")
local rating = require("rating")
local sla = require("sla")
local steps = require("steps")
local visits = require("visits")

local on = crm.on

on("calendar", "validate", { id = "check" }, calendars.check)
on("calendar", "after_update", { id = "recalculate" }, calendars.changed)

on("sla_policy", "validate", { id = "match", fields = { "match" } }, calendars.check_policy)

on("ticket", "before_create", { id = "prepare" }, desk.prepare)
on("ticket", "before_update", { id = "change" }, desk.change)
on("ticket", "validate", { id = "guard" }, desk.guard)
on("ticket", "before_create", { id = "form", at = 600 }, forms.choose)
on("ticket", "before_update", { id = "form", at = 600, fields = { "type" } }, forms.choose)
on("ticket", "validate", { id = "form" }, forms.guard)
on("ticket_form", "validate", { id = "one" }, forms.check_form)
on("ticket_form_field", "validate", { id = "field" }, forms.check_field)
on("ticket", "after_create", { id = "clocks" }, sla.begin)
on("ticket", "after_restore", { id = "clocks" }, sla.restored)
on("ticket", "after_create", { id = "tell" }, desk.created)
on("ticket", "after_update", { id = "given", fields = { "owner" } }, desk.given)
on("ticket", "after_create", { id = "assign", when = { owner = crm.null } }, desk.assign)
on("ticket", "transition:status", { id = "moved" }, desk.moved)
on("ticket", "after_update", { id = "retarget",
  fields = { "priority", "sla_policy", "owner", "team" } }, desk.retargeted)

on("task", "transition:status", { id = "visit" }, visits.made)

on("ticket_message", "before_create", { id = "prepare" }, messages.prepare)
on("ticket_message", "after_create", { id = "arrived" }, messages.arrived)

on("article", "before_update", { id = "change" }, articles.change)
on("article", "after_create", { id = "keep" }, articles.keep)
on("article", "after_update", { id = "keep" }, articles.keep)

on("article", "transition:state", { id = "moved" }, articles.moved)

on("ticket", "after_create", { id = "notice", when = { owner = { ne = crm.null } } }, people.given)
on("ticket", "after_update", { id = "notice", fields = { "owner" } }, people.given)
on("ticket.customer_replied", { id = "notice" }, notices.replied)
on("ticket.reopened", { id = "notice" }, notices.reopened)
on("ticket.sla_warned", { id = "notice" }, notices.warned)
on("ticket.sla_breached", { id = "notice" }, notices.breached)
on("ticket.escalated", { id = "notice" }, notices.escalated)
on("ticket.rated", { id = "notice" }, notices.rated)

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
crm.action("ticket", "suggest", articles.for_ticket)
crm.action("ticket", "use_article", articles.use)
crm.action("ticket", "macro", macros.one)
crm.action("macro", "apply", macros.many)
crm.action("article", "helpful", articles.helpful)

crm.wrap("record.move", moving.of {
  account = { { entity = "ticket", fields = { "account" } } },
  contact = { { entity = "ticket", fields = { "contact" } } },
})

crm.service("ticket.classify", desk.classify)
crm.service("ticket.dispatch", desk.dispatch)
crm.service("ticket.escalate", steps.escalate)
crm.service("ticket.auto_reply", letters.choose)
crm.service("ticket.from_mail", mailbox.take)
crm.on("mail.received", { id = "ticket" }, mailbox.received)
crm.service("sla.match", policies.match)
crm.service("article.suggest", articles.suggest)

crm.job("recalculate", {}, clockwork.recalculate)
crm.job("watch", { every = "1m" }, clockwork.watch)
crm.job("wake", { every = "5m" }, clockwork.wake)
crm.job("close", { cron = "15 9 * * *", catch_up = "once" }, clockwork.close)
crm.job("macro", {}, macros.run)

crm.route("POST", "/requests", portal.request_options, portal.request)
crm.route("GET", "/forms", {
  auth = "public", rate = "60/m", summary = "What a request of each type is asked",
}, forms.show)
crm.route("GET", "/asked", {
  perm = "ticket:read", summary = "What a ticket of each type has to say",
}, forms.asked)
crm.route("GET", "/progress", {
  auth = "public", rate = "60/m", query = { token = "text!" }, summary = "How far a request is",
}, portal.progress)
crm.route("POST", "/answers", {
  auth = "public", rate = "20/m", body = { token = "text!", body = "text!" },
  summary = "The customer answers",
}, portal.answer)
crm.route("POST", "/rate", {
  auth = "public", rate = "20/m", body = { token = "text!", score = "int!", text = "text" },
  summary = "The customer says how it was",
}, rating.by_link)
crm.route("GET", "/articles", {
  auth = "public", rate = "60/m", query = { q = "text!" }, summary = "Articles for customers",
}, portal.articles)

crm.check("clock.agrees", { entity = "ticket_clock" }, checks.clock)
crm.check("clock.owed", {
  entity = "ticket_clock", where = { kind = "next_response", state = "running" },
}, checks.owed)
crm.check("ticket.due", { entity = "ticket" }, checks.due)
crm.check("ticket.pauses", { entity = "ticket" }, checks.pauses)
crm.check("ticket.clocks", { entity = "ticket" }, checks.running)
crm.check("ticket.merged", { entity = "ticket" }, checks.merged)
crm.check("message.ticket", { entity = "ticket_message" }, checks.message)
