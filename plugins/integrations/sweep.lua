-- sweep - what is due without anybody asking: tries, messages, streams; and what is kept too long.
-- SPDX-License-Identifier: MIT
local connections = require("connections")
local failed = require("failed")
local inbound = require("inbound")
local webhooks = require("webhooks")

local sweep = {}

local function deliveries(ctx, db)
  local now = ctx.now()
  for hook in db.webhook:each { where = { state = "active" } } do
    if not hook.retry_at or hook.retry_at:ms() <= now:ms() then
      local due = db.delivery:find {
        where = { webhook = hook.id, state = "waiting" }, order = "seq", limit = 1,
      }
      if due[1] then webhooks.wake(ctx, hook.id) end
    end
  end
end

function sweep.run(_, ctx)
  local db = ctx.db:as_system()
  deliveries(ctx, db)
  inbound.sweep(ctx, db)
  connections.sweep(ctx, db)
  failed.sweep(ctx, db)
end

-- What has been done is kept for as many days as the company says; what failed stays.
function sweep.tidy(job, ctx)
  local db = ctx.db:as_system()
  local before = ctx.now():add { days = -ctx.config.keep_days }
  local sent = { state = "sent", created_at = { lt = before } }
  job:each({ entity = "delivery", as_system = true, where = sent }, function(one)
    assert(db.delivery:delete(one.id))
  end)
  local done = { state = "done", created_at = { lt = before } }
  job:each({ entity = "inbound_message", as_system = true, where = done }, function(one)
    assert(db.inbound_message:delete(one.id))
  end)
end

return sweep
