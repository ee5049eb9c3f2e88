-- following - what hangs on a merged record and is too much for one transaction follows behind
-- it, and comes back behind its undoing: a few at a time, each written down as it is moved
-- (merge_move).
-- SPDX-License-Identifier: MIT
local following = {}

local AT_ONCE = 10 -- that one transaction moves

local function ids(cursor, as)
  local out = {}
  for key, id in pairs(cursor or {}) do out[key] = as(id) end
  return out
end

-- Asks for the job `name`, by which the rest follows (merge_rest) or comes back (merge_back).
function following.ask(ctx, name, entity, entry)
  local id = crm.id_text(entry)
  ctx.queue:push(name, { entity = entity, merge = id }, { key = name .. ":" .. id })
end

local function entry_of(job, ctx)
  local db, args = ctx.db:as_system(), job.args
  local sheet = db[args.entity .. "_merge"]
  return db, sheet, sheet:get(crm.id_parse(args.merge))
end

local function note(db, merge, one)
  assert(db.merge_move:insert {
    merge = merge, entity = one.entity, record = one.id, fields = one.fields,
  })
end

-- Moves what still points at the one that is gone; what refuses stays and leads on by the redirect.
function following.rest(job, ctx)
  local db, sheet, entry = entry_of(job, ctx)
  if not entry or not entry.moving or entry.state ~= "active" then return end
  local asked = {
    entity = job.args.entity, from = entry.loser, to = entry.winner, limit = AT_ONCE,
    after = ids(job.cursor, crm.id_parse),
  }
  local id, total, count, more = entry.id, math.max(entry.children or 0, 1), 0, true
  while more do
    ctx.tx(function()
      local now = sheet:get(id)
      if not now or now.state ~= "active" then -- undone meanwhile: what followed comes back
        more = false
        return
      end
      local done = ctx.call("record.move", asked)
      for _, one in ipairs(done.moved) do note(db, job.args.merge, one) end
      asked.after, more, count = done.after, done.more, count + #done.moved
      if not more then assert(sheet:update(id, { moving = false })) end
    end)
    job:progress(math.min(100, count * 100 // total))
    if more then job:save(ids(asked.after, crm.id_text)) end
  end
end

-- Brings back what followed.
function following.back(job, ctx)
  local db, sheet, entry = entry_of(job, ctx)
  if not entry or not entry.moving or entry.state ~= "undone" then return end
  local winner, loser, id = entry.winner, entry.loser, entry.id
  job:each({
    entity = "merge_move", as_system = true, batch = AT_ONCE, where = { merge = job.args.merge },
  }, function(row)
    local fields = {}
    for index, name in ipairs(row.fields) do fields[index] = name end
    local back = ctx.call("record.move", {
      entity = job.args.entity, from = winner, to = loser,
      moved = { { entity = row.entity, id = row.record, fields = fields } },
    }).moved
    if #back == 0 then
      assert(sheet:update(id, { stayed = (sheet:get(id).stayed or 0) + 1 }))
    end
    assert(db.merge_move:delete(row.id))
  end)
  assert(sheet:update(id, { moving = false }))
end

return following
