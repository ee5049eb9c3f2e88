-- pools - a lead has an owner or lies in a pool, never both and never neither; who had it when.
-- SPDX-License-Identifier: MIT
local pools = {}

-- The pool for what nobody has, or nil while the company has none yet.
function pools.default(db)
  return db.pool:find { where = { is_default = true }, order = "id", limit = 1 }[1]
end

local function default_id(ctx)
  local pool = pools.default(ctx.db:as_system())
  return pool and pool.id
end

-- Before it is saved: whoever gets an owner leaves the pool, and the other way round.
function pools.place(ev, ctx)
  local lead = ev.record
  local gets_owner = lead.owner and (not ev.old or ev.changed("owner"))
  local gets_pool = lead.pool and (not ev.old or ev.changed("pool"))
  if gets_owner and gets_pool then
    -- The owner of a new record is whoever makes it, unless somebody else was named.
    if ev.old or not ctx.user or lead.owner ~= ctx.user.id then
      return ev:fail("pool", "@owner_or_pool")
    end
    lead.owner = nil
  elseif gets_owner then
    lead.pool, lead.pool_reason = nil, nil
  elseif gets_pool then
    lead.owner = nil
  end
  if not lead.owner and not lead.pool then lead.pool = default_id(ctx) end
  if not ev.old then
    lead.moved_at = ctx.now()
    lead.moved_reason = lead.moved_reason or "created"
  elseif not ev.changed("moved_at") and (ev.old.owner or ev.old.pool) then
    lead.moved_at, lead.moved_reason = ctx.now(), "changed"
  end
  if not lead.owner then lead.locked = false end
  lead.recycle_at, lead.recycle_warned_at = nil, nil
  lead.no_action_at, lead.escalated_at = nil, nil
  if lead.owner and not lead.first_response_at then
    lead.response_by = ctx.now():add { hours = ctx.config.response_hours }
    lead.sla_state = "pending"
  elseif not lead.owner then
    lead.response_by = nil
    if lead.sla_state ~= "met" then lead.sla_state = nil end
  end
end

local function label(lead)
  return lead.name or lead.company or crm.id_text(lead.id)
end

-- One stretch ends where the next begins.
local function note(ctx, lead, is_new)
  local db, at = ctx.db:as_system(), lead.moved_at or ctx.now()
  if not is_new then
    local last = db.lead_owner:find {
      where = { lead = lead.id, to_at = crm.null }, order = "-from_at", limit = 1,
    }[1]
    if last then
      if last.holder == lead.owner and last.pool == lead.pool then return end
      assert(db.lead_owner:update(last.id, { to_at = at }))
    else
      at = lead.created_at
    end
  end
  assert(db.lead_owner:insert {
    label = label(lead), lead = lead.id, holder = lead.owner, pool = lead.pool, from_at = at,
    reason = lead.moved_reason or "changed", operator = ctx.user and ctx.user.id,
  })
end

-- Behind the save: the first lead that nobody has makes the default pool.
function pools.moved(ev, ctx)
  local lead, db = ev.record, ctx.db:as_system()
  if not lead.owner and not lead.pool then
    local pool = pools.default(db) or assert(db.pool:insert {
      name = ctx.t("@pool.default_name"), is_default = true,
    })
    assert(db.lead:update(lead.id, { pool = pool.id }))
    return
  end
  note(ctx, lead, ev.old == nil)
end

return pools
