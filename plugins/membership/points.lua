-- points - how many points something earns, and until when they last.
-- SPDX-License-Identifier: MIT
local numbers = require("numbers")

local points = {}

local SCALE = 4
local ONE = 10000 -- a multiplier of 1 at that scale

-- --- expiry ---

local function last_of_month(day)
  return day:add { months = 1, days = -day:add { months = 1 }:day() }
end

-- The last day on which points earned that day can be spent; nil: they last for ever.
function points.expire_on(program, day)
  local span = program.expiry_span or 0
  local last
  if program.expiry == "days" then
    last = day:add { days = span }
  elseif program.expiry == "month_end" then
    last = last_of_month(day:add { months = span })
  elseif program.expiry == "year_end" then
    last = crm.date(string.format("%04d-12-31", day:year() + span))
  else
    return nil
  end
  return last:add { days = program.grace_days or 0 }
end

-- --- rules ---

local function is_valid(rule, day)
  return (not rule.valid_from or rule.valid_from <= day)
    and (not rule.valid_to or day <= rule.valid_to)
end

-- A rule's `match` names fields of the purchase and the values that fit: { "category": ["tea"] }.
-- `label` is of the member: one of those it carries has to be named.
local function is_match(match, order)
  for field, wanted in pairs(match or {}) do
    local found = false
    for _, value in ipairs(type(wanted) == "string" and { wanted } or wanted) do
      for _, own in ipairs(field == "label" and order.label or { order[field] }) do
        if own == value then found = true end
      end
    end
    if not found then return false end
  end
  return true
end

local MATCHED = { category = true, channel = true, store = true, sku = true, label = true }

local function is_table(value) return type(value) == "table" or type(value) == "userdata" end

local function are_texts(list)
  for _, value in ipairs(list) do
    if type(value) ~= "string" then return false end
  end
  return #list > 0
end

-- A rule that no purchase can be compared with would stop them all.
function points.check_rule(ev)
  local match = ev.record.match
  if match == nil then return end
  local fits = is_table(match)
  for field, wanted in pairs(fits and match or {}) do
    fits = fits and MATCHED[field] == true
      and (type(wanted) == "string" or is_table(wanted) and are_texts(wanted))
  end
  if not fits then ev:fail("match", "@bad_match") end
end

local NEEDS = {
  multiply = { "multiplier" }, per_order = { "points" }, bonus = { "event", "points" },
}

-- A rule that says of what, or how much, nothing would stop every purchase, or give nothing.
function points.check_needs(ev)
  local rule = ev.record
  for _, name in ipairs(NEEDS[rule.kind] or {}) do
    if rule[name] == nil then ev:fail(name, "@rule_needs") end
  end
  if rule.valid_from and rule.valid_to and rule.valid_to < rule.valid_from then
    ev:fail("valid_to", "@coupon_dates")
  end
end

-- A program counts in money that there is, and lets points last a day at least.
function points.check_program(ev)
  local program = ev.record
  if program.currency and not pcall(crm.money, 0, program.currency) then
    ev:fail("currency", "@program_currency")
  end
  if program.expiry == "days" and (program.expiry_span or 0) < 1 then
    ev:fail("expiry_span", "@program_span")
  end
end

points.is_valid, points.is_match = is_valid, is_match

local function rules_of(db, program, order)
  local found = {}
  for _, rule in ipairs(db.earning_rule:find {
    where = { program = program.id, active = true }, order = "order", limit = 100,
  }) do
    if is_valid(rule, order.on) and is_match(rule.match, order) then found[#found + 1] = rule end
  end
  return found
end

-- --- an order ---

-- order: amount (minor units of the program's currency, without what earns nothing), digits of the
-- currency's minor unit, on (a date), channel, category, sku, store; label: the member's;
-- multiplier: the tier's. Whole points, and the names of the rules that made them.
function points.of_order(db, program, order)
  for _, left_out in ipairs(program.excluded or {}) do
    if left_out == order.category or left_out == order.sku then
      return 0, { "@excluded_category" }
    end
  end
  local rate = numbers.units(program.points_per_unit, SCALE)
  local factor, extra, why = order.multiplier or ONE, 0, {}
  for _, rule in ipairs(rules_of(db, program, order)) do
    if rule.kind == "multiply" then
      factor = numbers.mul_div(factor, numbers.units(rule.multiplier, SCALE), ONE)
      why[#why + 1] = rule.name
    elseif rule.kind == "per_order" then
      extra = extra + (rule.points or 0)
      why[#why + 1] = rule.name
    end
  end
  local unit = 10 ^ order.digits // 1 | 0
  local quotient, rest = numbers.mul_div(order.amount, rate * factor, unit * ONE * ONE)
  local earned = numbers.round(quotient, rest, unit * ONE * ONE, program.rounding) + extra
  if program.cap_per_order and earned > program.cap_per_order then
    earned, why[#why + 1] = program.cap_per_order, "@cap_per_order"
  end
  return earned, why
end

-- What a bonus event of the program gives: sign_up, birthday, first_purchase…
function points.of_event(db, program, event, day)
  local sum, why = 0, {}
  for _, rule in ipairs(db.earning_rule:find {
    where = { program = program.id, active = true, kind = "bonus", event = event }, order = "order",
  }) do
    if is_valid(rule, day) then
      sum = sum + (rule.points or 0)
      why[#why + 1] = rule.name
    end
  end
  return sum, why
end

-- Services that a tenant may replace or wrap. Each gives its reasons with its value.
points.services = {
  earn = function(argument, ctx)
    local db = ctx.db:as_system()
    local value, why = points.of_order(db, db.program:get(argument.program), argument)
    return { points = value, reasons = why }
  end,
  expire_at = function(argument, ctx)
    return points.expire_on(ctx.db:as_system().program:get(argument.program), argument.on)
  end,
}

-- argument: points the purchase earned, reversed so far, total and returned in minor units. How
-- many of them are taken back in all: in proportion, rounded for the member.
function points.services.refund_policy(argument)
  local target = numbers.mul_div(argument.points, argument.returned, argument.total)
  return { points = target, reasons = { "in_proportion" } }
end

return points
