-- picking - how a lead or a customer comes to a person: picked, assigned, handed on; and back.
--
-- Whether there is room and the change itself are one transaction, and what has been changed
-- meanwhile is not given: of two who pick, one wins.
-- SPDX-License-Identifier: MIT
local capacity = require("capacity")
local contacts = require("contacts")
local kinds = require("kinds")
local pools = require("pools")
local refusals = require("people.refusals")
local states = require("states")

local picking = {}

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

-- What happened, to whoever listens: lead.picked { lead, … }, account.picked { account, … }.
local function tell(ctx, kind, what, id, payload)
  payload[kind.entity] = id
  ctx.emit(kind.entity .. "." .. what, payload)
end

-- Gives a record to somebody: what was given, or nil, the field, key and arguments of the reason.
local function hand_over(ctx, kind, record, owner, reason)
  if kind.is_over(record) then return nil, "status", "@" .. kind.entity .. "_over" end
  local key, args = capacity.full(ctx, kind, owner)
  if key then return nil, "owner", key, args end
  local fields = { owner = owner, moved_at = ctx.now(), moved_reason = reason }
  kind.given(record, fields)
  local sheet = ctx.db:as_system()[kind.entity]
  local given, why = sheet:update(record.id, fields, { if_version = record.version })
  if not given then
    local at, sentence = refusals.parts(why)
    return nil, at or "owner", sentence
  end
  return given
end

local function give(ev, ctx, owner, reason)
  local kind, before = kinds.of(ev.entity), ev.record.owner
  local given, field, key, args = hand_over(ctx, kind, ev.record, owner, reason)
  if not given then return ev:fail(field, key, args) end
  contacts.follow(ctx, kind, given.id, before, owner)
  return { id = crm.id_text(given.id), owner = crm.id_text(owner), version = given.version }
end

-- What is somebody else's is not given away, and not locked, by whoever may only read it.
local function is_own(ev, ctx)
  if not ev.record.owner then
    ev:fail("owner", "@not_owned")
  elseif not ctx.can("update", ev.record) then
    ev:fail("owner", "@not_yours")
  else
    return true
  end
  return false
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

-- Why a rule of the pool keeps this person from this record: key, arguments.
local function hindrance(db, ctx, rule, kind, record, user)
  if rule.wait_minutes and record.moved_at then
    local from = record.moved_at:add { minutes = rule.wait_minutes }
    if ctx.now() < from then return "@pick_wait", { time = tostring(from) } end
  end
  if rule.daily_limit then
    local picked = db[kind.history]:count {
      where = { holder = user.id, reason = "picked", from_at = { today = true } },
    }
    if picked >= rule.daily_limit then return "@pick_daily", { max = rule.daily_limit } end
  end
  if rule.cool_off_days then
    local last = db[kind.history]:find {
      where = { [kind.entity] = record.id, holder = user.id, to_at = { ne = crm.null } },
      order = "-from_at", limit = 1,
    }[1]
    local from = last and last.to_at:add { days = rule.cool_off_days }
    if from and ctx.now() < from then return "@pick_cool_off", { date = tostring(from:date()) } end
  end
  return nil
end

-- May this person pick this? Others put their own rules around it with crm.wrap.
-- asked: entity (absent: lead), lead or account, user (ids). Answers ok, and else key and args of
-- the reason.
function picking.can_pick(asked, ctx)
  local db = ctx.db:as_system()
  local kind, record = kinds.asked(db, asked)
  local user, pool = db.user:get(asked.user), record and record.pool and db.pool:get(record.pool)
  if not pool or not user then return { ok = true } end
  if pool.enabled == false then return { ok = false, key = "@pool_closed" } end
  if not is_member(pool, user) then return { ok = false, key = "@pool_not_member" } end
  for _, rule in ipairs(db.pick_rule:find {
    where = { pool = pool.id, enabled = true }, order = "id", limit = 10,
  }) do
    local key, args = hindrance(db, ctx, rule, kind, record, user)
    if key then return { ok = false, key = key, args = args } end
  end
  return { ok = true }
end

-- May this person look at what the pool hides? asked and answered as for can_pick.
function picking.can_view(asked, ctx)
  local db = ctx.db:as_system()
  local _, record = kinds.asked(db, asked)
  local user, pool = db.user:get(asked.user), record and record.pool and db.pool:get(record.pool)
  if pool and user and not is_member(pool, user) then
    return { ok = false, key = "@pool_not_member" }
  end
  return { ok = true }
end

-- POST …/{lead,account}/{id}/actions/pick: takes what belongs to nobody.
function picking.pick(ev, ctx)
  local kind, id = kinds.of(ev.entity), ev.record.id
  if not ctx.user then return ev:fail("owner", "@pool_nobody") end
  if ev.record.owner then ev:conflict("@pool_taken") end
  local may = ctx.call("pool.can_pick", {
    entity = kind.entity, [kind.entity] = id, user = ctx.user.id,
  })
  if not may.ok then return ev:fail("pool", may.key, may.args) end
  local given = give(ev, ctx, ctx.user.id, "picked")
  if given then tell(ctx, kind, "picked", id, { owner = ctx.user.id }) end
  return given
end

-- The best that nobody has becomes one's own; whose rule or lost race keeps one from somebody gets
-- the one behind it.
local NEXT_LOOKED_AT = 20

