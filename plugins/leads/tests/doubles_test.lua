-- doubles_test - leads of files and other systems that look like one that is there.
-- SPDX-License-Identifier: MIT

local function seen(t, id)
  local lead = t.db.lead:get(id)
  return { lead.possible_duplicate or false, lead.looks_like or 0, lead.known_contact or 0 }
end

crm.test("a lead that comes in is told by phone, mail, WeChat or name from one there", function(t)
  local old = t.db.lead:insert {
    name = "王伟", company = "海风", phones = { "+8613800000001" }, emails = { "wei@a.example" },
    wechat_id = "weiwei",
  }
  t.run_job("doubles")
  t.eq(seen(t, old.id), { false, 0, 0 }, "one alone")
  local came = {}
  for index, fields in ipairs {
    { name = "W", phones = { "+8613800000009", "+8613800000001" } },
    { name = "W", emails = { "WEI@a.example" } },
    { name = "W", wechat_id = "weiwei" },
    { name = "王伟", company = "海风" },
  } do
    came[index] = t.db.lead:insert(fields).id
  end
  local other = t.db.lead:insert { name = "王伟", company = "山风", phones = { "+8613800000077" } }
  t.run_job("doubles")
  for _, id in ipairs(came) do t.eq(seen(t, id), { true, old.id, 0 }) end
  t.eq(seen(t, old.id), { false, 0, 0 }, "the one that was there before")
  t.eq(seen(t, other.id), { false, 0, 0 }, "a namesake elsewhere")
end)

crm.test("a lead that looks like a contact is marked, one that is dead already is not", function(t)
  local contact = t.db.contact:insert { name = "Kim", emails = { "kim@b.example" } }
  local gone = t.db.lead:insert {
    name = "Kim", emails = { "kim@b.example" }, status = "dead", lost_reason = "no_need",
  }
  local lead = t.db.lead:insert { name = "K", emails = { "kim@b.example" } }
  t.run_job("doubles")
  t.eq(seen(t, lead.id), { true, 0, contact.id })
  t.eq(seen(t, gone.id), { false, 0, 0 })
end)

crm.test("what people say of a mark stays, and what is nothing any more has none", function(t)
  local old = t.db.lead:insert { name = "A", phones = { "+8613800000003" } }
  local one = t.db.lead:insert { name = "B", phones = { "+8613800000003" } }
  local two = t.db.lead:insert { name = "C", phones = { "+8613800000003" } }
  t.run_job("doubles")
  t.db.lead:update(one.id, { possible_duplicate = false, name = "Other" })
  t.run_job("doubles")
  t.eq(seen(t, one.id), { false, old.id, 0 }, "they are two people")
  t.db.lead:update(two.id, { phones = { "+8613800000004" } })
  t.run_job("doubles")
  t.eq(seen(t, two.id), { false, 0, 0 })
  local version = t.db.lead:get(two.id).version
  t.run_job("doubles")
  t.eq(t.db.lead:get(two.id).version, version, "nothing is left to say")
end)

crm.test("when the other one is merged into it, the lead looks like nothing any more", function(t)
  local old = t.db.lead:insert { name = "A", phones = { "+8613800000005" } }
  local lead = t.db.lead:insert { name = "A", phones = { "+8613800000005" } }
  t.run_job("doubles")
  t.eq(seen(t, lead.id), { true, old.id, 0 })
  t.action("lead", old.id, "merge", { into = crm.id_text(lead.id) })
  t.run_job("doubles")
  t.eq(seen(t, lead.id), { false, 0, 0 })
end)

crm.test("more than one step can look at is looked at in steps, each lead once", function(t)
  for index = 1, 75 do
    for _ = 1, 2 do
      t.db.lead:insert { name = "L", phones = { ("+861380000%04d"):format(index) } }
    end
  end
  t.run_job("doubles")
  t.eq(t.db.lead:count { where = { possible_duplicate = true } }, 75)
  t.eq(t.db.lead:count { where = { looks_like = { ne = crm.null } } }, 75)
end)

crm.test("of very many alike each is marked, whichever the match service tells of", function(t)
  for index = 1, 60 do
    t.db.lead:insert { name = "L" .. index, phones = { "+8613800000006" } }
  end
  t.run_job("doubles")
  t.ok(t.db.lead:count { where = { possible_duplicate = true } } >= 59)
end)
