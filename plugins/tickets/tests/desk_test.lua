-- desk_test - a service desk through the days: promises, steps, mails, ratings, letters.
-- SPDX-License-Identifier: MIT
local OFFICE = { "09:00-12:00", "13:30-18:00" }

local function office(t)
  local week = {}
  for _, day in ipairs { "mon", "tue", "wed", "thu", "fri" } do week[day] = OFFICE end
  return t.db.calendar:insert { name = "Office", zone = "Asia/Shanghai", week = week }
end

local function promise(t, fields)
  fields = fields or {}
  fields.name, fields.calendar = fields.name or "Promise", office(t).id
  local policy = t.db.sla_policy:insert(fields)
  for _, priority in ipairs { "low", "normal", "high", "urgent" } do
    t.db.sla_target:insert {
      policy = policy.id, priority = priority, first_response = 60, next_response = 120,
      resolution = priority == "high" and 240 or 480,
    }
  end
  return policy
end

local function open(t, fields)
  fields.subject = fields.subject or "It leaks"
  return t.db.ticket:insert(fields)
end

local function clock(t, ticket, kind)
  return t.db.ticket_clock:find {
    where = { ticket = ticket.id, kind = kind }, order = "-id", limit = 1,
  }[1]
end

local function read(t, ticket) return t.db.ticket:get(ticket.id) end

