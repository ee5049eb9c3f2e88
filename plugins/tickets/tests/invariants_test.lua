-- invariants_test - what a service desk promises, sentence by sentence.
-- SPDX-License-Identifier: MIT

local function open(t, fields)
  fields = fields or {}
  fields.subject = fields.subject or "It leaks"
  return t.db.ticket:insert(fields)
end

local function read(t, ticket) return t.db.ticket:get(ticket.id) end

local function say(t, ticket, body)
  return t.db.ticket_message:insert { ticket = ticket.id, direction = "customer", body = body }
end

local function mail(t, fields)
  fields.from, fields.subject = fields.from or "li@example.com", fields.subject or "Help"
  fields.body = fields.body or "It leaks."
  return t.call("ticket.from_mail", fields)
end

crm.test("Merged and closed tickets accept no edit except reopen; mail to a merged ticket lands on "
  .. "the survivor.", function(t)
  local first = mail(t, { message_id = "<1@x>" })
  local survivor, closed = open(t), open(t)
  local merged = { id = first.ticket }
  t.action("ticket", merged.id, "merge", { into = crm.id_text(survivor.id) })
  t.action("ticket", closed.id, "resolve", {})
  t.db.ticket:update(closed.id, { status = "closed" })
  local account = t.db.account:insert { name = "Acme" }
  local edits = {
    subject = "x", body = "x", type = "complaint", priority = "high",
    product = "x", serial = "x", resolution = "x", root_cause = "x", account = account.id,
    requester_name = "x", requester_email = "x@example.com", requester_phone = "13800000000",
    channel = "api", urgency = "high", tags = { "x" }, external_no = "x",
  }
  for _, ticket in ipairs { merged, closed } do
    for name, value in pairs(edits) do
      t.expect_fail(function() t.db.ticket:update(ticket.id, { [name] = value }) end,
        { [name] = "@ticket_closed" })
    end
    for action, params in pairs {
      reply = { body = "x" }, resolve = {}, escalate = {},
      merge = { into = crm.id_text(open(t).id) },
      macro = { macro = crm.id_text(t.db.macro:insert { name = "M", priority = "low" }.id) },
    } do
      t.expect_fail(function() t.action("ticket", ticket.id, action, params) end)
    end
  end
  t.expect_fail(function() t.action("ticket", merged.id, "note", { body = "x" }) end,
    { status = "@ticket_merged" })
  local late = mail(t, { message_id = "<2@x>", in_reply_to = "<1@x>" })
  t.eq({ late.ticket, t.db.ticket_message:count { where = { ticket = survivor.id } } },
    { survivor.id, 2 })
  t.action("ticket", closed.id, "reopen", {})
  t.db.ticket:update(closed.id, { subject = "y" })
  t.expect_fail(function() t.action("ticket", merged.id, "reopen", {}) end,
    { status = "@ticket_merged" })
  t.eq(t.check(), {})
end)

crm.test("Split keeps where each message came from.", function(t)
  local a, b = open(t), open(t)
  local one, two = say(t, a, "1"), say(t, b, "2")
  t.action("ticket", b.id, "merge", { into = crm.id_text(a.id) })
  local new = crm.id_parse(t.action("ticket", a.id, "split", {
    subject = "New", messages = { crm.id_text(one.id), crm.id_text(two.id) },
  }).ticket)
  local function of(message)
    local row = t.db.ticket_message:get(message.id)
    return { row.ticket, row.came_from }
  end
  t.eq({ of(one), of(two) }, { { new, a.id }, { new, b.id } }, "where each was at first")
  t.eq(t.db.ticket:get(new).split_from, a.id)
  t.eq(t.check(), {})
end)

crm.test("A merge chain has one survivor and can be undone.", function(t)
  local list = {}
  for i = 1, 4 do
    list[i] = open(t)
    say(t, list[i], "of " .. i)
  end
  for i = 1, 3 do
    t.action("ticket", list[i].id, "merge", { into = crm.id_text(list[i + 1].id) })
  end
  t.expect_fail(function()
    t.action("ticket", list[4].id, "merge", { into = crm.id_text(list[1].id) })
  end, { into = "@merge_target" })
  local function count(i) return t.db.ticket_message:count { where = { ticket = list[i].id } } end
  t.eq({ count(1), count(2), count(3), count(4) }, { 0, 0, 0, 4 })
  local late = t.db.ticket_message:insert {
    ticket = list[1].id, direction = "customer", body = "late",
  }
  t.eq({ late.ticket, late.came_from }, { list[4].id, list[1].id })
  for i = 3, 1, -1 do
    t.eq(t.check(), {})
    t.action("ticket", list[i].id, "unmerge", {})
  end
  t.eq({ count(1), count(2), count(3), count(4) }, { 2, 1, 1, 1 })
  t.eq({ read(t, list[1]).status, read(t, list[1]).merged_into }, { "open", nil })
  t.eq(t.check(), {})
end)

crm.test("The same mail (Message-ID) is never imported twice, across mailboxes too.", function(t)
  t.eq(mail(t, { message_id = "<1@x>" }).is_new, true)
  for _, more in ipairs { {}, { from = "other@example.com" }, { subject = "Other" } } do
    more.message_id = " <1@x> "
    local again = mail(t, more)
    t.eq({ again.is_known, again.is_new }, { true, false })
  end
  t.eq({ t.db.ticket:count {}, t.db.ticket_message:count {} }, { 1, 1 })
end)

local function desk(t) -- letters are on: fixtures.json
  return open(t, { requester_email = "li@example.com" })
end