local function take(ctx, lead)
  local kind, user = kinds.lead, ctx.user.id
  return ctx.tx(function()
    local given, _, key, args = hand_over(ctx, kind, lead, user, "picked")
    if not given then return { key = key, args = args } end
    contacts.follow(ctx, kind, given.id, nil, user)
    tell(ctx, kind, "picked", given.id, { owner = user })
    return { id = crm.id_text(given.id), name = kind.title(given) }
  end)
end

picking.next_options = {
  perm = "lead:next", summary = "The best lead that nobody has becomes one's own",
}

-- POST /x/leads/next
function picking.next(req, ctx)
  local full, args = capacity.full(ctx, kinds.lead, ctx.user.id)
  if full then return req:abort(full, args) end
  local why
  for _, lead in ipairs(ctx.db.lead:find {
    where = { owner = crm.null, pool = { ne = crm.null }, status = states.of("open", "ongoing") },
    order = "-score,id", limit = NEXT_LOOKED_AT,
  }) do
    local may = ctx.call("pool.can_pick", { lead = lead.id, user = ctx.user.id })
    local taken = may.ok and take(ctx, lead)
    if taken and taken.id then return taken end
    why = why or taken or may
  end
  return req:abort(why and why.key or "@next_none", why and why.args)
end

-- --- assigning, handing on, giving back ---

-- POST …/{lead,account}/{id}/actions/assign { owner }
function picking.assign(ev, ctx)
  local owner = person(ev, ctx, "owner")
  if not owner then return end
  local given = give(ev, ctx, owner, "assigned")
  if given then tell(ctx, kinds.of(ev.entity), "assigned", ev.record.id, { owner = owner }) end
  return given
end

-- POST …/lead/{id}/actions/transfer { owner, reason }
function picking.transfer(ev, ctx)
  if not is_own(ev, ctx) then return end
  local before, owner = ev.record.owner, person(ev, ctx, "owner")
  if not owner then return end
  if owner == before then return { id = crm.id_text(ev.record.id), owner = crm.id_text(owner) } end
  local given = give(ev, ctx, owner, "transferred")
  if given then
    ctx.emit("lead.transferred", { lead = ev.record.id, from = before, to = owner })
  end
  return given
end

-- Around account.give, by which the plugin people hands a customer on: within the capacity.
function picking.give_account(_, asked, ctx)
  local account = ctx.db:as_system().account:get(asked.account)
  local given, field, key, args =
    hand_over(ctx, kinds.account, account, asked.owner, "transferred")
  if given then return { ok = true } end
  return { ok = false, field = field, message = ctx.t(key, args) }
end

-- Puts a record into a pool; for operations and jobs.
function picking.put_back(ctx, kind, record, pool_id, reason, why)
  local db = ctx.db:as_system()
  local pool = pool_id or (pools.default(db, kind) or {}).id
  local fields = {
    owner = crm.null, pool = pool, pool_reason = why, moved_at = ctx.now(), moved_reason = reason,
  }
  kind.returned(record, fields)
  local before = record.owner
  local done, text = db[kind.entity]:update(record.id, fields, { if_version = record.version })
  if not done then return nil, text end
  contacts.follow(ctx, kind, done.id, before, nil)
  tell(ctx, kind, "recycled", record.id, {
    owner = before, pool = done.pool, reason = why or reason,
  })
  return done
end

-- POST …/{lead,account}/{id}/actions/return { pool, reason }
function picking.give_back(ev, ctx)
  local record, pool, kind = ev.record, id_of(ev, "pool"), kinds.of(ev.entity)
  if not is_own(ev, ctx) then return end
  if kind.stays(record) then return ev:fail("status", "@" .. kind.entity .. "_over") end
  if ev.params.pool ~= nil then
    local found = pool and ctx.db:as_system().pool:get(pool)
    if not found or found.enabled == false then return ev:fail("pool", "@pool_unknown") end
    if not pools.takes(found, kind) then return ev:fail("pool", "@pool_foreign") end
  end
  local why = type(ev.params.reason) == "string" and ev.params.reason or nil
  local done, text = picking.put_back(ctx, kind, record, pool, "returned", why)
  if not done then return refusals.tell(ev, text, "pool") end
  return { id = crm.id_text(done.id), pool = done.pool and crm.id_text(done.pool) }
end

-- --- locks ---

-- POST …/{lead,account}/{id}/actions/lock: it is not recycled while it is locked.
function picking.lock(ev, ctx)
  local record, db, kind = ev.record, ctx.db:as_system(), kinds.of(ev.entity)
  if not is_own(ev, ctx) then return end
  if record.locked then return { locked = true } end
  local own = capacity.rule(db, kind, { user = record.owner })
  local max = own and own.max_locked or ctx.config.max_locked
  local count = db[kind.entity]:count { where = { owner = record.owner, locked = true } }
  if count >= max then return ev:fail("locked", "@lock_full", { max = max }) end
  assert(db[kind.entity]:update(record.id, { locked = true, recycle_at = crm.null }))
  return { locked = true }
end

-- POST …/{lead,account}/{id}/actions/unlock
function picking.unlock(ev, ctx)
  local kind = kinds.of(ev.entity)
  if not is_own(ev, ctx) then return end
  assert(ctx.db:as_system()[kind.entity]:update(ev.record.id, { locked = false }))
  return { locked = false }
end

return picking
