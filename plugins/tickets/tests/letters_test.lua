-- letters_test - what customers are written, and what they answer to it.
-- SPDX-License-Identifier: MIT

crm.test("an answer to our letter belongs to its ticket, whatever its subject says", function(t)
  local ticket = t.db.ticket:insert { subject = "It leaks", requester_email = "li@example.com" }
  t.action("ticket", ticket.id, "reply", { body = "Please restart." })
  local letter = t.db.ticket_message:find { where = { ticket = ticket.id } }[1].letter
  t.ok(letter, "the message knows its letter")
  local function answers(id)
    return t.call("ticket.from_mail", {
      message_id = "<a" .. id .. "@x>", in_reply_to = id, from = "wife@example.com",
      subject = "Re: restart", body = "It does not.",
    }).ticket
  end
  t.eq(answers("<" .. letter .. ".acme@example.com>"), ticket.id)
  t.ok(answers("<0000000000000.acme@example.com>") ~= ticket.id)
end)

crm.test("the letter that makes a ticket is no reply; those behind it are", function(t)
  local agent = t.user { login = "agent" }
  local function told() return t.db.notification:count { where = { owner = agent } } end
  local first = t.call("ticket.from_mail", {
    message_id = "<1@x>", from = "li@example.com", subject = "A", body = "a",
  })
  t.db.ticket:update(first.ticket, { owner = agent })
  t.run_outbox()
  t.eq(told(), 1, "that it is the agent's")
  t.call("ticket.from_mail", {
    message_id = "<2@x>", in_reply_to = "<1@x>", from = "li@example.com", subject = "A", body = "b",
  })
  t.run_outbox()
  t.eq(told(), 2)
  t.eq(t.db.ticket:get(first.ticket).last_customer_message_at, t.clock.now())
end)

crm.test("what a status asks for is told on the field it asks for", function(t)
  local ticket = t.db.ticket:insert { subject = "x" }
  local function reply(status)
    return function() t.action("ticket", ticket.id, "reply", { body = "x", status = status }) end
  end
  t.expect_fail(reply("on_hold"), { hold_until = true })
  t.expect_fail(reply("closed"), { status = true })
  t.expect_fail(reply("no such"), { status = true })
  t.expect_fail(function()
    t.action("ticket", ticket.id, "reply", { body = "x", status = "on_hold", hold_until = "soon" })
  end, { hold_until = "@bad_time" })
  t.eq({ t.db.ticket:get(ticket.id).status, t.db.ticket_message:count {} }, { "new", 0 })
  t.eq(t.action("ticket", ticket.id, "reply", {
    body = "x", status = "on_hold", hold_until = "2099-01-01T00:00:00Z",
  }).status, "on_hold")
end)

crm.test("an agent who merged by mistake undoes it", function(t)
  local agent = t.user { login = "agent", roles = { "service_agent" }, team = "Desk" }
  local a = t.db.ticket:insert { subject = "A", owner = agent }
  local b = t.db.ticket:insert { subject = "B", owner = agent }
  t.as("agent")
  t.action("ticket", a.id, "merge", { into = crm.id_text(b.id) })
  t.eq(t.action("ticket", a.id, "unmerge", {}).status, "open")
end)
