-- notices - what people are told, each in the own language: that something is theirs now, and what
-- its time has come for. For other plugins: require("people.notices").
-- SPDX-License-Identifier: MIT
local notices = {}

-- What its readers know a record by: its title, or the first text that it has.
function notices.title(entity, record)
  local declared = crm.entity(entity)
  local title = declared.title and record[declared.title]
  if type(title) == "string" then return title end
  for _, field in ipairs(declared.fields) do
    local text = field.type == "text" and record[field.name]
    if text then return text end
  end
  return crm.id_text(record.id)
end

-- Tells a user, unless it is who does it. about: entity and record; text: "@key", where args are
-- its words beside {what}; a second one of the same key is told when the first has been read, and
-- of another event (about.event: the id of what has happened to the record) at once.
function notices.tell(ctx, user, about, text, tone, args)
  if not user or ctx.user and ctx.user.id == user then return 0 end
  local words = { what = notices.title(about.entity, about.record) }
  for name, word in pairs(args or {}) do words[name] = word end
  return ctx.notify(user, {
    text = text, args = words, about = about.record, tone = tone, kind = text:match("[%w_]+$"),
    key = table.concat({ text, crm.id_text(about.record.id), words.days or about.event }, ":"),
  })
end

-- Somebody else, or a rule, has given it to its owner. What comes in masses is not told one by one.
function notices.given(ev, ctx)
  local record = ev.record
  if ev.source == "import" then return end
  notices.tell(ctx, record.owner, { entity = ev.entity, record = record }, "@people:notice.given")
end

-- --- tasks and activities ---

local function of_task(ev, ctx)
  return { entity = "task", record = ctx.db:as_system().task:get(ev.payload.task) }
end

function notices.reminded(ev, ctx)
  local task = of_task(ev, ctx)
  notices.tell(ctx, task.record.owner, task, "@notice.reminded")
end

function notices.overdue(ev, ctx)
  local task = of_task(ev, ctx)
  notices.tell(ctx, task.record.owner, task, "@notice.overdue", "warning")
end

-- The owner, and whom the owner reports to.
function notices.churn_warned(ev, ctx)
  local db, told = ctx.db:as_system(), ev.payload
  local account = { entity = "account", record = db.account:get(told.account) }
  local owner = db.user:get(told.owner)
  for _, user in ipairs { told.owner, owner and owner.manager } do
    notices.tell(ctx, user, account, "@notice.churn_warned", "warning", { days = told.days })
  end
end

function notices.mentioned(ev, ctx)
  local activity = { entity = "activity", record = ev.record }
  for _, user in ipairs(ev.record.mentions or {}) do
    notices.tell(ctx, user, activity, "@notice.mentioned")
  end
end

return notices
