-- pools - what has an owner or lies in a pool, never both and never neither; who had it when.
-- SPDX-License-Identifier: MIT
local kinds = require("kinds")
local refusals = require("people.refusals")

local pools = {}

-- Does a pool take what is of this kind? One that says nothing takes all.
function pools.takes(pool, kind)
  local any = false
  for _, held in ipairs(pool.holds or {}) do
    if held == kind.entity then return true end
    any = true
  end
  return not any
end

local DEFAULTS = 10

-- The pool for what nobody has, or nil while the company has none yet.
function pools.default(db, kind)
  for _, pool in ipairs(db.pool:find {
    where = { is_default = true }, order = "id", limit = DEFAULTS,
  }) do
    if pools.takes(pool, kind) then return pool end
  end
  return nil
end

local function default_id(ctx, kind)
  local pool = pools.default(ctx.db:as_system(), kind)
  return pool and pool.id
end

local function check_kind(ev, ctx, kind)
  local pool = ctx.db:as_system().pool:get(ev.record.pool)
  if pool and not pools.takes(pool, kind) then ev:fail("pool", "@pool_foreign") end
end

-- Whoever gets an owner leaves the pool, and the other way round; false where both are asked for.
local function settle(ev, ctx, kind)
  local record = ev.record
  local gets_owner = record.owner and (not ev.old or ev.changed("owner"))
  local gets_pool = record.pool and (not ev.old or ev.changed("pool"))
  if gets_owner and gets_pool then
    -- The owner of a new record is whoever makes it, unless somebody else was named.
    if ev.old or not ctx.user or record.owner ~= ctx.user.id then
      ev:fail("pool", "@owner_or_pool")
      return false
    end
    record.owner = nil
  elseif gets_owner then
    record.pool, record.pool_reason = nil, nil
  elseif gets_pool then
    record.owner = nil
  end
  if gets_pool then check_kind(ev, ctx, kind) end
  if not record.owner and not record.pool then record.pool = default_id(ctx, kind) end
  return true
end

-- Does one of the operations move it? They say when and why.
function pools.is_operation(ev)
  return ev.changed("moved_at") or ev.changed("moved_reason")
end

-- Before it is saved.
function pools.place(ev, ctx)
  local record = ev.record
  if not settle(ev, ctx, kinds.of(ev.entity)) then return end
  if not ev.old then
    record.moved_at = ctx.now()
    record.moved_reason = record.moved_reason or "created"
  elseif not pools.is_operation(ev) and (ev.old.owner or ev.old.pool) then
    record.moved_at, record.moved_reason = ctx.now(), "changed"
  end
  if not record.owner then record.locked = false end
  record.recycle_at, record.recycle_warned_at = nil, nil
end

local function insert(db, kind, record, stretch)
  stretch.label = kind.title(record) or crm.id_text(record.id)
  stretch[kind.entity] = record.id
  assert(db[kind.history]:insert(stretch))
end

-- One stretch ends where the next begins. Of what is older than its history the first one is told
-- by what it was before.
local function note(ev, ctx, kind)
  local record, old = ev.record, ev.old
  local db, at = ctx.db:as_system(), record.moved_at or ctx.now()
  local last = old and db[kind.history]:find {
    where = { [kind.entity] = record.id, to_at = crm.null }, order = "-from_at", limit = 1,
  }[1]
  if last then
    if last.holder == record.owner and last.pool == record.pool then return end
    assert(db[kind.history]:update(last.id, { to_at = at }))
  elseif old and (old.owner or old.pool) then
    insert(db, kind, record, {
      holder = old.owner, pool = old.pool, from_at = record.created_at, to_at = at,
      reason = "created",
    })
  elseif old then
    at = record.created_at
  end
  insert(db, kind, record, {
    holder = record.owner, pool = record.pool, from_at = at,
    reason = record.moved_reason or "changed", operator = ctx.user and ctx.user.id,
  })
end

-- The first record that nobody has makes the default pool.
local function find_or_make(ctx, db, kind)
  return pools.default(db, kind) or assert(db.pool:insert {
    name = ctx.t("@pool.default_name"), is_default = true,
  })
end

-- Behind the save.
function pools.moved(ev, ctx)
  local record, db, kind = ev.record, ctx.db:as_system(), kinds.of(ev.entity)
  if not record.owner and not record.pool then
    local pool = find_or_make(ctx, db, kind)
    local placed, why = db[kind.entity]:update(record.id, { pool = pool.id })
    if not placed then refusals.tell(ev, why, "pool") end
    return
  end
  note(ev, ctx, kind)
end

local BATCH = 100

-- Customers that were there before their pools: whose owner is empty lies in one from now on.
function pools.settle(job, ctx)
  local db = ctx.db:as_system()
  job:each({
    entity = "account", as_system = true, batch = BATCH,
    where = { owner = crm.null, pool = crm.null },
  }, function(account)
    local pool = find_or_make(ctx, db, kinds.account)
    assert(db.account:update(account.id, { pool = pool.id, moved_at = ctx.now() }))
  end)
end

return pools
