-- tally_test - what a program owes, counted in steps while people are at work.
-- SPDX-License-Identifier: MIT
local tally = require("tally")

local TERMS = { name = "P", expiry = "month_end", expiry_span = 1, transfer_allowed = true }

local function bought(t, member, amount)
  return t.db.purchase:insert { member = member.id, amount = t.money(amount, "CNY") }
end

-- Each entry in a step of its own, then each lot; between two of them somebody is at work.
crm.test("what is counted in steps is of the moment when it began", function(t)
  t.clock.set("2026-01-10T02:00:00Z")
  local p, other = t.db.program:insert(TERMS), t.db.program:insert(TERMS)
  local members = {}
  for i = 1, 4 do
    members[i] = t.db.member:insert { name = "A", program = (i == 4 and other or p).id }
    bought(t, members[i], "100")
  end
  t.clock.set("2026-02-10T02:00:00Z")
  for i = 1, 4 do bought(t, members[i], "50") end
  t.action("member", members[1].id, "redeem", { points = 30 })
  local state, steps = tally.begin(t.db, p.id), 0
  local function step()
    state.span, steps = 0, steps + 1
    return tally.step(t.db, state)
  end
  repeat step() until #state.ranges > 0
  t.action("member", members[1].id, "transfer", { to = crm.id_text(members[3].id), points = 20 })
  t.action("member", members[4].id, "redeem", { points = 120 })
  bought(t, members[2], "7")
  step()
  t.action("member", members[3].id, "redeem", { points = 110 })
  step()
  state = tally.copy(state)
  t.action("member", members[2].id, "redeem", { points = 101 })
  while step() do end
  t.ok(steps > 15, "one step each")
  local months, total = tally.months(state)
  t.eq({ total, tally.moved(state, "earn"), tally.moved(state, "redeem") }, { 420, 450, -30 })
  t.eq({ #months, months[1].month, months[1].points, months[2].month, months[2].points },
    { 2, "2026-02", 270, "2026-03", 150 })
  t.action("program", p.id, "figures", {})
  t.run_outbox()
  local now = t.action("program", p.id, "figures", {})
  t.eq({ now.outstanding, now.earned, now.redeemed }, { 216, 457, 241 })
end)
