-- people - the table of contents.
-- SPDX-License-Identifier: MIT
local activities = require("activities")
local care = require("care")
local comments = require("comments")
local doubles = require("doubles")
local festivals = require("festivals")
local following = require("following")
local forms = require("forms")
local letters = require("letters")
local match = require("match")
local moving = require("moving")
local notices = require("notices")
local segments = require("segments")
local tasks = require("tasks")
local transferring = require("transferring")

local on = crm.on

on("task", "before_create", { id = "place" }, activities.place)
on("task", "before_update", { id = "place", fields = { "about" } }, activities.place)
on("task", "before_update", { id = "ended", fields = { "status", "remind_at", "due_at" } },
  tasks.changed)
on("task", "transition:status", { id = "record" }, tasks.moved)
on("activity", "before_create", { id = "place" }, activities.place)
on("activity", "before_update", { id = "place", fields = { "about" } }, activities.place)
on("activity", "after_create", { id = "followed" }, activities.followed)
on("activity_comment", "validate", { id = "stays", fields = { "activity" } }, comments.check)
on("activity_comment", "after_create", { id = "told" }, comments.told)
on("activity_comment", "after_update", { id = "told", fields = { "mentions" } }, comments.told)
on("segment", "validate", { id = "filter", fields = { "of", "filter" } }, segments.check)
on("consent", "before_create", { id = "label" }, activities.consent)

on("account", "before_update", { id = "care", fields = { "last_follow_at" } }, care.talked)
local ways = { id = "merged", fields = { "status" } }
on("account", "validate", ways, doubles.ways)

local owned = { id = "given", when = { owner = { ne = crm.null } } }
local changed = { id = "given", fields = { "owner" } }
for _, entity in ipairs { "task", "account", "contact" } do
  on(entity, "after_create", owned, notices.given)
  on(entity, "after_update", changed, notices.given)
end
on("activity", "after_create", { id = "mentioned", when = { mentions = { ne = crm.null } } },
  notices.mentioned)
on("task.reminded", { id = "notice" }, notices.reminded)
on("task.overdue", { id = "notice" }, notices.overdue)
on("account.churn_warned", { id = "notice" }, notices.churn_warned)

crm.action("activity", "comment", comments.comment)
crm.action("task", "complete", tasks.complete)
crm.action("task", "cancel", tasks.cancel)

crm.action("account", "transfer", transferring.transfer)
crm.action("account", "merge", doubles.merge_account)
crm.action("account", "unmerge", doubles.unmerge_account)
crm.action("contact", "merge", doubles.merge_contact)
crm.action("contact", "unmerge", doubles.unmerge_contact)

crm.action("segment", "count", segments.count)
crm.action("segment", "records", segments.records)

crm.service("account.match", match.service("account"))
crm.service("contact.match", match.service("contact"))

crm.service("account.give", transferring.give)
crm.service("form.submit", forms.submit)
crm.service("record.move", moving.none)
crm.wrap("record.move", doubles.children)

crm.service("mail.link", letters.link)
on("mail.received", { id = "link" }, letters.received)

crm.job("remind", { every = "5m" }, tasks.remind)
crm.job("birthdays", { cron = "5 6 * * *", catch_up = "once" }, care.birthdays)
crm.job("festivals", { cron = "8 6 * * *", catch_up = "once" }, festivals.run)
crm.job("merge_rest", { retry = 5 }, following.rest)
crm.job("merge_back", { retry = 5 }, following.back)
crm.job("visits", { cron = "10 6 * * *", catch_up = "once" }, care.visits)
crm.job("churn", { cron = "15 6 * * *", catch_up = "once" }, care.churn)

local doubled = { duplicate_of = { ne = crm.null } }
crm.check("account.merged", { entity = "account", where = doubled }, doubles.check("account"))
crm.check("contact.merged", { entity = "contact", where = doubled }, doubles.check("contact"))
