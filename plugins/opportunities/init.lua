-- opportunities - the table of contents.
-- SPDX-License-Identifier: MIT
local checks = require("checks")
local deals = require("deals")
local expenses = require("expenses")
local forecasting = require("forecasting")
local grading = require("grading")
local guards = require("guards")
local lines = require("lines")
local moving = require("people.moving")
local notices = require("notices")
local operations = require("operations")
local people = require("people.notices")
local stages = require("stages")
local targets = require("targets")
local visits = require("visits")
local waiting = require("waiting")

local on = crm.on

on("opportunity", "before_create", { id = "shape" }, deals.shape)
on("opportunity", "before_update", { id = "shape", fields = deals.fields }, deals.shape)
on("opportunity", "before_create", { id = "bid" }, deals.bid)
on("opportunity", "before_update", { id = "bid", fields = { "bid_at" } }, deals.bid)
on("opportunity", "before_create", { id = "profit", at = 600 }, deals.profit)
on("opportunity", "before_update", { id = "profit", at = 600 }, deals.profit)
local again = { id = "recurring", fields = { "recurring", "recurring_plan" } }
on("opportunity", "before_create", again, deals.recurring)
on("opportunity", "before_update", again, deals.recurring)
on("opportunity", "validate", { id = "stage", fields = { "stage", "pipeline" } }, guards.stage)
on("opportunity", "validate", { id = "end", when = { kind = { "won", "lost" } } }, guards.ended)
on("opportunity", "validate", { id = "amount", fields = { "amount" } }, lines.guard)
on("opportunity", "validate", { id = "expenses", fields = { "expenses" } }, expenses.guard)
on("opportunity", "after_create", { id = "begin", when = { stage = crm.null } }, stages.begin)
on("opportunity", "after_create", { id = "visit" }, visits.entered)
on("opportunity", "after_update", { id = "visit", fields = { "stage" } }, visits.moved)
on("opportunity", "after_create", { id = "told" }, deals.told)
on("opportunity", "after_update", { id = "told", fields = { "amount", "forecast" } }, deals.told)

on("opportunity_line", "before_create", { id = "total" }, lines.fill)
on("opportunity_line", "before_update", { id = "total" }, lines.fill)
on("opportunity_line", "after_create", { id = "sum" }, lines.changed)
on("opportunity_line", "after_update", { id = "sum", fields = { "total" } }, lines.changed)
on("opportunity_line", "after_delete", { id = "sum" }, lines.changed)
on("opportunity_line", "after_restore", { id = "sum" }, lines.changed)

on("opportunity_expense", "validate", { id = "many" }, expenses.check)
for _, moment in ipairs { "after_create", "after_update", "after_delete", "after_restore" } do
  on("opportunity_expense", moment, { id = "sum" }, expenses.changed)
end
waiting.bind(on, guards.wanted)

local counts = { "kind", "amount", "owner", "closed_on" }
on("opportunity", "after_create", { id = "target", when = { kind = "won" } }, targets.deal)
on("opportunity", "after_update", { id = "target", fields = counts }, targets.deal)
on("opportunity", "after_delete", { id = "target", when = { kind = "won" } }, targets.deal)
on("opportunity", "after_restore", { id = "target", when = { kind = "won" } }, targets.deal)

local says = { "user", "for_department", "month", "kind", "amount" }
on("target", "before_create", { id = "month" }, targets.shape)
on("target", "before_update", { id = "month", fields = { "month" } }, targets.shape)
on("target", "validate", { id = "whose" }, targets.check)
on("target", "after_create", { id = "count" }, targets.set)
on("target", "after_update", { id = "count", fields = says }, targets.set)

local owned = { id = "given", when = { owner = { ne = crm.null } } }
on("opportunity", "after_create", owned, people.given)
on("opportunity", "after_update", { id = "given", fields = { "owner" } }, people.given)
on("opportunity.stalled", { id = "notice" }, notices.stalled)
on("opportunity.big_deal", { id = "notice" }, notices.big_deal)
on("opportunity.won", { id = "notice" }, notices.won)

on("account.transferred", { id = "deals" }, operations.follow_account)
on("task.overdue", { id = "deal" }, deals.task_overdue)
on("activity", "before_create", { id = "deal" }, deals.place)
on("activity", "after_create", { id = "deal" }, deals.followed)

crm.action("opportunity", "move", operations.move)
crm.action("opportunity", "win", operations.win)
crm.action("opportunity", "lose", operations.lose)
crm.action("opportunity", "invalidate", operations.invalidate)
crm.action("opportunity", "reopen", operations.reopen)
crm.action("opportunity", "switch", operations.switch)
crm.action("opportunity", "explain", operations.explain)

crm.service("stage.guard", guards.allows)
crm.service("opportunity.probability", forecasting.probability)
crm.service("opportunity.amount", lines.amount)
crm.service("opportunity.from_lead", operations.from_lead)
crm.service("forecast.category", forecasting.category)

crm.wrap("record.move", moving.of {
  account = { { entity = "opportunity", fields = { "account" } } },
  contact = {
    { entity = "opportunity", fields = { "contact" } },
    { entity = "opportunity_contact", fields = { "contact" } },
  },
})

crm.service("account.grade", grading.grade)
crm.service("target.actual", targets.actual)
crm.service("target.condition", targets.condition)
crm.service("target.changed", targets.changed)

crm.job("targets", { cron = "40 2 * * *", catch_up = "once" }, targets.count)
crm.job("grade", { cron = "20 3 1 * *", catch_up = "once" }, grading.run)
crm.job("figures", { cron = "50 2 * * *", catch_up = "once" }, deals.catch_up)
crm.job("stale", { cron = "10 3 * * *", catch_up = "once" }, visits.find_stale)

local placed = { entity = "opportunity", where = { stage = { ne = crm.null } } }
crm.check("opportunity.stage", placed, checks.stage)
crm.check("opportunity.numbers", placed, checks.numbers)
crm.check("opportunity.visits", placed, checks.visits)
crm.check("opportunity.expenses", { entity = "opportunity" }, checks.expenses)
crm.check("opportunity.recurring",
  { entity = "opportunity", where = { recurring_year = { ne = crm.null } } }, checks.recurring)
