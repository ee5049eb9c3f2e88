-- notices - who is asked, and what has become of what was handed in.
-- SPDX-License-Identifier: MIT
local people = require("people.notices")

local notices = {}

local function task_of(ctx, id)
  return { entity = "approval_task", record = ctx.db:as_system().approval_task:get(id) }
end

function notices.asked(ev, ctx)
  people.tell(ctx, ev.payload.approver, task_of(ctx, ev.payload.task), "@notice.asked")
end

function notices.urged(ev, ctx)
  local db = ctx.db:as_system()
  for _, task in ipairs(db.approval_task:find {
    where = { approval = ev.payload.approval, state = "open" }, limit = 200,
  }) do
    people.tell(ctx, task.owner, task_of(ctx, task.id), "@notice.urged", "warning")
  end
end

local TONES = { approved = "success", rejected = "danger", returned = "warning" }

-- Who handed it in, and who is to have a copy.
function notices.completed(ev, ctx)
  local state = ev.payload.state
  if not TONES[state] then return end
  local record = ctx.db:as_system().approval:get(ev.payload.approval)
  local about = { entity = "approval", record = record }
  people.tell(ctx, record.submitter, about, "@notice." .. state, TONES[state])
  for _, user in ipairs(record.cc or {}) do
    if user ~= record.submitter then
      people.tell(ctx, user, about, "@notice." .. state, TONES[state])
    end
  end
end

-- --- operations that need a second person ---

local function operation_of(ctx, id)
  return { entity = "pending_operation", record = ctx.db:as_system().pending_operation:get(id) }
end

-- Whom the asker reports to is the likely second person.
function notices.waiting(ev, ctx)
  local operation = operation_of(ctx, ev.payload.pending_operation)
  local asker = operation.record.owner and ctx.db:as_system().user:get(operation.record.owner)
  people.tell(ctx, asker and asker.manager, operation, "@notice.operation", "warning")
end

function notices.settled(ev, ctx)
  local operation = { entity = "pending_operation", record = ev.record }
  local text = ev.record.state == "refused" and "@notice.refused" or "@notice.done"
  local tone = ev.record.state == "refused" and "danger" or "success"
  people.tell(ctx, ev.record.owner, operation, text, tone)
end

return notices
