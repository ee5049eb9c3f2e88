-- stages - pipelines and their stages: which one a deal begins in, and which one it maps to.
-- SPDX-License-Identifier: MIT
local stages = {}

local MOST = 50 -- stages of one pipeline

local CLOSED = { won = true, lost = true, invalid = true }

-- Is a deal of this kind over? What is invalid was none: it is neither won nor lost.
function stages.is_closed(kind) return CLOSED[kind] or false end

function stages.get(ctx, id) return id and ctx.db:as_system().stage:get(id) end

-- Active stages of a pipeline in their order.
function stages.of(db, pipeline)
  return db.stage:find {
    where = { pipeline = pipeline, active = { ne = false } }, order = "order,id", limit = MOST,
  }
end

local OWN = { { entity = "opportunity" }, { entity = crm.null } }

-- Is it a pipeline of deals that is in use? Other plugins may have their own.
function stages.is_ours(pipeline)
  return pipeline ~= nil and pipeline.active ~= false
    and (pipeline.entity == nil or pipeline.entity == "opportunity")
end

-- One that names teams is for those alone; whoever is in no team may use all.
function stages.is_for(pipeline, team)
  if not team then return true end
  local any = false
  for _, one in ipairs(pipeline.teams or {}) do
    if one == team then return true end
    any = true
  end
  return not any
end

-- Where a deal begins: the pipeline of the team, else the company's.
function stages.default_pipeline(db, team)
  local where = { active = { ne = false }, ["or"] = OWN }
  if team then
    where.teams = { has = team }
    local own = db.pipeline:find { where = where, order = "-is_default,id", limit = 1 }[1]
    if own then return own end
  end
  where.teams, where.is_default = nil, true
  return db.pipeline:find { where = where, order = "id", limit = 1 }[1]
end

-- The first stage of a kind, or nil.
function stages.first(db, pipeline, kind)
  for _, stage in ipairs(stages.of(db, pipeline)) do
    if stage.kind == kind then return stage end
  end
  return nil
end

-- Where a deal of another pipeline's stage goes: a stage of the same kind, as far along as it was.
function stages.map(db, pipeline, stage)
  local best
  for _, other in ipairs(stages.of(db, pipeline)) do
    if other.kind == stage.kind and (not best or other.order <= stage.order) then best = other end
  end
  return best
end

local STANDARD = {
  { "s1", "open", 10 }, { "s2", "open", 30 }, { "s3", "open", 60 }, { "s4", "open", 80 },
  { "won", "won", 100 }, { "lost", "lost", 0 },
  { "invalid", "invalid", 0 },
}

-- The first deal of a company that has set up nothing makes the standard pipeline.
function stages.begin(ev, ctx)
  local db = ctx.db:as_system()
  local pipeline, first = stages.default_pipeline(db, ev.record.team), nil
  if not pipeline then
    pipeline = assert(db.pipeline:insert { name = ctx.t("@default.name"), is_default = true })
    for index, spec in ipairs(STANDARD) do
      local stage = assert(db.stage:insert {
        name = ctx.t("@default." .. spec[1]), pipeline = pipeline.id, order = index * 10,
        kind = spec[2], probability = spec[3], allow_rollback = spec[2] == "open",
      })
      first = first or stage
    end
  end
  first = first or stages.first(db, pipeline.id, "open")
  if not first then return ev:fail("stage", "@no_stage") end
  assert(db.opportunity:update(ev.record.id, { pipeline = pipeline.id, stage = first.id }))
end

return stages
