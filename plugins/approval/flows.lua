-- flows - what a flow has to be: every path through it ends, and every version of it is kept.
-- SPDX-License-Identifier: MIT
local approvers = require("approvers")
local values = require("values")

local flows = {}

local NODES_MAX = 50
local KINDS = {
  member = true, superior = true, head = true, role = true, choice = true, script = true,
}
local MODES = { all = true, any = true, sequence = true }

-- --- checks: each gives a key and its values, or nothing ---

local function is_text(value) return type(value) == "string" and value ~= "" end

local is_list, is_table = values.is_list, values.is_table

-- What is wrong with a user of that id, and who it is.
local function check_user(ctx, db, id)
  local user = id and db.user:get(id)
  if not user or not user.active then return "@rule_user_gone" end
  if not approvers.fit(ctx, db, id) then return "@rule_user_may_not", user.name end
end

local function check_members(ctx, db, rule)
  if not is_list(rule.users) then return "@rule_users" end
  for _, text in ipairs(rule.users) do
    local key, who = check_user(ctx, db, is_text(text) and crm.id_parse(text))
    if key then return key, who end
  end
end

local function check_rule(ctx, db, rule)
  if not is_table(rule) or not KINDS[rule.kind] then return "@rule_kind" end
  if rule.kind == "member" then return check_members(ctx, db, rule) end
  local levels = rule.levels or 1
  if math.type(levels) ~= "integer" or levels < 1 or levels > 20 then return "@rule_levels" end
  if rule.direction and rule.direction ~= "up" and rule.direction ~= "down" then
    return "@rule_levels"
  end
  if rule.kind == "role" and not is_text(rule.role) then return "@rule_role" end
end

local function check_approvers(ctx, db, node)
  if not is_list(node.approvers) then return "@node_no_approvers" end
  if node.mode and not MODES[node.mode] then return "@node_mode" end
  for _, rule in ipairs(node.approvers) do
    local key, who = check_rule(ctx, db, rule)
    if key then return key, who end
  end
end

local function check_filter(entity, filter)
  if filter == nil then return nil end
  if not is_table(filter) then return "@node_when" end
  local ok, fits, why = pcall(crm.filter_check, entity, filter)
  if not ok then return "@node_when", tostring(fits) end
  if not fits then return "@node_when", why end
end

