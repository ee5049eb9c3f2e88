-- letters_test - who is written that points or a tier run out, how often, and who is not.
-- SPDX-License-Identifier: MIT

local function letters(t)
  return t.db.activity:find { where = { type = "mail" }, order = "id" }
end

local function program(t, fields)
  local row = {
    name = "海风", expiry = "days", expiry_span = 60, letters = true, point_name = "海星",
  }
  for name, value in pairs(fields or {}) do row[name] = value end
  return t.db.program:insert(row)
end

-- A card with points of two days, which both expire within the days of warning on 5 March.
local function member(t, of, fields)
  local row = {
    name = "Kim", program = of.id, email = "kim@example.com", consent_at = t.datetime(
      "2026-01-01T02:00:00Z"),
  }
  for name, value in pairs(fields) do row[name] = value end
  t.clock.set("2026-01-10T02:00:00Z")
  local card = t.db.member:insert(row)
  t.db.purchase:insert { member = card.id, amount = t.money("100", "CNY") }
  t.clock.set("2026-01-12T02:00:00Z")
  t.db.purchase:insert { member = card.id, amount = t.money("40", "CNY") }
  return card
end

crm.test("points that run out are written of, once a day for all of them", function(t)
  member(t, program(t), {})
  t.run_job("warn")
  t.eq(#letters(t), 0, "their day is far")
  t.clock.set("2026-02-20T02:00:00Z")
  t.run_job("warn")
  t.run_job("warn")
  local list = letters(t)
  t.eq(#list, 1)
  t.ok(list[1].subject:find("140 海星", 1, true), list[1].subject)
  t.eq(list[1].about.entity, "member")
  t.clock.set("2026-03-06T02:00:00Z") -- and once more when it is near
  t.run_job("warn")
  t.run_job("warn")
  t.eq(#letters(t), 2)
end)

crm.test("who has not agreed, has no address or is in a program without letters is left alone",
  function(t)
    local of = program(t)
    member(t, of, { consent_at = crm.null })
    member(t, of, { email = crm.null })
    member(t, program(t, { name = "quiet", letters = false }), {})
    local frozen = member(t, of, {})
    t.db.member:update(frozen.id, { status = "frozen" })
    local card = member(t, of, {})
    t.db.consent:insert {
      about = { entity = "member", id = card.id }, purpose = "mail", given = false,
    }
    t.clock.set("2026-02-20T02:00:00Z")
    t.run_job("warn")
    t.eq(#letters(t), 0)
    t.eq(t.db.points_lot:count { where = { warned_days = 30 } }, 10, "their lots are due")
  end)

crm.test("a word on mail is asked for on the card, then at its contact", function(t)
  local contact = t.db.contact:insert { name = "Kim", emails = { "kim@home.example" } }
  t.db.consent:insert {
    about = { entity = "contact", id = contact.id }, purpose = "mail", given = true,
  }
  member(t, program(t), { email = crm.null, consent_at = crm.null, contact = contact.id })
  t.clock.set("2026-02-20T02:00:00Z")
  t.run_job("warn")
  t.eq(#letters(t), 1)
end)

crm.test("a tier that ends is written of once, and told to who looks after the member", function(t)
  local of = program(t, { tier_months = 3 })
  local ann = t.user { login = "ann", roles = { "sales" } }
  t.db.tier:insert { program = of.id, name = "Gold", threshold = 100, validity_months = 2 }
  local card = member(t, of, { owner = ann })
  local ends = t.db.member:get(card.id).tier_until
  t.ok(ends, "the tier ends")
  t.clock.set(tostring(ends:add { days = -40 }) .. "T02:00:00Z")
  t.run_job("warn")
  local function about_tier()
    local count = 0
    for _, one in ipairs(letters(t)) do
      if one.subject:find("Gold", 1, true) then count = count + 1 end
    end
    return count
  end
  local function told()
    return t.db.notification:count { where = { owner = ann, kind = "tier_expiring" } }
  end
  t.eq({ about_tier(), told() }, { 0, 0 })
  t.clock.set(tostring(ends:add { days = -20 }) .. "T02:00:00Z")
  t.run_job("warn")
  t.run_job("warn")
  t.eq({ about_tier(), told() }, { 1, 1 })
end)
