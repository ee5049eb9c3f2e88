-- macros - the same answer and the same steps for one ticket or many.
-- SPDX-License-Identifier: MIT
local costs = require("costs")
local refusals = require("refusals")
local states = require("states")

local macros = {}

local TICKETS_MAX = 500

local function merged_tags(ticket, more)
  local list, seen = {}, {}
  for _, source in ipairs { ticket.tags or {}, more } do
    for _, tag in ipairs(source) do
      if not seen[tag] then
        seen[tag] = true
        list[#list + 1] = tag
      end
    end
  end
  return list
end

-- With the rights of who asks: what they may not change is refused.
local function apply(ctx, macro, ticket)
  if not states.is_live(ticket.status) then return nil, "@not_open" end
  local fields = {
    priority = macro.priority, category = macro.category, status = macro.status,
    tags = #(macro.add_tags or {}) > 0 and merged_tags(ticket, macro.add_tags) or nil,
  }
  if macro.reply then
    assert(ctx.db:as_system().ticket_message:insert {
      ticket = ticket.id, direction = "agent", public = macro.public ~= false, body = macro.reply,
    })
  end
  costs.add(ctx, ticket.id, macro.minutes)
  if next(fields) == nil then return true end
  local done, why = ctx.db.ticket:update(ticket.id, fields)
  return done and true, why
end

local function macro_of(ctx, text)
  local id = type(text) == "string" and crm.id_parse(text)
  local macro = id and ctx.db:as_system().macro:get(id)
  return macro and macro.active and macro
end

-- POST …/ticket/{id}/actions/macro { macro }
function macros.one(ev, ctx)
  local macro = macro_of(ctx, ev.params.macro)
  if not macro then return ev:fail("macro", "@macro_unknown") end
  local done, why = apply(ctx, macro, ev.record)
  if not done then
    if why:sub(1, 1) == "@" then return ev:abort(why) end
    return refusals.tell(ev, why, "macro")
  end
  return { status = ctx.db:as_system().ticket:get(ev.record.id).status }
end

-- POST …/macro/{id}/actions/apply { tickets = [ids] }: a job, one ticket after the other.
function macros.many(ev, ctx)
  local list = ev.params.tickets
  if type(list) ~= "userdata" or #list == 0 or #list > TICKETS_MAX then
    return ev:fail("tickets", "@macro_tickets", { max = TICKETS_MAX })
  end
  if not ev.record.active then return ev:fail("active", "@macro_unknown") end
  local job = ctx.queue:push("macro", { macro = crm.id_text(ev.record.id), tickets = list })
  return { job = crm.id_text(job), count = #list }
end

local function one_of(ctx, macro, id)
  local ticket = id and ctx.db.ticket:get(id)
  if not ticket then return nil, "@not_found" end
  return apply(ctx, macro, ticket)
end

-- Each ticket once, also after a crash: its key is kept with what was done.
function macros.run(job, ctx)
  local macro, failed = macro_of(ctx, job.args.macro), {}
  if not macro then return { failed = job.args.tickets } end
  for i = (job.cursor or 0) + 1, #job.args.tickets do
    local text = job.args.tickets[i]
    local id = type(text) == "string" and crm.id_parse(text)
    ctx.once(string.format("macro:%s:%d", crm.id_text(job.id), i), function()
      local done = one_of(ctx, macro, id)
      if not done then failed[#failed + 1] = text end
    end)
    job:save(i)
  end
  return { failed = failed }
end

return macros