-- Where a node may lead on to, each as the id of a node, or "end".
local function ways_of(nodes, at)
  local node, ways = nodes[at], {}
  for _, branch in ipairs(node.branches or {}) do ways[#ways + 1] = branch.to end
  local following = nodes[at + 1]
  ways[#ways + 1] = node.next or (following and following.id) or "end"
  return ways
end

-- Does any way from here come back to a node that it has passed?
local function is_endless(nodes, index, at, state)
  if state[at] then return state[at] == "open" end
  state[at] = "open"
  for _, to in ipairs(ways_of(nodes, at)) do
    if to ~= "end" and is_endless(nodes, index, index[to], state) then return true end
  end
  state[at] = "done"
  return false
end

local function check_branches(flow, node, index)
  local to = node.next
  if to and to ~= "end" and not index[to] then return "@node_next", to end
  for _, branch in ipairs(node.branches or {}) do
    if not is_table(branch) or (branch.to ~= "end" and not index[branch.to]) then
      return "@node_next", tostring(is_table(branch) and branch.to or branch)
    end
    local key, why = check_filter(flow.entity, branch.when)
    if key then return key, why end
  end
end

local function index_of(nodes)
  local index = {}
  for at, node in ipairs(nodes) do
    local named = is_table(node) and is_text(node.id) and node.id ~= "end"
    if not named then return nil, "@node_id" end
    if index[node.id] then return nil, "@node_id_twice", node.id end
    index[node.id] = at
  end
  return index
end

local function check_nodes(ctx, flow, db)
  local nodes = flow.nodes
  if not is_list(nodes) then return "@nodes_none" end
  if #nodes > NODES_MAX then return "@nodes_many", NODES_MAX end
  local index, wrong, which = index_of(nodes)
  if not index then return wrong, which end
  for _, node in ipairs(nodes) do
    local key, why = check_filter(flow.entity, node.when)
    if not key then key, why = check_branches(flow, node, index) end
    if not key and not node.branches then key, why = check_approvers(ctx, db, node) end
    if key then return key, why or node.name or node.id end
  end
  if is_endless(nodes, index, 1, {}) then return "@nodes_endless" end
end

local function has_field(entity, name)
  if name:sub(1, 2) == "x_" then return true end
  for _, field in ipairs(entity.fields) do
    if field.name == name then return true end
  end
  return false
end

-- --- handlers ---

local SHAPE = {
  "entity", "nodes", "no_approver", "fallback", "own", "repeated", "guarded", "match",
}

local function is_reshaped(ev)
  for _, field in ipairs(SHAPE) do
    if ev.changed(field) then return true end
  end
  return false
end

function flows.number(ev)
  if not ev.old then
    ev.record.version_no = 1
  elseif is_reshaped(ev) then
    ev.record.version_no = (ev.old.version_no or 0) + 1
  end
end

-- A flow that could stall is refused when it is saved.
function flows.check(ev, ctx)
  local flow, db = ev.record, ctx.db:as_system()
  local begins = flow.active and ev.changed("active")
  if ev.old and not begins and not is_reshaped(ev) then return end
  local known, entity = pcall(crm.entity, flow.entity)
  if not known then return ev:fail("entity", "@entity_unknown", { entity = flow.entity }) end
  local key, why = check_nodes(ctx, flow, db)
  if key then ev:fail("nodes", key, { why = tostring(why or "") }) end
  if flow.match then
    key, why = check_filter(flow.entity, flow.match)
    if key then ev:fail("match", key, { why = tostring(why) }) end
  end
  if flow.no_approver == "fallback" and flow.fallback then
    key, why = check_user(ctx, db, flow.fallback)
    if key then ev:fail("fallback", key, { why = tostring(why or "") }) end
  end
  for _, name in ipairs(flow.guarded or {}) do
    if not has_field(entity, name) then ev:fail("guarded", "@field_unknown", { field = name }) end
  end
end

-- A running approval goes by the version that it began with.
function flows.keep(ev, ctx)
  local flow, db = ev.record, ctx.db:as_system()
  if ev.old and ev.old.version_no == flow.version_no then return end
  assert(db.approval_version:insert {
    flow = flow.id, version_no = flow.version_no, nodes = flow.nodes,
    settings = crm.data(flow), label = string.format("%s v%d", flow.name, flow.version_no),
  })
end

function flows.version(db, flow)
  return db.approval_version:find {
    where = { flow = flow.id, version_no = flow.version_no }, limit = 1,
  }[1]
end

-- --- choosing ---

-- The flows of an entity that are there for this, in their order.
function flows.of(db, entity, trigger, purpose)
  return db.approval_flow:find {
    where = { entity = entity, active = true, trigger = trigger, purpose = purpose or crm.null },
    order = "order", limit = 50,
  }
end

function flows.choose(db, record, entity, trigger, purpose)
  for _, flow in ipairs(flows.of(db, entity, trigger, purpose)) do
    if crm.matches(record, flow.match or {}) then return flow end
  end
end

-- Any trigger but those that the guard looks after is handed in by hand.
function flows.choose_any(db, record, entity, purpose)
  for _, trigger in ipairs { "submit", "create", "update", "transition", "delete" } do
    local flow = flows.choose(db, record, entity, trigger, purpose)
    if flow then return flow end
  end
end

-- The service approval.needed: { entity, record, purpose } -> is there a flow for it?
function flows.needed(argument, ctx)
  local db = ctx.db:as_system()
  return flows.choose_any(db, argument.record, argument.entity, argument.purpose) ~= nil
end

-- --- the way through ---

-- Which nodes a record passes, decided once: { id, name, mode, approvers, comment, cc }.
function flows.path(nodes, record)
  local index, path, at = {}, {}, 1
  for i, node in ipairs(nodes) do index[node.id] = i end
  while at do
    local node, to = nodes[at], nil
    for _, branch in ipairs(node.branches or {}) do
      if not to and crm.matches(record, branch.when or {}) then to = branch.to end
    end
    if not node.branches and (not node.when or crm.matches(record, node.when)) then
      path[#path + 1] = {
        id = node.id, name = node.name or node.id, mode = node.mode or "all",
        approvers = node.approvers, comment_required = node.comment_required or false,
        cc = node.cc or {},
      }
    end
    local following = nodes[at + 1]
    to = to or node.next or (following and following.id) or "end"
    at = index[to]
  end
  return path
end

return flows
