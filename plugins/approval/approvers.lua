-- approvers - who has to decide at a node.
-- SPDX-License-Identifier: MIT
local approvers = {}

local CHAIN_MAX = 20

local function is_active(db, id)
  local user = id and db.user:get(id)
  return user and user.active and user or nil
end

-- Who is there and may decide: whoever a flow names without that would keep it waiting for ever.
function approvers.fit(ctx, db, id)
  return is_active(db, id) and ctx.may(id, "approval_task:approve") or false
end

local fit = approvers.fit

local function ids(list)
  local out = {}
  for i, text in ipairs(list or {}) do
    out[i] = type(text) == "string" and crm.id_parse(text) or math.tointeger(text)
  end
  return out
end

approvers.ids = ids

-- Everybody above a user, nearest first; a circle of managers ends where it closes.
local function chain(db, user)
  local out, seen, at = {}, { [user] = true }, db.user:get(user)
  while at and at.manager and not seen[at.manager] and #out < CHAIN_MAX do
    seen[at.manager] = true
    out[#out + 1] = at.manager
    at = db.user:get(at.manager)
  end
  return out
end

local function pick(list, rule)
  local levels = rule.levels or 1
  local function nth(n) return list[rule.direction == "down" and #list - n + 1 or n] end
  if not rule.each then return { nth(levels) } end
  local out = {}
  for n = 1, math.min(levels, #list) do out[n] = nth(n) end
  return out
end

-- Heads of the submitter's department and those above it.
local function heads(db, user)
  local out, at = {}, db.user:get(user)
  local department = at and at.department and db.department:get(at.department)
  for _ = 1, CHAIN_MAX do
    if not department then break end
    if department.head then out[#out + 1] = department.head end
    department = department.parent and db.department:get(department.parent)
  end
  return out
end

local function with_role(db, role)
  local out = {}
  for i, user in ipairs(db.user:find {
    where = { roles = { has = role }, active = true }, order = "id", limit = 100,
  }) do
    out[i] = user.id
  end
  return out
end

-- The service approval.approvers: whom a company's own code names. By itself it names nobody.
function approvers.replaceable() return { users = {}, reasons = {} } end

local function of_rule(ctx, db, rule, approval, node)
  local user = approval.submitter
  if rule.kind == "member" then return ids(rule.users) end
  if rule.kind == "superior" then return pick(chain(db, user), rule) end
  if rule.kind == "head" then return pick(heads(db, user), rule) end
  if rule.kind == "role" then return with_role(db, rule.role) end
  if rule.kind == "choice" then return ids((approval.chosen or {})[node.id]) end
  return ids(ctx.call(rule.service or "approval.approvers", {
    approval = approval.id, entity = approval.entity, record = approval.about.id,
    submitter = user, node = node.id, snapshot = approval.snapshot,
  }).users)
end

-- --- rules of the flow ---

local function admins(db, approval, settings)
  local others = {}
  for _, id in ipairs(with_role(db, "admin")) do
    if id ~= approval.submitter or settings.own == "allow" then others[#others + 1] = id end
  end
  return others
end

local function nobody(ctx, db, approval, settings)
  if settings.no_approver == "pass" then return {} end
  if settings.no_approver == "fallback" and settings.fallback then
    local id = ids { settings.fallback }[1]
    local is_own = id == approval.submitter and settings.own ~= "allow"
    if not is_own and fit(ctx, db, id) then return { id } end
  end
  return admins(db, approval, settings)
end

-- Who decides in the submitter's place: the next superior who may.
local function instead(ctx, db, approval)
  for _, id in ipairs(chain(db, approval.submitter)) do
    if fit(ctx, db, id) then return id end
  end
end

-- Who has approved here already, as far as the flow lets that count.
local function settled(db, approval, settings)
  local out = {}
  if settings.repeated == "every" or not settings.repeated then return out end
  local last = 0
  local tasks = db.approval_task:find {
    where = { approval = approval.id, round = approval.round, state = "approved" }, limit = 200,
  }
  for _, task in ipairs(tasks) do last = math.max(last, task.at) end
  for _, task in ipairs(tasks) do
    if settings.repeated == "first_only" or task.at == last then out[task.owner] = true end
  end
  return out
end

-- The users who have to decide, in order and each once. Second: were there any before the
-- submitter and those who have decided already were left out?
function approvers.of(ctx, db, approval, node, settings)
  local found, seen, any = {}, {}, false
  local done = settled(db, approval, settings)
  local function add(id)
    if id and not seen[id] and not done[id] then
      seen[id] = true
      found[#found + 1] = id
    end
  end
  for _, rule in ipairs(node.approvers) do
    for _, id in ipairs(of_rule(ctx, db, rule, approval, node)) do
      local is_fit = id and fit(ctx, db, id)
      local is_own = id == approval.submitter
      if is_fit and is_own and settings.own == "superior" then
        id = instead(ctx, db, approval)
        is_fit, is_own = id ~= nil, false
      end
      any = any or is_fit
      if is_fit and not (is_own and settings.own ~= "allow") then add(id) end
    end
  end
  if not any then
    for _, id in ipairs(nobody(ctx, db, approval, settings)) do add(id) end
  end
  return found
end

-- Who takes over from somebody who has left, or may decide no more: the superior, the flow's
-- fallback, an administrator.
function approvers.successor(ctx, db, user, approval, settings)
  for _, id in ipairs(chain(db, user)) do
    if fit(ctx, db, id) and id ~= approval.submitter then return id end
  end
  local fallback = ids { settings.fallback }[1]
  if fit(ctx, db, fallback) then return fallback end
  return admins(db, approval, settings)[1] or with_role(db, "admin")[1]
end

return approvers
