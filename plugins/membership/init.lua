-- membership - the table of contents.
-- SPDX-License-Identifier: MIT
local earning = require("earning")
local holds = require("holds")
local member = require("member")
local moving = require("moving")
local points = require("points")
local returns = require("returns")
local rewards = require("rewards")
local spending = require("spending")

local on = crm.on

on("member", "after_create", { id = "enrolled" }, earning.enrolled)
on("purchase", "validate", { id = "check" }, earning.check)
on("purchase", "after_create", { id = "earn" }, earning.purchase)
on("points_lot", "validate_delete", { id = "keep" }, member.keep)
on("points_hold", "validate_delete", { id = "keep" }, member.keep)
on("redemption", "validate_delete", { id = "keep" }, member.keep)

crm.action("member", "adjust", earning.adjust)
crm.action("member", "redeem", spending.redeem)
crm.action("member", "hold", holds.hold)
crm.action("member", "transfer", moving.transfer)
crm.action("member", "merge", moving.merge)
crm.action("member", "evaluate", spending.evaluate)
crm.action("member", "exchange", rewards.exchange)
crm.action("points_hold", "capture", holds.capture)
crm.action("points_hold", "release", holds.release)
crm.action("points_entry", "give_back", spending.give_back)
crm.action("purchase", "refund", returns.refund)
crm.action("redemption", "cancel", rewards.cancel)
crm.action("coupon", "use", rewards.use_coupon)

crm.service("points.earn", points.services.earn)
crm.service("points.expire_at", points.services.expire_at)
