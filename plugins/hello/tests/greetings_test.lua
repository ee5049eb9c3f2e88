-- greetings_test - what is said to whom, with and without a server's help.
-- SPDX-License-Identifier: MIT
local greetings = require("greetings")

crm.test("a greeting is put together from plain values", function(t)
  t.eq(greetings.compose("Hello", "Li"), "Hello, Li!")
end)

crm.test("a record without a text is greeted, one with a text is left alone", function(t)
  t.as("ann")
  t.eq(t.db.greeting:insert { name = "Li" }.text, "Hello, Li!")
  t.eq(t.db.greeting:insert { name = "Li", text = "Hi" }.text, "Hi")
end)

crm.test("a name has no digits, and nothing of it is kept", function(t)
  t.expect_fail(function() t.db.greeting:insert { name = "R2D2" } end, { name = "@no_digits" })
  t.eq(t.db.greeting:count {}, 0)
end)

crm.test("people change what is their own", function(t)
  t.as("ann")
  local own = t.db.greeting:insert { name = "Li" }
  t.as("bob")
  t.expect_fail(function() t.db.greeting:update(own.id, { text = "Mine" }) end, "forbidden")
  t.as("ann")
  t.eq(t.db.greeting:update(own.id, { text = "Mine" }).text, "Mine")
end)