crm.test("Internal notes never reach the customer by mail", function(t)
  local ticket = desk(t)
  t.action("ticket", ticket.id, "note", { body = "secret" })
  t.action("ticket", ticket.id, "escalate", { reason = "secret" })
  t.run_outbox()
  t.eq(t.mails(), {})
  t.action("ticket", ticket.id, "reply", { body = "hello" })
  t.run_outbox()
  t.eq(#t.mails(), 1)
  t.ok(not t.mails()[1].text:find("secret", 1, true), t.mails()[1].text)
end)

crm.test("Auto-replies are limited per sender (5 in 2 h) and ignore auto-submitted mail.",
  function(t)
    t.clock.set("2026-09-21T01:00:00Z")
    local sent = 0
    local function arrives(count, more)
      for _ = 1, count do
        sent = sent + 1
        more.message_id, more.in_reply_to = "<" .. sent .. "@x>", nil
        mail(t, more)
      end
      t.run_outbox()
      return #t.mails()
    end
    t.eq(arrives(3, { auto_submitted = true }), 0)
    t.eq(arrives(8, {}), 5)
    t.eq(arrives(1, { from = "LI@example.com" }), 5, "the same sender")
    t.eq(arrives(1, { from = "wang@example.com" }), 6)
    t.clock.advance { minutes = 121 }
    t.eq(arrives(1, {}), 7)
    t.eq(t.db.ticket:count {}, 14, "all of them were taken in")
  end)

crm.test("Auto-close after N days warns first.", function(t)
  t.clock.set("2026-09-21T01:00:00Z")
  local ticket = desk(t)
  t.action("ticket", ticket.id, "resolve", {})
  for day = 1, 8 do
    t.clock.advance { days = 1 }
    t.run_job("close")
    local now = read(t, ticket)
    t.eq({ now.status, now.close_warned_at ~= nil },
      { day < 7 and "resolved" or "closed", day >= 5 }, "day " .. day)
  end
  t.run_outbox()
  local letters = {}
  for i, letter in ipairs(t.mails()) do letters[i] = letter.template end
  t.eq(table.concat(letters, " "), "tickets:solved tickets:closing")
end)

crm.test("a letter that was long under way owes no answer that was given since", function(t)
  t.clock.set("2026-09-21T01:00:00Z")
  local policy = t.db.sla_policy:insert { name = "P" }
  t.db.sla_target:insert { policy = policy.id, priority = "normal", next_response = 60 }
  local ticket = open(t)
  t.clock.advance { hours = 1 }
  t.action("ticket", ticket.id, "reply", { body = "x" })
  local function arrives(at)
    t.db.ticket_message:insert {
      ticket = ticket.id, direction = "customer", body = "y", sent_at = t.datetime(at),
    }
    return t.db.ticket_clock:count { where = { kind = "next_response" } }
  end
  t.eq({ arrives("2026-09-21T01:30:00Z"), arrives("2026-09-21T02:30:00Z") }, { 0, 1 })
  t.eq(t.check(), {})
end)

-- --- what waits, and what is offered ---

crm.test("what waits until a time goes on as it says", function(t)
  t.clock.set("2026-09-21T01:00:00Z")
  local late = t.datetime("2026-09-22T01:00:00Z")
  local function waits(status, then_)
    return open(t, { status = status, hold_until = late, next_status = then_ })
  end
  local a, b, c = waits("on_hold"), waits("waiting_customer", "resolved"),
    waits("waiting_third_party", "waiting_customer")
  t.run_job("wake")
  t.eq(read(t, a).status, "on_hold")
  t.clock.set("2026-09-22T01:00:00Z")
  t.run_job("wake")
  t.eq({ read(t, a).status, read(t, b).status, read(t, c).status },
    { "open", "resolved", "waiting_customer" })
  t.eq({ read(t, b).hold_until, read(t, c).next_status }, { nil, nil }, "once")
  t.db.ticket_form_field:insert {
    form = t.db.ticket_form:insert { name = "F", type = "question" }.id, field = "serial",
    required = true,
  }
  local form = open(t, { status = "waiting_customer", channel = "mail", hold_until = late,
    next_status = "resolved" })
  t.run_job("wake")
  t.eq(read(t, form).status, "open", "its form asks for more")
  t.eq(t.check(), {})
end)

crm.test("a policy for where no other fits comes last, whatever its order", function(t)
  local rest = t.db.sla_policy:insert { name = "Rest", order = 1, is_default = true }
  local own = t.db.sla_policy:insert { name = "Own", order = 9, match = { type = "complaint" } }
  t.eq({ open(t, { type = "complaint" }).sla_policy, open(t).sla_policy }, { own.id, rest.id })
end)

crm.test("articles of what the customer has bought are offered first", function(t)
  local function article(title, products)
    local made = t.db.article:insert { title = title, body = "<p>x</p>", products = products }
    t.db.article:update(made.id, { state = "published" })
    return made
  end
  article("Printer leaks")
  local own, manual = article("Printer is silent", { "LX-5" }), article("Manual", { "LX-5" })
  local contact = t.db.contact:insert { name = "Li" }
  local p = t.db.program:insert { name = "P" }
  local card = t.db.member:insert { name = "Li", program = p.id, contact = contact.id }
  t.db.purchase:insert { member = card.id, amount = t.money("10", "CNY"), sku = "LX-5" }
  local ticket = open(t, { subject = "My printer", contact = contact.id })
  local items = t.action("ticket", ticket.id, "suggest", {}).items
  t.eq({ #items, items[1].id }, { 3, crm.id_text(own.id) })
  t.eq(#t.action("ticket", open(t, { subject = "My printer" }).id, "suggest", {}).items, 2)
  local other = open(t, { subject = "?", contact = contact.id })
  items = t.action("ticket", other.id, "suggest", {}).items
  t.eq({ #items }, { 2 })
  t.ok(items[1].id == crm.id_text(own.id) or items[1].id == crm.id_text(manual.id))
end)
