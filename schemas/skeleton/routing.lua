-- routing - who gets a lead, and what has to happen first.
-- SPDX-License-Identifier: MIT
local routing = {}

-- Everybody who sells is looked at, whoever asks: so the rights are the system's, and the manifest
-- says for which records.
function routing.assign(ev, ctx)
  local db = ctx.db:as_system()
  local best, fewest = nil, ctx.config.max_open
  for user in db.user:each { where = { active = true, roles = { has = "sales" } } } do
    local own = { owner = user.id, x_level = "A", converted_at = crm.null }
    local open = db.lead:count { where = own }
    if open < fewest then best, fewest = user.id, open end
  end
  ev.record.owner = best -- nil: the lead stays with nobody
end

function routing.first_call(ev, ctx)
  assert(ctx.db:as_system().task:insert {
    subject = ctx.t("@call_first"),
    type = "call",
    about = { entity = "lead", id = ev.record.id },
    owner = ev.record.owner,
    due_at = ctx.now():add { hours = 4 },
  })
end

return routing
