-- checks - what holds for messages in and out whenever nothing is half done; for `perigee check`.
-- SPDX-License-Identifier: MIT
local checks = {}

-- Every try is in the log; what was sent says when.
function checks.delivery(delivery, ctx)
  if delivery.state == "sent" and not delivery.sent_at then
    return "it was sent and does not say when"
  end
  local count = ctx.db:as_system().delivery_try:count { where = { delivery = delivery.id } }
  if count < delivery.tries then
    return string.format("it was tried %d times and the log has %d", delivery.tries, count)
  end
  if delivery.replays == 0 and count > delivery.tries then
    return string.format("it was tried %d times and the log has %d", delivery.tries, count)
  end
  return nil
end

-- Nothing of a record overtakes what is told of it first.
function checks.order(delivery, ctx)
  if delivery.replays > 0 then return nil end
  local later = ctx.db:as_system().delivery:count {
    where = {
      webhook = delivery.webhook, state = "sent", seq = { gt = delivery.seq },
      entity_name = delivery.entity_name, record_id = delivery.record_id, replays = 0,
    },
  }
  return later > 0 and "what came behind it was sent before it" or nil
end

function checks.message(message)
  if message.state ~= "done" then return nil end
  if not message.done_at or not message.record_id then
    return "it is done and does not say when or what came of it"
  end
  return nil
end

-- One of theirs is one of ours, and the keys that make it so say what the fields say.
function checks.ref(ref)
  local map = crm.id_text(ref.mapping) .. ":"
  if ref.our_key ~= map .. ref.record_id then return "its key is not that of our record" end
  if ref.their_key ~= map .. ref.external_id then return "its key is not that of theirs" end
  return nil
end

local ASKED = { open = true, conflict = true }

function checks.item(item, ctx)
  if not ASKED[item.state] then return nil end
  local count = ctx.db:as_system().failed_item:count {
    where = { item_key = item.item_key, state = { "open", "conflict" } },
  }
  return count > 1 and "it waits " .. count .. " times" or nil
end

return checks
