-- hello - the table of contents: which function runs when.
-- SPDX-License-Identifier: MIT
local greetings = require("greetings")

crm.on("greeting", "before_create", { id = "greet", when = { text = crm.null } }, greetings.greet)
crm.on("greeting", "validate", { id = "no_digits", fields = { "name" } }, greetings.no_digits)
