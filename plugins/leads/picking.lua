-- picking - how a lead comes to a person: picked, assigned, handed on; and how it goes back.
--
-- Whether there is room and the change itself are one transaction, and a lead that has been changed
-- meanwhile is not given: of two who pick, one wins.
-- SPDX-License-Identifier: MIT
local pools = require("pools")

local picking = {}

local OPEN = { "new", "assigned", "working", "qualified" }
local OVER = { converted = true, dead = true }

-- --- capacity ---

local function statuses(rule)
  if not (rule and rule.count_converted) then return OPEN end
  local list = { "converted" }
  for _, status in ipairs(OPEN) do list[#list + 1] = status end
  return list
end

local function rule_for(db, where)
  return db.capacity:find { where = where, order = "id", limit = 1 }[1]
end

-- Why this person may not have one more lead, as key and arguments; nil when there is room.
local function full(ctx, user_id)
  local db = ctx.db:as_system()
  local own = rule_for(db, { user = user_id })
  local max = own and own.max_open or ctx.config.max_open
  local has = db.lead:count { where = { owner = user_id, status = statuses(own) } }
  if has >= max then return "@pool_full", { max = max } end
  local user = db.user:get(user_id)
  local all = user and user.department and rule_for(db, { for_department = user.department })
  if not all then return nil end
  has = db.lead:count { where = { department = user.department, status = statuses(all) } }
  if has >= all.max_open then return "@department_full", { max = all.max_open } end
  return nil
end

picking.full = full

-- An owner that was written without any of the operations: by hand, in bulk, by an import.
function picking.check(ev, ctx)
  local lead = ev.record
  if not ev.old or not lead.owner or ev.changed("moved_at") and lead.moved_reason ~= "changed" then
    return
  end
  if OVER[lead.status] then return end
  local key, args = full(ctx, lead.owner)
  if key then ev:fail("owner", key, args) end
end

-- --- giving ---

local function id_of(ev, name)
  local text = ev.params[name]
  return type(text) == "string" and crm.id_parse(text) or nil
end

-- The person a parameter names, if there is one who works here.
local function person(ev, ctx, name)
  local id = id_of(ev, name)
  local user = id and ctx.db:as_system().user:get(id)
  if user and user.active then return user.id end
  ev:fail(name, "@pool_nobody")
  return nil
end

local function give(ev, ctx, owner, reason)
  local lead = ev.record
  if OVER[lead.status] then return ev:fail("status", "@lead_over") end
  local key, args = full(ctx, owner)
  if key then return ev:fail("owner", key, args) end
  local fields = { owner = owner, moved_at = ctx.now(), moved_reason = reason }
  if lead.status == "new" or lead.status == "recycled" then fields.status = "assigned" end
  local given, why = ctx.db:as_system().lead:update(lead.id, fields, { if_version = lead.version })
  if not given then return ev:fail("owner", why) end
  return { id = crm.id_text(given.id), owner = crm.id_text(owner), version = given.version }
end

-- --- picking ---

local function has(list, id)
  for _, item in ipairs(list or {}) do
    if item == id then return true end
  end
  return false
end

local function is_member(pool, user)
  return pool.open or has(pool.members, user.id) or has(pool.admins, user.id)
    or user.department and has(pool.departments, user.department)
end

-- Why a rule of the pool keeps this person from this lead: key, arguments.
local function hindrance(db, ctx, rule, lead, user)
  if rule.wait_minutes then
    local from = lead.moved_at:add { minutes = rule.wait_minutes }
    if ctx.now() < from then return "@pick_wait", { time = tostring(from) } end
  end
  if rule.daily_limit then
    local picked = db.lead_owner:count {
      where = { holder = user.id, reason = "picked", from_at = { today = true } },
    }
    if picked >= rule.daily_limit then return "@pick_daily", { max = rule.daily_limit } end
  end
  if rule.cool_off_days then
    local last = db.lead_owner:find {
      where = { lead = lead.id, holder = user.id, to_at = { ne = crm.null } },
      order = "-from_at", limit = 1,
    }[1]
    local from = last and last.to_at:add { days = rule.cool_off_days }
    if from and ctx.now() < from then return "@pick_cool_off", { date = tostring(from:date()) } end
  end
  return nil
end

-- May this person pick this lead? Others put their own rules around it with crm.wrap.
-- asked: lead, user (ids). Answers ok, and else key and args of the reason.
function picking.can_pick(asked, ctx)
  local db = ctx.db:as_system()
  local lead, user = db.lead:get(asked.lead), db.user:get(asked.user)
  local pool = lead and lead.pool and db.pool:get(lead.pool)
  if not pool or not user then return { ok = true } end
  if pool.enabled == false then return { ok = false, key = "@pool_closed" } end
  if not is_member(pool, user) then return { ok = false, key = "@pool_not_member" } end
  for _, rule in ipairs(db.pick_rule:find {
    where = { pool = pool.id, enabled = true }, order = "id", limit = 10,
  }) do
    local key, args = hindrance(db, ctx, rule, lead, user)
    if key then return { ok = false, key = key, args = args } end
  end
  return { ok = true }
end

-- May this person look at what the pool hides? asked and answered as for can_pick.
function picking.can_view(asked, ctx)
  local db = ctx.db:as_system()
  local lead, user = db.lead:get(asked.lead), db.user:get(asked.user)
  local pool = lead and lead.pool and db.pool:get(lead.pool)
  if pool and user and not is_member(pool, user) then
    return { ok = false, key = "@pool_not_member" }
  end
  return { ok = true }
end

-- POST …/lead/{id}/actions/pick: takes a lead that belongs to nobody.
function picking.pick(ev, ctx)
  if not ctx.user then return ev:fail("owner", "@pool_nobody") end
  if ev.record.owner then return ev:fail("owner", "@pool_taken") end
  local may = ctx.call("pool.can_pick", { lead = ev.record.id, user = ctx.user.id })
  if not may.ok then return ev:fail("pool", may.key, may.args) end
  local given = give(ev, ctx, ctx.user.id, "picked")
  if given then ctx.emit("lead.picked", { lead = ev.record.id, owner = ctx.user.id }) end
  return given
end

-- --- assigning, handing on, giving back ---

-- POST …/lead/{id}/actions/assign { owner }
function picking.assign(ev, ctx)
  local owner = person(ev, ctx, "owner")
  if not owner then return end
  local given = give(ev, ctx, owner, "assigned")
  if given then ctx.emit("lead.assigned", { lead = ev.record.id, owner = owner }) end
  return given
end

-- POST …/lead/{id}/actions/transfer { owner, reason }
function picking.transfer(ev, ctx)
  local before = ev.record.owner
  if not before then return ev:fail("owner", "@not_owned") end
  local owner = person(ev, ctx, "owner")
  if not owner then return end
  if owner == before then return { id = crm.id_text(ev.record.id), owner = crm.id_text(owner) } end
  local given = give(ev, ctx, owner, "transferred")
  if given then
    ctx.emit("lead.transferred", { lead = ev.record.id, from = before, to = owner })
  end
  return given
end

-- Puts a lead into a pool; for operations and jobs.
function picking.put_back(ctx, lead, pool_id, reason, why)
  local db = ctx.db:as_system()
  local pool = pool_id or (pools.default(db) or {}).id
  local fields = {
    owner = crm.null, pool = pool, pool_reason = why, moved_at = ctx.now(), moved_reason = reason,
  }
  if lead.status ~= "dead" and lead.status ~= "recycled" then fields.status = "recycled" end
  local before = lead.owner
  local done, text = db.lead:update(lead.id, fields, { if_version = lead.version })
  if not done then return nil, text end
  ctx.emit("lead.recycled", {
    lead = lead.id, owner = before, pool = done.pool, reason = why or reason,
  })
  return done
end

-- POST …/lead/{id}/actions/return { pool, reason }
function picking.give_back(ev, ctx)
  local lead, pool = ev.record, id_of(ev, "pool")
  if not lead.owner then return ev:fail("owner", "@not_owned") end
  if lead.status == "converted" then return ev:fail("status", "@lead_over") end
  if ev.params.pool ~= nil then
    local found = pool and ctx.db:as_system().pool:get(pool)
    if not found or found.enabled == false then return ev:fail("pool", "@pool_unknown") end
  end
  local why = type(ev.params.reason) == "string" and ev.params.reason or nil
  local done, text = picking.put_back(ctx, lead, pool, "returned", why)
  if not done then return ev:fail("pool", text) end
  return { id = crm.id_text(done.id), pool = done.pool and crm.id_text(done.pool) }
end

-- --- locks ---

-- POST …/lead/{id}/actions/lock: it is not recycled while it is locked.
function picking.lock(ev, ctx)
  local lead, db = ev.record, ctx.db:as_system()
  if not lead.owner then return ev:fail("owner", "@not_owned") end
  if lead.locked then return { locked = true } end
  local own = rule_for(db, { user = lead.owner })
  local max = own and own.max_locked or ctx.config.max_locked
  local count = db.lead:count { where = { owner = lead.owner, locked = true } }
  if count >= max then return ev:fail("locked", "@lock_full", { max = max }) end
  assert(db.lead:update(lead.id, { locked = true, recycle_at = crm.null }))
  return { locked = true }
end

-- POST …/lead/{id}/actions/unlock
function picking.unlock(ev, ctx)
  assert(ctx.db:as_system().lead:update(ev.record.id, { locked = false }))
  return { locked = false }
end

return picking
