-- connector_rest - the table of contents.
-- SPDX-License-Identifier: MIT
local rest = require("rest")

crm.service("connector.rest.check", rest.check)
crm.service("connector.rest.pull", rest.pull)
crm.service("connector.rest.push", rest.push)