crm.test("random work on tickets keeps every clock true", function(t)
  t.clock.set("2026-09-21T01:00:00Z")
  promise(t)
  local seed, tickets = 4711, {}
  local function draw(n)
    seed = seed * 48271 % 2147483647
    return seed % n
  end
  for i = 1, 4 do tickets[i] = open(t, {}) end
  local states = { "open", "waiting_customer", "waiting_third_party", "resolved", "closed" }
  local moves = {
    function(ticket) t.db.ticket:update(ticket.id, { status = states[1 + draw(5)] }) end,
    function(ticket)
      local list = { "low", "normal", "high", "urgent" }
      t.db.ticket:update(ticket.id, { priority = list[1 + draw(4)] })
    end,
    function(ticket) t.action("ticket", ticket.id, "reply", { body = "x" }) end,
    function(ticket)
      t.db.ticket_message:insert { ticket = ticket.id, direction = "customer", body = "y" }
    end,
    function() t.run_job("watch") end,
    function(ticket) t.action("ticket", ticket.id, "reopen", {}) end,
    function(ticket)
      t.action("ticket", ticket.id, "merge", {
        into = crm.id_text(tickets[1 + draw(#tickets)].id),
      })
    end,
    function(ticket) t.action("ticket", ticket.id, "unmerge", {}) end,
  }
  for step = 1, 120 do
    local move, ticket = moves[1 + draw(#moves)], tickets[1 + draw(#tickets)]
    pcall(move, ticket) -- what a state does not allow is refused, and changes nothing
    t.clock.advance { minutes = draw(400) }
    if step % 20 == 0 then
      t.run_job("watch")
      t.eq(table.concat(t.check(), "; "), "", "step " .. step)
    end
  end
end)

crm.test("a clock that was turned by hand is found", function(t)
  t.clock.set("2026-09-21T01:00:00Z")
  promise(t)
  local ticket = open(t, {})
  t.eq(t.check(), {})
  local row = clock(t, ticket, "resolution")
  t.db.ticket_clock:update(row.id, { due_at = t.datetime("2026-12-24T00:00:00Z") })
  local wrong = t.check()
  t.eq(#wrong, 1)
  t.ok(wrong[1]:match("^clock%.agrees: .*: due_at is 2026%-12%-24"), wrong[1])
end)

crm.test("steps of a policy are taken once, and in working hours only", function(t)
  t.clock.set("2026-09-21T01:00:00Z") -- Monday, nine o'clock
  t.user { login = "boss" }
  local agent = t.user { login = "agent", manager = "boss" }
  local policy = promise(t)
  t.db.sla_step:insert {
    policy = policy.id, clock = "resolution", percent = 50, act = "remind_owner",
  }
  t.db.sla_step:insert {
    policy = policy.id, clock = "resolution", percent = 100, act = "to_manager",
  }
  local ticket = open(t, { owner = agent })
  local function tasks() return t.db.task:count { where = { owner = agent } } end
  t.clock.set("2026-09-21T05:00:00Z") -- four hours, one of them noon: 180 minutes
  t.run_job("watch")
  t.eq(tasks(), 0)
  t.clock.set("2026-09-21T12:00:00Z") -- due since the afternoon, but it is evening
  t.run_job("watch")
  t.eq({ tasks(), clock(t, ticket, "resolution").warned }, { 0, false })
  t.clock.set("2026-09-22T01:10:00Z")
  t.run_job("watch")
  t.run_job("watch")
  t.eq({ tasks(), clock(t, ticket, "resolution").warned }, { 1, true })
  t.clock.set("2026-09-22T03:00:00Z")
  t.run_job("watch")
  t.ok(read(t, ticket).owner ~= agent, "its manager has it now")
  t.eq(clock(t, ticket, "resolution").breached, true)
end)

crm.test("what an account was promised comes before what everybody is", function(t)
  t.clock.set("2026-09-21T01:00:00Z")
  promise(t, { name = "All", order = 1 })
  local own = promise(t, { name = "Own", order = 99 })
  local account = t.db.account:insert { name = "Acme", tickets_policy = own.id }
  t.eq(open(t, { account = account.id }).sla_policy, own.id)
  t.ok(open(t, {}).sla_policy ~= own.id)
end)

crm.test("a mail opens a ticket, its answer goes there, and neither comes in twice", function(t)
  t.clock.set("2026-09-21T01:00:00Z")
  local function mail(fields)
    fields.from, fields.subject = fields.from or "Li@Example.com", fields.subject or "Help"
    fields.body = fields.body or "It leaks."
    return t.call("ticket.from_mail", fields)
  end
  local first = mail { message_id = "<1@example.com>" }
  t.eq({ first.is_new, first.is_known }, { true, false })
  local again = mail { message_id = "<1@example.com>" }
  t.eq({ again.is_known, again.message }, { true, first.message })
  local answer = mail { message_id = "<2@example.com>", in_reply_to = "<1@example.com>" }
  t.eq({ answer.is_new, answer.ticket }, { false, first.ticket })
  local third = mail {
    message_id = "<3@example.com>", references = { "<0@x>", "<2@example.com>" },
  }
  t.eq(third.ticket, first.ticket)
  local number = t.db.ticket:get(first.ticket).number
  t.eq(mail { message_id = "<4@x>", subject = "Re: [" .. number .. "]" }.ticket, first.ticket)
  local stranger = mail { message_id = "<5@x>", subject = number, from = "eve@example.net" }
  t.ok(stranger.is_new, "a number alone opens nothing")
  t.eq(t.db.ticket_message:count {}, 5)
  t.eq(mail { message_id = ("<" .. ("x"):rep(300) .. "@y>") }.is_new, true)
  t.eq(mail { message_id = ("<" .. ("x"):rep(300) .. "@y>") }.is_known, true)
end)

crm.test("an answer to a merged or a closed ticket finds its way", function(t)
  local a = t.call("ticket.from_mail", {
    message_id = "<1@x>", from = "li@example.com", subject = "A", body = "a",
  })
  local b = open(t, {})
  t.action("ticket", a.ticket, "merge", { into = crm.id_text(b.id) })
  local late = t.call("ticket.from_mail", {
    message_id = "<2@x>", in_reply_to = "<1@x>", from = "li@example.com", subject = "A", body = "b",
  })
  t.eq(late.ticket, b.id)
  t.action("ticket", b.id, "resolve", {})
  t.db.ticket:update(b.id, { status = "closed" })
  t.call("ticket.from_mail", {
    message_id = "<3@x>", in_reply_to = "<2@x>", from = "li@example.com", subject = "A", body = "c",
  })
  t.eq(read(t, b).status, "open")
  t.eq(t.check(), {})
end)

crm.test("a merge takes the values that are chosen, and gives them back", function(t)
  local a = open(t, { requester_name = "Ann", requester_email = "ann@example.com", serial = "A1" })
  local b = open(t, { requester_name = "Bob", priority = "high", serial = "B1" })
  local into = crm.id_text(b.id)
  t.expect_fail(function()
    t.action("ticket", a.id, "merge", { into = into, take = { "status" } })
  end, { take = "@merge_take" })
  t.action("ticket", a.id, "merge", {
    into = into, take = { "requester_name", "requester_email", "serial" },
  })
  local now = t.db.ticket:get(b.id)
  t.eq({ now.requester_name, now.requester_email, now.serial, now.priority },
    { "Ann", "ann@example.com", "A1", "high" })
  t.db.ticket:update(b.id, { serial = "C1" }) -- what was changed since stays
  t.action("ticket", a.id, "unmerge", {})
  now = t.db.ticket:get(b.id)
  t.eq({ now.requester_name, now.requester_email, now.serial }, { "Bob", nil, "C1" })
  t.eq(t.check(), {})
end)

crm.test("merges of merges are undone one by one", function(t)
  local a, b, c = open(t, {}), open(t, {}), open(t, {})
  local function say(ticket, body)
    t.db.ticket_message:insert { ticket = ticket.id, direction = "customer", body = body }
  end
  say(a, "of a")
  say(b, "of b")
  t.action("ticket", a.id, "merge", { into = crm.id_text(b.id) })
  t.action("ticket", b.id, "merge", { into = crm.id_text(c.id) })
  local function count(ticket)
    return t.db.ticket_message:count { where = { ticket = ticket.id } }
  end
  t.eq({ count(a), count(b), count(c) }, { 0, 0, 2 })
  t.eq(t.check(), {})
  t.action("ticket", b.id, "unmerge", {})
  t.eq({ count(a), count(b), count(c) }, { 0, 2, 0 })
  t.action("ticket", a.id, "unmerge", {})
  t.eq({ count(a), count(b), count(c) }, { 1, 1, 0 })
  t.eq(t.check(), {})
end)

crm.test("a solved ticket is warned of before it is closed; an answer keeps it open", function(t)
  t.clock.set("2026-09-21T01:00:00Z")
  local one, other = open(t, {}), open(t, {})
  t.action("ticket", one.id, "resolve", {})
  t.action("ticket", other.id, "resolve", {})
  t.clock.advance { days = 4 }
  t.run_job("close")
  t.eq(read(t, one).close_warned_at, nil)
  t.clock.advance { days = 1 }
  t.run_job("close")
  t.run_job("close")
  t.eq(read(t, one).status, "resolved")
  t.ok(read(t, one).close_warned_at)
  t.db.ticket_message:insert { ticket = other.id, direction = "customer", body = "Not yet" }
  t.clock.advance { days = 2 }
  t.run_job("close")
  t.eq({ read(t, one).status, read(t, other).status }, { "closed", "open" })
  t.eq(read(t, other).close_warned_at, nil)
end)

crm.test("who knows a category best and has the least to do gets the ticket", function(t)
  local team = t.user { login = "novice", team = "Desk" } and t.db.user:find {
    where = { login = "novice" }, limit = 1,
  }[1].team
  local expert = t.user { login = "expert", team = "Desk" }
  t.db.agent_skill:insert { agent = expert, category = "billing", level = 5 }
  local told = t.call("ticket.dispatch", { team = team, category = "billing" })
  t.ok(told.owner == nil or told.owner == expert) -- the setting is off unless it is set
end)

crm.test("articles are found by a ticket's words, the fitting product first", function(t)
  local function article(title, fields)
    fields = fields or {}
    fields.title, fields.body, fields.state = title, "<p>x</p>", nil
    local made = t.db.article:insert(fields)
    t.db.article:update(made.id, { state = "published" })
    return made
  end
  local leak = article("Printer leaks ink")
  local fit = article("Printer is silent", { products = { "LX-5" } })
  article("退货流程说明")
  local ticket = open(t, { subject = "My printer leaks", product = "LX-5" })
  local items = t.action("ticket", ticket.id, "suggest", {}).items
  t.eq({ items[1].id, items[2].id }, { crm.id_text(fit.id), crm.id_text(leak.id) })
  t.eq(#t.call("article.suggest", { subject = "怎么退货" }).items, 1)
  t.eq(#t.call("article.suggest", { subject = "" }).items, 0)
  t.action("ticket", ticket.id, "use_article", { article = items[1].id })
  t.eq(t.db.article:get(fit.id).views, 1)
  t.expect_fail(function()
    t.action("ticket", ticket.id, "use_article", { article = "nothing" })
  end, { article = "@article_unknown" })
end)

crm.test("a macro does the same for many", function(t)
  local macro = t.db.macro:insert {
    name = "Wait", reply = "Please send the number.", status = "waiting_customer",
    add_tags = { "asked" }, priority = "low",
  }
  local a, b = open(t, { tags = { "vip" } }), open(t, {})
  t.action("ticket", a.id, "macro", { macro = crm.id_text(macro.id) })
  t.eq({ read(t, a).status, read(t, a).priority }, { "waiting_customer", "low" })
  t.eq(#read(t, a).tags, 2)
  t.expect_fail(function()
    t.action("macro", macro.id, "apply", { tickets = {} })
  end, { tickets = "@macro_tickets" })
  t.action("ticket", b.id, "resolve", { minutes = 20 })
  t.eq(read(t, b).cost_minutes, 20)
  t.expect_fail(function() t.action("ticket", b.id, "macro", { macro = "x" }) end, {
    macro = "@macro_unknown",
  })
end)
