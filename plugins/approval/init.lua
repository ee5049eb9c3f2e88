-- approval - the table of contents.
-- SPDX-License-Identifier: MIT
local bulk = require("bulk")
local checks = require("checks")
local deciding = require("deciding")
local engine = require("engine")
local flows = require("flows")
local guard = require("guard")
local notices = require("notices")
local operations = require("operations")
local approvers = require("approvers")
local signers = require("signers")
local submitting = require("submitting")

local on = crm.on

on("approval_flow", "before_create", { id = "number" }, flows.number)
on("approval_flow", "before_update", { id = "number" }, flows.number)
on("approval_flow", "validate", { id = "check" }, flows.check)
on("approval_flow", "after_create", { id = "keep" }, flows.keep)
on("approval_flow", "after_update", { id = "keep" }, flows.keep)

on("approval", "before_create", { id = "prepare" }, submitting.prepare)
on("approval", "after_create", { id = "begin" }, submitting.begin)
on("approval", "validate_delete", { id = "keep" }, guard.keep)
on("approval_task", "validate_delete", { id = "keep" }, guard.keep)

on("*", "validate", { id = "locked", at = 900 }, guard.locked)
on("*", "validate_delete", { id = "locked", at = 900 }, guard.delete)
on("*", "after_create", { id = "triggered", at = 900 }, guard.created)
on("*", "after_update", { id = "triggered", at = 900 }, guard.updated)

on("*", "after_delete", { id = "many", at = 100 }, bulk.deleted)
on("*", "after_update", { id = "many", at = 100 }, bulk.transferred)

on("export.written", { id = "many" }, bulk.exported)
on("pending_operation", "before_create", { id = "freeze" }, operations.freeze)
on("pending_operation", "after_create", { id = "tell" }, operations.tell)

on("approval.task_created", { id = "notice" }, notices.asked)
on("approval.urged", { id = "notice" }, notices.urged)
on("approval.completed", { id = "notice" }, notices.completed)
on("approval.operation_waiting", { id = "notice" }, notices.waiting)
local settled = { id = "notice", fields = { "state" }, when = { state = { "done", "refused" } } }
on("pending_operation", "after_update", settled, notices.settled)

crm.action("approval_task", "approve", deciding.approve)
crm.action("approval_task", "reject", deciding.reject)
crm.action("approval_task", "send_back", deciding.send_back)
crm.action("approval_task", "add_before", signers.add_before)
crm.action("approval_task", "add_after", signers.add_after)
crm.action("approval_task", "delegate", signers.delegate)
crm.action("approval_task", "reroute", signers.reroute)
crm.action("approval", "withdraw", submitting.withdraw)
crm.action("approval", "revoke", submitting.revoke)
crm.action("approval", "urge", submitting.urge)
crm.action("approval", "compare", submitting.compare)
crm.action("pending_operation", "commit", operations.commit)
crm.action("pending_operation", "refuse", operations.refuse)
crm.action("pending_operation", "cancel", operations.cancel)

crm.service("approval.submit", submitting.submit)
crm.service("approval.needed", flows.needed)
crm.service("approval.state", engine.state)
crm.service("approval.approvers", approvers.replaceable)
crm.service("approval.summary", submitting.summary)
crm.service("approval.begins", guard.begins)

crm.job("reroute", { every = "5m" }, signers.watch)
crm.job("carry_out", {}, operations.carry_out)

crm.check("approval.runs", { entity = "approval" }, checks.approval)
crm.check("approval.task", { entity = "approval_task" }, checks.task)
crm.check("approval.version", { entity = "approval_flow" }, checks.flow)
crm.check("operation.count", { entity = "pending_operation" }, checks.operation)
