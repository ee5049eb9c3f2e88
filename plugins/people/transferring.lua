-- transferring - a customer is given to somebody else, and with it what is asked for: its contacts,
-- its open tasks, and what other plugins keep for it (account.transferred).
-- SPDX-License-Identifier: MIT
local refusals = require("refusals")

local transferring = {}

local MOST = 400 -- contacts, and tasks, that one transaction takes along

local function person(ev, ctx)
  local text = ev.params.owner
  local id = type(text) == "string" and crm.id_parse(text)
  local user = id and ctx.db:as_system().user:get(id)
  if user and user.active then return user.id end
  ev:fail("owner", "@transfer_nobody")
  return nil
end

-- The service account.give: { account, owner } -> ok, or field and message of the reason. Others
-- set bounds around it (crm.wrap): the pools of the plugin leads do.
function transferring.give(asked, ctx)
  local given, why = ctx.db:as_system().account:update(asked.account, { owner = asked.owner })
  if given then return { ok = true } end
  local field, sentence = refusals.parts(why)
  return { ok = false, field = field or "owner", message = sentence }
end

-- Those of the one who gives it away; what others look after stays with them, and so does what
-- refuses to be changed (an approval that runs).
local function move(sheet, where, owner)
  local count = 0
  for _, record in ipairs(sheet:find { where = where, order = "id", limit = MOST }) do
    if sheet:update(record.id, { owner = owner }) then count = count + 1 end
  end
  return count
end

-- POST …/account/{id}/actions/transfer { owner, contacts, tasks, opportunities }
function transferring.transfer(ev, ctx)
  local account, params, db = ev.record, ev.params, ctx.db:as_system()
  if not ctx.can("update", account) then return ev:fail("owner", "@transfer_denied") end
  local owner = person(ev, ctx)
  if not owner then return nil end
  local before, moved = account.owner, { contacts = 0, tasks = 0 }
  if before == owner then return moved end
  local contacts = { account = account.id, owner = before or crm.null }
  local tasks = { account = account.id, owner = before or crm.null, status = "open" }
  if params.contacts and db.contact:count { where = contacts } > MOST
    or params.tasks and db.task:count { where = tasks } > MOST
  then
    return ev:fail("owner", "@transfer_many", { max = MOST })
  end
  local given = ctx.call("account.give", { account = account.id, owner = owner })
  if not given.ok then return ev:fail(given.field, given.message) end
  if params.contacts then moved.contacts = move(db.contact, contacts, owner) end
  if params.tasks then moved.tasks = move(db.task, tasks, owner) end
  ctx.emit("account.transferred", {
    account = account.id, from = before, to = owner, opportunities = params.opportunities == true,
  })
  return moved
end

return transferring
