-- people - the table of contents.
-- SPDX-License-Identifier: MIT
local match = require("match")

crm.service("account.match", match.service("account"))
crm.service("contact.match", match.service("contact"))
