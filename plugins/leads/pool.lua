-- pool - leads without an owner, and how one gets them.
-- SPDX-License-Identifier: MIT
local pool = {}

-- How many leads somebody has that are still worked on.
local function open_count(ctx, owner)
  return ctx.db:as_system().lead:count {
    where = { owner = owner, status = { "new", "assigned", "working", "qualified" } },
  }
end

-- Gives the lead away. Only if nobody changed it meanwhile: of two who pick, one wins.
local function give(ev, ctx, owner)
  local lead = ev.record
  if open_count(ctx, owner) >= ctx.config.max_open then
    return ev:fail("owner", "@pool_full", { max = ctx.config.max_open })
  end
  local fields = { owner = owner }
  if lead.status == "new" or lead.status == "recycled" then fields.status = "assigned" end
  local given, why = ctx.db:as_system().lead:update(lead.id, fields, { if_version = lead.version })
  if not given then return ev:fail("owner", why) end
  return { id = crm.id_text(given.id), owner = crm.id_text(owner), version = given.version }
end

-- Takes a lead that belongs to nobody.
function pool.pick(ev, ctx)
  if not ctx.user then return ev:fail("owner", "@pool_nobody") end
  if ev.record.owner then return ev:fail("owner", "@pool_taken") end
  return give(ev, ctx, ctx.user.id)
end

-- Gives a lead to the user in params.owner.
function pool.assign(ev, ctx)
  local owner = type(ev.params.owner) == "string" and crm.id_parse(ev.params.owner)
  if not owner then return ev:fail("owner", "@pool_nobody") end
  return give(ev, ctx, owner)
end

return pool
