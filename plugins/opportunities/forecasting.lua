-- forecasting - how likely a deal is, and what it counts for.
-- SPDX-License-Identifier: MIT
local forecasting = {}

-- What the stage says. A company puts its own in place: crm.wrap("opportunity.probability", …).
-- asked: stage (a record), opportunity (a record). Answers value (0 to 100) and reasons.
function forecasting.probability(asked, ctx)
  local stage = asked.stage
  return {
    value = stage.probability or 0, reasons = { ctx.t("@reason.stage", { stage = stage.name }) },
  }
end

-- asked: kind, probability. Answers one of pipeline, best_case, commit, closed, omitted.
function forecasting.category(asked, ctx)
  if asked.kind == "won" then return { category = "closed" } end
  if asked.kind ~= "open" then return { category = "omitted" } end
  if asked.probability >= ctx.config.commit_from then return { category = "commit" } end
  if asked.probability >= ctx.config.best_from then return { category = "best_case" } end
  return { category = "pipeline" }
end

local FIXED = { won = 100, lost = 0, invalid = 0 }

-- Probability, weighted amount and category of a deal that is being saved. What was worked out and
-- what a person wrote are both kept; the person's counts.
function forecasting.fill(ctx, deal, stage)
  local found = ctx.call("opportunity.probability", { stage = stage, opportunity = deal })
  local auto = math.max(0, math.min(100, found.value))
  deal.probability_auto, deal.probability_reasons = auto, found.reasons
  deal.probability = FIXED[stage.kind] or deal.probability_manual or auto
  deal.weighted = deal.amount and deal.amount * crm.decimal(deal.probability):div(100, 2)
  deal.forecast = ctx.call("forecast.category", {
    kind = stage.kind, probability = deal.probability,
  }).category
end

return forecasting
