-- forms_test - what a ticket of a type has to say before it is made and before it is solved.
-- SPDX-License-Identifier: MIT

local function form(t, kind, fields)
  local made = t.db.ticket_form:insert { name = kind, type = kind }
  for name, more in pairs(fields) do
    more.form, more.field = made.id, name
    t.db.ticket_form_field:insert(more)
  end
  return made
end

local function open(t, fields)
  fields.subject = fields.subject or "It leaks"
  return t.db.ticket:insert(fields)
end

crm.test("a ticket says what the form of its type requires; another type asks nothing", function(t)
  local made = form(t, "incident", { serial = { required = true }, product = {} })
  t.expect_fail(function() open(t, { type = "incident" }) end, { serial = "@text_required" })
  t.eq(open(t, { type = "incident", serial = "S1" }).form, made.id)
  t.eq(open(t, { type = "question" }).form, nil)
end)

crm.test("a required field is not emptied later, and another type asks its own", function(t)
  form(t, "incident", { serial = { required = true } })
  local ticket = open(t, { type = "incident", serial = "S1" })
  t.expect_fail(function() t.db.ticket:update(ticket.id, { serial = crm.null }) end,
    { serial = "@text_required" })
  local question = open(t, { type = "question" })
  t.expect_fail(function() t.db.ticket:update(question.id, { type = "incident" }) end,
    { serial = "@text_required" })
  t.db.ticket:update(ticket.id, { type = "question", serial = crm.null })
end)

crm.test("a letter is never lost for a form, but the ticket is not solved without it", function(t)
  form(t, "question", { product = { required = true } })
  local ticket = open(t, { channel = "mail", requester_email = "a@example.com" })
  t.expect_fail(function() t.action("ticket", ticket.id, "resolve", {}) end,
    { product = true })
  t.db.ticket:update(ticket.id, { product = "Pump" })
  t.action("ticket", ticket.id, "resolve", {})
  t.eq(t.db.ticket:get(ticket.id).status, "resolved")
end)

crm.test("a form names fields that people can fill in, and each type has one", function(t)
  local made = form(t, "incident", {})
  for _, name in ipairs { "nothing", "number", "rate_token", "kind", "sla_policy" } do
    t.expect_fail(function()
      t.db.ticket_form_field:insert { form = made.id, field = name }
    end, { field = "@form_field" })
  end
  t.expect_fail(function()
    t.db.ticket_form_field:insert { form = made.id, field = "account", portal = true }
  end, { portal = "@form_portal" })
  t.expect_fail(function() form(t, "incident", {}) end, { type = "@form_twice" })
  t.db.ticket_form:update(made.id, { active = false })
  form(t, "incident", {})
end)

crm.test("of customers only what they are shown is asked, of an agent the rest", function(t)
  local made = form(t, "question", { serial = { required = true }, product = { required = true,
    portal = true } })
  t.expect_fail(function() open(t, { channel = "portal" }) end, { product = "@text_required" })
  local ticket = open(t, { channel = "portal", product = "Pump" })
  t.expect_fail(function() t.action("ticket", ticket.id, "resolve", {}) end, { serial = true })
  t.expect_fail(function() open(t, { channel = "phone", product = "Pump" }) end,
    { serial = "@text_required" })
  t.db.ticket_form:update(made.id, { portal = false })
  t.eq(open(t, { channel = "portal" }).form, made.id)
end)
