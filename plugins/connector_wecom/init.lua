-- connector_wecom - the table of contents.
-- SPDX-License-Identifier: MIT
local wecom = require("wecom")

crm.service("connector.wecom.check", wecom.check)
crm.service("connector.wecom.pull", wecom.pull)
crm.service("connector.wecom.push", wecom.push)
crm.service("connector.wecom.traits", wecom.traits)
