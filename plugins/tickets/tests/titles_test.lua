-- titles_test - what a message is called by those who read it.
-- SPDX-License-Identifier: MIT

crm.test("a message nobody signed is titled in words, not by a code", function(t)
  local ticket = t.db.ticket:insert { subject = "It leaks" }.id
  local function title(direction, author)
    local made = t.db.ticket_message:insert { ticket = ticket, direction = direction, body = "x",
      public = false, author_name = author }
    return t.db.ticket_message:get(made.id).label
  end
  for _, direction in ipairs { "system", "customer", "agent" } do
    local found = title(direction)
    t.ok(found ~= direction, direction .. " is a code")
    local is_word = found == "系统" or found == "客户" or found == "客服" or found == "System"
      or found == "Customer" or found == "Agent"
    t.ok(is_word, found)
  end
  t.eq(title("customer", "林芳"), "林芳")
end)

crm.test("a message of an agent is titled by who wrote it", function(t)
  t.user { login = "mia", name = "米娅", roles = { "admin" } }
  local ticket = t.db.ticket:insert { subject = "It leaks" }.id
  t.as("mia")
  local made = t.db.ticket_message:insert { ticket = ticket, direction = "agent", body = "x" }
  t.as()
  t.eq(t.db.ticket_message:get(made.id).label, "米娅")
end)
