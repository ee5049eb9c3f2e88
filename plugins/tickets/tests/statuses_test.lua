-- statuses_test - a company's own statuses, and return visits.
-- SPDX-License-Identifier: MIT

crm.test("a company's own status stands for one of ours", function(t)
  local parts = t.db.ticket_status:insert {
    name = "Waits for parts", status = "waiting_third_party", customer_label = "Parts ordered",
  }.id
  local ticket = t.db.ticket:insert { subject = "x" }
  ticket = t.db.ticket:update(ticket.id, { own_status = parts })
  t.eq({ ticket.status, ticket.kind }, { "waiting_third_party", "paused" })
  ticket = t.db.ticket:update(ticket.id, { status = "open" })
  t.eq({ ticket.status, ticket.own_status }, { "open", nil }, "and goes with it")
end)

crm.test("a closed ticket is asked about again, when the company wants it", function(t)
  t.clock.set("2026-03-02T02:00:00Z")
  local agent = t.user { login = "agent", roles = { "service_agent" } }
  local function close()
    local ticket = t.db.ticket:insert { subject = "It leaks", owner = agent }
    t.action("ticket", ticket.id, "resolve", {})
    t.db.ticket:update(ticket.id, { status = "closed" })
    return ticket.id
  end
  close()
  t.eq(t.db.task:count {}, 0, "not unless it is set")
end)
