-- checks - what holds for approvals whenever nothing is half done; for `perigee check`.
-- SPDX-License-Identifier: MIT
local approvers = require("approvers")

local checks = {}

local LAG = 3600000 -- by then the job that gives such tasks to others has looked

local LIVING = { "open", "waiting" }

-- One that runs waits for somebody, and it is the only one about its record; one that has ended
-- waits for nobody.
function checks.approval(approval, ctx)
  local db = ctx.db:as_system()
  local living = db.approval_task:count { where = { approval = approval.id, state = LIVING } }
  if approval.state ~= "running" then
    if living > 0 then return "it has ended and " .. living .. " tasks of it have not" end
    if not approval.finished_at then return "it has ended and does not say when" end
    return nil
  end
  if approval.finished_at then return "it runs and says when it ended" end
  if not approval.path or not approval.path[approval.at] then return "it is at no node" end
  local open = db.approval_task:count {
    where = {
      approval = approval.id, state = "open", round = approval.round, at = approval.at,
    },
  }
  if open == 0 then return "it runs and waits for nobody" end
  if db.approval:count { where = { about = approval.about.id, state = "running" } } > 1 then
    return "another one about the same record runs"
  end
  return nil
end

local DECIDED = { approved = true, rejected = true, returned = true, delegated = true }

-- A task is open at the node and in the round where its approval is, or was decided once.
function checks.task(task, ctx)
  local db = ctx.db:as_system()
  if DECIDED[task.state] then
    return not task.decided_at and "it is decided and does not say when" or nil
  end
  if task.decided_at then return "it says when it was decided and is " .. task.state end
  if task.state == "canceled" then return nil end
  local approval = db.approval:get(task.approval)
  if approval.round ~= task.round or approval.at ~= task.at then
    return "it waits where its approval is not"
  end
  if not approvers.fit(ctx, db, task.owner) then
    local user = db.user:get(task.owner)
    local rests = ctx.now():ms() - task.updated_at:ms() < LAG
      or user and ctx.now():ms() - user.updated_at:ms() < LAG
    if not rests then return "it waits for somebody who may not decide it" end
  end
  return nil
end

-- Running approvals keep the version they began with: it is there, and so is the present one.
function checks.flow(flow, ctx)
  local count = ctx.db:as_system().approval_version:count {
    where = { flow = flow.id, version_no = flow.version_no },
  }
  return count ~= 1 and "its version is kept " .. count .. " times" or nil
end

-- What many records went through adds up, and a second person said so.
function checks.operation(op)
  local told = (op.done_count or 0) + #(op.failed or {})
  if told > (op.count or 0) then return "it has done more than was asked" end
  if op.state == "done" and told ~= op.count then
    return string.format("it is done and tells of %d of %d records", told, op.count)
  end
  if (op.state == "done" or op.state == "running") and op.decided_by == op.created_by then
    return "who asked for it has let it through"
  end
  return nil
end

return checks
